"""The SQLite store: opening a board safely, one writer at a time, and plain reads.

A database file that SQLite has open in this process is never opened by other means: closing any
descriptor of it would drop the process's POSIX locks (https://www.sqlite.org/howtocorrupt.html,
section 2.2). All judgement of a file therefore goes through SQLite or ``stat``.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hermes_kanban.config import Config, load
from hermes_kanban.model.errors import (
    BoardBusy,
    BoardDamaged,
    BoardTooNew,
    DiskFull,
    KanbanError,
)
from hermes_kanban.paths import BoardPaths
from hermes_kanban.ports import Clock, Randomness, SystemClock, SystemRandomness
from hermes_kanban.store.doorbell import Doorbell
from hermes_kanban.store.writer_lock import WriterLock

APPLICATION_ID = 0x484B4231  # "HKB1"
SCHEMA_VERSION = 2
WAIT_SECONDS = 30.0
GATEWAY_WAIT_SECONDS = 1.0
CACHED_STATEMENTS = 256

Parameters = dict[str, Any]

# Extended result codes (https://www.sqlite.org/rescode.html) by what they mean to a caller.
_FULL = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_TRUNCATE,
        sqlite3.SQLITE_IOERR_SHMSIZE,
    }
)
_PRIMARY_CODE = 0xFF


class BoardConnection(sqlite3.Connection):
    """A plain ``sqlite3.Connection`` that knows which board it is, and its writer lock."""

    paths: BoardPaths
    board_id: str
    default_workdir: str | None
    clock: Clock
    randomness: Randomness
    wait_seconds: float
    events_written: int = 0
    _lock: WriterLock
    _bell: Doorbell
    _transaction: Transaction | None = None
    _config: Config | None = None

    @property
    def config(self) -> Config:
        """The configuration in force; read at first use, or set by the gateway at each tick."""
        if self._config is None:
            self._config = load(self.paths.home)
        return self._config

    @config.setter
    def config(self, config: Config) -> None:
        self._config = config

    def close(self) -> None:
        """Close the database, the lock and the bell."""
        super().close()
        # A file that was refused has got neither, or only the lock.
        if hasattr(self, "_lock"):
            self._lock.close()
        if hasattr(self, "_bell"):
            self._bell.close()


class Transaction:
    """One write transaction: the connection, one reading of the clock, and what it wrote."""

    __slots__ = ("conn", "events", "lost", "now", "savepoints", "verb")

    def __init__(self, conn: BoardConnection, verb: str) -> None:
        self.conn = conn
        self.verb = verb
        self.now = conn.clock.now()
        self.events = 0
        self.savepoints = 0
        # The error at which SQLite rolled everything back by itself (a full disk among them).
        self.lost: BaseException | None = None

    def run(self, sql: str, parameters: Parameters | Sequence[Any] = ()) -> sqlite3.Cursor:
        """Execute one statement."""
        return self.conn.execute(sql, parameters)

    def insert(self, sql: str, parameters: Parameters) -> int:
        """Execute one INSERT of at most one row; the new row's id, or 0 if a conflict kept it out.

        RETURNING would cost as much again as the insert itself.
        """
        cursor = self.conn.execute(sql, parameters)
        return cursor.lastrowid or 0 if cursor.rowcount else 0

    def one(self, sql: str, parameters: Parameters | Sequence[Any] = ()) -> Any:
        """The first row, or None."""
        return self.conn.execute(sql, parameters).fetchone()

    def all(self, sql: str, parameters: Parameters | Sequence[Any] = ()) -> list[Any]:
        """Every row."""
        return self.conn.execute(sql, parameters).fetchall()

    def value(self, sql: str, parameters: Parameters | Sequence[Any] = ()) -> Any:
        """The first column of the first row, or None."""
        row = self.conn.execute(sql, parameters).fetchone()
        return None if row is None else row[0]


def open_board(
    paths: BoardPaths,
    *,
    clock: Clock | None = None,
    randomness: Randomness | None = None,
    wait_seconds: float = WAIT_SECONDS,
    same_thread: bool = True,
) -> BoardConnection:
    """Open an existing board that has been judged (see ``opening.judge``).

    ``wait_seconds`` bounds the wait for the writer lock; ``same_thread=False`` lets a pool of
    threads use the connection one after another.
    """
    conn = sqlite3.connect(
        f"{paths.database.as_uri()}?mode=rw",
        uri=True,
        timeout=wait_seconds,
        isolation_level=None,
        check_same_thread=same_thread,
        cached_statements=CACHED_STATEMENTS,
        factory=BoardConnection,
    )
    conn.row_factory = sqlite3.Row
    conn.paths = paths
    conn.clock = clock or _SYSTEM_CLOCK
    conn.randomness = randomness or _SYSTEM_RANDOMNESS
    conn.wait_seconds = wait_seconds
    conn._lock = WriterLock(paths.writer_lock)
    return conn


_SYSTEM_CLOCK = SystemClock()
_SYSTEM_RANDOMNESS = SystemRandomness()


@contextmanager
def write(conn: BoardConnection, verb: str) -> Iterator[Transaction]:
    """One write transaction under the board's writer lock; all or nothing.

    Inside another one (``batch``) it is a savepoint of that: a verb that raises undoes only its
    own rows. Raises BoardBusy, BoardDamaged, BoardTooNew or DiskFull, having changed nothing.
    """
    if conn._transaction is not None:
        with _savepoint(conn._transaction, verb) as outer:
            yield outer
        return
    conn._lock.acquire(verb, conn.wait_seconds)
    try:
        transaction = _begin(conn, verb)
        try:
            yield transaction
            _still_open(transaction)
            conn.execute("COMMIT")
        except BaseException as error:
            _roll_back(conn)
            raise translated(error, conn.paths) from error
        finally:
            conn._transaction = None
    finally:
        conn._lock.release()
    if transaction.events:
        conn.events_written += transaction.events
        conn._bell.ring()


def _begin(conn: BoardConnection, verb: str) -> Transaction:
    try:
        conn.execute("BEGIN IMMEDIATE")
        known = conn.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.Error as error:
        _roll_back(conn)
        raise translated(error, conn.paths) from error
    if known > SCHEMA_VERSION:
        _roll_back(conn)
        raise too_new(conn.paths, known)
    conn._transaction = Transaction(conn, verb)
    return conn._transaction


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
    except BaseException as error:
        outer.events = events
        if outer.conn.in_transaction:
            outer.run(f"ROLLBACK TO {name}")
            outer.run(f"RELEASE {name}")
        elif outer.lost is None:
            outer.lost = translated(error, outer.conn.paths)
        raise translated(error, outer.conn.paths) from error
    else:
        outer.run(f"RELEASE {name}")
    finally:
        outer.savepoints -= 1
        outer.verb = outer_verb


def _still_open(transaction: Transaction) -> None:
    """A batch that went on after SQLite undid it must not commit the rest: all or nothing."""
    if transaction.lost is not None:
        raise transaction.lost


def _roll_back(conn: BoardConnection) -> None:
    # Some errors (a full disk among them) have rolled back already.
    if conn.in_transaction:
        conn.execute("ROLLBACK")


def translated(
    error: BaseException, paths: BoardPaths, waited_seconds: float = WAIT_SECONDS
) -> BaseException:
    """The board's own error for an SQLite error; any other comes back as it is."""
    if not isinstance(error, sqlite3.Error) or isinstance(error, KanbanError):
        return error
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return error
    file = paths.database
    primary = code & _PRIMARY_CODE
    if code in _FULL or primary == sqlite3.SQLITE_FULL:
        return DiskFull(f"no room to write {file} ({error}); nothing was changed; free some space")
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(paths, str(error))
    if primary == sqlite3.SQLITE_BUSY:
        return BoardBusy("another program", waited_seconds)
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return KanbanError(f"cannot write {file} ({error}); check the rights of its folder")
    return error


def damaged(paths: BoardPaths, what: str) -> BoardDamaged:
    """The error for a file that is no intact board, with what to do."""
    return BoardDamaged(
        f"{paths.database} is not an intact board: {what}; it was left untouched; "
        f"restore a backup from {paths.backups} or move the folder away"
    )


def too_new(paths: BoardPaths, version: int) -> BoardTooNew:
    """The error for a board of a newer hermes-kanban."""
    return BoardTooNew(
        f"{paths.database} has schema version {version} and this hermes-kanban knows "
        f"{SCHEMA_VERSION}; upgrade hermes-kanban to use this board"
    )


@contextmanager
def reading(conn: BoardConnection) -> Iterator[BoardConnection]:
    """Several reads as of one moment, with SQLite's errors translated."""
    nested = conn.in_transaction
    try:
        if not nested:
            conn.execute("BEGIN")
        yield conn
    except sqlite3.Error as error:
        raise translated(error, conn.paths) from error
    finally:
        if not nested and conn.in_transaction:
            conn.execute("COMMIT")


def fetch_all(
    conn: BoardConnection, sql: str, parameters: Parameters | Sequence[Any] = ()
) -> list[Any]:
    """Every row of one read, with SQLite's errors translated."""
    try:
        return conn.execute(sql, parameters).fetchall()
    except sqlite3.Error as error:
        raise translated(error, conn.paths) from error


def fetch_one(conn: BoardConnection, sql: str, parameters: Parameters | Sequence[Any] = ()) -> Any:
    """The first row of one read, or None."""
    try:
        return conn.execute(sql, parameters).fetchone()
    except sqlite3.Error as error:
        raise translated(error, conn.paths) from error


def fetch_value(
    conn: BoardConnection, sql: str, parameters: Parameters | Sequence[Any] = ()
) -> Any:
    """The first column of the first row of one read, or None."""
    row = fetch_one(conn, sql, parameters)
    return None if row is None else row[0]


# Boards that this process has judged and, where needed, migrated: (path, inode).
_judged: set[tuple[str, int]] = set()
_judged_guard = threading.Lock()


def is_judged(paths: BoardPaths, inode: int) -> bool:
    """True when this process has already opened this very file."""
    return (os.fspath(paths.database), inode) in _judged


def remember_judged(paths: BoardPaths, inode: int) -> None:
    """No migration work for this file from now on in this process."""
    with _judged_guard:
        _judged.add((os.fspath(paths.database), inode))
