"""A process that runs the notifier of the default board until it is killed.

``KILL_AT`` is the point at which it kills itself (see ``tests.support.dying``). ``ROOM`` is a file
that stands for a chat: a line for each message and for each edit.
"""

from __future__ import annotations

import os
import sys
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
from tests.support.dying import Killing, points

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
POINTS: Final = points([*STEPS, "send", "close"])


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


def main() -> None:
    """Run until killed."""
    logs.configure(LoggingSettings(format="json"), sys.stderr, strict=True)
    anyio.run(_run)


async def _run() -> None:
    killing = Killing(os.environ.get("KILL_AT", ""))
    killing.surround(STEPS)
    room: senders.Senders = {}
    if file := os.environ.get("ROOM"):
        room = {"matrix": Room(file, killing)}
    pulse = Pulse(board_paths())
    async with anyio.create_task_group() as group:
        group.start_soon(pulse.run)
        notifier = BoardNotifier(None, LiveConfig(home()), pulse, logs.get_logger(), room)
        group.start_soon(notifier.serve)
