"""What a write transaction on PostgreSQL is to write: kept until another statement must see it.

Writes to different tables of which nobody reads the answer go out as one statement. So does a row
with the event that tells of it, though the event names it by a key that only the server knows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hermes_kanban.store import dialect
from hermes_kanban.store.dialect import Numbered
from hermes_kanban.store.pgflow import Answer
from hermes_kanban.store.protocol import UNSEEN_KEY, Given, Parameters

EVENTS: Final = "task_events"


class Puts:
    """The writes of one transaction that are kept, at most one a table, and the keys it asked for.

    ``ask`` sends a statement in that transaction. ``event`` is the last event that was put, by
    which the transaction is known again.
    """

    def __init__(self, ask: Callable[[Numbered, Given], Answer]) -> None:
        self._ask = ask
        self._writes: dict[str, tuple[Numbered, Given]] = {}
        self._reserved: dict[str, Answer] = {}
        # A row whose key nobody knows yet: kept, with whether its event is; or sent, to be told of.
        self._row: tuple[Numbered, Given] | None = None
        self._told = False
        self._sent: Answer | None = None
        self.event: Parameters | None = None
        self._before: dict[str, Parameters | None] = {}

    def __bool__(self) -> bool:
        return bool(self._writes) or self._row is not None

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
        """UNSEEN_KEY, by which the next event names the row."""
        self.flush()
        self._row, self._told = (dialect.numbered(dialect.inserting(sql)), parameters), False
        return UNSEEN_KEY

    def put(self, sql: str, parameters: Parameters) -> None:
        """Keep one more."""
        table = dialect.table_of(sql)
        if table in self._writes:
            self.flush()
        if table == EVENTS:
            sql, parameters = self._telling(sql, parameters)
            self.event = parameters
        self._writes[table] = (dialect.numbered(sql), parameters)

    def saw(self, sql: str, parameters: Given) -> None:
        """Mind which event is the last, where a statement by itself writes one or undoes some."""
        if dialect.table_of(sql) == EVENTS and isinstance(parameters, dict):
            self.event = parameters
        elif sql.startswith("SAVEPOINT "):
            self._before[sql.rpartition(" ")[2]] = self.event
        elif sql.startswith("ROLLBACK TO "):
            self.event, self._sent = self._before[sql.rpartition(" ")[2]], None

    def _telling(self, sql: str, parameters: Parameters) -> tuple[str, Parameters]:
        if self._row is not None and not self._told:
            self._told = True
            return dialect.telling_key(sql), parameters
        if self._sent is not None:
            key, self._sent = int(self._sent.fetchall()[0][0]), None
            payload = parameters["payload"].replace(*dialect.key_told(key))
            return sql, parameters | {"payload": payload}
        return sql, parameters

    def flush(self) -> None:
        """Send all that is kept."""
        if not self:
            return
        untold = self._row is not None and not self._told
        answer = self._ask(*self.take())
        if untold:
            self._sent = answer

    def take(self, last: bytes = b"") -> tuple[Numbered, Given]:
        """All that is kept as one statement with ``last`` at its end; then there is none."""
        writes, row = list(self._writes.values()), self._row
        if row is not None:
            # What a statement gives is what its last part does.
            writes.insert(0 if self._told or last else len(writes), row)
        self._writes, self._row = {}, None
        given = [one for statement, some in writes for one in statement.given(some)]
        return Numbered(dialect.together(tuple([w.text for w, _ in writes]), last)), given
