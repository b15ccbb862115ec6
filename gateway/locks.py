"""One dispatcher and one notifier a board and host: whoever holds the lock.

With SQLite that is a file's. With PostgreSQL it is that and an advisory lock of a session, since
two homes of one host may share a database; it goes with its session, so it is asked for again at
every look.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hermes_kanban.model.errors import KanbanError
from hermes_kanban.paths import BoardPaths
from hermes_kanban.store.opening import address_of

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


class RoleLock:
    """An flock that lasts as long as its holder; the file names the holder's pid."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def try_take(self) -> bool:
        """Take the lock without waiting; True if it is ours now."""
        if self._descriptor >= 0:
            return True
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        # The name is for people; a full disk must not cost the lock.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return True

    def holder(self) -> str:
        """The pid of whoever has the lock, as far as the file says."""
        try:
            return self._path.read_text("ascii").strip() or "unknown"
        except (OSError, ValueError):
            return "unknown"

    def release(self) -> None:
        """Let another take over."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


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
