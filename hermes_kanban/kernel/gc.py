"""Garbage: files below the board's own folder that nothing needs any more; never a row.

What goes: folders of purged runs at once, of other runs when they ended long ago; workspaces that
are spent; attachments without a row; what a crash left of a restore, a backup or a new board; and
backups beyond a number. No link is followed and nothing outside the board's folder is touched.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from hermes_kanban import handovers
from hermes_kanban.kernel import leftovers, limits
from hermes_kanban.kernel.restore import RUN_FOLDER, SET_ASIDE, STAGING_PREFIX
from hermes_kanban.store import backup as backups
from hermes_kanban.store import backup_files
from hermes_kanban.store.files import folder_below, remove_below, size_below
from hermes_kanban.store.protocol import BoardConnection, fetch_one, takes_long, write

LOG_DAYS: Final = 30
BACKUPS_KEPT: Final = backups.KEPT
# Whatever is being made now is younger than that.
DRAFT_SECONDS: Final = 3_600
_DAY_SECONDS: Final = 86_400


class Leftover(msgspec.Struct, frozen=True):
    """One file or folder: ``path`` is relative to the board's folder, ``size`` in bytes.

    ``what`` is run, workspace, attachment, draft or backup.
    """

    what: str
    path: str
    why: str
    size: int


class GcReport(msgspec.Struct, frozen=True):
    """What was removed (or, with ``dry_run``, would be), and what could not be and why.

    ``brought`` are attached files (SHA-256) that lay on this host and lie beside the rows now.
    """

    dry_run: bool
    removed: list[Leftover]
    failed: list[Leftover]
    brought: list[str]


Workspaces = Callable[[BoardConnection, bool], list[Leftover]]
"""Clears spent workspaces away, or only lists them when the second argument is true."""


@takes_long
def gc(
    conn: BoardConnection,
    *,
    log_days: int = LOG_DAYS,
    keep_backups: int = BACKUPS_KEPT,
    workspaces: Workspaces | None = None,
    dry_run: bool = False,
) -> GcReport:
    """Remove files that nothing needs any more; changes no row.

    ``log_days``: how long the folder of an ended run is kept, its log among it. ``keep_backups``:
    how many of each kind of backup. ``workspaces`` clears those away, since the kernel knows no
    worktrees. May take long on a large board; never part of a tick.
    """
    limits.whole("log_days", log_days, 0)
    limits.whole("keep_backups", keep_backups, 1)
    report = GcReport(dry_run, [], [], [])
    oldest = conn.clock.now() - log_days * _DAY_SECONDS
    attachments = list(_attachments(conn))
    if attachments and not dry_run:
        # Their rows may have gone a moment ago: a loss of power must not bring those back.
        conn.make_lasting()
    for what, parts, why in (
        *_runs(conn, oldest),
        *attachments,
        *_drafts(conn),
        *_backups(conn, keep_backups),
    ):
        _remove(conn, report, what, parts, why)
    _beside_rows(conn, report)
    if workspaces is not None:
        report.removed.extend(workspaces(conn, dry_run))
    return report


Found = tuple[str, tuple[str, ...], str]


def _remove(
    conn: BoardConnection, report: GcReport, what: str, parts: tuple[str, ...], why: str
) -> None:
    root, path = conn.paths.root, "/".join(parts)
    if report.dry_run:
        report.removed.append(Leftover(what, path, why, size_below(root, *parts)))
        return
    try:
        with _still_unused(conn, what, parts) as unused:
            size = remove_below(root, *parts) if unused else None
    except OSError as error:
        report.failed.append(Leftover(what, path, error.strerror or str(error), 0))
        return
    if size is not None:
        report.removed.append(Leftover(what, path, why, size))


def _runs(conn: BoardConnection, oldest: int) -> Iterator[Found]:
    """Folders of runs; one whose process may still live, or that ended lately, stays."""
    purged = {run for task in leftovers.purged_tasks(conn).values() for run in task.run_ids}
    for name, status in _entries(conn, "runs"):
        if name.startswith(f"{SET_ASIDE}-"):
            if status.st_mtime < oldest:
                yield "run", ("runs", name), "set aside by a restore long ago"
        elif RUN_FOLDER.fullmatch(name):
            run_id = int(name)
            row = fetch_one(conn, _RUN, {"run": run_id})
            if row is None:
                if run_id in purged:
                    yield "run", ("runs", name), "its task was purged"
                elif status.st_mtime < oldest:
                    yield "run", ("runs", name), "no run of this board, and old"
            elif row["is_over"] and max(row["ended_at"], row["exited_at"] or 0) < oldest:
                yield "run", ("runs", name), "ended long ago"


_RUN: Final = (
    "SELECT ended_at, exited_at,"
    " CASE WHEN ended_at IS NOT NULL AND (worker_pid IS NULL OR exited_at IS NOT NULL)"
    " THEN 1 ELSE 0 END AS is_over FROM task_runs WHERE id = :run"
)


def _attachments(conn: BoardConnection) -> Iterator[Found]:
    """Files without a row; a young one may be waiting for the commit of its row."""
    known = leftovers.files_in_use(conn)
    for parts, status in _files(conn, leftovers.ATTACHMENTS):
        if parts not in known and _is_old(conn, status):
            yield "attachment", parts, "no attachment of this board"


def _beside_rows(conn: BoardConnection, report: GcReport) -> None:
    """What lies beside the rows of the board: what none of them names goes, what is lacking comes.

    It comes from the files of this host, where a board of before has it.
    """
    if not conn.files.in_rows:
        return
    with write(conn, "gc"):
        in_use = leftovers.files_in_use(conn)
        kept = conn.files.listed()
        gone = [one for one in kept if (leftovers.ATTACHMENTS, one.sha256) not in in_use]
        if not report.dry_run:
            conn.files.drop(one.sha256 for one in gone)
    why = "in the database, and no attachment of this board"
    for one in gone:
        place = f"{leftovers.ATTACHMENTS}/{one.sha256}"
        report.removed.append(Leftover("attachment", place, why, one.size))
    if not report.dry_run:
        report.brought.extend(one.sha256 for one in conn.files.fill())


@contextlib.contextmanager
def _still_unused(conn: BoardConnection, what: str, parts: tuple[str, ...]) -> Iterator[bool]:
    """While this lasts nobody can attach the same file; whoever did meanwhile has it still."""
    if what != "attachment":
        yield True
        return
    with write(conn, "gc"):
        yield parts not in leftovers.files_in_use(conn)


def _files(conn: BoardConnection, *names: str) -> Iterator[tuple[tuple[str, ...], os.stat_result]]:
    for name, status in _entries(conn, *names):
        if stat.S_ISDIR(status.st_mode):
            yield from _files(conn, *names, name)
        else:
            yield (*names, name), status


def _drafts(conn: BoardConnection) -> Iterator[Found]:
    for folder in ((), ("backups",), (handovers.FOLDER,)):
        for name, status in _entries(conn, *folder):
            unfinished = name.endswith((".tmp", ".tmp-journal"))
            ours = name.startswith((STAGING_PREFIX, ".", "before-migration-"))
            if unfinished and ours and _is_old(conn, status):
                yield "draft", (*folder, name), "never finished"


def _is_old(conn: BoardConnection, status: os.stat_result) -> bool:
    return status.st_mtime < conn.clock.now() - DRAFT_SECONDS


def _backups(conn: BoardConnection, keep: int) -> Iterator[Found]:
    for file in backups.superseded(conn.paths, keep):
        for part in (file, backup_files.files_of_backup(file)):
            if os.path.lexists(part):
                yield "backup", ("backups", part.name), f"older than the newest {keep}"
    for name, status in _entries(conn, "backups"):
        backup = name.removesuffix(backup_files.SUFFIX)
        alone = backup != name and not os.path.lexists(conn.paths.backups / backup)
        if alone and _is_old(conn, status):
            yield "draft", ("backups", name), "its backup was never finished"


def _entries(conn: BoardConnection, *names: str) -> list[tuple[str, os.stat_result]]:
    """What lies in a folder of the board, by name; nothing where a link is on the way."""
    found = []
    try:
        with folder_below(conn.paths.root, *names) as folder:
            for name in sorted(os.listdir(folder)) if folder is not None else []:
                found.append((name, os.stat(name, dir_fd=folder, follow_symlinks=False)))
    except OSError:
        return found
    return found
