"""The PostgreSQL store: one connection to one board, which is a schema of a shared database.

One writer at a time: every write transaction takes the board's advisory lock, which PostgreSQL
hands out in the order of asking, so event ids rise with commit order. A connection that broke is
opened again at its next use; whether a commit that broke off was kept is asked of the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple, NoReturn

import psycopg
from psycopg import pq

from hermes_kanban.config import Config, Server
from hermes_kanban.model.errors import BoardBusy, KanbanError
from hermes_kanban.paths import BoardPaths
from hermes_kanban.ports import Clock, Randomness, SystemRandomness
from hermes_kanban.store import (
    dialect,
    pgcheck,
    pgcounters,
    pgerrors,
    pgfate,
    pgholder,
    pglock,
    pgsession,
)
from hermes_kanban.store.dialect import Numbered
from hermes_kanban.store.pgclock import ServerClock
from hermes_kanban.store.pgconnected import Connected
from hermes_kanban.store.pgcontents import InRows
from hermes_kanban.store.pgflow import Answer, Flow, Reply
from hermes_kanban.store.pgnames import lock_key
from hermes_kanban.store.pgputs import Puts, Unmet
from hermes_kanban.store.protocol import (
    WAIT_SECONDS,
    BrokenReference,
    Cursor,
    Given,
    Parameters,
    Row,
    Transaction,
    Unforeseen,
    Worth,
    write,
)

ROWS_AT_ONCE: Final = 1000


class _End(NamedTuple):
    """What the last statement gave; None where the line broke, and ``lost`` if nothing was kept."""

    reply: Reply | None
    lost: psycopg.OperationalError | None


_IDLE: Final = pq.TransactionStatus.IDLE


class PostgresConnection(Connected):
    """A ``protocol.BoardConnection`` to a schema of a PostgreSQL database."""

    Error = psycopg.Error
    shared = foresees = True

    def __init__(
        self,
        server: Server | str,
        paths: BoardPaths,
        *,
        clock: Clock | None = None,
        randomness: Randomness | None = None,
        wait_seconds: float = WAIT_SECONDS,
        config: Config | None = None,
    ) -> None:
        super().__init__(server, paths, clock=clock, wait_seconds=wait_seconds, config=config)
        self.board_id = ""
        self.default_workdir: str | None = None
        self.randomness = randomness or SystemRandomness()
        self.events_written = 0
        self.transaction: Transaction | None = None
        self._lock_key = lock_key(self.schema)
        self._ring = f"pg_notify('{self.schema}', '')".encode()
        # Of the transaction: its verb if it writes, whether it only reads, whether its beginning is
        # answered, what was asked before that, whether it was begun again on another connection,
        # and why it never will; and what its last statement gave, where that was the only one.
        self._verb: str | None = None
        self._reading = self._confirmed = self._again = False
        self._unseen: list[Answer] = []
        self._failure: Exception | None = None
        self._last: Row | None = None
        self._xid = ""
        self._streams = 0
        self._puts = Puts(self._ask)
        self._worth: Worth | None = None
        self._connect()

    @property
    def in_transaction(self) -> bool:
        """True between BEGIN and its end; False when the connection is gone."""
        session = self._session
        if session is None or (session.closed and (self._begun or not self._flows)):
            return False
        if self._flows:
            return self._failure is None
        if self._prepared is not None and self._prepared.has_parted:
            return False
        return session.pgconn.transaction_status != _IDLE

    @property
    def _flows(self) -> bool:
        """Whether what is asked is a statement of a transaction."""
        return self._verb is not None or self._reading

    def execute(self, sql: str, parameters: Given = (), /) -> Cursor:
        """Run one statement; a lone read on a connection that broke meanwhile is run again.

        In a write transaction its errors come when its answer is read, or a later one, or at the
        commit.
        """
        statement = dialect.numbered(sql)
        if self._flows:
            self._puts.saw(sql, parameters)
            return self._ask(statement, parameters)
        statements = self._statements
        try:
            return statements.run(statement, parameters)
        except psycopg.OperationalError:
            if self._begun or not statements.session.closed or not dialect.reads(sql):
                raise
        return self._statements.run(statement, parameters)

    def insert(self, sql: str, parameters: Parameters) -> int:
        """The new row's key, by RETURNING."""
        return self._puts.insert(sql, parameters)

    def insert_unseen(self, sql: str, parameters: Parameters) -> int:
        """Kept until its event is, to go out with it."""
        return self._puts.insert_unseen(sql, parameters)

    def key_seen(self) -> int | None:
        """None where the answer to the commit was lost."""
        return None if self._last is None else int(self._last["key"])

    def foresee(self, sql: str, parameters: Parameters) -> None:
        """Kept until something is asked, or the commit."""
        self._puts.foresee(sql, parameters, by_clock=isinstance(self.clock, ServerClock))

    def put(self, sql: str, parameters: Parameters) -> None:
        """Kept until another statement must see it, or the commit: to go out with its like."""
        self._puts.put(sql, parameters)

    def reserve(self, table: str) -> None:
        """Take the next number of the table's sequence; one that is not used leaves a gap."""
        if self._verb is not None:
            self._puts.reserve(table)

    def ask(self, sql: str, parameters: Given = ()) -> Callable[[], list[Any]]:
        """In a transaction of ours the rows are waited for when they are wanted."""
        return self.execute(sql, parameters).fetchall

    def hear_time(self) -> None:
        """One round trip."""
        if isinstance(self.clock, ServerClock):
            self._hear(self.execute(pgsession.TIME).fetchall()[0][0])

    def stream(self, sql: str, parameters: Given = ()) -> Iterator[tuple[Any, ...]]:
        """The rows as plain tuples, from a cursor that the server keeps; at once in a flow."""
        statement = dialect.numbered(sql)
        if self._verb is not None:
            yield from map(tuple, self._ask(statement, parameters))
            return
        ask = self._ask if self._reading else self._statements.run
        self._streams += 1
        name = b"stream_%d" % self._streams
        declare = b"DECLARE %s NO SCROLL CURSOR FOR %s" % (name, statement.text)
        fetch = Numbered(b"FETCH %d FROM %s" % (ROWS_AT_ONCE, name))
        ask(Numbered(declare, statement.names), parameters)
        try:
            while rows := ask(fetch, ()).fetchall():
                yield from map(tuple, rows)
        finally:
            if self.in_transaction:
                ask(Numbered(b"CLOSE " + name), ())

    @property
    def files(self) -> InRows:
        """Beside the rows."""
        return InRows(self)

    def counters(self) -> dict[str, int]:
        """What the identity columns have come to."""
        return pgcounters.counters(self)

    def raise_counters(self, counters: Mapping[str, int]) -> None:
        """At once, and for good: sequences know no rollback."""
        pgcounters.raise_counters(self, counters)

    def broken_references(self) -> list[BrokenReference]:
        """Foreign keys are constraints here; this finds what was written with them off."""
        return pgcheck.broken_references(self)

    def broken_pages(self) -> list[str]:
        """What reading all of the board, heap and indexes, stumbles over (see ``pgcheck``)."""
        return pgcheck.broken_pages(self)

    def hurry(self, hurried: bool) -> bool:
        """Whether the server ends what takes long, or stands still in a transaction."""
        before, self._hurried = self._hurried, hurried
        if before != hurried and not self.in_transaction:
            try:
                self.session.execute(pgsession.statements(pgsession.hurrying(hurried)).encode())
            except psycopg.Error as error:
                raise self.translated(error) from error
        return before

    def begin_write(self, verb: str, worth: Worth | None = None) -> None:
        """Begin with the first statement: BEGIN, the advisory lock and the version go with it.

        BoardBusy, BoardTooNew, NotWorth, a lost connection: raised where an answer is read first.
        """
        self._verb, self._worth, self._failure, self._again = verb, worth, None, False
        self._puts, self._last = Puts(self._ask), None

    def _ask(self, statement: Numbered, parameters: Given) -> Answer:
        self._puts.flush()
        if self._failure is not None:
            raise self._failure
        try:
            flow = self._flow or self._begin()
            reply = flow.send(statement, parameters)
        except psycopg.OperationalError as error:
            self._begin_again(error)
            return self._ask(statement, parameters)
        answer = Answer(self.settle, reply, statement, parameters)
        if not self._confirmed:
            self._unseen.append(answer)
        return answer

    def _begin(self) -> Flow:
        flow = self._flow = Flow(self._statements)
        self._begun, self._confirmed = True, False
        if self._verb is None:
            flow.send(pglock.BEGIN_READ)
            return flow
        key, worth = self._lock_key, self._worth
        self._beginning = pglock.begin(flow, self.wait_seconds, self._verb, key, worth)
        return flow

    def settle(self) -> None:
        """Wait until all that was asked in this write transaction is done. Raises what failed."""
        self._puts.flush()
        if self._failure is not None:
            raise self._failure
        if self._flow is None:
            return
        try:
            self._flow.settle()
        except psycopg.OperationalError as error:
            self._begin_again(error)
            self.settle()
        except pglock.NotFit:
            if self._confirmed or self._verb is None:
                raise
            self._refuse()
        except Unmet:
            self._see_anew()
        if not self._confirmed:
            self._confirm()

    def _confirm(self) -> None:
        if self._verb is not None:
            self._xid, server_time = self._beginning.seen()
            self._hear(server_time)
        self._confirmed, self._unseen = True, []

    def _refuse(self, *, unless_fit: psycopg.Error | None = None) -> NoReturn:
        """Raise why nobody may write this board, at whose version the server ended the flow.

        With an error that may have come before the look: that one, if the board may be written.
        """
        self._leave()
        if isinstance(unless_fit, psycopg.OperationalError):
            raise unless_fit
        version, name = self._statements.run(pglock.VERSION, ()).fetchone() or (None, "")
        if unless_fit is not None and pglock.is_fit(version):
            raise unless_fit
        self._failure = why = pgerrors.unfit(self._location, version, name)
        raise why from None

    def _see_anew(self) -> NoReturn:
        """Raise that something is not as the verb took it to be."""
        self._leave()
        self._failure = why = Unforeseen()
        raise why from None

    def _busy(self) -> NoReturn:
        """Raise that another writer had the lock all the time."""
        self._leave()
        self._failure = why = BoardBusy(pgholder.holder(self, self._lock_key), self.wait_seconds)
        raise why from None

    def _begin_again(self, error: psycopg.OperationalError) -> None:
        """Ask everything on a new connection, where the old one broke before its first answer.

        Raises BoardBusy if it is the writer lock that was not had, else the error as it is.
        """
        flow, asked, self._unseen = self._flow, self._unseen, []
        if flow is not None and not self._confirmed:
            if isinstance(error, psycopg.errors.LockNotAvailable):
                self._busy()
            if flow.session.closed and not self._again:
                flow.drop()
                self._again, self._flow = True, None
                self._connect()
                for answer in asked:
                    answer.reply = self._ask(answer.statement, answer.parameters).reply
                self._unseen = asked
                return
        raise error

    def commit_write(self, events: int) -> None:
        """Commit, and let the server tell the listeners once that is done."""
        if self._failure is not None:
            raise self._failure
        ring = self._ring if events else b""
        if self._flow is None and self._puts and self._worth is None:
            self._write_at_once(*self._puts.take(pglock.look(), ring))
        elif self._flow is not None or self._puts:
            if not self._confirmed or self._flow is None:
                self.settle()
            if self._puts or ring:
                self._ask(*self._puts.take(ring))
            if self._flow is not None:
                self._commit(self._flow)
        self._begun, self._verb = False, None

    def _write_at_once(self, statement: Numbered, parameters: Given) -> None:
        """Begin, write and commit in one round trip, for a verb that has read nothing."""
        self._xid = ""
        for again in (False, True):
            try:
                flow = Flow(self._statements)
                self._begun = True
                pglock.take(flow, self.wait_seconds, self._verb or "", self._lock_key)
                reply, lost = self._end(flow, statement, parameters)
            except psycopg.errors.LockNotAvailable:
                self._busy()
            except pglock.NotFit:
                self._refuse()
            except psycopg.Error as error:
                differs = isinstance(error, (psycopg.IntegrityError, Unmet))
                if again and differs and self._was_kept():
                    return  # by what broke off, which a pooler sent on late
                if differs and self._puts.foresaw:
                    self._see_anew()  # a row may be refused before that is compared
                self._refuse(unless_fit=error)
            if reply is not None:
                self._last = reply.fetchone()
                self._hear(self._last["now"])
            if lost is None:
                return
            if again:
                raise lost

    def _commit(self, flow: Flow) -> None:
        reply, lost = self._end(flow, pglock.COMMIT)
        if lost is not None:
            raise lost
        if reply is None:
            return
        if not self._confirmed:
            self._confirm()
        if reply.status != "COMMIT":
            raise KanbanError("a statement of this transaction failed; nothing of it was kept")

    def _end(self, flow: Flow, statement: Numbered, parameters: Given = ()) -> _End:
        """Ask the last statement of a transaction, and wait until it is over."""
        self._flow = flow  # until all is sent: a value may be none that can be
        try:
            reply = flow.send(statement, parameters)
            self._flow = None
            flow.end()
        except psycopg.OperationalError as error:
            if not flow.session.closed:
                raise
            self._flow, self._begun = None, False
            return _End(None, None if self._was_kept() else error)
        return _End(reply, None)

    def _was_kept(self) -> bool:
        of = pgfate.Broken(self._backend, self._xid, self._puts.event, self._lock_key)
        return pgfate.was_kept(self._connect, of, self._location)

    def roll_back(self) -> None:
        """Roll back what is begun; with a connection that is gone the server does it."""
        self._verb = None
        self._leave()

    def _leave(self) -> None:
        flow, self._flow = self._flow, None
        self._begun, self._unseen, self._puts = False, [], Puts(self._ask)
        if flow is not None:
            if flow.roll_back():
                return
            flow.drop()
        if self._prepared is not None:
            self._prepared.gather()
        session = self._session
        if session and not session.closed and session.pgconn.transaction_status != _IDLE:
            try:
                session.execute(b"ROLLBACK")
            except psycopg.Error:
                session.close()

    def end_write(self, events: int) -> None:
        """Nothing: the lock went and the bell rang with the commit."""

    def make_lasting(self) -> None:
        """A commit that is waited for takes all before it along; with durability full each is."""
        if self.config.kanban.durability == "full":
            return
        with write(self, "sync") as tx:
            tx.run("SET LOCAL synchronous_commit = on")
            tx.run("UPDATE boards SET slug = slug")

    def begin_long(self, verb: str) -> None:
        """Begin a write without a flow, which goes through all of the board and may take its time.

        Rows come a few at a time, nothing is sent before it is answered, and its end is waited for.
        """
        session, self._failure = self.session, None
        self._begun = True
        try:
            pglock.begin_long(session, self.wait_seconds, verb, self._lock_key)
        except psycopg.errors.LockNotAvailable:
            self.roll_back()
            raise BoardBusy(pgholder.holder(self, self._lock_key), self.wait_seconds) from None

    def commit_long(self) -> None:
        """End what ``begin_long`` began."""
        self._begun = False
        self.session.execute(b"COMMIT")

    def begin_read(self) -> None:
        """Begin with the first statement: one snapshot for all until the end."""
        self._reading, self._failure, self._again = True, None, False

    def define(self, text: str) -> None:
        """Run a statement of a migration in this write transaction (``dialect.definition``)."""
        self._ask(Numbered(text.encode()), ())

    def end_read(self) -> None:
        """Let the snapshot go, which is not waited for."""
        flow, self._flow = self._flow, None
        self._reading, self._begun, self._unseen = False, False, []
        if flow is None:
            return
        try:
            flow.send(pglock.COMMIT)
            flow.part()
        except psycopg.Error:
            flow.drop()
