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
from hermes_kanban.surfaces.rest.remembered import Remembered
from hermes_kanban.verbs import Caller, person

READERS: Final = 8
WRITERS: Final = 8

T = TypeVar("T")


class Desk:
    """Performs what was asked; every write is signed by the person whose server this is."""

    def __init__(self, connections: Connections) -> None:
        self.operations = operations()
        self.remembered = Remembered()
        self.actor = f"person:{login()}"
        self._connections = connections
        self._caller: Caller = person(self.actor, remote=True)
        # Writers may wait for the board; readers do not wait behind them.
        self._readers = anyio.CapacityLimiter(READERS)
        self._writers = anyio.CapacityLimiter(WRITERS)

    async def read(
        self, board: str, operation: Operation, request: msgspec.Struct, known: str | None
    ) -> Answer:
        """The answer of a verb that changes nothing."""
        return await self.look(
            board, lambda conn: performing.read(conn, self._caller, operation, request, known)
        )

    async def write(self, board: str, operation: Operation, request: msgspec.Struct) -> Answer:
        """The answer of a verb that changes something."""
        return await self.change(
            board, lambda conn: performing.write(conn, self._caller, operation, request)
        )

    async def bulk(self, board: str, items: list[BulkItem]) -> Answer:
        """The answers of several verbs."""
        return await self.change(
            board, lambda conn: performing.bulk(conn, self._caller, self.operations, items)
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
            call, *arguments, abandon_on_cancel=True, limiter=self._readers
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
