"""Where a watcher hears that the board changed: SQLite's change counter, PostgreSQL's NOTIFY.

Both are read on a connection of the watcher's own and only say "look".
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import aiosqlite
import anyio

from hermes_kanban.config import Server
from hermes_kanban.kernel.reads import NEWEST_EVENT
from hermes_kanban.model.errors import KanbanError
from hermes_kanban.paths import BoardPaths
from hermes_kanban.store.opening import server_of
from hermes_kanban.store.pgnames import BOARDS_CHANNEL, schema_of

if TYPE_CHECKING:
    import psycopg

POLL_SECONDS: Final = 0.25
# Who writes by other means than ours does not notify; a look by key is cheap.
LOOK_ANYWAY_SECONDS: Final = 1.0
# An answer that takes longer is not waited for; the line is opened anew.
ANSWER_SECONDS: Final = 10.0
# The longest pause before a server is tried again: what waits there shall be seen at once.
RECONNECT_SECONDS: Final = 1.0


class BoardGone(KanbanError):
    """The board that is followed is not there any more, or another is in its place."""


class Source(Protocol):
    """One board, as far as a watcher follows it."""

    async def changed(self) -> bool:
        """Wait a moment at most, a quarter of a second say; True if there may be newer events.

        Raises BoardGone.
        """

    async def newest(self) -> int:
        """The id of the newest event, 0 on a new board. Raises BoardGone."""


def source_of(
    paths: BoardPaths,
    poll_seconds: float = POLL_SECONDS,
    board_made: Callable[[], None] | None = None,
) -> AbstractAsyncContextManager[Source]:
    """The source of a board, open as long as its context; a file is looked at that often.

    ``board_made`` is called when the board's server tells that another was made on it.
    """
    server = server_of(paths)
    return _listening(server, paths, board_made) if server else _file(paths, poll_seconds)


class _ChangeCounter:
    """``PRAGMA data_version`` moves at every commit of another connection."""

    def __init__(self, conn: aiosqlite.Connection, file: Path, poll_seconds: float) -> None:
        self._conn = conn
        self._file = file
        self._inode = _inode(file)
        self._poll_seconds = poll_seconds
        self._version = -1

    async def changed(self) -> bool:
        await anyio.sleep(self._poll_seconds)
        if _inode(self._file) != self._inode:
            raise BoardGone(f"{self._file} was taken away or replaced")
        before, self._version = self._version, await self._number("PRAGMA data_version")
        return self._version != before

    async def newest(self) -> int:
        return await self._number(NEWEST_EVENT)

    async def _number(self, sql: str) -> int:
        async with self._conn.execute(sql) as cursor:
            row = await cursor.fetchone()
        return int(row[0] or 0) if row is not None else 0


@asynccontextmanager
async def _file(paths: BoardPaths, poll_seconds: float) -> AsyncIterator[Source]:
    uri = f"{paths.database.as_uri()}?mode=rw"
    # Cancelled half-way, connecting would leave its thread behind.
    with anyio.CancelScope(shield=True):
        conn = await aiosqlite.connect(uri, uri=True, isolation_level=None, timeout=1.0)
    try:
        yield _ChangeCounter(conn, paths.database, poll_seconds)
    finally:
        # Its thread must have ended before the event loop does.
        with anyio.CancelScope(shield=True):
            await conn.close()


def _inode(file: Path) -> int | None:
    try:
        return file.stat().st_ino
    except OSError:
        return None


class _Notifications:
    """LISTEN on the board's channel; a connection that broke is opened again, and then looked."""

    def __init__(self, server: Server, schema: str, board_made: Callable[[], None] | None) -> None:
        import psycopg

        from hermes_kanban.store import pgsession

        self._driver = psycopg
        self._sessions = pgsession
        self._server = server
        self._schema = schema
        self._board_made = board_made
        self._conn: psycopg.AsyncConnection[Any] | None = None
        self._pauses = pgsession.Pauses(RECONNECT_SECONDS)
        self._newest = 0
        self._look_at = 0.0

    async def changed(self) -> bool:
        try:
            if self._conn is None or self._conn.closed:
                self._conn = await self._connected()
                return True
            heard = [one async for one in self._conn.notifies(timeout=POLL_SECONDS, stop_after=1)]
        except (self._driver.Error, KanbanError):
            await self._drop()
            await anyio.sleep(self._pauses.next())
            return False
        if self._board_made is not None and any(one.channel == BOARDS_CHANNEL for one in heard):
            self._board_made()
        return bool(heard) or anyio.current_time() >= self._look_at

    async def newest(self) -> int:
        """What was known before, while the server does not answer."""
        if self._conn is None:
            return self._newest
        conn = self._conn
        try:
            with _not_for_ever(conn):
                cursor = await conn.execute(NEWEST_EVENT)
                row = await cursor.fetchone()
        except (self._driver.errors.UndefinedTable, self._driver.errors.InvalidSchemaName):
            raise BoardGone("its tables are not there any more") from None
        except self._driver.Error:
            await self._drop()
            return self._newest
        self._look_at = anyio.current_time() + LOOK_ANYWAY_SECONDS
        self._newest = int(row[0] or 0) if row is not None else 0
        return self._newest

    async def _connected(self) -> psycopg.AsyncConnection[Any]:
        name = f"hermes-kanban {os.getpid()} watcher"
        told = self._sessions.parameters(self._server, name)
        conn = await self._driver.AsyncConnection.connect("", autocommit=True, **told)
        listen = f'SET search_path = "{self._schema}"; LISTEN "{self._schema}"'
        if self._board_made is not None:
            listen += f"; LISTEN {BOARDS_CHANNEL}"
        try:
            with _not_for_ever(conn):
                await conn.execute(f"{self._sessions.settings_text(conn)}{listen}".encode())
        except BaseException:
            with anyio.CancelScope(shield=True):
                await conn.close()
            raise
        self._pauses = self._sessions.Pauses(RECONNECT_SECONDS)
        return conn

    async def _drop(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            await conn.close()


@contextlib.contextmanager
def _not_for_ever(conn: psycopg.AsyncConnection[Any]) -> Iterator[None]:
    """Hang up where no answer comes: a line on which nothing comes any more may never say so."""
    giving_up = asyncio.get_running_loop().call_later(ANSWER_SECONDS, _hang_up, conn)
    try:
        yield
    finally:
        giving_up.cancel()


def _hang_up(conn: psycopg.AsyncConnection[Any]) -> None:
    """Let whoever waits on the connection meet its end."""
    if not conn.closed:
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(conn.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)


@asynccontextmanager
async def _listening(
    server: Server, paths: BoardPaths, board_made: Callable[[], None] | None
) -> AsyncIterator[Source]:
    source = _Notifications(server, schema_of(paths.slug), board_made)
    try:
        yield source
    finally:
        with anyio.CancelScope(shield=True):
            await source._drop()
