"""One host writes a board's file: the locks that keep writers apart hold on one kernel only.

The board's row names the host that wrote last and when (``writer_host``, ``writer_seen_at``). A
writer looks at it every ``LOOK_SECONDS`` at most, inside its transaction.
"""

from __future__ import annotations

import math
import sqlite3
from typing import Final

from hermes_kanban.machine import Machine, machine
from hermes_kanban.model.errors import KanbanError
from hermes_kanban.ports import Clock

LOOK_SECONDS: Final = 20.0
FOREIGN_SECONDS: Final = 60


class WriterHost:
    """What one connection knows of it."""

    def __init__(self) -> None:
        self._look_at = -math.inf

    def sign(self, conn: sqlite3.Connection, clock: Clock) -> None:
        """Sign the board as written here, inside the open write transaction.

        Raises KanbanError if another host wrote it within the last ``FOREIGN_SECONDS``. Containers
        of one machine share its kernel and so its locks: they are one host.
        """
        if clock.monotonic() < self._look_at:
            return
        now, here = clock.now(), machine()
        name, seen_at = conn.execute("SELECT writer_host, writer_seen_at FROM boards").fetchone()
        age = math.inf if seen_at is None else abs(now - seen_at)
        if name is not None and age < FOREIGN_SECONDS and not _is_here(name, here):
            raise KanbanError(
                f"another host ({name}) wrote this board {age:.0f} s ago; one host writes a SQLite "
                f"board: end what runs there and try again after {FOREIGN_SECONDS} s, or set "
                "kanban.database to a PostgreSQL address (postgresql://…) to share the board"
            )
        own = f"{here.host}/{here.boot}"
        if name != own or age >= LOOK_SECONDS:
            conn.execute(
                "UPDATE boards SET writer_host = :host, writer_seen_at = :now",
                {"host": own, "now": now},
            )
        self._look_at = clock.monotonic() + LOOK_SECONDS


def _is_here(name: str, here: Machine) -> bool:
    """The same kernel, or the same machine after a new start."""
    host, _, boot = name.partition("/")
    return boot == here.boot or host == here.host
