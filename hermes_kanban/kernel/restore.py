"""Restoring a board from a backup: a new board of the old content, at rest, with no id reused.

The backup is copied into a folder of its own and made ready there: migrated, given a new
``board_id``, its cursors clamped, its open runs closed. Only then does it take the board's place,
in one transaction of SQLite; what the board held before is kept as a backup first. Ids go on where
the board had come to, so that no run or event of before is mistaken for one of after: what a worker
of before hands in is refused, and its exit record is not applied.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from hermes_kanban import lifecycle
from hermes_kanban.config import load
from hermes_kanban.kernel import finish, limits
from hermes_kanban.kernel.check import Violation, check
from hermes_kanban.kernel.fencing import task_state
from hermes_kanban.kernel.live import is_dead, live_runs
from hermes_kanban.model.errors import BoardDamaged, InUse, InvalidInput, KanbanError, NotFound
from hermes_kanban.paths import BoardPaths, board_paths
from hermes_kanban.ports import Clock, Processes, Randomness, SystemClock
from hermes_kanban.regular import read_regular
from hermes_kanban.store import backup as backups
from hermes_kanban.store import backup_files, opening, replace
from hermes_kanban.store.files import (
    create_private,
    folder_below,
    make_folder,
    remove_below,
    sync_folder,
)
from hermes_kanban.store.protocol import WAIT_SECONDS, Transaction, write
from hermes_kanban.store.sqlite import SqliteConnection, translated
from hermes_kanban.store.writer_lock import WriterLock

STAGING_PREFIX: Final = ".restore-"
SET_ASIDE: Final = "before-restore"
_INSTEAD: Final = (
    "restore a dump with: pg_restore --clean --if-exists --single-transaction --dbname=… board.dump"
)
RUN_FOLDER: Final = re.compile(r"[0-9]{1,18}")

# How the board is found: nothing of it, no database in its folder, one that is no board, a board.
_State = Literal["absent", "missing", "damaged", "sound"]


class Restored(msgspec.Struct, frozen=True):
    """What came of a restore.

    ``kept`` is where the old content lies now (None if there was none), ``reclaimed`` the runs that
    were open in the backup, ``set_aside`` the folder with the files of runs that the backup does
    not know, ``violations`` what ``check`` finds on the restored board.
    """

    board: str
    database: str
    board_id: str
    source: str
    schema_before: int
    kept: str | None
    reclaimed: list[int]
    set_aside: str | None
    violations: list[Violation]


def restore(
    file: Path,
    board: str | None = None,
    *,
    actor: str | None = None,
    processes: Processes | None = None,
    clock: Clock | None = None,
    randomness: Randomness | None = None,
    wait_seconds: float = WAIT_SECONDS,
) -> Restored:
    """Give ``board`` the content of the backup ``file``; a board that is not there is made.

    Processes that have the board open go on with the new content. Killed at any moment, it leaves
    the old board or the new one. Raises InUse while a gateway serves the board or while a worker
    lives that the backup does not know (``processes`` can tell); BoardDamaged or BoardTooNew for a
    file that is no intact board of this version or an earlier one. Nothing is touched then.
    """
    by = limits.actor(actor)
    paths = board_paths(board)
    if opening.server_of(paths):
        raise KanbanError(f"the boards of this home lie in PostgreSQL; {_INSTEAD}")
    work = _Restore(paths, board, by, clock or SystemClock(), randomness, wait_seconds)
    try:
        with contextlib.ExitStack() as stack:
            database = stack.enter_context(_unpacked(file, paths))
            version = _judge(database, paths)
            stack.enter_context(work.at_rest())
            stack.enter_context(work.staging(database))
            work.meet_the_old(processes)
            work.make_ready(file)
            work.take_the_place()
    except (OSError, sqlite3.Error) as error:
        raise translated(error, paths) from None
    return Restored(
        board=paths.slug,
        database=str(paths.database),
        board_id=work.board_id,
        source=str(file),
        schema_before=version,
        kept=None if work.kept is None else str(work.kept),
        reclaimed=work.reclaimed,
        set_aside=work.set_runs_aside(),
        violations=work.violations,
    )


@contextlib.contextmanager
def _unpacked(file: Path, paths: BoardPaths) -> Iterator[Path]:
    """The backup as a database: itself, or what a compressed one holds, gone in the end."""
    if not file.is_file():
        raise NotFound("backup", file, f"see the backups in {paths.backups}")
    if file.suffix != backups.COMPRESSED:
        yield file
        return
    near = next(one for one in (paths.root, *paths.root.parents) if one.is_dir())
    with tempfile.TemporaryDirectory(prefix=STAGING_PREFIX, suffix=".tmp", dir=near) as folder:
        database = Path(folder) / file.stem
        backups.unpack(file, database)
        yield database


def _judge(file: Path, paths: BoardPaths) -> int:
    """The schema version of a backup that may be restored; the file is only looked at."""
    if paths.database.exists() and os.path.samefile(file, paths.database):
        raise InvalidInput("file", "a backup of it", "is the board itself")
    log = file.with_name(f"{file.name}-wal")
    if log.exists() and log.stat().st_size:
        hint = "a backup; make one of that board with: hermes-kanban backup"
        raise InvalidInput("file", hint, f"{file} has a log beside it and may be in use")
    return backups.verify(file)


class _Restore:
    """One restore, step by step; what a step finds out is kept here for the next."""

    def __init__(
        self,
        paths: BoardPaths,
        board: str | None,
        actor: str,
        clock: Clock,
        randomness: Randomness | None,
        wait_seconds: float,
    ) -> None:
        self._paths = paths
        self._board = board
        self._actor = actor
        self._clock = clock
        self._randomness = randomness
        self._wait_seconds = wait_seconds
        self._state: _State = "missing" if paths.root.exists() else "absent"
        self._old: SqliteConnection | None = None
        self._stage = paths.root
        self._staged = paths.database
        self._sequences: dict[str, int] = {}
        self._page_size: int | None = None
        self._strays: list[str] = []
        self.board_id = ""
        self.kept: Path | None = None
        self.reclaimed: list[int] = []
        self.violations: list[Violation] = []

    @contextlib.contextmanager
    def at_rest(self) -> Iterator[None]:
        """No gateway, and no other writer, while this lasts; the old board is open if it can be."""
        if self._state == "absent":
            yield
            return
        served = "a gateway serves this board"
        with (
            replace.held(self._paths.dispatcher_lock, served),
            replace.held(self._paths.notifier_lock, served),
            contextlib.ExitStack() as opened,
        ):
            if (conn := self._open_old()) is not None:
                self._old = opened.enter_context(contextlib.closing(conn))
            # Only now: an older board has been migrated under its lock.
            writer = opened.enter_context(contextlib.closing(WriterLock(self._paths.writer_lock)))
            writer.acquire("restore", self._wait_seconds)
            yield

    def _open_old(self) -> SqliteConnection | None:
        if not os.path.lexists(self._paths.database):
            return None
        try:
            conn = opening.connect(self._board, clock=self._clock, wait_seconds=self._wait_seconds)
        except BoardDamaged:
            self._state = "damaged"
            return None
        self._state = "sound"
        return backups.sqlite_board(conn, _INSTEAD)

    @contextlib.contextmanager
    def staging(self, file: Path) -> Iterator[None]:
        """A copy of ``file`` in a folder that is gone in the end."""
        name = f"{STAGING_PREFIX}{os.urandom(4).hex()}.tmp"
        # A board that is not there yet gets its whole folder at once, by renaming this one.
        new = self._state == "absent" and self._paths.database.parent == self._paths.root
        self._stage = self._paths.root.with_name(f".{self._paths.slug}{name}")
        if not new:
            make_folder(self._paths.root)
            self._stage = self._paths.root / name
        self._stage.mkdir(mode=0o700, parents=True)
        try:
            self._staged = self._stage / "board.db"
            create_private(self._staged)
            _copy_unchanged(file, self._staged)
            yield
        finally:
            if new:
                shutil.rmtree(self._stage, ignore_errors=True)
            else:
                remove_below(self._paths.root, name)

    def meet_the_old(self, processes: Processes | None) -> None:
        """Learn what the old board says of ids and workers, and keep its content."""
        if self._old is not None:
            self._learn(self._old, processes)
        folders = map(int, _run_folders(self._paths))
        self._sequences["task_runs"] = max(self._sequences.get("task_runs", 0), *folders, 0)

    def _learn(self, conn: SqliteConnection, processes: Processes | None) -> None:
        self._refuse_strangers(conn, processes)
        self._sequences = conn.counters()
        self._page_size = conn.execute("PRAGMA page_size").fetchone()[0]
        try:
            self.kept = backups.backup(conn, kind="before-restore", keep=backups.KEPT)
        except BoardDamaged:
            # Better a copy that is known to be damaged than none.
            self.kept = backups.free_name(self._paths.backups, "damaged", self._clock.now())
            create_private(self.kept)
            backups.copy_board(self._paths, self.kept)
            backup_files.keep_all(self._paths.root, self.kept)

    def _refuse_strangers(self, conn: SqliteConnection, processes: Processes | None) -> None:
        """A live worker whose registered process the backup does not tell of would be lost."""
        with contextlib.closing(sqlite3.connect(self._staged)) as staged:
            told = {tuple(row) for row in staged.execute(_PROCESSES)}
        for run in live_runs(conn):
            known = (run.id, run.claim_lock, run.worker_pid, run.worker_identity) in told
            if run.registered and not known and not is_dead(run, processes):
                raise InUse(
                    "a worker may live that the backup does not know",
                    f"run {run.id} of {run.task_id} (process {run.worker_pid})",
                    f"archive or reclaim {run.task_id}, and let a gateway stop it first",
                )

    def make_ready(self, file: Path) -> None:
        """Turn the copy into the board that it will be, and look at it with the checker."""
        if self._page_size is not None:
            replace.fit_pages(self._staged, self._page_size)
        stage = BoardPaths(self._paths.slug, self._stage, self._staged)
        inode = os.stat(self._staged).st_ino
        conn = opening.open_at(stage, inode, clock=self._clock, randomness=self._randomness)
        try:
            conn.config = load(self._paths.home)
            with write(conn, "restore") as tx:
                self._make_new(tx, file)
                self._reclaim(tx)
            self._take_files(conn, file)
            self.violations = check(conn)
            self._strays = [
                name for name in _run_folders(self._paths) if self._is_stray(conn, name)
            ]
            busy = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            conn.close()
        if busy:
            raise KanbanError(f"cannot write {self._staged} whole; nothing was changed; try again")

    def _take_files(self, conn: SqliteConnection, file: Path) -> None:
        """Attached files come before the rows that name them; that they are there is checked."""
        if self._stage.parent == self._paths.root:
            conn.paths = conn.paths._replace(root=self._paths.root)
        backup_files.take(file, backup_files.named_in(conn), conn.paths.root)

    def _make_new(self, tx: Transaction, file: Path) -> None:
        self.board_id = os.urandom(16).hex()
        before = tx.value("SELECT board_id FROM boards")
        tx.run("DELETE FROM hosts")
        tx.run(_NEW_BOARD, {"board_id": self.board_id, "slug": self._paths.slug})
        newest = tx.value("SELECT max(id) FROM task_events") or 0
        tx.run(_CLAMP_CURSORS, {"newest": newest})
        tx.conn.raise_counters(self._sequences)
        facts: dict[str, Any] = {
            "board_id": self.board_id,
            "from_board_id": before,
            "file": file.name,
            "kept": None if self.kept is None else self.kept.name,
        }
        lifecycle.append_event(tx, None, "restored", self._actor, facts)

    def _reclaim(self, tx: Transaction) -> None:
        """Close the runs that were open; a process of theirs that may still live is to stop."""
        for run_id, task_id in tx.all(_OPEN_RUNS):
            task = task_state(tx, task_id)
            finish.reclaim_in(tx, task, "system", "the board was restored from a backup")
            finish.request_stop(tx, task, run_id, "restored", self._actor)
            self.reclaimed.append(run_id)

    def _is_stray(self, conn: SqliteConnection, folder: str) -> bool:
        """Whether the run's folder belongs to no run of the restored board."""
        row = conn.execute(
            "SELECT claim_lock FROM task_runs WHERE id = :run", {"run": int(folder)}
        ).fetchone()
        lock = _lock_in(self._paths.run_dir(int(folder)) / "spec.json")
        return row is None or lock not in (None, row[0])

    def take_the_place(self) -> None:
        """The one step at which the new board is there."""
        if self._state == "sound":
            replace.overwrite(self._staged, self._paths.database, self._wait_seconds)
            return
        keep_in = backups.free_name(self._paths.backups, "damaged", self._clock.now(), "")
        if self._state == "damaged":
            replace.overwrite_damaged(self._staged, self._paths, keep_in, self._wait_seconds)
            self.kept = keep_in
            backup_files.keep_all(self._paths.root, keep_in)
        elif self._stage.parent == self._paths.root:
            replace.refuse_openers(self._paths.database)
            self.kept = keep_in if replace.keep_strays(self._paths, keep_in) else None
            replace.put(self._staged, self._paths)
        else:
            os.rename(self._stage, self._paths.root)
            sync_folder(self._paths.root.parent)

    def set_runs_aside(self) -> str | None:
        """Move the folders of runs that the board does not know any more out of the way."""
        if not self._strays:
            return None
        aside = backups.free_name(self._paths.runs, SET_ASIDE, self._clock.now(), "").name
        with folder_below(self._paths.root, "runs") as runs:
            if runs is None:
                return None
            os.mkdir(aside, 0o700, dir_fd=runs)
            for name in self._strays:
                with contextlib.suppress(FileNotFoundError):
                    os.rename(name, f"{aside}/{name}", src_dir_fd=runs, dst_dir_fd=runs)
        return str(self._paths.runs / aside)


_PROCESSES: Final = (
    "SELECT id, claim_lock, worker_pid, worker_identity FROM task_runs"
    " WHERE worker_pid IS NOT NULL AND exited_at IS NULL"
)
_OPEN_RUNS: Final = """
SELECT r.id, r.task_id FROM task_runs r JOIN tasks t ON t.current_run_id = r.id
WHERE r.ended_at IS NULL AND t.status = 'running' ORDER BY r.id
"""
# Which hosts there were, and which wrote last, was true of another board.
_NEW_BOARD: Final = """
UPDATE boards SET board_id = :board_id, slug = :slug, writer_host = NULL, writer_seen_at = NULL
"""
_CLAMP_CURSORS: Final = """
UPDATE kanban_notify_subs SET
    cursor = CASE WHEN cursor > :newest THEN :newest ELSE cursor END,
    start_event_id = CASE WHEN start_event_id > :newest THEN :newest ELSE start_event_id END
"""


def _copy_unchanged(file: Path, target: Path) -> None:
    """Copy a backup that nobody writes; KanbanError if somebody did after all."""
    before = file.stat()
    source = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    with contextlib.closing(source):
        backups.copy_into(source, target)
    after = file.stat()
    if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
        raise KanbanError(f"{file} changed while it was read; nothing was restored; try again")
    backups.verify(target)


def _run_folders(paths: BoardPaths) -> list[str]:
    with contextlib.suppress(OSError):
        return sorted(filter(RUN_FOLDER.fullmatch, os.listdir(paths.runs)))
    return []


class _Spec(msgspec.Struct):
    claim_lock: str


def _lock_in(spec: Path) -> str | None:
    """The claim lock that a run's specification names, None if it cannot be read."""
    with contextlib.suppress(OSError, msgspec.MsgspecError, UnicodeError):
        return msgspec.json.decode(read_regular(spec), type=_Spec).claim_lock
    return None
