"""Putting another content in the place of a board in SQLite, whoever has the file open.

The file itself stays where there is one: SQLite's backup API writes the new pages into it in one
transaction, so open connections see the old content or the new one, and a crash leaves either. A
file that was replaced by renaming would not be safe: a connection to the old file deletes the log
of the new one, by name, when it closes (https://www.sqlite.org/howtocorrupt.html, section 2.5).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hermes_kanban.model.errors import BoardBusy, InUse
from hermes_kanban.paths import BoardPaths
from hermes_kanban.store.backup import PAGES_AT_ONCE
from hermes_kanban.store.files import create_private, sync_file, sync_folder
from hermes_kanban.store.role_lock import RoleLock

# What lies beside a database: its log, the log's index, a journal of before there was a log.
_BESIDE: Final = ("-wal", "-shm", "-journal")
# The bytes that SQLite locks: pending, reserved, shared (https://www.sqlite.org/lockingv3.html).
_LOCKED_FROM: Final = 0x40000000
_LOCKED_BYTES: Final = 512


@contextlib.contextmanager
def held(lock: Path, what: str) -> Iterator[None]:
    """Hold a role's lock file; raises InUse, naming its holder, if somebody has the role."""
    role = RoleLock(lock)
    if not role.try_take():
        raise InUse(what, f"process {role.holder()}", "stop it first; its workers go on")
    try:
        yield
    finally:
        role.release()


def overwrite(source: Path, database: Path, wait_seconds: float) -> None:
    """Give the SQLite file ``database`` the content of ``source`` in one transaction.

    The caller has the board's writer lock and nothing has ``source`` open. Raises BoardBusy if
    another program writes for longer than ``wait_seconds``, with nothing changed.
    """
    deadline = time.monotonic() + wait_seconds

    def not_for_ever(status: int, remaining: int, total: int) -> None:
        busy = status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        if busy and time.monotonic() > deadline:
            raise BoardBusy("another program", wait_seconds)

    given = sqlite3.connect(f"{source.as_uri()}?mode=ro&immutable=1", uri=True)
    board = sqlite3.connect(
        f"{database.as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=0
    )
    try:
        board.execute("PRAGMA synchronous = FULL")
        given.backup(board, pages=PAGES_AT_ONCE, progress=not_for_ever, sleep=0.05)
    finally:
        board.close()
        given.close()


def fit_pages(database: Path, page_size: int) -> None:
    """Give a file that nobody has open pages of that size (bytes): a log cannot hold others."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as conn:
        if conn.execute("PRAGMA page_size").fetchone()[0] != page_size:
            conn.execute("PRAGMA journal_mode = DELETE")
            conn.execute(f"PRAGMA page_size = {page_size}")
            conn.execute("VACUUM")
            conn.execute("PRAGMA journal_mode = WAL")


def put(source: Path, paths: BoardPaths) -> None:
    """Give a board whose file is missing the finished file ``source``, by one link."""
    sync_file(source)
    os.link(source, paths.database)
    sync_folder(paths.database.parent)


def overwrite_damaged(source: Path, paths: BoardPaths, keep_in: Path, wait_seconds: float) -> None:
    """Give a file that is no board the content of ``source``; what it held goes to ``keep_in``.

    SQLite cannot write into it, so it is emptied first, once its copy is safe; a crash then leaves
    an empty file, which is refused like the damaged one. Raises InUse if any process has it open.
    """
    refuse_openers(paths.database)
    keep_in.mkdir(mode=0o700, parents=True)
    # Nobody of this process has the file open: closing a descriptor of it drops no lock of theirs.
    with open(paths.database, "r+b") as file:
        _lock_out(file.fileno(), paths.database)
        for part in _parts(paths.database):
            _copy(part, keep_in / part.name)
        sync_folder(keep_in)
        sync_folder(keep_in.parent)
        for part in _parts(paths.database)[1:]:
            part.unlink()
        file.truncate(0)
        os.fsync(file.fileno())
    overwrite(source, paths.database, wait_seconds)


def keep_strays(paths: BoardPaths, keep_in: Path) -> bool:
    """Move the log of a database that is missing to ``keep_in``: it belongs to no new one."""
    strays = _parts(paths.database)[1:]
    for stray in strays:
        keep_in.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.rename(stray, keep_in / stray.name)
    return bool(strays)


def refuse_openers(database: Path) -> None:
    """InUse if a process that can be seen has this file, or one of this name, open."""
    if pids := openers(database):
        shown = ", ".join(map(str, pids))
        raise InUse("the board's file is open", f"process {shown}", "end it first")


def openers(database: Path) -> list[int]:
    """The pids that have a database of that path open, also one that was deleted since.

    As far as ``/proc`` shows: own processes, on Linux.
    """
    names = {f"{database}{suffix}" for suffix in ("", *_BESIDE)}
    names |= {f"{name} (deleted)" for name in names}
    found = set()
    for folder in Path("/proc").glob("[0-9]*/fd"):
        with contextlib.suppress(OSError):
            for entry in os.scandir(folder):
                with contextlib.suppress(OSError):
                    if os.readlink(entry.path) in names:
                        found.add(int(folder.parent.name))
    return sorted(found)


def _parts(database: Path) -> list[Path]:
    beside = [database.with_name(database.name + suffix) for suffix in _BESIDE]
    return [database, *(file for file in beside if os.path.lexists(file))]


def _lock_out(descriptor: int, database: Path) -> None:
    """Take all the locks that any SQLite connection has while it is open, or raise InUse."""
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, _LOCKED_BYTES, _LOCKED_FROM)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        raise InUse(
            "the board's file is open", f"another process has {database}", "end it first"
        ) from None


def _copy(source: Path, target: Path) -> None:
    create_private(target)
    with open(source, "rb") as given, open(target, "wb") as copy:
        while part := given.read(1 << 20):
            copy.write(part)
    sync_file(target)
