"""A process that runs the notifier of the default board until it is killed.

``KILL_AT`` is ``step:number``: it kills itself, as by kill -9, right before or after that step of a
delivery the so manieth time. ``ROOM`` is a file that stands for a chat: a line for each message and
for each edit.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any, Final

import anyio
import msgspec

from gateway import senders
from gateway.notifier import BoardNotifier
from gateway.wakeup import Pulse
from hermes_kanban import logs, notify
from hermes_kanban.config import LiveConfig
from hermes_kanban.config.settings import LoggingSettings
from hermes_kanban.kernel import closings, outbox, waking
from hermes_kanban.notify.message import Message, Outcome
from hermes_kanban.paths import board_paths, home

# Each step of a delivery: where it is, and its name there.
STEPS: Final[dict[str, tuple[Any, str]]] = {
    "advance": (outbox, "advance_cursors"),
    "owe": (outbox, "owe"),
    "wake": (waking, "wake_due"),
    "make": (waking, "create_task"),
    "wake-mark": (waking, "_write_down"),
    "survey": (outbox, "survey_outbox"),
    "collect": (outbox, "collect"),
    "next": (outbox, "next_outgoing"),
    "mark": (outbox, "mark"),
    "to-close": (closings, "to_close"),
    "close-mark": (closings, "mark_closed"),
}
OF_THE_ROOM: Final = ("send", "close")
POINTS: Final = tuple(
    f"{side}-{step}" for step in (*STEPS, *OF_THE_ROOM) for side in ("before", "after")
)


class Killing:
    """Counts down to the point at which this process dies."""

    def __init__(self, wanted: str) -> None:
        self.point, _, left = wanted.partition(":")
        self.left = int(left or 0)

    def reach(self, point: str) -> None:
        if point == self.point:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(self, step: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def killed(*args: Any, **keys: Any) -> Any:
            self.reach(f"before-{step}")
            answer = call(*args, **keys)
            self.reach(f"after-{step}")
            return answer

        return killed


class Room:
    """A chat that is a file; what is in it survives whoever wrote it."""

    def __init__(self, file: str, killing: Killing) -> None:
        self._file = file
        self._killing = killing

    def _write(self, step: str, line: dict[str, Any]) -> None:
        self._killing.reach(f"before-{step}")
        with open(self._file, "ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")
        self._killing.reach(f"after-{step}")

    async def send(self, _address: str, message: Message) -> Outcome:
        self._write("send", msgspec.to_builtins(message))
        return notify.delivered(message.dedup_key)

    async def close(self, _address: str, receipt: str, text: str) -> None:
        self._write("close", {"closed": receipt, "text": text})


async def run() -> None:
    killing = Killing(os.environ.get("KILL_AT", ""))
    for step, (module, name) in STEPS.items():
        setattr(module, name, killing.around(step, getattr(module, name)))
    room: senders.Senders = {}
    if file := os.environ.get("ROOM"):
        room = {"matrix": Room(file, killing)}
    pulse = Pulse(board_paths())
    async with anyio.create_task_group() as group:
        group.start_soon(pulse.run)
        notifier = BoardNotifier(None, LiveConfig(home()), pulse, logs.get_logger(), room)
        group.start_soon(notifier.serve)


if __name__ == "__main__":
    logs.configure(LoggingSettings(format="json"), sys.stderr, strict=True)
    anyio.run(run)
