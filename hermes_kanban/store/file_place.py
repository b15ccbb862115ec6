"""A board in SQLite that is moved away, and the file in which one arrives."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from hermes_kanban.config import load
from hermes_kanban.model.errors import KanbanError, NotFound
from hermes_kanban.paths import BoardPaths
from hermes_kanban.store import backup as backups
from hermes_kanban.store import filesystem, moved, opening, replace, schema, sqlite_version
from hermes_kanban.store import sqlite as store
from hermes_kanban.store.files import make_folder, remove_below
from hermes_kanban.store.moved import Mark
from hermes_kanban.store.places import Found, State, refuse_other
from hermes_kanban.store.protocol import WAIT_SECONDS, BoardConnection
from hermes_kanban.store.sqlite import SqliteConnection
from hermes_kanban.store.writer_lock import WriterLock

STAGING_PREFIX: Final = ".move-"
_BUSY_SECONDS: Final = WAIT_SECONDS


class FilePlace:
    """The file of a board in a home (``places.Place``)."""

    def __init__(self, paths: BoardPaths) -> None:
        self.paths = paths
        self.location = str(paths.database)
        self.clearing = f"move the folder {paths.root} away"

    def look(self) -> Found:
        """By the file as its log completes it."""
        return self._found()

    def _found(self) -> Found:
        sqlite_version.refuse_old()
        if opening.inode_of(self.paths) is None:
            return Found("absent")
        conn = store.open_board(self.paths)
        try:
            version = opening.judged_version(conn, self.paths)
            (board_id,) = conn.execute("SELECT board_id FROM boards").fetchone()
            if version >= moved.AWAY:
                state: State = "away" if version == moved.AWAY else "coming"
                return Found(state, board_id, moved.read(conn))
            return Found("board" if any(conn.counters().values()) else "unused", board_id)
        except sqlite3.Error as error:
            raise store.translated(error, self.paths) from None
        finally:
            conn.close()

    def may_come(self) -> None:
        """On a disk of this host."""
        near = next(one for one in (self.paths.root, *self.paths.root.parents) if one.is_dir())
        filesystem.refuse_share(near / self.paths.database.name)
        if not os.access(near, os.W_OK | os.X_OK):
            raise KanbanError(f"cannot write {near}; check the rights of the folder")

    @contextlib.contextmanager
    def at_rest(self) -> Iterator[None]:
        """The locks of the home tell, which whoever moves has."""
        yield

    @contextlib.contextmanager
    def leaving(self, wait_seconds: float) -> Iterator[SqliteConnection]:
        """Migrated where it is older."""
        inode = opening.inode_of(self.paths)
        if inode is None:
            raise NotFound("board", self.paths.slug, f"there is no {self.location}")
        filesystem.refuse_share(self.paths.database)
        conn = opening.open_at(
            self.paths, inode, wait_seconds=wait_seconds, config=load(self.paths.home)
        )
        with contextlib.closing(conn):
            conn.execute("PRAGMA synchronous = FULL")
            conn.begin_write("move")
            try:
                yield conn
                conn.commit_write(0)
            except BaseException as error:
                conn.roll_back()
                raise conn.translated(error) from error
            finally:
                conn.end_write(0)

    def leave(self, conn: BoardConnection, mark: Mark) -> None:
        """By its version."""
        _mark(conn, mark, moved.AWAY)

    @contextlib.contextmanager
    def coming(self, board: dict[str, Any], there: Found) -> Iterator[_FileDraft]:
        """A file of its own in the board's folder, that takes its place at once."""
        root = self.paths.root
        make_folder(root)
        name = f"{STAGING_PREFIX}{os.urandom(4).hex()}.tmp"
        (root / name).mkdir(mode=0o700)
        try:
            file = root / name / "board.db"
            opening.write_new(file, self.paths.slug, board["name"], None, None)
            draft = _FileDraft(self.paths, file, board)
            try:
                yield draft
            finally:
                draft.conn.close()
            if draft.kept:
                self._place(file, there)
        except (OSError, sqlite3.Error) as error:
            raise store.translated(error, self.paths) from None
        finally:
            with contextlib.suppress(OSError):
                remove_below(root, name)

    def _place(self, file: Path, there: Found) -> None:
        with contextlib.closing(WriterLock(self.paths.writer_lock)) as writer:
            writer.acquire("move", _BUSY_SECONDS)
            refuse_other(self, there, self._found())
            if self.paths.database.exists():
                with contextlib.closing(backups.looking_at(self.paths.database)) as old:
                    page_size = old.execute("PRAGMA page_size").fetchone()[0]
                replace.fit_pages(file, page_size)
                replace.overwrite(file, self.paths.database, _BUSY_SECONDS)
                return
            replace.refuse_openers(self.paths.database)
            replace.keep_strays(self.paths, backups.free_name(self.paths.backups, "damaged", 0, ""))
            replace.put(file, self.paths)

    def let_in(self) -> None:
        """By its version again."""
        with contextlib.ExitStack() as stack:
            conn = stack.enter_context(contextlib.closing(store.open_board(self.paths)))
            writer = stack.enter_context(contextlib.closing(WriterLock(self.paths.writer_lock)))
            writer.acquire("move", _BUSY_SECONDS)
            try:
                conn.execute("PRAGMA synchronous = FULL")
                conn.execute("BEGIN IMMEDIATE")
                conn.execute(moved.ERASE)
                conn.execute(moved.MIN_READER, {"version": schema.MIN_READER})
                conn.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION}")
                conn.execute("COMMIT")
            except sqlite3.Error as error:
                raise store.translated(error, self.paths) from None


class _FileDraft:
    """``places.Draft`` in a file that nobody else knows."""

    def __init__(self, paths: BoardPaths, file: Path, board: dict[str, Any]) -> None:
        self.kept = False
        stage = BoardPaths(paths.slug, file.parent, file)
        self.conn = opening.open_at(stage, os.stat(file).st_ino, config=load(paths.home))
        # Attached files are those of the board itself.
        self.conn.paths = paths._replace(database=file)
        # It is synced as a whole before it gets its name.
        self.conn.execute("PRAGMA synchronous = OFF")
        self.conn.execute("BEGIN IMMEDIATE")
        given = ", ".join(f"{column} = :{column}" for column in board)
        self.conn.execute(f"UPDATE boards SET {given}", board)

    def load(self, table: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
        """One statement for each row, prepared once."""
        places = ", ".join("?" * len(columns))
        insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"
        self.conn.executemany(insert, rows)

    def settle(self) -> None:
        """SQLite keeps no statistics here, as everywhere."""

    def keep(self, mark: Mark) -> None:
        """All of it in the file itself, not in its log."""
        _mark(self.conn, mark, moved.COMING)
        self.conn.execute(moved.MIN_READER, {"version": moved.COMING})
        self.conn.execute("COMMIT")
        if self.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            raise KanbanError(f"cannot write {self.conn.location} whole; try again")
        self.kept = True


def _mark(conn: BoardConnection, mark: Mark, version: int) -> None:
    conn.execute(moved.WRITE, mark.row(version))
    conn.execute(f"PRAGMA user_version = {version}")
