"""A write transaction on PostgreSQL as a flow: statements go out as they are asked, answers are
waited for when somebody wants one.

So a verb costs a round trip for each answer it waits for and one for its commit, however many
statements it has; the BEGIN, the writer lock and the schema's version travel with its first read.
Until its first answer a flow has shown nothing to anybody, and may begin again on a new connection.

It speaks to libpq, with psycopg's connection and conversions: a cursor for each statement costs
more than the statement (30 µs beside 10), and sends it alone.
See https://www.postgresql.org/docs/current/libpq-pipeline-mode.html.
"""

from __future__ import annotations

import contextlib
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import psycopg
from psycopg import generators, pq, waiting
from psycopg.abc import PQGen
from psycopg.abc import Transformer as Values
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq.abc import PGresult

from hermes_kanban.store import rows
from hermes_kanban.store.dialect import Numbered
from hermes_kanban.store.protocol import Given

PREPARE_AFTER: Final = 3
PREPARED_STATEMENTS: Final = 300
SILENCE_SECONDS: Final = 120.0
"""After so long without a word the server stands still: it ends each statement sooner by itself."""

_DONE: Final = pq.ExecStatus.COMMAND_OK
_FAILED: Final = pq.ExecStatus.FATAL_ERROR
_SYNCED: Final = pq.ExecStatus.PIPELINE_SYNC
_ROWS: Final = pq.ExecStatus.TUPLES_OK
_ROLLBACK: Final = Numbered(b"ROLLBACK")


class Reply:
    """What one statement gives, as a cursor, once the server has answered it."""

    __slots__ = ("_rows", "_statements", "_text", "result")

    def __init__(self, statements: Statements, text: bytes) -> None:
        self._statements = statements
        self._text = text
        self._rows: Iterator[Any] | None = None
        self.result: Any = None

    @property
    def rowcount(self) -> int:
        """How many rows it changed or found; -1 if it is none that does."""
        counted = self.result.command_tuples
        return -1 if counted is None else int(counted)

    @property
    def status(self) -> str:
        """What the server says that it did: ``COMMIT``, say."""
        return (self.result.command_status or b"").decode()

    def fetchone(self) -> Any:
        """The next row, or None."""
        return next(self._left(), None)

    def fetchall(self) -> list[Any]:
        """Every row that is left."""
        return list(self._left())

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._left())

    def _left(self) -> Iterator[Any]:
        if self._rows is None:
            self._rows = iter(self._load())
        return self._rows

    def _load(self) -> list[Any]:
        result = self.result
        if result is None or result.status != _ROWS:
            raise psycopg.ProgrammingError("the statement gives no rows")
        count = result.ntuples
        if not count:
            return []
        values = self._statements.values
        values.set_pgresult(result)
        return values.load_rows(0, count, self._statements.kind_of_row(self._text, result))


class Statements:
    """What a session has prepared for its flows, and how values go in and out of it.

    Where it is ``patient`` the server may take its time, and say nothing for as long.
    """

    def __init__(self, session: psycopg.Connection[Any]) -> None:
        self.session = session
        self.patient = False
        self.values: Values = Transformer(session)
        # How often each came up, or its name once it is prepared; last the one used last.
        self._known: OrderedDict[tuple[bytes, Sequence[int]], int | bytes] = OrderedDict()
        self._unsure: list[tuple[tuple[bytes, Sequence[int]], Reply]] = []
        self._kinds: dict[bytes, type[rows.NamedRow]] = {}
        self._named = 0
        self._parted: Flow | None = None

    def queue(self, text: bytes, parameters: Sequence[Any], reply: Reply) -> list[Reply | None]:
        """Hand a statement to libpq; whose the answers will be, that to a preparation first."""
        pgconn, values = self.session.pgconn, self.values
        given = values.dump_sequence(parameters, [PyFormat.AUTO] * len(parameters))
        types, formats = values.types or (), values.formats
        key = (text, types)
        known = self._known.pop(key, 0)
        if isinstance(known, bytes):
            self._known[key] = known
            pgconn.send_query_prepared(known, given, formats)
            return [reply]
        if known < PREPARE_AFTER:
            self._known[key] = known + 1
            dropped = self._drop_the_oldest()  # first: behind what fails it would not be done
            pgconn.send_query_params(text, given, types, formats)
            return [*dropped, reply]
        self._named += 1
        name = self._known[key] = b"hermes_kanban_%d" % self._named
        prepared = Reply(self, text)
        self._unsure.append((key, prepared))
        pgconn.send_prepare(name, text, types)
        pgconn.send_query_prepared(name, given, formats)
        return [prepared, reply]

    def kind_of_row(self, text: bytes, result: PGresult) -> type[rows.NamedRow]:
        """The rows that a statement gives."""
        kind = self._kinds.get(text)
        if kind is None or kind.width != result.nfields:
            names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
            if len(self._kinds) > PREPARED_STATEMENTS:
                self._kinds.clear()
            kind = self._kinds[text] = rows.class_of(tuple(names))
        return kind

    def _drop_the_oldest(self) -> list[None]:
        if len(self._known) <= PREPARED_STATEMENTS:
            return []
        _, name = self._known.popitem(last=False)
        if not isinstance(name, bytes):
            return []
        self.session.pgconn.send_query_params(b"DEALLOCATE " + name, None)
        return [None]

    def run(self, statement: Numbered, parameters: Given) -> Reply:
        """One statement by itself, answered."""
        flow = Flow(self)
        try:
            reply = flow.send(statement, parameters)
        except BaseException:
            flow.drop()
            raise
        flow.end()
        return reply

    def part(self, flow: Flow) -> None:
        """Take over what a flow that nobody waits for is still owed."""
        self._parted = flow

    @property
    def has_parted(self) -> bool:
        """Whether there are answers for which nobody waited."""
        return self._parted is not None

    def gather(self) -> None:
        """Take in the answers for which nobody waited, before anything else is asked."""
        flow, self._parted = self._parted, None
        if flow is not None:
            flow.gather()

    def judge(self, *, failed: bool) -> None:
        """All that was queued is answered; what a flow prepared before it failed stays prepared."""
        if failed:
            for key, prepared in self._unsure:
                if prepared.result is None or prepared.result.status != _DONE:
                    self._known.pop(key, None)
        self._unsure.clear()


class Flow:
    """The statements of one transaction on one session, in pipeline mode until ``end``."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self.session = statements.session
        self._owed: deque[Reply | None] = deque()
        self._failure: psycopg.Error | None = None
        statements.gather()
        self.session.pgconn.enter_pipeline_mode()

    def send(self, statement: Numbered, parameters: Given = ()) -> Reply:
        """Ask a statement; its answer is there after ``settle``."""
        reply = Reply(self._statements, statement.text)
        given = statement.given(parameters)
        self._owed.extend(self._statements.queue(statement.text, given, reply))
        return reply

    def settle(self) -> None:
        """Wait for every answer that is owed. Raises the first error among them."""
        if not self._owed:
            return
        self._owed.append(None)
        self.session.pgconn.pipeline_sync()
        self._collect()

    def _collect(self) -> None:
        lost: psycopg.Error | None = None
        try:
            self.session.wait(self._answers())
        except psycopg.OperationalError as error:
            lost = error
        finally:
            # Why the server ended a session says more than that it is ended.
            failure, self._failure = self._failure or lost, None
            self._statements.judge(failed=failure is not None or bool(self._owed))
        if failure is not None:
            raise failure

    def _answers(self) -> PQGen[None]:
        pgconn, owed = self.session.pgconn, self._owed
        yield from generators.send(pgconn)
        result: PGresult | None = None
        heard_at = time.monotonic()
        while owed:
            # Not by psycopg's ``fetch``: a generator for each answer costs more than the answer.
            try:
                while pgconn.is_busy():
                    if (yield waiting.WAIT_R):
                        heard_at = time.monotonic()
                    else:
                        self._mind_silence(heard_at)
                    pgconn.consume_input()
                more = pgconn.get_result()
            except psycopg.OperationalError:
                if result is None:
                    raise
                more = None
            if more is not None:
                result = more
                if more.status != _SYNCED:
                    continue
            if result is None:
                raise psycopg.OperationalError("the connection is lost")
            if result.status == _FAILED and self._failure is None:
                self._failure = psycopg.errors.error_from_result(result, encoding="utf-8")
            if len(owed) > 1 or result.status == _SYNCED:
                reply = owed.popleft()
                if reply is not None:
                    reply.result = result
            # Else a commit without a COMMIT failed, and the end is still to come.
            result = None

    def _mind_silence(self, heard_at: float) -> None:
        silent = time.monotonic() - heard_at
        if silent > SILENCE_SECONDS and not self._statements.patient:
            self.session.close()
            raise psycopg.OperationalError(f"the server said nothing for {silent:.0f} seconds")

    def end(self) -> None:
        """Leave pipeline mode, having waited as ``settle`` does."""
        try:
            self.settle()
        finally:
            self._leave()

    def part(self) -> None:
        """Send what was asked and wait for nothing; whoever asks next takes the answers in."""
        self._owed.append(None)
        self.session.pgconn.pipeline_sync()
        self.session.wait(generators.send(self.session.pgconn))
        self._statements.part(self)

    def roll_back(self) -> bool:
        """Send ROLLBACK and wait for nothing, if no answer is owed; whether that could be done."""
        if self._owed or self.session.closed:
            return False
        try:
            self.send(_ROLLBACK)
            self.part()
        except psycopg.Error:
            return False
        return True

    def gather(self) -> None:
        """Take in what was not waited for; what failed there is nobody's concern."""
        with contextlib.suppress(psycopg.Error):
            self._collect()
        self._leave()

    def drop(self) -> None:
        """Leave pipeline mode, whatever is still owed or has failed."""
        with contextlib.suppress(psycopg.Error):
            self.end()

    def _leave(self) -> None:
        try:
            self.session.pgconn.exit_pipeline_mode()
        except psycopg.Error:
            self.session.close()  # an answer was not waited for: it would be taken for another's


class Answer:
    """What a statement of a flow gives, as a cursor: to read from it is to wait for it.

    ``reply`` is another one after the flow has begun again.
    """

    __slots__ = ("_settle", "parameters", "reply", "statement")

    def __init__(
        self, settle: Callable[[], None], reply: Reply, statement: Numbered, parameters: Given
    ) -> None:
        self._settle = settle
        self.reply = reply
        self.statement = statement
        self.parameters = parameters

    def _settled(self) -> Reply:
        if self.reply.result is None:
            self._settle()
        return self.reply

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
