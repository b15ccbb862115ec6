"""One dispatcher and one notifier a board and host: whoever holds the lock.

With SQLite that is a file's. With PostgreSQL it is that and an advisory lock of a session, since
two homes of one host may share a database; it goes with its session, so it is asked for again at
every look.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

from hermes_kanban.model.errors import KanbanError
from hermes_kanban.paths import BoardPaths
from hermes_kanban.store.opening import address_of
from hermes_kanban.store.role_lock import RoleLock

if TYPE_CHECKING:
    import psycopg

Role = Literal["dispatcher", "notifier"]


def role_lock(paths: BoardPaths, role: Role) -> RoleLock | SharedRoleLock:
    """The lock of that role on a board, not taken yet."""
    file = RoleLock(paths.dispatcher_lock if role == "dispatcher" else paths.notifier_lock)
    address = address_of(paths)
    return SharedRoleLock(file, address, paths.slug, role) if address else file


class RoleLost(KanbanError):
    """The session that held the role ended, and another took it."""


class SharedRoleLock:
    """A file's lock and an advisory lock of PostgreSQL, the second one per host."""

    def __init__(self, file: RoleLock, address: str, slug: str, role: Role) -> None:
        from hermes_kanban.machine import machine
        from hermes_kanban.store import postgres

        self._file = file
        self._address = address
        self._name = f"hermes-kanban {os.getpid()} {role}"
        self._key = postgres.lock_key(f"{role} {postgres.schema_of(slug)} {machine().host}")
        self._session: psycopg.Connection[Any] | None = None

    def try_take(self) -> bool:
        """Take both without waiting, or see that they are still held; True if they are ours."""
        if not self._file.try_take():
            return False
        return self._session_holds() or self._take()

    def holder(self) -> str:
        """The pid of whoever has the lock, as far as the file says."""
        return self._file.holder()

    def release(self) -> None:
        """Let another take over."""
        self._end_session()
        self._file.release()

    def _session_holds(self) -> bool:
        import psycopg

        if self._session is None:
            return False
        try:
            self._session.execute("SELECT 1")
        except psycopg.Error:
            self._end_session()
            return False
        return True

    def _take(self) -> bool:
        import psycopg

        from hermes_kanban.store import pgerrors, postgres

        session = postgres.open_session(self._address, self._name)
        try:
            ((taken,),) = session.execute(
                "SELECT pg_try_advisory_lock(%s)", (self._key,)
            ).fetchall()
        except psycopg.Error as error:
            session.close()
            raise pgerrors.translated(error, "the role's session") from error
        if not taken:
            session.close()
            return False
        self._session = session
        return True

    def _end_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()
