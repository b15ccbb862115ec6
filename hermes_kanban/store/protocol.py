"""What the board asks of a database, and how a verb uses it: the one room the kernel imports.

A store is a connection with the calls of ``BoardConnection``; SQLite and PostgreSQL are two. What
holds for both stands here once: a verb is a transaction under the board's writer lock, a verb in a
batch is a savepoint of it, and reads see one moment.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar

from hermes_kanban.config import Config, load
from hermes_kanban.model.errors import BoardDamaged, KanbanError
from hermes_kanban.paths import BoardPaths
from hermes_kanban.ports import Clock, Randomness, Skills
from hermes_kanban.store.recall import Recall

if TYPE_CHECKING:
    from hermes_kanban.store.keeping import Keeping

WAIT_SECONDS = 30.0
GATEWAY_WAIT_SECONDS = 1.0
UNSEEN_KEY = -1
"""Stands for the key of a row that is written and was not waited for; no row has it."""

Parameters = dict[str, Any]
Given = Parameters | Sequence[Any]


class Worth(NamedTuple):
    """A read of one value; only if it is ``wanted`` the writer lock is worth waiting for."""

    sql: str
    parameters: Parameters
    wanted: str | int


class NotWorth(Exception):
    """It was not worth it, and nothing has begun; ``found`` is what was read, None for no row."""

    def __init__(self, found: str | None) -> None:
        super().__init__(found)
        self.found = found


class Unforeseen(Exception):
    """Something is not as a verb took it to be, and nothing of the verb was kept."""


class Row(Protocol):
    """A row: by index, by column name, or unpacked."""

    def __getitem__(self, key: int | str, /) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...

    def __len__(self) -> int: ...

    def keys(self) -> list[str]:
        """The names of the columns, in order."""


class Cursor(Protocol):
    """What one statement gave."""

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed."""

    def fetchone(self) -> Any:
        """The next row, or None."""

    def fetchall(self) -> list[Any]:
        """Every row that is left."""

    def __iter__(self) -> Iterator[Any]: ...

    def __next__(self) -> Any: ...


class BrokenReference(NamedTuple):
    """A row of ``table`` that names a row of ``named`` which does not exist."""

    table: str
    row_id: str
    named: str


class BoardConnection(Protocol):
    """One connection to one board.

    ``execute`` takes the SQL that both databases know, with ``:name`` parameters. The calls from
    ``begin_write`` on are for ``write`` and ``reading`` below; verbs use those.
    """

    paths: BoardPaths
    board_id: str
    default_workdir: str | None
    clock: Clock
    randomness: Randomness
    config: Config
    skills: Skills | None
    moved: str
    shared: bool
    foresees: bool
    wait_seconds: float
    events_written: int
    transaction: Transaction | None

    @property
    def Error(self) -> type[Exception]:
        """The base of what the driver raises."""

    @property
    def recall(self) -> Recall:
        """What this connection remembers of the tasks that it claimed."""

    @property
    def in_transaction(self) -> bool:
        """True between BEGIN and its end, whoever began it."""

    @property
    def location(self) -> str:
        """Where the board's rows lie, for people; without secrets."""

    def execute(self, sql: str, parameters: Given = ..., /) -> Cursor:
        """Run one statement; outside a transaction it is one of its own."""

    def insert(self, sql: str, parameters: Parameters) -> int:
        """Run one INSERT of at most one row; its new key, or 0 if a conflict kept it out."""

    def insert_unseen(self, sql: str, parameters: Parameters) -> int:
        """Run one INSERT into ``tasks`` or ``task_runs``; its key, or UNSEEN_KEY.

        Where answers take a way nobody waits for it: what is put next in this transaction, up to
        the row's event, names the row by UNSEEN_KEY, and gets the key as it is written.
        """

    def key_seen(self) -> int | None:
        """After the commit: the key for which UNSEEN_KEY stood, if it is known."""

    def foresee(self, sql: str, parameters: Parameters) -> None:
        """Take for given that ``sql`` is true, a SELECT of one boolean, and wait for no answer.

        Where ``foresees``, first of all in an outermost write transaction, and once. ``parameters``
        name ``now``, the time by which the verb decides. It is asked under the writer lock, before
        or with what is written. Where it is not so, or not that time any more, nothing is kept, and
        Unforeseen is raised: where an answer is read, or at the commit.
        """

    def put(self, sql: str, parameters: Parameters) -> None:
        """Run one INSERT or UPDATE by key, of which nothing is asked; it reads no other table."""

    def reserve(self, table: str) -> None:
        """In a write transaction: ask now for the key that the next ``insert`` into a table gets.

        Where answers take a way, it comes along with what is read before that insert.
        """

    def ask(self, sql: str, parameters: Given = ..., /) -> Callable[[], list[Any]]:
        """Read as of now; call what comes back, once, for the rows.

        Where answers take a way, it comes along with the others that are asked before it is called.
        """

    def hear_time(self) -> None:
        """Where the board's clock is a server's: hear it now, as every write does."""

    def stream(self, sql: str, parameters: Given = ...) -> Iterator[tuple[Any, ...]]:
        """The rows of a read as plain tuples, a few at a time; only inside ``reading``."""

    def counters(self) -> dict[str, int]:
        """The newest number that each table ever gave out; a table that gave none may be absent."""

    def raise_counters(self, counters: Mapping[str, int]) -> None:
        """Let each table give out only numbers above these; none is ever lowered."""

    @property
    def files(self) -> Keeping:
        """What attached files hold."""

    def translated(self, error: BaseException) -> BaseException:
        """The board's own error for one of the driver's; any other comes back as it is."""

    def damaged(self, what: str) -> BoardDamaged:
        """The error for a board that is not intact, with what to do."""

    def broken_references(self) -> list[BrokenReference]:
        """Rows that name a row which does not exist."""

    def broken_pages(self) -> list[str]:
        """What the database finds wrong with its own files; reads all of the board."""

    def hurry(self, hurried: bool) -> bool:
        """Whether a statement, or a transaction that stands still, is ended after a while.

        Returns how it was before. For ``takes_long`` below.
        """

    def begin_write(self, verb: str, worth: Worth | None = None) -> None:
        """Take the writer lock within ``wait_seconds``, begin, and look at the schema's version.

        Where ``worth`` finds something else the lock is not waited for, and NotWorth is raised,
        here or where the first answer is read. Raises BoardBusy naming the holder, or BoardTooNew,
        with nothing begun and nothing held.
        """

    def settle(self) -> None:
        """Raise now what a statement of this write transaction failed at.

        A store may send statements before it waits for their answers; then an error comes where
        the next answer is read, here, or at the commit.
        """

    def commit_write(self, events: int) -> None:
        """Make it durable."""

    def roll_back(self) -> None:
        """Roll back if anything is begun; never raises for a connection that is gone."""

    def end_write(self, events: int) -> None:
        """Let the next writer in; if events were committed, ring the bell."""

    def make_lasting(self) -> None:
        """Let what was committed survive a loss of power, also where commits do not promise it."""

    def begin_read(self) -> None:
        """Begin a transaction that sees one moment and writes nothing."""

    def end_read(self) -> None:
        """End what ``begin_read`` began, if it did."""

    def close(self) -> None:
        """Close the connection and what belongs to it."""


class Configured:
    """A connection that knows the configuration of its board's home.

    ``skills`` is set by whoever wants unknown skills to hold tasks back. ``shared`` says that
    gateways of several hosts may serve the board, ``foresees`` that answers take a way, so that
    ``foresee`` saves one. ``moved`` says where the board lies now, if these are its rows of before
    it was moved, which nobody writes.
    """

    paths: BoardPaths
    shared: bool = False
    foresees: bool = False
    skills: Skills | None = None
    moved: str = ""
    _config: Config | None = None

    @functools.cached_property
    def recall(self) -> Recall:
        """What this connection remembers of the tasks that it claimed."""
        return Recall()

    @property
    def config(self) -> Config:
        """The configuration in force; read at first use, or set by the gateway at each tick."""
        if self._config is None:
            self._config = load(self.paths.home)
        return self._config

    @config.setter
    def config(self, config: Config) -> None:
        self._config = config


class Transaction:
    """One write transaction: the connection, one reading of the clock, and what it wrote."""

    __slots__ = ("_now", "conn", "events", "lost", "savepoints", "verb")

    def __init__(self, conn: BoardConnection, verb: str) -> None:
        self.conn = conn
        self.verb = verb
        self._now: int | None = None
        self.events = 0
        self.savepoints = 0
        # The error at which the database rolled everything back by itself (a full disk, say).
        self.lost: BaseException | None = None

    @property
    def now(self) -> int:
        """Unix seconds UTC, the same throughout: those at which it was asked for first.

        On a server a verb that has read something by then has waited for its turn.
        """
        if self._now is None:
            self._now = self.conn.clock.now()
        return self._now

    @now.setter
    def now(self, at: int) -> None:
        """For what is told of another time, as by an import."""
        self._now = at

    def run(self, sql: str, parameters: Given = ()) -> Cursor:
        """Execute one statement."""
        return self.conn.execute(sql, parameters)

    def insert(self, sql: str, parameters: Parameters) -> int:
        """Execute one INSERT of at most one row; its new key, or 0 if a conflict kept it out."""
        return self.conn.insert(sql, parameters)

    def insert_unseen(self, sql: str, parameters: Parameters) -> int:
        """Execute one INSERT into ``tasks`` or ``task_runs``; its key, or UNSEEN_KEY for it."""
        return self.conn.insert_unseen(sql, parameters)

    def foresee(self, sql: str, parameters: Parameters) -> None:
        """Take for given that ``sql`` is true; see ``BoardConnection.foresee``."""
        self.conn.foresee(sql, parameters)

    def put(self, sql: str, parameters: Parameters) -> None:
        """Run one INSERT or UPDATE by key, of which nothing is asked; it reads no other table."""
        self.conn.put(sql, parameters)

    def reserve(self, table: str) -> None:
        """Say that one row will be inserted into the table, before what is read until then."""
        self.conn.reserve(table)

    def ask(self, sql: str, parameters: Given = ()) -> Callable[[], list[Any]]:
        """Read as of now; call what comes back for the rows, after all that is to come along."""
        return self.conn.ask(sql, parameters)

    def one(self, sql: str, parameters: Given = ()) -> Any:
        """The first row, or None."""
        return self.conn.execute(sql, parameters).fetchone()

    def all(self, sql: str, parameters: Given = ()) -> list[Any]:
        """Every row."""
        return self.conn.execute(sql, parameters).fetchall()

    def value(self, sql: str, parameters: Given = ()) -> Any:
        """The first column of the first row, or None."""
        row = self.conn.execute(sql, parameters).fetchone()
        return None if row is None else row[0]


@contextmanager
def write(conn: BoardConnection, verb: str, worth: Worth | None = None) -> Iterator[Transaction]:
    """One write transaction under the board's writer lock; all or nothing.

    Inside another one (``batch``) it is a savepoint of that: a verb that raises undoes only its
    own rows. With ``worth`` the verb queues for the lock only where that finds what is wanted;
    else it raises NotWorth. Raises BoardBusy, BoardDamaged, BoardTooNew or DiskFull, having
    changed nothing.
    """
    if conn.transaction is not None:
        with _savepoint(conn.transaction, verb) as outer:
            yield outer
        return
    conn.begin_write(verb, worth)
    committed = 0
    try:
        try:
            transaction = conn.transaction = Transaction(conn, verb)
            yield transaction
            _still_open(transaction)
            conn.commit_write(transaction.events)
            committed = transaction.events
        except BaseException as error:
            conn.roll_back()
            raise conn.translated(error) from error
        finally:
            conn.transaction = None
    finally:
        conn.end_write(committed)
    conn.events_written += committed


@contextmanager
def _savepoint(outer: Transaction, verb: str) -> Iterator[Transaction]:
    _still_open(outer)
    outer.savepoints += 1
    name = f"verb_{outer.savepoints}"
    events, outer_verb = outer.events, outer.verb
    outer.run(f"SAVEPOINT {name}")
    outer.verb = verb
    try:
        yield outer
        outer.conn.settle()
    except BaseException as error:
        outer.events = events
        with suppress(outer.conn.Error):
            outer.conn.settle()
        if outer.conn.in_transaction:
            outer.run(f"ROLLBACK TO {name}")
            outer.run(f"RELEASE {name}")
        elif outer.lost is None:
            outer.lost = outer.conn.translated(error)
        raise outer.conn.translated(error) from error
    else:
        outer.run(f"RELEASE {name}")
    finally:
        outer.savepoints -= 1
        outer.verb = outer_verb


def _still_open(transaction: Transaction) -> None:
    """A batch that went on after the database undid it must not commit the rest."""
    if transaction.lost is not None:
        raise transaction.lost


@contextmanager
def reading(conn: BoardConnection) -> Iterator[BoardConnection]:
    """Several reads as of one moment, with the driver's errors translated."""
    nested = conn.in_transaction
    try:
        if not nested:
            conn.begin_read()
        yield conn
    except conn.Error as error:
        raise conn.translated(error) from error
    finally:
        if not nested:
            conn.end_read()


P = ParamSpec("P")
T = TypeVar("T")


def takes_long(
    verb: Callable[Concatenate[BoardConnection, P], T],
) -> Callable[Concatenate[BoardConnection, P], T]:
    """For a verb that reads or writes all of a board: none of its statements is ended for that."""

    @functools.wraps(verb)
    def unhurried(conn: BoardConnection, /, *args: P.args, **kwargs: P.kwargs) -> T:
        before = conn.hurry(False)
        try:
            return verb(conn, *args, **kwargs)
        finally:
            with suppress(KanbanError):
                conn.hurry(before)

    return unhurried


def fetch_all(conn: BoardConnection, sql: str, parameters: Given = ()) -> list[Any]:
    """Every row of one read, with the driver's errors translated."""
    try:
        return conn.execute(sql, parameters).fetchall()
    except conn.Error as error:
        raise conn.translated(error) from error


def ask_all(conn: BoardConnection, sql: str, parameters: Given = ()) -> Callable[[], list[Any]]:
    """``BoardConnection.ask`` with the driver's errors translated."""
    try:
        asked = conn.ask(sql, parameters)
    except conn.Error as error:
        raise conn.translated(error) from error

    def rows() -> list[Any]:
        try:
            return asked()
        except conn.Error as error:
            raise conn.translated(error) from error

    return rows


def fetch_one(conn: BoardConnection, sql: str, parameters: Given = ()) -> Any:
    """The first row of one read, or None."""
    try:
        return conn.execute(sql, parameters).fetchone()
    except conn.Error as error:
        raise conn.translated(error) from error


def fetch_value(conn: BoardConnection, sql: str, parameters: Given = ()) -> Any:
    """The first column of the first row of one read, or None."""
    row = fetch_one(conn, sql, parameters)
    return None if row is None else row[0]
