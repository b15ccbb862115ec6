"""The boards that a server reaches: which there are, their connections, and that one changed."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Final, NamedTuple, Protocol

from hermes_kanban import kernel as kb
from hermes_kanban.config import Config, Server
from hermes_kanban.ports import Skills
from hermes_kanban.store.opening import hang_up_if_broken

OPEN_CONNECTIONS: Final = 8
"""How many requests to one board are served at once; the others wait for one of them."""
IDLE_CONNECTIONS: Final = 4
IDLE_SECONDS: Final = 300.0
WRITE_SECONDS: Final = 5.0
"""How long a write waits for the board's other writers; a page tells its reader then."""


class Changes(Protocol):
    """One board, as far as its newest event."""

    @property
    def newest(self) -> int:
        """The id of the newest event that is known of."""

    async def newer(self, seen: int, seconds: float) -> bool:
        """Wait ``seconds`` at most; True once there are events after ``seen``."""


class Boards(Protocol):
    """The boards that the server serves, as its host knows them."""

    def names(self) -> Mapping[str, str | None]:
        """By slug, the name by which each is opened."""

    def follow(self, slug: str) -> AbstractAsyncContextManager[Changes]:
        """The board's changes, for as long as the context is open; KeyError if it is gone."""

    async def refresh(self) -> None:
        """Look again which boards there are."""


class _Place(NamedTuple):
    """Tells where a board lies, and its file from another that took its place."""

    server: Server
    inode: int


class _Idle(NamedTuple):
    conn: kb.BoardConnection
    place: _Place
    since: float


class Connections:
    """Connections to boards, each used by one thread at a time and kept for the next.

    At most ``OPEN_CONNECTIONS`` a board, of which those that nobody needs are closed after a
    while. One that broke opens itself again before its next request sees it. ``config`` is the
    configuration in force, which every call gets.
    """

    def __init__(
        self, boards: Boards, config: Callable[[], Config], skills: Skills | None = None
    ) -> None:
        self._boards = boards
        self._config = config
        self._skills = skills
        self._idle: dict[str, list[_Idle]] = {}
        self._places: defaultdict[str, threading.Semaphore] = defaultdict(
            lambda: threading.Semaphore(OPEN_CONNECTIONS)
        )
        self._guard = threading.Lock()
        self._closed = False

    @contextmanager
    def use(
        self, slug: str, *, wait_seconds: float = WRITE_SECONDS
    ) -> Iterator[kb.BoardConnection]:
        """A connection to the board, whose writes wait that long for others, as it does itself.

        Raises NotFound for a board that is not served, BoardBusy, and what ``connect`` raises.
        """
        names = self._boards.names()
        if slug not in names:
            raise kb.NotFound("board", slug, f"there is {', '.join(sorted(names)) or 'none'}")
        with self._guard:
            places = self._places[slug]
        if not places.acquire(timeout=wait_seconds):
            raise kb.BoardBusy("other requests to this server", wait_seconds)
        try:
            yield from self._used(slug, names[slug], wait_seconds)
        finally:
            places.release()

    def _used(
        self, slug: str, board: str | None, wait_seconds: float
    ) -> Iterator[kb.BoardConnection]:
        config = self._config()
        conn = self._take(slug, config) or kb.connect(board, same_thread=False, config=config)
        place = _place(conn, config)
        conn.config, conn.skills, conn.wait_seconds = config, self._skills, wait_seconds
        try:
            hang_up_if_broken(conn)
            yield conn
        except BaseException as error:
            # What the board says on purpose leaves the connection as good as it was.
            if isinstance(error, kb.KanbanError) and not isinstance(error, conn.Error):
                self._give_back(slug, place, conn)
            else:
                conn.close()
            raise
        self._give_back(slug, place, conn)

    def _take(self, slug: str, config: Config) -> kb.BoardConnection | None:
        while True:
            with self._guard:
                kept = self._idle.get(slug)
                found = kept.pop() if kept else None
            if found is None:
                return None
            if _place(found.conn, config) == found.place:
                return found.conn
            found.conn.close()

    def _give_back(self, slug: str, place: _Place, conn: kb.BoardConnection) -> None:
        leave = [] if not conn.in_transaction else [conn]
        with self._guard:
            kept = self._idle.setdefault(slug, [])
            if not leave and not self._closed and len(kept) < IDLE_CONNECTIONS:
                kept.append(_Idle(conn, place, time.monotonic()))
            elif not leave:
                leave.append(conn)
            leave += self._unneeded()
        for one in leave:
            one.close()

    def _unneeded(self) -> list[kb.BoardConnection]:
        """Take out what was idle for long, of any board."""
        long_ago = time.monotonic() - IDLE_SECONDS
        found = []
        for slug, kept in self._idle.items():
            found += [one.conn for one in kept if one.since < long_ago]
            self._idle[slug] = [one for one in kept if one.since >= long_ago]
        return found

    def close(self) -> None:
        """Close what is idle, and from now on whatever comes back."""
        with self._guard:
            self._closed = True
            kept = [one.conn for some in self._idle.values() for one in some]
            self._idle.clear()
        for conn in kept:
            conn.close()


def _place(conn: kb.BoardConnection, config: Config) -> _Place:
    try:
        inode = os.stat(conn.paths.database).st_ino
    except OSError:
        inode = 0
    return _Place(config.kanban.server, inode)
