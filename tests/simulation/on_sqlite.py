"""Where the simulation takes hold of a connection to SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Final

from hermes_kanban.store.doorbell import Doorbell
from hermes_kanban.store.writer_host import WriterHost
from hermes_kanban.store.writer_lock import WriterLock
from tests.simulation.crew import Action, Crew, SimulatedLock, is_write

_SQUEEZED: Final = "PRAGMA max_page_count = 1"  # that is, no page more than there are
_UNLIMITED: Final = "PRAGMA max_page_count = 1073741823"
_execute = sqlite3.Connection.execute


class _Silent:
    """A bell that nobody hears, and a host that is the only one."""

    def ring(self) -> None:
        pass

    def sign(self, conn: Any, clock: Any) -> None:
        pass

    def close(self) -> None:
        pass


class OnSqlite:
    """The seam. ``shared`` lets hosts share a file, as they share a database in a server."""

    shared = False

    def take(self, conn: Any, crew: Crew) -> None:
        """From now on the crew's actions pass a point before each statement of this connection."""
        for name, value in list(vars(conn).items()):
            if isinstance(value, WriterLock):
                value.close()
                setattr(conn, name, SimulatedLock(crew, conn))
            elif isinstance(value, (Doorbell, WriterHost)):
                setattr(conn, name, _Silent())
        conn.execute = _hook(conn, crew)

    def prepare(self, conn: Any) -> None:
        """Nothing is synced."""
        conn.shared = self.shared
        conn.execute("PRAGMA synchronous = OFF")

    def squeeze(self, conn: Any, *, full: bool) -> None:
        """The disk has no room for one more page; or has again."""
        _execute(conn, _SQUEEZED if full else _UNLIMITED)

    def roll_back(self, conn: Any) -> None:
        """What the operating system does for a process that is gone."""
        if conn.in_transaction:
            _execute(conn, "ROLLBACK")

    def close(self, conn: Any) -> None:
        """Close it, without a word to the crew."""
        sqlite3.Connection.close(conn)


def _hook(conn: Any, crew: Crew) -> Callable[..., Any]:
    def execute(sql: str, parameters: Any = ()) -> Any:
        action: Action | None = conn.action
        if action is None:
            return _execute(conn, sql, parameters)
        action.point()
        crew.statements += 1
        if is_write(sql) and action.disk_is_full():
            _fill_disk(conn, crew)
        done = _execute(conn, sql, parameters)
        if sql == "COMMIT":
            crew.has_committed(action)
        return done

    return execute


def _fill_disk(conn: Any, crew: Crew) -> None:
    """SQLite rolls back by itself when it meets a full disk, or fails the statement alone."""
    crew.full += 1
    if crew.full % 2 and conn.in_transaction:
        _execute(conn, "ROLLBACK")
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    error.sqlite_errorname = "SQLITE_FULL"
    raise error
