"""What a write transaction on PostgreSQL is to write: kept until another statement must see it.

Writes to different tables of which nobody reads the answer go out as one statement. So does a row
with what names it, though that is by a key which only the server knows; and so does what the verb
took for given, which ends the transaction where it is not so.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

import psycopg

from hermes_kanban.store import dialect, pgunseen
from hermes_kanban.store.dialect import Numbered
from hermes_kanban.store.pgflow import Answer
from hermes_kanban.store.protocol import UNSEEN_KEY, Given, Parameters

EVENTS: Final = "task_events"
RUNS: Final = "task_runs"

# That it is so: the logarithm of 0 is an error, which ends the transaction.
_SO: Final = "ln(coalesce(({condition}), false)::integer)"
# And that it is still the time by which the verb decided, whatever came between: a wait for the
# lock, a line that was opened anew, a clock of the server that was set.
_BY_THE_CLOCK: Final = (
    " AND clock_timestamp() BETWEEN to_timestamp(:now - 1) AND to_timestamp(:now + 2)"
)
Unmet = psycopg.errors.InvalidArgumentForLogarithm
"""What the server says where something is not as the verb took it to be."""


class Puts:
    """The writes of one transaction that are kept, at most one a table, and the keys it asked for.

    ``ask`` sends a statement in that transaction. ``event`` is the last event that was put, by
    which the transaction is known again, ``foresaw`` whether something was taken for given.
    """

    def __init__(self, ask: Callable[[Numbered, Given], Answer]) -> None:
        self._ask = ask
        self._writes: dict[str, tuple[Numbered, Given]] = {}
        self._reserved: dict[str, Answer] = {}
        self._foreseen: tuple[Numbered, Given] | None = None
        self.foresaw = False
        # A row whose key nobody knows yet: kept, with whether its event is; or sent, to be told of.
        self._row: tuple[str, Numbered, Given] | None = None
        self._told = False
        self._sent: tuple[str, Answer] | None = None
        self.event: Parameters | None = None
        self._before: dict[str, Parameters | None] = {}

    def __bool__(self) -> bool:
        return bool(self._writes) or self._row is not None or self._foreseen is not None

    def foresee(self, sql: str, parameters: Parameters, *, by_clock: bool) -> None:
        """Keep what is taken for given, and that it is ``now`` by the server's clock."""
        self._foreseen, self.foresaw = (_condition(sql, by_clock), parameters), True

    def reserve(self, table: str) -> None:
        """Take the next number of the table's sequence; one that is not used leaves a gap."""
        if table not in self._reserved:
            next_key = Numbered(b"SELECT nextval('%s_id_seq')" % table.encode())
            self._reserved[table] = self._ask(next_key, ())

    def insert(self, sql: str, parameters: Parameters) -> int:
        """The new row's key, reserved or by RETURNING; 0 if there is no new row."""
        reserved = self._reserved.pop(dialect.table_of(sql), None)
        if reserved is not None:
            key = int(reserved.fetchall()[0][0])
            self.put(dialect.with_key(sql), parameters | {"id": key})
            return key
        row = self._ask(dialect.numbered(dialect.inserting(sql)), parameters).fetchone()
        return 0 if row is None else int(row[0])

    def insert_unseen(self, sql: str, parameters: Parameters) -> int:
        """UNSEEN_KEY, by which what is put next names the row.

        A run's key is seen all the same where the verb has read something: it came along.
        """
        table = dialect.table_of(sql)
        if table == RUNS and self._foreseen is None:
            return self.insert(sql, parameters)
        if self._writes or self._row is not None:
            self.flush()
        self._row, self._told = (table, dialect.numbered(dialect.inserting(sql)), parameters), False
        return UNSEEN_KEY

    def put(self, sql: str, parameters: Parameters) -> None:
        """Keep one more."""
        table = dialect.table_of(sql)
        if table in self._writes:
            self.flush()
        if self._row is not None:
            sql = pgunseen.naming(sql, of=self._row[0])
        if table == EVENTS:
            if self._row is None and self._sent is not None:
                parameters = self._with_key(parameters, *self._sent)
            self._told, self._sent = True, None
            self.event = parameters
        self._writes[table] = (dialect.numbered(sql), parameters)

    def _with_key(self, parameters: Parameters, table: str, sent: Answer) -> Parameters:
        payload = pgunseen.told_now(parameters["payload"], table, int(sent.fetchall()[0][0]))
        return parameters | {"payload": payload}

    def saw(self, sql: str, parameters: Given) -> None:
        """Mind which event is the last, where a statement by itself writes one or undoes some."""
        if dialect.table_of(sql) == EVENTS and isinstance(parameters, dict):
            self.event = parameters
        elif sql.startswith("SAVEPOINT "):
            self._before[sql.rpartition(" ")[2]] = self.event
        elif sql.startswith("ROLLBACK TO "):
            self.event, self._sent = self._before[sql.rpartition(" ")[2]], None

    def flush(self) -> None:
        """Send all that is kept, what is taken for given first."""
        if self._foreseen is not None:
            (condition, given), self._foreseen = self._foreseen, None
            kept, self._writes, self._row = (self._writes, self._row), {}, None
            self._ask(Numbered(b"SELECT " + condition.text, condition.names), given)
            self._writes, self._row = kept
        if not self:
            return
        untold = None if self._row is None or self._told else self._row[0]
        answer = self._ask(*self.take())
        if untold is not None:
            self._sent = untold, answer

    def take(self, *ends: bytes) -> tuple[Numbered, Given]:
        """All that is kept as one statement, which ends in these columns; then there is none.

        With them it gives the ``key`` of a row that nobody has seen.
        """
        writes, row, foreseen = list(self._writes.values()), self._row, self._foreseen
        self._writes, self._row, self._foreseen = {}, None, None
        last = _last(ends, foreseen and foreseen[0].text, row and row[0])
        if row is not None:
            # What a statement gives is what its last part does.
            writes.insert(0 if self._told or last else len(writes), row[1:])
        texts = tuple([statement.text for statement, _ in writes])
        if foreseen is not None:
            writes.append(foreseen)
        given = [one for statement, some in writes for one in statement.given(some)]
        return Numbered(dialect.together(texts, last)), given


@functools.lru_cache(maxsize=256)
def _condition(sql: str, by_clock: bool) -> Numbered:
    condition = f"({sql}){_BY_THE_CLOCK if by_clock else ''}"
    return dialect.numbered(_SO.format(condition=condition))


@functools.lru_cache(maxsize=256)
def _last(ends: tuple[bytes, ...], condition: bytes | None, table: str | None) -> bytes:
    columns = [one for one in (*ends, condition) if one]
    if columns and table is not None:
        return pgunseen.giving(columns, table)
    return b"SELECT " + b", ".join(columns) if columns else b""
