"""The PostgreSQL store: one connection to one board, which is a schema of a shared database.

One writer at a time: every write transaction takes the board's advisory lock, which PostgreSQL
hands out in the order of asking, so event ids rise with commit order. A connection that broke is
opened again at its next use; whether a commit that broke off was kept is asked of the server.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NoReturn

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
from hermes_kanban.store.pgcontents import InRows
from hermes_kanban.store.pgflow import Answer, Flow, Statements
from hermes_kanban.store.pgnames import lock_key, schema_of
from hermes_kanban.store.pgplace import Located
from hermes_kanban.store.pgputs import Puts, Unmet
from hermes_kanban.store.protocol import (
    WAIT_SECONDS,
    BrokenReference,
    Cursor,
    Given,
    Parameters,
    Transaction,
    Unforeseen,
    Worth,
    write,
)

ROWS_AT_ONCE: Final = 1000
_IDLE: Final = pq.TransactionStatus.IDLE


class PostgresConnection(Located):
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
        self.paths = paths
        self._config = config
        self.schema = schema_of(paths.slug)
        self.board_id = ""
        self.default_workdir: str | None = None
        self.clock = clock or ServerClock()
        self.randomness = randomness or SystemRandomness()
        self.wait_seconds = wait_seconds
        self.events_written = 0
        self.transaction: Transaction | None = None
        self.server = server
        self._lock_key = lock_key(self.schema)
        self._ring = f"pg_notify('{self.schema}', '')".encode()
        # Of the transaction: its verb if it writes, whether it only reads, its flow once something
        # was asked, whether it is known to have begun, what was asked before that, whether it was
        # begun again on another connection, and why it never will.
        self._verb: str | None = None
        self._flow: Flow | None = None
        self._reading = self._begun = self._confirmed = self._again = False
        self._failure: Exception | None = None
        self._unseen: list[Answer] = []
        self._xid = ""
        self._streams = 0
        self._hurried = True
        self._session: psycopg.Connection[Any] | None = None
        self._prepared: Statements | None = None
        self._puts = Puts(self._ask)
        self._written: Cursor | None = None
        self._worth: Worth | None = None
        self._location = f"schema {self.schema}"
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

    @property
    def session(self) -> psycopg.Connection[Any]:
        """The driver's connection, opened again if it broke outside a transaction."""
        if self._prepared is not None and self._flow is None:
            self._prepared.gather()
        session = self._session
        if session is not None and not session.closed:
            return session
        if self._begun:
            raise pgerrors.lost(self._location)
        return self._connect()

    @property
    def _statements(self) -> Statements:
        """What that connection has prepared."""
        session = self.session
        if self._prepared is None or self._prepared.session is not session:
            self._prepared = Statements(session)
        self._prepared.patient = not self._hurried
        return self._prepared

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
        row = None if self._written is None else self._written.fetchone()
        return None if row is None else int(row[0])

    def foresee(self, sql: str, parameters: Parameters) -> None:
        """Kept until something is asked, or the commit."""
        self._puts.foresee(sql, parameters)

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
            self.clock.hear(self.execute(pgsession.TIME).fetchall()[0][0])

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
        self._puts, self._written = Puts(self._ask), None

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

    def _begin(self, *, once: bool = False) -> Flow:
        flow = self._flow = Flow(self._statements)
        self._begun, self._confirmed = True, False
        if self._verb is None:
            flow.send(pglock.BEGIN_READ)
            return flow
        key, worth = self._lock_key, self._worth
        self._beginning = pglock.begin(flow, self.wait_seconds, self._verb, key, worth, once=once)
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

    def _confirm(self, *, over: bool = False) -> None:
        if self._verb is not None:
            self._xid, server_time = self._beginning.seen(over=over)
            if isinstance(self.clock, ServerClock):
                self.clock.hear(server_time)
        self._confirmed, self._unseen = True, []

    def _refuse(self) -> NoReturn:
        """Raise why nobody may write this board, at whose version the server ended the flow."""
        self._leave()
        version, name = self._statements.run(pglock.VERSION, ()).fetchone() or (None, "")
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
            self._write_at_once(*self._puts.take(ring))
        elif self._flow is not None or self._puts:
            if not self._confirmed or self._flow is None:
                self.settle()
            if self._puts or ring:
                self._written = self._ask(*self._puts.take(ring))
            if (flow := self._flow) is not None and (lost := self._commit(flow)) is not None:
                raise lost
        self._begun, self._verb = False, None

    def _write_at_once(self, statement: Numbered, parameters: Given) -> None:
        """Begin, write and commit in one round trip, for a verb that has read nothing."""
        self._xid = ""
        for again in (False, True):
            try:
                flow = self._begin(once=True)
                self._written = flow.send(statement, parameters)
                lost = self._commit(flow, once=True)
            except psycopg.errors.LockNotAvailable:
                self._busy()
            except pglock.NotFit:
                self._refuse()
            except (psycopg.IntegrityError, Unmet):
                # By what broke off, which a pooler sent on late?
                if again and self._was_kept():
                    self._written = None
                    return
                if self._puts.foresaw:  # a row may be refused before that is compared
                    self._see_anew()
                raise
            if lost is None:
                return
            if again:
                raise lost

    def _commit(self, flow: Flow, *, once: bool = False) -> psycopg.OperationalError | None:
        """Wait for the commit; what it broke off at if then nothing was kept."""
        self._flow = None
        try:
            commit = None if once else flow.send(pglock.COMMIT)
            flow.end()
        except psycopg.OperationalError as error:
            if not flow.session.closed:
                raise
            self._begun, self._written = False, None
            return None if self._was_kept() else error
        if not self._confirmed:
            self._confirm(over=once)
        if commit is not None and commit.status != "COMMIT":
            raise KanbanError("a statement of this transaction failed; nothing of it was kept")
        return None

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
        if session is None or session.closed:
            return
        if session.pgconn.transaction_status != _IDLE:
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
        self._reading = self._begun = False
        self._unseen = []
        if flow is None:
            return
        try:
            flow.send(pglock.COMMIT)
            flow.part()
        except psycopg.Error:
            flow.drop()

    def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            self._session.close()

    def _connect(self) -> psycopg.Connection[Any]:
        if self._session is not None:
            self._session.close()
        self._begun = False
        settings = {"search_path": f'"{self.schema}"'} | pgsession.hurrying(self._hurried)
        if self.config.kanban.durability != "full":
            settings["synchronous_commit"] = "off"
        session, server_time = pgsession.opened(
            self.server,
            f"hermes-kanban {os.getpid()}",
            settings=settings,
            patience_seconds=min(self.wait_seconds, pgsession.PATIENCE_SECONDS),
        )
        self._session, info = session, session.info
        self._backend = info.backend_pid, server_time
        self._location = f"PostgreSQL database {info.dbname} at {info.host}, schema {self.schema}"
        if isinstance(self.clock, ServerClock):
            self.clock.hear(server_time)
        return session
