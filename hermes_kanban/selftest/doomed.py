"""A real gateway that is killed, as by ``kill -9``, at one exact moment of a worker's life.

``python -m hermes_kanban.selftest.doomed MOMENT BOARD``; ``moments.py`` says which there are.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from gateway import sending
from gateway.__main__ import run
from hermes_kanban.selftest.abrupt import die
from hermes_kanban.workers.process import SystemProcesses
from hermes_kanban.workers.spawn import SpawnedSupervisor, Spawner


class Place(NamedTuple):
    """Where the gateway dies: before a call of ``owner.name``, or right after one that did it."""

    owner: type
    name: str
    after: bool = False


PLACES: Final = {
    "claimed": Place(Spawner, "__call__"),
    "started": Place(Spawner, "__call__", True),
    "registered": Place(SpawnedSupervisor, "go"),
    "gone": Place(SpawnedSupervisor, "go", True),
    "seen": Place(SystemProcesses, "exit_record", True),
    "written": Place(SystemProcesses, "settle"),
    "sent": Place(sending.Sending, "_mark"),
}


def lay(place: Place) -> None:
    """Let this process die there."""
    call: Callable[..., Any] = getattr(place.owner, place.name)

    def doomed(*arguments: Any, **named: Any) -> Any:
        if not place.after:
            die()
        found = call(*arguments, **named)
        # An exit that is not there yet is asked for again.
        if found is not None or place.name != "exit_record":
            die()
        return found

    setattr(place.owner, place.name, doomed)


if __name__ == "__main__":
    lay(PLACES[sys.argv[1]])
    sys.exit(run([sys.argv[2]]))
