"""Where requests are worked on: in threads, on connections that are kept, for the person here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import anyio
import anyio.to_thread
import msgspec

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.limits import login
from hermes_kanban.surfaces.rest import performing
from hermes_kanban.surfaces.rest.boards import Connections
from hermes_kanban.surfaces.rest.operations import Operation, operations
from hermes_kanban.surfaces.rest.performing import Answer, BulkItem
from hermes_kanban.surfaces.rest.problems import Problem
from hermes_kanban.surfaces.rest.remembered import Remembered
from hermes_kanban.verbs import Caller, person

READERS: Final = 8
WRITERS: Final = 8
SLOW_READERS: Final = 4
# They ask git, or read much of a board.
SLOW_VERBS: Final = frozenset({"workspace", "past", "diff", "trends"})

T = TypeVar("T")


class Desk:
    """Performs what was asked; every write is signed by the person whose server this is.

    ``report`` finds the problem of an error, and logs what was not foreseen.
    """

    def __init__(self, connections: Connections, report: Callable[[Exception], Problem]) -> None:
        self.operations = operations()
        self.remembered = Remembered()
        self.actor = f"person:{login()}"
        self._connections = connections
        self._report = report
        self._caller: Caller = person(self.actor, remote=True)
        # Writers may wait for the board; readers do not wait behind them.
        self._readers = anyio.CapacityLimiter(READERS)
        self._writers = anyio.CapacityLimiter(WRITERS)
        # Nobody waits at the door, or before a quick look, behind what takes seconds.
        self._slow = anyio.CapacityLimiter(SLOW_READERS)
        self._aside = anyio.CapacityLimiter(READERS)

    async def read(
        self, board: str, operation: Operation, request: msgspec.Struct, known: str | None
    ) -> Answer:
        """The answer of a verb that changes nothing."""
        limiter = self._slow if operation.verb.name in SLOW_VERBS else self._readers
        return await self._with_board(
            board,
            lambda conn: performing.read(conn, self._caller, operation, request, known),
            limiter,
        )

    async def write(self, board: str, operation: Operation, request: msgspec.Struct) -> Answer:
        """The answer of a verb that changes something."""
        return await self.change(
            board, lambda conn: performing.write(conn, self._caller, operation, request)
        )

    async def bulk(self, board: str, items: list[BulkItem]) -> Answer:
        """The answers of several verbs."""
        return await self.change(
            board,
            lambda conn: performing.bulk(conn, self._caller, self.operations, items, self._report),
        )

    async def look(self, board: str, call: Callable[[kb.BoardConnection], T]) -> T:
        """``call`` with a connection to the board, in a thread for reading."""
        return await self._with_board(board, call, self._readers)

    async def change(self, board: str, call: Callable[[kb.BoardConnection], T]) -> T:
        """``call`` with a connection to the board, in a thread for writing."""
        return await self._with_board(board, call, self._writers)

    async def aside(self, call: Callable[..., T], *arguments: Any) -> T:
        """``call`` in a thread, without a board."""
        return await anyio.to_thread.run_sync(
            call, *arguments, abandon_on_cancel=True, limiter=self._aside
        )

    async def _with_board(
        self,
        board: str,
        call: Callable[[kb.BoardConnection], T],
        limiter: anyio.CapacityLimiter,
    ) -> T:
        def with_connection() -> T:
            with self._connections.use(board) as conn:
                return call(conn)

        # What has begun goes on when its client leaves, or the server: it is one transaction.
        return await anyio.to_thread.run_sync(
            with_connection, abandon_on_cancel=True, limiter=limiter
        )
