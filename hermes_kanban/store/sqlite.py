"""The SQLite store: opening a board safely, one writer at a time, and plain reads.

A database file that SQLite has open in this process is never opened by other means: closing any
descriptor of it would drop the process's POSIX locks (https://www.sqlite.org/howtocorrupt.html,
section 2.2). All judgement of a file therefore goes through SQLite or ``stat``.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hermes_kanban.model.errors import (
    BoardBusy,
    BoardDamaged,
    BoardTooNew,
    DiskFull,
    IdTaken,
    KanbanError,
)
from hermes_kanban.paths import BoardPaths
from hermes_kanban.ports import Clock, Randomness, SystemClock, SystemRandomness
from hermes_kanban.store import moved, schema
from hermes_kanban.store.doorbell import Doorbell
from hermes_kanban.store.keeping import InFolder
from hermes_kanban.store.protocol import (
    WAIT_SECONDS,
    BrokenReference,
    Configured,
    Given,
    NotWorth,
    Parameters,
    Transaction,
    Unforeseen,
    Worth,
    fetch_value,
    write,
)
from hermes_kanban.store.writer_host import WriterHost
from hermes_kanban.store.writer_lock import WriterLock

APPLICATION_ID = 0x484B4231  # "HKB1"
CACHED_STATEMENTS = 256

# Extended result codes (https://www.sqlite.org/rescode.html) by what they mean to a caller.
_FULL = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_TRUNCATE,
        sqlite3.SQLITE_IOERR_SHMSIZE,
    }
)
# SQLite does not say why: no right to, no room for one more file, a disk that fails.
_FAULTS = frozenset(
    {
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_IOERR,
    }
)
_PRIMARY_CODE = 0xFF
_NO_COUNTER = """
INSERT INTO sqlite_sequence (name, seq) SELECT :table, 0
WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = :table)
"""
_RAISE_COUNTER = "UPDATE sqlite_sequence SET seq = :value WHERE name = :table AND seq < :value"
# ``PRAGMA synchronous``: FULL, at which each commit is synced.
_SYNCED = 2


class SqliteConnection(sqlite3.Connection, Configured):
    """A plain ``sqlite3.Connection`` that is a ``protocol.BoardConnection`` too."""

    paths: BoardPaths
    board_id: str
    default_workdir: str | None
    clock: Clock
    randomness: Randomness
    wait_seconds: float
    events_written: int = 0
    transaction: Transaction | None = None
    _lock: WriterLock
    _writer_host: WriterHost
    _bell: Doorbell

    @property
    def location(self) -> str:
        """The board's file."""
        return str(self.paths.database)

    def insert(self, sql: str, parameters: Parameters) -> int:
        """The new row's id from the cursor: RETURNING would cost as much again as the insert."""
        cursor = self.execute(sql, parameters)
        return cursor.lastrowid or 0 if cursor.rowcount else 0

    def insert_unseen(self, sql: str, parameters: Parameters) -> int:
        """Seen at once."""
        return self.insert(sql, parameters)

    def key_seen(self) -> int | None:
        """None: it was seen before."""
        return None

    def foresee(self, sql: str, parameters: Parameters) -> None:
        """Asked at once; to read what it says saves as much."""
        if not self.execute(sql, parameters).fetchone()[0]:
            raise Unforeseen

    def put(self, sql: str, parameters: Parameters) -> None:
        """Run at once."""
        self.execute(sql, parameters)

    def reserve(self, table: str) -> None:
        """Nothing: an insert tells its key at once."""

    def ask(self, sql: str, parameters: Given = ()) -> Callable[[], list[Any]]:
        """Read at once: what is written later must not be seen in it."""
        rows = self.execute(sql, parameters).fetchall()
        return lambda: rows

    def hear_time(self) -> None:
        """Nothing: the clock is this machine's."""

    def stream(self, sql: str, parameters: Given = ()) -> Iterator[tuple[Any, ...]]:
        """The rows as plain tuples, read as they are asked for."""
        cursor = self.cursor()
        cursor.row_factory = None
        return cursor.execute(sql, parameters)

    @property
    def files(self) -> InFolder:
        """In the board's folder."""
        return InFolder(self.paths.root)

    def counters(self) -> dict[str, int]:
        """What AUTOINCREMENT remembers."""
        return dict(self.execute("SELECT name, seq FROM sqlite_sequence").fetchall())

    def raise_counters(self, counters: Mapping[str, int]) -> None:
        """https://www.sqlite.org/autoinc.html: the table is an ordinary one."""
        for table, value in counters.items():
            self.execute(_NO_COUNTER, {"table": table})
            self.execute(_RAISE_COUNTER, {"table": table, "value": value})

    def translated(self, error: BaseException) -> BaseException:
        """The board's own error for an SQLite error; any other comes back as it is."""
        return translated(error, self.paths)

    def damaged(self, what: str) -> BoardDamaged:
        """The error for a file that is no intact board."""
        return damaged(self.paths, what)

    def broken_references(self) -> list[BrokenReference]:
        """What SQLite's own look at the foreign keys finds."""
        # A table without rowids (links) has no number to show; another invariant names its row.
        return [
            BrokenReference(table, str(row_id or "?"), named)
            for table, row_id, named, _ in self.execute("PRAGMA foreign_key_check").fetchall()
        ]

    def broken_pages(self) -> list[str]:
        """What SQLite finds wrong with the file itself."""
        found = self.execute("PRAGMA integrity_check").fetchall()
        return [line for (line,) in found if line != "ok"]

    def hurry(self, hurried: bool) -> bool:
        """No statement is ended by anybody else."""
        del hurried
        return True

    def begin_write(self, verb: str, worth: Worth | None = None) -> None:
        """``flock`` first, then BEGIN IMMEDIATE and the version that the file has now."""
        if worth is not None:
            found = fetch_value(self, worth.sql, worth.parameters)
            if found != worth.wanted:
                raise NotWorth(found)
        self._lock.acquire(verb, self.wait_seconds)
        try:
            self.execute("BEGIN IMMEDIATE")
            self._check_version()
            self._writer_host.sign(self, self.clock)
        except BaseException as error:
            self._let_go()
            raise translated(error, self.paths) from error

    def _check_version(self) -> None:
        known = self.execute("PRAGMA user_version").fetchone()[0]
        if known >= moved.AWAY:
            raise moved.error(self.location, known, moved.read(self))
        if known > schema.SCHEMA_VERSION:
            raise too_new(self.paths, known)

    def _let_go(self) -> None:
        self.roll_back()
        self._lock.release()

    def settle(self) -> None:
        """Nothing: every statement is waited for."""

    def commit_write(self, events: int) -> None:
        """Write the log and, with durability full, sync it."""
        del events
        self.execute("COMMIT")

    def roll_back(self) -> None:
        """Roll back, unless SQLite has done that already (at a full disk, say)."""
        if self.in_transaction:
            self.execute("ROLLBACK")

    def end_write(self, events: int) -> None:
        """Let the next writer in, then ring."""
        self._lock.release()
        if events:
            self._bell.ring()

    def make_lasting(self) -> None:
        """A commit that is synced takes all before it along; with durability full each one is."""
        (level,) = self.execute("PRAGMA synchronous").fetchone()
        if level >= _SYNCED:
            return
        self.execute(f"PRAGMA synchronous = {_SYNCED}")
        try:
            with write(self, "sync") as tx:
                # A row that gets what it holds is not written; this page is, whatever it holds.
                tx.run(f"PRAGMA user_version = {tx.value('PRAGMA user_version')}")
        finally:
            self.execute(f"PRAGMA synchronous = {level}")

    def begin_read(self) -> None:
        """SQLite reads the moment of its first statement until it ends."""
        self.execute("BEGIN")

    def end_read(self) -> None:
        """Let later writes be seen again."""
        if self.in_transaction:
            self.execute("COMMIT")

    def close(self) -> None:
        """Close the database, the lock and the bell."""
        super().close()
        # A file that was refused has got neither, or only the lock.
        if hasattr(self, "_lock"):
            self._lock.close()
        if hasattr(self, "_bell"):
            self._bell.close()


def open_board(
    paths: BoardPaths,
    *,
    clock: Clock | None = None,
    randomness: Randomness | None = None,
    wait_seconds: float = WAIT_SECONDS,
    same_thread: bool = True,
) -> SqliteConnection:
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
        factory=SqliteConnection,
    )
    conn.row_factory = sqlite3.Row
    conn.paths = paths
    conn.clock = clock or _SYSTEM_CLOCK
    conn.randomness = randomness or _SYSTEM_RANDOMNESS
    conn.wait_seconds = wait_seconds
    conn._lock = WriterLock(paths.writer_lock)
    conn._writer_host = WriterHost()
    return conn


_SYSTEM_CLOCK = SystemClock()
_SYSTEM_RANDOMNESS = SystemRandomness()


def translated(
    error: BaseException, paths: BoardPaths, waited_seconds: float = WAIT_SECONDS
) -> BaseException:
    """The board's own error for an SQLite error or a full disk; any other comes back as it is."""
    file = paths.database
    full = DiskFull(f"no room to write {file} ({error}); nothing was changed; free some space")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return full
    if not isinstance(error, sqlite3.Error) or isinstance(error, KanbanError):
        return error
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return error
    if code == sqlite3.SQLITE_CONSTRAINT_UNIQUE and str(error).endswith(": tasks.id"):
        return IdTaken(f"{file}: {error}")
    primary = code & _PRIMARY_CODE
    if code in _FULL or primary == sqlite3.SQLITE_FULL:
        return full
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(paths, str(error))
    if primary == sqlite3.SQLITE_BUSY:
        return BoardBusy("another program", waited_seconds)
    if primary in _FAULTS:
        what = "check the rights of its folder and the room on its disk"
        return KanbanError(f"cannot write {file} ({error}); {what}")
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
        f"{schema.SCHEMA_VERSION}; upgrade hermes-kanban to use this board"
    )


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
