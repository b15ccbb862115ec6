"""A write transaction on PostgreSQL as a flow: statements go out as they are asked, answers are
waited for when somebody wants one.

So a verb costs a round trip for each answer it waits for and one for its commit, however many
statements it has; the BEGIN, the writer lock and the schema's version travel with its first read.
Until its first answer a flow has shown nothing to anybody, and may begin again on a new connection.
See https://www.postgresql.org/docs/current/libpq-pipeline-mode.html.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from hermes_kanban.store.protocol import Given


class Flow:
    """The statements of one transaction on one session, in pipeline mode until ``end``."""

    def __init__(self, session: psycopg.Connection[Any]) -> None:
        self.session = session
        self._context = session.pipeline()
        self._pipeline = self._context.__enter__()
        self._waiting = False

    def send(self, text: bytes, parameters: Given = ()) -> psycopg.Cursor[Any]:
        """Ask a statement; its cursor has the answer after ``settle``."""
        self._waiting = True
        try:
            return self.session.cursor().execute(text, parameters)
        except psycopg.Error:
            # Of an earlier statement, perhaps: what was sent after it must be waited for too.
            with contextlib.suppress(psycopg.Error):
                self.settle()
            raise

    def settle(self) -> None:
        """Wait for every answer that is owed. Raises the first error among them."""
        if self._waiting:
            self._waiting = False
            self._pipeline.sync()

    def end(self) -> None:
        """Leave pipeline mode, having waited as ``settle`` does."""
        self._context.__exit__(None, None, None)

    def drop(self) -> None:
        """Leave pipeline mode, whatever is still owed or has failed."""
        with contextlib.suppress(psycopg.Error):
            self.end()


class Answer:
    """What a statement of a flow gives, as a cursor: to read from it is to wait for it.

    ``cursor`` is another one after the flow has begun again.
    """

    __slots__ = ("_settle", "cursor", "parameters", "text")

    def __init__(
        self,
        settle: Callable[[], None],
        cursor: psycopg.Cursor[Any],
        text: bytes,
        parameters: Given,
    ) -> None:
        self._settle = settle
        self.cursor = cursor
        self.text = text
        self.parameters = parameters

    def _settled(self) -> psycopg.Cursor[Any]:
        self._settle()
        return self.cursor

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed."""
        return self._settled().rowcount

    def fetchone(self) -> Any:
        """The next row, or None."""
        return self._settled().fetchone()

    def fetchall(self) -> list[Any]:
        """Every row that is left."""
        return self._settled().fetchall()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._settled())
