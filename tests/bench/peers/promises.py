"""What each side holds to, shown by doing it: syncs counted, workers killed and overtaken."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from tests.bench.peers.process import Player, Process
from tests.bench.peers.side import kind_of
from tests.support.counting import Calls

FEW, MORE = 5, 25  # what a start costs drops out of the difference
TASKS: Final = 3
Counter = Callable[[list[str]], Calls]
"""Runs a program and counts what it asks for in its window."""


class Count(NamedTuple):
    """Per task."""

    syncs: float
    writes: float


class Promises(NamedTuple):
    """What was seen of one side."""

    put: Count | None
    done: Count | None
    after_kill: str
    overtaken: str
    kept: str


def promises(player: Player, counter: Counter | None) -> Promises:
    """Try one side, at some seconds. Raises Failed if it does not do its work."""
    with tempfile.TemporaryDirectory(prefix="hk-peers-") as name:
        folder = Path(name)
        return Promises(
            _count(player, counter, folder, "fill") if counter else None,
            _count(player, counter, folder, "drain") if counter else None,
            _after_kill(player, _fresh(folder / "killed")),
            _overtaken(player, _fresh(folder / "overtaken")),
            player.run(_fresh(folder / "kept"), "kept")["kept"],
        )


def _fresh(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _count(player: Player, counter: Counter, parent: Path, work: str) -> Count:
    """Syncs and write calls of one put, or of one claim with its completion."""

    def calls(count: int) -> Calls:
        folder = _fresh(parent / f"{work}-{count}")
        if work == "drain":
            player.run(folder, "fill", count)
        return counter(player.command(folder, f"count-{work}", count))

    few, more = calls(FEW), calls(MORE)
    return Count((more.syncs - few.syncs) / (MORE - FEW), (more.writes - few.writes) / (MORE - FEW))


def _after_kill(player: Player, folder: Path) -> str:
    """Kill a worker in the midst of a task and start another: does it get that task?"""
    player.run(folder, "fill", TASKS)
    with Process(player.command(folder, "hold")) as worker:
        held = worker.hear()["held"]
        worker.kill()
    return _handed_out_again(player, folder, held) or "not handed out again"


def _handed_out_again(player: Player, folder: Path, held: int) -> str | None:
    if held in player.run(folder, "again")["done"]:
        return "handed out again at the next start"
    if held in player.run(folder, "recover")["done"]:
        return f"handed out again by {kind_of(player.name).call}"
    return None


def _overtaken(player: Player, folder: Path) -> str:
    """A second process that does what follows a kill, while the first still works: who counts?"""
    player.run(folder, "fill", TASKS)
    with Process(player.command(folder, "hold")) as worker:
        held = worker.hear()["held"]
        again = _handed_out_again(player, folder, held)
        worker.tell()
        accepted = worker.hear()["accepted"]
    if again is None:
        return "not handed out twice"
    return "accepted too: done twice" if accepted else "refused"
