"""Where the simulation takes hold of a connection to PostgreSQL.

An action passes as many points as on SQLite, at the same calls of the store, so that the same
schedule is the same history on both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from hermes_kanban.store.protocol import NotWorth, Worth
from tests.simulation.crew import Action, Crew, SimulatedLock, is_write

_FULL: Final = "DO 'BEGIN RAISE EXCEPTION ''disk full'' USING ERRCODE = ''disk_full''; END'"
_NUMBERS: Final = """
SELECT s.seqrelid, pg_sequence_last_value(s.seqrelid::regclass) FROM pg_sequence s
JOIN pg_class c ON c.oid = s.seqrelid WHERE c.relnamespace = current_schema()::regnamespace
"""
_SET: Final = "SELECT setval(cast(:oid AS oid)::regclass, :value, :given = 1)"
POINTS_OF_BEGINNING: Final = 2  # SQLite's BEGIN and its look at the version


class _Hold:
    """The calls of one connection, each with the points that SQLite has there."""

    def __init__(self, conn: Any, crew: Crew, *, comparable: bool) -> None:
        self.conn = conn
        self.crew = crew
        self.lock = SimulatedLock(crew, conn)
        self.squeezed = False
        self._comparable = comparable
        self._inside = False
        self._numbers: list[list[Any]] = []
        for name in _CALLS:
            setattr(self, f"real_{name}", getattr(conn, name))
            setattr(conn, name, getattr(self, name))

    def point(self, sql: str = "") -> None:
        action: Action | None = self.conn.action
        if action is None or self._inside:
            return
        action.point()
        self.crew.statements += 1
        if is_write(sql) and action.disk_is_full():
            self.crew.full += 1
            self.fill_disk()
        if self.squeezed and sql.lstrip().startswith("INSERT"):
            self.fill_disk()

    def fill_disk(self) -> None:
        """The server itself says so, and undoes the statement's transaction."""
        self.real_execute(_FULL)
        self.conn.settle()

    def execute(self, sql: str, parameters: Any = ()) -> Any:
        self.point(sql)
        if sql.startswith("SAVEPOINT"):
            self._remember_numbers()
        done = self.real_execute(sql, parameters)
        if sql.startswith("ROLLBACK TO"):
            self._give_numbers_back()
        elif sql.startswith("RELEASE") and self._numbers:
            self._numbers.pop()
        return done

    def insert(self, sql: str, parameters: Any) -> int:
        self.point(sql)
        with self._within():
            key: int = self.real_insert(sql, parameters)
        return key

    def insert_unseen(self, sql: str, parameters: Any) -> int:
        self.point(sql)
        with self._within():
            key: int = self.real_insert_unseen(sql, parameters)
        return key

    def foresee(self, sql: str, parameters: Any) -> None:
        self.point(sql)
        self.real_foresee(sql, parameters)

    def reserve(self, table: str) -> None:
        """A number that is taken and not used leaves a gap, which SQLite has not."""
        if not self._comparable:
            with self._within():
                self.real_reserve(table)

    def ask(self, sql: str, parameters: Any = ()) -> Callable[[], list[Any]]:
        """What is read later may be another moment's than on SQLite, which reads at once."""
        self.point(sql)
        with self._within():
            asked: Callable[[], list[Any]] = self.real_ask(sql, parameters)
            if not self._comparable:
                return asked
            rows = asked()
        return lambda: rows

    @contextmanager
    def _within(self) -> Iterator[None]:
        """What the store asks by itself is no call of the kernel's."""
        self._inside = True
        try:
            yield
        finally:
            self._inside = False

    def put(self, sql: str, parameters: Any) -> None:
        self.point(sql)
        with self._within():
            self.real_put(sql, parameters)

    def begin_write(self, verb: str, worth: Worth | None = None) -> None:
        if worth is not None:
            # On SQLite a look of its own, which others may come after.
            row = self.execute(worth.sql, worth.parameters).fetchone()
            if row is None or row[0] != worth.wanted:
                raise NotWorth(None if row is None else row[0])
        self.lock.acquire(verb, self.conn.wait_seconds)
        try:
            for _ in range(POINTS_OF_BEGINNING):
                self.point()
            self._remember_numbers()
            self.real_begin_write(verb)
        except BaseException:
            self.lock.release()
            raise

    def commit_write(self, events: int) -> None:
        self.point("COMMIT")
        self.real_commit_write(events)
        self._numbers.clear()
        if self.conn.action is not None:
            self.crew.has_committed(self.conn.action)

    def roll_back(self) -> None:
        if self.conn.in_transaction:
            self.point()
        self.undo()

    def undo(self) -> None:
        """Roll back, for somebody who asks or for a process that is gone, in whatever it was."""
        self.real_roll_back()
        self.real_end_read()
        if self._numbers:
            del self._numbers[1:]
            self._give_numbers_back()
            self._numbers.clear()

    def _remember_numbers(self) -> None:
        if self._comparable:
            self._numbers.append(self.real_execute(_NUMBERS).fetchall())

    def _give_numbers_back(self) -> None:
        """A sequence does not roll back; SQLite's numbers do."""
        for oid, value in self._numbers[-1] if self._numbers else ():
            self.real_execute(_SET, {"oid": oid, "value": value or 1, "given": value is not None})

    def end_write(self, events: int) -> None:
        self.real_end_write(events)
        self.lock.release()

    def begin_read(self) -> None:
        self.point()
        self.real_begin_read()

    def end_read(self) -> None:
        if self.conn.in_transaction:
            self.point()
        self.real_end_read()

    real_ask: Any
    real_execute: Any
    real_insert: Any
    real_insert_unseen: Any
    real_foresee: Any
    real_put: Any
    real_reserve: Any
    real_begin_write: Any
    real_commit_write: Any
    real_roll_back: Any
    real_end_write: Any
    real_begin_read: Any
    real_end_read: Any


_CALLS: Final = (
    "ask", "execute", "foresee", "insert", "insert_unseen", "put", "reserve", "begin_write",
    "commit_write", "roll_back", "end_write", "begin_read", "end_read",
)  # fmt: skip


class OnPostgres:
    """The seam.

    ``comparable`` takes away what the stores are meant to differ in: numbers that were rolled back
    are given out again, and no board is shared that is not on both (``shared``).
    """

    shared = False

    def __init__(self, *, comparable: bool = False) -> None:
        self._comparable = comparable

    def take(self, conn: Any, crew: Crew) -> None:
        """From now on the crew's actions pass a point before each statement of this connection."""
        conn.held = _Hold(conn, crew, comparable=self._comparable)

    def prepare(self, conn: Any) -> None:
        """The server of the tests syncs nothing as it is."""
        conn.shared = self.shared or not self._comparable
        conn.foresees = not self._comparable

    def squeeze(self, conn: Any, *, full: bool) -> None:
        """The disk has no room for one more row; or has again."""
        conn.held.squeezed = full

    def roll_back(self, conn: Any) -> None:
        """What the server does for a process that is gone."""
        conn.held.undo()

    def close(self, conn: Any) -> None:
        """Close it; what it had begun is undone before anybody else acts."""
        conn.held.undo()
        conn.close()
