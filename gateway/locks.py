"""Roles of which one process at a time is in charge: whoever holds the lock.

With SQLite that is a file's. With PostgreSQL it is that and an advisory lock of a session, which
other homes and other hosts see: one dispatcher a board and host, one notifier a board, one listener
a chat. It goes with its session, so it is asked for again at every look.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import anyio
import anyio.to_thread

from hermes_kanban.config import Server
from hermes_kanban.model.errors import KanbanError
from hermes_kanban.paths import BoardPaths
from hermes_kanban.store.opening import server_of
from hermes_kanban.store.role_lock import RoleLock

if TYPE_CHECKING:
    import psycopg

Role = Literal["dispatcher", "notifier"]

SILENT_SECONDS: Final = 30
"""A holder whose session said nothing for so long stands still; another may displace it."""
KEEP_SECONDS: Final = 5.0
"""How often a holder that can be displaced speaks at least."""


class RoleLost(KanbanError):
    """The session that held the role ended, and another took it."""


def role_lock(paths: BoardPaths, role: Role) -> RoleLock | SharedRoleLock:
    """The lock of that role on a board, not taken yet."""
    from hermes_kanban.machine import machine

    file = RoleLock(paths.dispatcher_lock if role == "dispatcher" else paths.notifier_lock)
    server = server_of(paths)
    if not server:
        return file
    from hermes_kanban.store.pgnames import schema_of

    schema = schema_of(paths.slug)
    if role == "dispatcher":
        return SharedRoleLock(file, server, role, f"dispatcher {schema} {machine().host}")
    return SharedRoleLock(file, server, role, f"notifier {schema}", displaces=True)


def chat_lock(file: Path, server: Server, platform: str, account: str) -> RoleLock | SharedRoleLock:
    """The lock of whoever listens in the chats of an account, which ``account`` tells apart."""
    own = RoleLock(file)
    if not server:
        return own
    return SharedRoleLock(own, server, "chat", f"chat {platform} {account}", displaces=True)


async def let_go(
    lock: RoleLock | SharedRoleLock,
    in_thread: Callable[[Callable[[], None]], Awaitable[None]] = anyio.to_thread.run_sync,
) -> None:
    """Release a lock, whatever else goes wrong: kept by mistake, it would let nobody take over."""
    with anyio.CancelScope(shield=True):
        try:
            await in_thread(lock.release)
        except RuntimeError:  # no thread is to be had
            lock.release()


class SharedRoleLock:
    """A file's lock and an advisory lock of PostgreSQL; may be used from several threads.

    ``displaces`` says that a holder which stands still is displaced. ``turn`` counts how often it
    was taken: between two turns another may have had it.
    """

    def __init__(
        self, file: RoleLock, server: Server, role: str, key: str, *, displaces: bool = False
    ) -> None:
        from hermes_kanban.store.pgnames import lock_key

        self.turn = 0
        self._file = file
        self._server = server
        self._name = f"hermes-kanban {os.getpid()} {role}"
        self._key = lock_key(key)
        self._displaces = displaces
        self._guard = threading.Lock()
        self._session: psycopg.Connection[Any] | None = None
        self._held = False
        self._given_up = False
        self._other = ""

    def try_take(self) -> bool:
        """Take both without waiting, or see that they are still held; True if they are ours."""
        with self._guard:
            if self._given_up:
                return False
            return self._file.try_take() and (self._still_held() or self._take())

    def holder(self) -> str:
        """The pid of whoever has the lock, as far as the server or the file says."""
        return self._other or self._file.holder()

    def release(self) -> None:
        """Let another take over."""
        with self._guard:
            self._end_session()
            self._file.release()

    def give_up(self) -> None:
        """Release it, and take it no more."""
        self._given_up = True
        self.release()

    def _still_held(self) -> bool:
        import psycopg

        from hermes_kanban.store import pgholder

        if self._session is None or not self._held:
            return False
        try:
            pgholder.speak(self._session)
        except psycopg.Error:
            self._end_session()
            return False
        return True

    def _take(self) -> bool:
        import psycopg

        from hermes_kanban.store import pgerrors, pgholder, pgsession

        opens = self._session is None
        if self._session is None:
            self._session = pgsession.open_session(self._server, self._name)
        try:
            if opens and self._displaces:
                pgholder.end_once_silent(self._session, SILENT_SECONDS)
            self._held = pgholder.try_take(self._session, self._key)
            self._other = (
                "" if self._held else self._other or pgholder.pid(self._session, self._key)
            )
            if not self._held and self._displaces:
                pgholder.displace(self._session, self._key, SILENT_SECONDS)
        except psycopg.Error as error:
            self._end_session()
            raise pgerrors.translated(error, "the role's session") from error
        self.turn += self._held
        return self._held

    def _end_session(self) -> None:
        session, self._session = self._session, None
        self._held = False
        if session is not None:
            session.close()
