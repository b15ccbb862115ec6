"""Looking after a board: ``check``, ``replay``, ``backup``, ``restore``, ``purge`` and ``gc``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import click

from hermes_kanban import kernel as kb
from hermes_kanban import present
from hermes_kanban.surfaces.cli import answers, errors
from hermes_kanban.surfaces.cli.progress import counted
from hermes_kanban.surfaces.cli.session import AS_PERSON, Session, command

YES: Final = click.Option(["--yes"], is_flag=True, help="Do not ask; needed without a terminal.")
_SAFELY: Final = "Mend what can be, after a backup; each mend is an event."


@command(
    "check",
    click.Option(["--deep"], is_flag=True, help="Also read every page of the file."),
    click.Option(["--fix"], is_flag=True, help=_SAFELY),
    click.Option(["--no-backup"], is_flag=True, help="With --fix: it is backed up already."),
    click.Option(["--hash", "with_hash"], is_flag=True, help="Also tell the hash of all rows."),
    AS_PERSON,
    examples="""
    hermes-kanban check --deep
    hermes-kanban check --hash
    hermes-kanban check --fix
    """,
)
def check_command(session: Session, deep: bool, fix: bool, no_backup: bool, with_hash: bool) -> int:
    """Check the board's invariants, and mend it.

    Exit code 1 if one is broken, with --fix if one is still broken afterwards. Boards with the
    same --hash hold the same, wherever they lie.
    """
    if no_backup and not fix:
        raise click.UsageError("--no-backup is for --fix", click.get_current_context())
    if not fix:
        broken = _checked(session, deep)
        lines = [_violation_line(one) for one in broken] or ["the board is sound"]
        more = {"hash": kb.fingerprint(session.conn)} if with_hash else {}
        lines += [f"hash {found}" for found in more.values()]
        session.answer("violations", broken, lines, **more)
        return errors.FAILED if broken else errors.DONE
    return _fix(session, deep, no_backup)


def _checked(session: Session, deep: bool) -> list[kb.Violation]:
    total = sum(kb.stats(session.conn).tasks.values())
    with counted(session, "checking tasks", total) as told:
        return kb.check(session.conn, deep, told=told)


def _fix(session: Session, deep: bool, no_backup: bool) -> int:
    kept = None if no_backup else _back_up_first(session)
    report = kb.mend(session.conn, **session.actor())
    left = [one.violation for one in report.left]
    advice = {one.violation: one.advice for one in report.left}
    if deep:
        left = _checked(session, deep)
    lines = [] if kept is None else [f"backup {kept}"]
    lines += [f"mended {one.noun} {one.row_id}: {present.clean(one.text)}" for one in report.mended]
    for one in left:
        lines.append(f"left {_violation_line(one)}")
        if one in advice:
            lines.append(f"  {advice[one]}")
    lines += ["the board is sound"] if not left else []
    more = {"mended": report.mended, "advice": report.left, "backup": kept and str(kept)}
    session.answer("violations", left, lines, **more)
    return errors.FAILED if left else errors.DONE


def _back_up_first(session: Session) -> Path:
    """The copy from before the first mend; a damaged file is none that rows could be mended in."""
    try:
        return kb.backup(session.conn, kind="before-mending", keep=kb.BACKUPS_KEPT)
    except kb.KanbanError as error:
        error.add_note("nothing was mended; with --no-backup it is mended all the same")
        raise


def _violation_line(one: kb.Violation) -> str:
    return f"{one.invariant}  {one.noun} {one.row_id}: {present.clean(one.text)}"


@command(
    "replay",
    click.Option(["--verify"], is_flag=True, help="Compare with the rows; 1 if they differ."),
    click.Option(
        ["--until"], type=click.IntRange(min=0), metavar="EVENT", help="Up to this event."
    ),
    examples="""
    hermes-kanban replay --verify
    hermes-kanban replay --until 1200 --json
    """,
)
def replay_command(session: Session, verify: bool, until: int | None) -> int:
    """Add the board's events up to rows.

    With --json it shows the rows of tasks, runs, links and attachments; --verify names each
    difference.
    """
    if verify:
        if until is not None:
            raise click.UsageError("--verify is about now", click.get_current_context())
        differences = kb.replay_differences(session.conn)
        lines = [_violation_line(one) for one in differences]
        session.answer("differences", differences, lines or ["the events replay to the rows"])
        return errors.FAILED if differences else errors.DONE
    told = kb.replay(session.conn, until=until)
    nouns = ("tasks", "runs", "links", "attachments")
    value = {noun: _without_locks(getattr(told, noun)) for noun in nouns}
    lines = [f"{noun:<11} {len(rows)}" for noun, rows in value.items()]
    session.answer("replay", value, lines)
    return errors.DONE


def _without_locks(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in row if name != "claim_lock"} for row in rows]


@command(
    "backup",
    click.Argument(["file"], required=False, type=click.Path(path_type=Path), metavar="[FILE]"),
    click.Option(
        ["--keep"],
        type=click.IntRange(min=1),
        metavar="N",
        help="Then keep the newest N of backups/ only. Default: all.",
    ),
    click.Option(["--compress"], is_flag=True, help="With gzip; so is a FILE ending in .gz."),
    examples="""
    hermes-kanban backup --compress --keep 14
    hermes-kanban backup /mnt/safe/board.db
    """,
)
def backup_command(session: Session, file: Path | None, keep: int | None, compress: bool) -> None:
    """Copy the board while it is in use, and verify the copy.

    Without FILE it goes to the board's backups/, named by the time in UTC. A file that exists is
    never replaced. Attached files go beside it, into FILE.attachments; logs and workspaces are
    not part of it.
    """
    if file is not None and compress and file.suffix != ".gz":
        raise click.UsageError("a compressed FILE ends in .gz", click.get_current_context())
    if file is not None and keep is not None:
        raise click.UsageError("--keep is for backups/ only", click.get_current_context())
    with counted(session, "copying pages") as told:
        made = kb.backup(
            session.conn, file and file.absolute(), keep=keep, compress=compress, told=told
        )
    value = {"file": str(made), "size": made.stat().st_size}
    lines = [str(made)]
    if (files := kb.files_of_backup(made)).is_dir():
        value["attachments"] = str(files)
        lines.append(str(files))
    session.answer("backup", value, lines)


@command(
    "restore",
    click.Argument(["file"], type=click.Path(path_type=Path), metavar="FILE"),
    YES,
    AS_PERSON,
    examples="""
    hermes-kanban restore backups/backup-20310504T093005Z.db --yes
    hermes-kanban restore board.db --board copy --yes
    """,
)
def restore_command(session: Session, file: Path, yes: bool) -> None:
    """Give the board the content of a backup.

    What it holds now is kept first. No gateway may serve it meanwhile; what ran in the backup is
    reclaimed, and no id of before is used again. A board that is not there is made.
    """
    _confirm(yes, f"Replace the board {session.board or 'that is chosen'} by {file}?")
    from hermes_kanban.workers.process import SystemProcesses

    done = kb.restore(
        file.absolute(), session.board, processes=SystemProcesses(), **session.actor()
    )
    lines = [f"restored {done.database}"]
    lines += [f"kept {done.kept}"] if done.kept else []
    lines += [f"reclaimed run {run_id}" for run_id in done.reclaimed]
    lines += [f"set aside {done.set_aside}"] if done.set_aside else []
    if done.violations:
        session.warn(
            f"{len(done.violations)} invariants are broken in it; see: hermes-kanban check --fix"
        )
    session.answer("restored", done, lines)


@command(
    "purge",
    click.Argument(["tasks"], nargs=-1, required=True, metavar="ID..."),
    YES,
    AS_PERSON,
    examples="hermes-kanban purge t_abc234 --yes",
)
def purge_command(session: Session, tasks: tuple[str, ...], yes: bool) -> None:
    """Delete archived tasks for good, with all of their files.

    All of them or none. Their children are unlinked first; only the fact that they were purged
    stays on the board.
    """
    ids = list(dict.fromkeys(tasks))
    _confirm(yes, f"Delete {', '.join(ids)} for good?")
    from hermes_kanban.kernel.purge import remove_files
    from hermes_kanban.workers.housekeeping import sweep_workspaces

    purged = []
    with kb.batch(session.conn):
        for task_id in ids:
            with answers.about(task_id):
                purged.append(kb.purge_task(session.conn, task_id, **session.actor()))
    for one in purged:
        remove_files(session.conn, one)
    sweep_workspaces(session.conn)
    lines = [
        f"{one.id} is gone, with {one.events} events and {len(one.run_ids)} runs" for one in purged
    ]
    session.answer("purged", purged, lines)


@command(
    "gc",
    click.Option(
        ["--days"],
        type=click.IntRange(min=0),
        default=kb.LOG_DAYS,
        show_default=True,
        metavar="N",
        help="Keep the logs of ended runs that long.",
    ),
    click.Option(
        ["--keep"],
        type=click.IntRange(min=1),
        default=kb.BACKUPS_KEPT,
        show_default=True,
        metavar="N",
        help="Keep that many backups of each kind.",
    ),
    click.Option(["--dry-run"], is_flag=True, help="Only say what would go."),
    examples="hermes-kanban gc --dry-run",
)
def gc_command(session: Session, days: int, keep: int, dry_run: bool) -> int:
    """Remove files that nothing needs any more.

    Old logs, spent workspaces, what purged tasks and crashes left, and backups beyond a number. No
    row changes; uncommitted work is set aside, not removed. Exit code 1 if a file could not go.
    """
    from hermes_kanban.workers.housekeeping import clear_workspaces

    report = kb.gc(
        session.conn, log_days=days, keep_backups=keep, workspaces=clear_workspaces, dry_run=dry_run
    )
    verb = "would remove" if dry_run else "removed"
    lines = [f"{verb} {one.path} ({one.why})" for one in report.removed]
    lines += [f"could not remove {one.path}: {one.why}" for one in report.failed]
    if report.brought:
        lines.append(f"{len(report.brought)} attached files of this host lie in the database now")
    freed = sum(one.size for one in report.removed)
    lines.append(f"{len(report.removed)} files and folders, {freed / 1024:,.0f} KiB")
    session.answer("gc", report, lines)
    return errors.FAILED if report.failed else errors.DONE


def _confirm(yes: bool, question: str) -> None:
    """Ask on a terminal; without one only ``--yes`` will do."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(
            "this cannot be taken back; add --yes to do it", click.get_current_context()
        )
    click.confirm(question, abort=True, err=True)
