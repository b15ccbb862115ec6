"""The boards that a server reaches: which there are, their connections, and that one changed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Final, Protocol

from hermes_kanban import kernel as kb
from hermes_kanban.config import Config
from hermes_kanban.ports import Skills

IDLE_CONNECTIONS: Final = 4
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


class Connections:
    """Connections to boards, each used by one thread at a time and kept for the next.

    ``config`` is the configuration in force, which every call gets.
    """

    def __init__(
        self, boards: Boards, config: Callable[[], Config], skills: Skills | None = None
    ) -> None:
        self._boards = boards
        self._config = config
        self._skills = skills
        self._idle: dict[str, list[tuple[int, kb.BoardConnection]]] = {}
        self._guard = threading.Lock()
        self._closed = False

    @contextmanager
    def use(self, slug: str) -> Iterator[kb.BoardConnection]:
        """A connection to the board. Raises NotFound for a board that is not served, and what
        ``connect`` raises."""
        names = self._boards.names()
        if slug not in names:
            raise kb.NotFound("board", slug, f"there is {', '.join(sorted(names)) or 'none'}")
        inode, conn = self._take(slug) or self._open(names[slug])
        conn.config = self._config()
        conn.skills = self._skills
        try:
            yield conn
        except BaseException as error:
            # What the board says on purpose leaves the connection as good as it was.
            if isinstance(error, kb.KanbanError) and not isinstance(error, conn.Error):
                self._give_back(slug, inode, conn)
            else:
                conn.close()
            raise
        self._give_back(slug, inode, conn)

    def _take(self, slug: str) -> tuple[int, kb.BoardConnection] | None:
        while True:
            with self._guard:
                kept = self._idle.get(slug)
                found = kept.pop() if kept else None
            if found is None:
                return None
            inode, conn = found
            if _inode(conn) == inode:
                return found
            conn.close()

    def _open(self, board: str | None) -> tuple[int, kb.BoardConnection]:
        conn = kb.connect(
            board, wait_seconds=WRITE_SECONDS, same_thread=False, config=self._config()
        )
        return _inode(conn), conn

    def _give_back(self, slug: str, inode: int, conn: kb.BoardConnection) -> None:
        if not conn.in_transaction:
            with self._guard:
                kept = self._idle.setdefault(slug, [])
                if not self._closed and len(kept) < IDLE_CONNECTIONS:
                    kept.append((inode, conn))
                    return
        conn.close()

    def close(self) -> None:
        """Close what is idle, and from now on whatever comes back."""
        with self._guard:
            self._closed = True
            kept = [conn for some in self._idle.values() for _, conn in some]
            self._idle.clear()
        for conn in kept:
            conn.close()


def _inode(conn: kb.BoardConnection) -> int:
    """Tells a board's file from another that took its place; 0 where it lies on a server."""
    try:
        return os.stat(conn.paths.database).st_ino
    except FileNotFoundError:
        return 0
