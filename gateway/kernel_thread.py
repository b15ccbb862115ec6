"""Kernel calls of a watcher: in a worker thread, one at a time on the watcher's own connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

import anyio
import anyio.to_thread
from structlog.typing import FilteringBoundLogger

from hermes_kanban import kernel as kb
from hermes_kanban.store.protocol import GATEWAY_WAIT_SECONDS, BoardConnection
from hermes_kanban.workers.skills import InstalledSkills

T = TypeVar("T")

SLOW_SECONDS: Final = 30.0
"""A call that takes longer is told of: a database, a disk or a folder may hang."""


class KernelThread:
    """One board's connection, used from worker threads; a call that began is waited for.

    The connection stays open for the watcher's lifetime: the last one to close deletes the log.
    ``log`` names the watcher; ``on_slow`` is called when a call takes longer than it should.
    """

    on_slow: Callable[[], object] | None = None

    def __init__(self, board: str | None, log: FilteringBoundLogger) -> None:
        self._board = board
        self._log = log
        self._turn = anyio.Lock()
        self._limiter = anyio.CapacityLimiter(1)
        self.conn: BoardConnection

    async def open(self) -> None:
        """Connect. Raises what ``connect`` raises."""
        self.conn = await anyio.to_thread.run_sync(
            lambda: kb.connect(self._board, wait_seconds=GATEWAY_WAIT_SECONDS, same_thread=False)
        )
        self.conn.skills = InstalledSkills()

    async def __call__(self, call: Callable[[BoardConnection], T]) -> T:
        """Run ``call`` with the connection, after those before it; cancelled only once it ends."""
        async with self._turn:
            slow = asyncio.get_running_loop().call_later(SLOW_SECONDS, self._tell)
            try:
                return await anyio.to_thread.run_sync(
                    lambda: call(self.conn), limiter=self._limiter
                )
            finally:
                slow.cancel()

    def _tell(self) -> None:
        self._log.warning("watcher.waits", seconds=SLOW_SECONDS)
        if self.on_slow is not None:
            self.on_slow()

    def close(self) -> None:
        """Close the connection."""
        self.conn.close()
