"""A process that runs the notifier of the default board until it is killed."""

from __future__ import annotations

import sys

import anyio

from gateway.notifier import BoardNotifier
from gateway.wakeup import Pulse
from hermes_kanban import logs
from hermes_kanban.config import LiveConfig
from hermes_kanban.config.settings import LoggingSettings
from hermes_kanban.paths import board_paths, home


async def run() -> None:
    pulse = Pulse(board_paths())
    async with anyio.create_task_group() as group:
        group.start_soon(pulse.run)
        group.start_soon(BoardNotifier(None, LiveConfig(home()), pulse, logs.get_logger()).serve)


if __name__ == "__main__":
    logs.configure(LoggingSettings(format="json"), sys.stderr, strict=True)
    anyio.run(run)
