"""Backups of a board in SQLite: online, of one moment, and verified before they are called one.

The copy is made by SQLite's backup API from a connection of its own that holds one read
transaction: the log lets every writer go on meanwhile, and no commit makes the copy start again.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import shutil
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from hermes_kanban.model.errors import (
    BoardDamaged,
    BoardTooNew,
    DiskFull,
    InvalidInput,
    KanbanError,
)
from hermes_kanban.paths import BoardPaths
from hermes_kanban.store import backup_files, moved, schema
from hermes_kanban.store import sqlite as store
from hermes_kanban.store.contents import Content
from hermes_kanban.store.files import (
    create_private,
    make_folder,
    remove_below,
    sync_file,
    sync_folder,
)
from hermes_kanban.store.protocol import BoardConnection

PAGES_AT_ONCE: Final = 1_000
Told = Callable[[int], None]
KEPT: Final = 10
COMPRESSED: Final = ".gz"
GZIP_LEVEL: Final = 6
PART_BYTES: Final = 1 << 20

# Why a backup was made; it begins the file's name, and each kind is counted by itself.
KINDS: Final = ("backup", "before-restore", "before-mending")
_NAME: Final = re.compile(
    rf"(?P<kind>{'|'.join(KINDS)})-(?P<at>\d{{8}}T\d{{6}}Z)(?:-(?P<number>\d+))?\.db(?:\.gz)?"
)


def backup(
    conn: BoardConnection,
    target: Path | None = None,
    *,
    kind: str = "backup",
    keep: int | None = None,
    compress: bool = False,
    told: Told | None = None,
) -> Path:
    """Copy the board as it is now to ``target`` and return its path; readers and writers go on.

    Without a target it goes to the board's ``backups/``, named by kind and time (UTC), and of its
    kind only the newest ``keep`` stay. With ``compress``, or a target that ends in ``.gz``, it is
    compressed with gzip. A file that exists is never replaced. The copy is synced,
    private (0600) and verified before it gets its name; until then nothing has that name. Attached
    files go with it (``backup_files``). ``told`` hears how many pages are copied.
    Raises InvalidInput, DiskFull, BoardDamaged, KanbanError.
    """
    here = sqlite_board(
        conn,
        "back it up with: pg_dump --format=custom --schema={schema} --file=board.dump --dbname=…"
        " (what kanban.database says)",
    )
    try:
        if target is None:
            make_folder(here.paths.backups)
            suffix = ".db" + (COMPRESSED if compress else "")
            target = free_name(here.paths.backups, kind, conn.clock.now(), suffix)
        for taken in (target, backup_files.files_of_backup(target)):
            if os.path.lexists(taken):
                raise InvalidInput("file", "a name that is not taken yet", f"{taken} exists")
        write_backup(here.paths, target, files=True, told=told)
    except OSError as error:
        raise store.translated(error, here.paths) from None
    if keep is not None:
        for old in superseded(here.paths, keep):
            if old.name.startswith(f"{kind}-"):
                for part in (old, backup_files.files_of_backup(old)):
                    remove_below(here.paths.root, "backups", part.name)
    return target


def write_backup(
    paths: BoardPaths, target: Path, *, files: bool = False, told: Told | None = None
) -> None:
    """Copy the board to ``target``, which becomes the whole verified copy at once, or stays.

    With ``files`` it has the attached ones beside it by then.
    """
    with _draft(target) as draft:
        copy_board(paths, draft, told)
        verify(draft, newer=True)
        wanted = files_named_in(draft) if files else []
        if target.suffix == COMPRESSED:
            _compress(draft)
        sync_file(draft)
        with backup_files.brought(paths.root, wanted, target):
            os.rename(draft, target)
    sync_folder(target.parent)


def _compress(file: Path) -> None:
    """Replace a verified copy by itself compressed, from which all of it has been read back."""
    with _draft(file) as packed:
        with open(file, "rb") as whole, gzip.open(packed, "wb", GZIP_LEVEL) as out:
            shutil.copyfileobj(whole, out, PART_BYTES)
        with open(file, "rb") as whole, gzip.open(packed) as back:
            while part := whole.read(PART_BYTES):
                if back.read(len(part)) != part:
                    raise KanbanError(f"{packed} does not hold what was written to it; try again")
        os.rename(packed, file)


def unpack(file: Path, target: Path) -> None:
    """Write what a compressed backup holds to ``target``. Raises BoardDamaged."""
    try:
        with gzip.open(file) as packed, open(target, "wb") as whole:
            shutil.copyfileobj(packed, whole, PART_BYTES)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BoardDamaged(f"{file} is no whole compressed backup: {error}") from None


def files_named_in(file: Path) -> list[Content]:
    """What the attachments of a board hold whose file nobody writes."""
    with contextlib.closing(looking_at(file)) as conn:
        return backup_files.named_in(conn)


def looking_at(file: Path) -> sqlite3.Connection:
    """By ``immutable`` SQLite looks at this file alone (https://www.sqlite.org/uri.html)."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)


def sqlite_board(conn: BoardConnection, instead: str) -> store.SqliteConnection:
    """``conn`` if its board is a file; else KanbanError that says what to do ``instead``.

    ``{schema}`` in that stands for the board's.
    """
    if isinstance(conn, store.SqliteConnection):
        return conn
    from hermes_kanban.store.pgnames import schema_of

    told = instead.format(schema=schema_of(conn.paths.slug))
    raise KanbanError(f"{conn.location} is no file; {told}")


def superseded(paths: BoardPaths, keep: int) -> list[Path]:
    """The backups in the board's folder that are older than the newest ``keep`` of their kind.

    Only those that a command named by itself; a file that a person named is never among them.
    """
    found: dict[str, list[tuple[str, int, Path]]] = {}
    for file in _listed(paths.backups):
        if name := _NAME.fullmatch(file.name):
            age = (name["at"], int(name["number"] or 1), file)
            found.setdefault(name["kind"], []).append(age)
    return [file for ages in found.values() for _, _, file in sorted(ages)[: len(ages) - keep]]


def _listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []


def free_name(folder: Path, kind: str, now: int, suffix: str = ".db") -> Path:
    """A name in ``folder`` that is not taken, by kind and moment (Unix seconds)."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    file, number = folder / f"{kind}-{stamp}{suffix}", 1
    while os.path.lexists(file) or os.path.lexists(backup_files.files_of_backup(file)):
        number += 1
        file = folder / f"{kind}-{stamp}-{number}{suffix}"
    return file


@contextlib.contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """A private file beside ``target`` that is gone in the end, unless it was renamed."""
    draft = target.with_name(f".{target.name}.{os.urandom(4).hex()}.tmp")
    create_private(draft)
    try:
        yield draft
    finally:
        for name in (draft.name, f"{draft.name}-journal"):
            draft.with_name(name).unlink(missing_ok=True)


def copy_board(paths: BoardPaths, target: Path, told: Told | None = None) -> None:
    """Copy the board's committed content, as of one moment, into the empty file ``target``."""
    source = store.open_board(paths)
    try:
        source.begin_read()
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        copy_into(source, target, told)
    except sqlite3.Error as error:
        raise _explained(error, paths.database, target) from error
    finally:
        source.close()


def copy_into(source: sqlite3.Connection, target: Path, told: Told | None = None) -> None:
    """Copy what ``source`` sees into the file ``target``, a number of pages at a time.

    After each of them ``told`` hears how many are copied.
    """
    copy = sqlite3.connect(target, isolation_level=None)
    try:
        # The draft is synced as a whole before it gets its name.
        copy.execute("PRAGMA synchronous = OFF")
        hears = None if told is None else lambda _, left, total: told(total - left)
        source.backup(copy, pages=PAGES_AT_ONCE, progress=hears)
    finally:
        copy.close()


def _explained(error: sqlite3.Error, source: Path, target: Path) -> BaseException:
    code = getattr(error, "sqlite_errorcode", None)
    primary = 0 if code is None else code & 0xFF
    if primary in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return DiskFull(
            f"cannot copy {source} to {target.parent} ({error}); no backup was made; "
            "free some space or name a file on another disk"
        )
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return BoardDamaged(f"{source} cannot be copied: {error}")
    what = "check the rights of its folder and the room on its disk"
    return KanbanError(f"cannot copy {source} to {target.parent} ({error}); {what}")


def verify(file: Path, *, newer: bool = False) -> int:
    """The schema version of an intact board; reads all of the file. ``newer`` ones may pass too.

    The file is neither locked nor changed, and nothing is written beside it. Raises BoardDamaged
    or BoardTooNew that names the file.
    """
    conn = looking_at(file)
    try:
        return _verified(conn, file, newer)
    except sqlite3.Error as error:
        if isinstance(error, KanbanError):
            raise
        raise BoardDamaged(f"{file} is no intact board: {error}") from None
    finally:
        conn.close()


def _verified(conn: sqlite3.Connection, file: Path, newer: bool) -> int:
    if conn.execute("PRAGMA application_id").fetchone()[0] != store.APPLICATION_ID:
        raise BoardDamaged(f"{file} is no board: another program made it (application_id differs)")
    version: int = conn.execute("PRAGMA user_version").fetchone()[0]
    if version >= moved.AWAY and not newer:
        raise moved.error(str(file), version, moved.read(conn))
    if version > schema.SCHEMA_VERSION and not newer:
        raise BoardTooNew(
            f"{file} has schema version {version} and this hermes-kanban knows "
            f"{schema.SCHEMA_VERSION}; upgrade hermes-kanban to use it"
        )
    pages, page_size = (
        conn.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
    )
    if (size := os.stat(file).st_size) < pages * page_size:
        raise BoardDamaged(f"{file} was cut off: {size} bytes of {pages * page_size}")
    for (found,) in conn.execute("PRAGMA integrity_check(5)").fetchall():
        if found != "ok":
            raise BoardDamaged(f"{file} is damaged: {found}")
    if conn.execute("SELECT count(*) FROM boards").fetchone()[0] != 1:
        raise BoardDamaged(f"{file} is no board: its table of boards does not hold one row")
    return version
