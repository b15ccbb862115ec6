"""``gateway``, ``dispatch``, ``pause``, ``resume`` and ``daemon``: what makes the board move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from hermes_kanban import health, present
from hermes_kanban import kernel as kb
from hermes_kanban.paths import board_paths, home
from hermes_kanban.ports import SystemClock
from hermes_kanban.surfaces.cli import errors
from hermes_kanban.surfaces.cli.gateway_log import gateway_logs
from hermes_kanban.surfaces.cli.groups import Group
from hermes_kanban.surfaces.cli.session import AS_PERSON, Session, command

gateway_command = Group("gateway", help="Run the gateway, and see how it fares.")


@command(
    "run",
    click.Option(["--only", "only"], multiple=True, metavar="SLUG", help="Serve only this board."),
    click.Option(["--quiet"], is_flag=True, help="Log to gateway.log in the home alone."),
    examples="hermes-kanban gateway run",
)
def gateway_run(session: Session, only: tuple[str, ...], quiet: bool) -> int:
    """Run the gateway in the foreground until a signal.

    For one in the background see "hermes-kanban up" and "hermes-kanban service".
    """
    boards = [board for board in (session.board, *only) if board]
    if not quiet:
        _tell_of_another(session, boards)
    return _run_gateway(boards, quiet)


def _tell_of_another(session: Session, boards: list[str]) -> None:
    """A second gateway does nothing that could be seen; whoever starts it shall know why."""
    from hermes_kanban.kernel.boards import board_slugs

    try:
        slugs = boards or board_slugs()
    except kb.KanbanError:
        return  # the gateway itself says what is wrong
    now = SystemClock().now()
    found = {slug: health.read(board_paths(slug), now) for slug in slugs}
    for slug, record in found.items():
        if record is not None:
            session.warn(
                f"a gateway serves {slug} already, pid {record.pid}; this one waits to take over."
                " Ctrl-C ends this one, hermes-kanban down all of them"
            )


def _run_gateway(boards: list[str], quiet: bool = False) -> int:
    from gateway.__main__ import run

    return run(boards or None, quiet=quiet)


@command("status", examples="hermes-kanban gateway status --json")
def gateway_status(session: Session) -> int:
    """Say which boards a gateway serves, and what troubles it.

    Exit code 1 if it serves none.
    """
    now = SystemClock().now()
    slugs = [session.board] if session.board else _boards(session)
    found = {slug: health.read(board_paths(slug), now) for slug in slugs}
    lines = [line for slug, record in found.items() for line in _status_lines(slug, record, now)]
    value = [{"board": slug} | health.as_json(record) for slug, record in found.items()]
    session.answer("gateway", value, lines or ["there is no board; create one: hermes-kanban init"])
    return errors.DONE if any(found.values()) else errors.FAILED


def _boards(session: Session) -> list[str]:
    """All boards; while their database is away those that a gateway of this home has served."""
    from hermes_kanban.kernel.boards import board_slugs

    try:
        return board_slugs()
    except kb.BoardUnreachable as error:
        records = (home() / "boards").glob("*/health.json")
        if not (known := sorted(record.parent.name for record in records)):
            raise
        session.warn(errors.one_line(error))
        return known


def _status_lines(slug: str, record: health.Health | None, now: int) -> list[str]:
    if record is None:
        if hosts := health.served_by(board_paths(slug)):
            start = "starts" if len(hosts) == 1 else "start"
            return [
                f"{slug}: no gateway of this home serves it; {', '.join(hosts)} {start} its tasks"
            ]
        return [f"{slug}: no gateway is running; start one with: hermes-kanban up"]
    lines = [
        f"{slug}: {record.state}, pid {record.pid}, up {present.duration(now - record.started_at)},"
        f" last look {present.ago(record.tick_at, now)}, {record.in_progress} in progress"
    ]
    lines += [f"  degraded: {present.clean(text)}" for text in record.degraded]
    chats = (f"chat.{name}: {state}" for name, state in record.chat.items())
    lines += [f"  {present.clean(text)}" for text in chats if text not in record.degraded]
    lines += [f"  stuck, {code}: {', '.join(ids)}" for code, ids in record.stuck.items()]
    return lines


gateway_command.add(gateway_run, gateway_status, gateway_logs)


@command(
    "daemon",
    click.Option(["--force"], is_flag=True, help="Run the gateway headless all the same."),
    examples="hermes-kanban gateway run",
)
def daemon_command(session: Session, force: bool) -> int:
    """Say how the board is run: with "hermes-kanban gateway run"."""
    if not force:
        raise click.UsageError(
            "there is no daemon of its own; run: hermes-kanban gateway run"
            " (or --force to run it headless here)",
            click.get_current_context(),
        )
    return _run_gateway([session.board] if session.board else [])


@command(
    "dispatch",
    click.Option(["--dry-run"], is_flag=True, help="Only say what would start, and what is held."),
    click.Option(["--max", "most"], type=click.IntRange(min=0), help="Start this many at most."),
    examples="hermes-kanban dispatch --dry-run",
)
def dispatch_command(session: Session, dry_run: bool, most: int | None) -> int:
    """Look at the board once, as the gateway does.

    What ended is settled, what may start is started.
    """
    if dry_run:
        conn = session.conn_with_skills
        report = kb.dispatch_once(conn, spawn_fn=_never, max_spawn=most, dry_run=True)
    else:
        report = _dispatch(session, most)
    session.answer("dispatch", report, _report_lines(report, dry_run))
    return errors.FAILED if report.spawn_failed else errors.DONE


def _never(task: kb.Task, run: kb.Run) -> int:
    raise AssertionError("a dry run starts nothing")


def _dispatch(session: Session, most: int | None) -> kb.DispatchReport:
    from gateway.locks import role_lock
    from hermes_kanban.verbs.delivering import HandOvers
    from hermes_kanban.workers.process import SystemProcesses
    from hermes_kanban.workers.spawn import spawner_for

    conn = session.conn_with_skills
    lock = role_lock(conn.paths, "dispatcher")
    if not lock.try_take():
        raise errors.Conflict(
            f"process {lock.holder()} dispatches this board already; it needs no help"
        )
    processes = SystemProcesses()
    try:
        kb.recover_orphaned_claims(conn, processes)
        spawner = spawner_for(conn, conn.config)
        return kb.dispatch_once(
            conn,
            spawn_fn=spawner,
            processes=processes,
            max_spawn=most,
            hand_overs=HandOvers(),
        )
    finally:
        lock.release()


def _report_lines(report: kb.DispatchReport, dry_run: bool) -> list[str]:
    lines = []
    if dry_run:
        lines += [f"would start {task_id}" for task_id in report.eligible]
    for name in ("exited", "stopped", "crashed", "reclaimed", "timed_out"):
        lines += [f"{name.replace('_', ' ')} run {run_id}" for run_id in getattr(report, name)]
    lines += [f"promoted {task_id}" for task_id in report.promoted]
    lines += [f"unblocked {task_id}" for task_id in report.unblocked]
    lines += [f"started {task_id}, run {run}, pid {pid}" for task_id, run, pid in report.spawned]
    lines += [f"failed to start {task_id}: {why}" for task_id, why in report.spawn_failed]
    lines += [f"held, {code}: {', '.join(ids)}" for code, ids in report.held.items()]
    return [present.clean(line) for line in lines] or ["nothing to do"]


ALL = click.Option(["--all", "everything"], is_flag=True, help="Every board of the home.")


@command(
    "pause",
    ALL,
    click.Option(["--reason"], metavar="TEXT", help="Why; others are told."),
    AS_PERSON,
    examples='hermes-kanban pause --reason "Deploying"',
)
def pause_command(session: Session, everything: bool, reason: str | None) -> None:
    """Start nothing new on the board; what runs goes on."""
    _switch(session, everything, lambda conn: kb.pause(conn, reason=reason, **session.actor()))


@command("resume", ALL, AS_PERSON, examples="hermes-kanban resume --all")
def resume_command(session: Session, everything: bool) -> None:
    """Start tasks of the board again."""
    _switch(session, everything, lambda conn: kb.resume(conn, **session.actor()))


def _switch(session: Session, everything: bool, verb: Callable[[kb.BoardConnection], bool]) -> None:
    if not everything:
        done = [_switched(session.conn, verb)]
        session.answer("board", done[0], _switch_lines(done))
        return
    done = []
    for slug, board in kb.list_boards():
        if isinstance(board, kb.KanbanError):
            session.warn(f"{slug} was left out: {board}")
            continue
        conn = kb.connect(slug)
        try:
            done.append(_switched(conn, verb))
        finally:
            conn.close()
    session.answer("boards", done, _switch_lines(done))


def _switched(
    conn: kb.BoardConnection, verb: Callable[[kb.BoardConnection], bool]
) -> dict[str, Any]:
    changed = verb(conn)
    paused = kb.get_board(conn).paused_at is not None
    return {"slug": conn.paths.slug, "paused": paused, "changed": changed}


def _switch_lines(done: list[dict[str, Any]]) -> list[str]:
    return [
        f"{one['slug']} {'paused' if one['paused'] else 'open'}"
        f"{'' if one['changed'] else ' (unchanged)'}"
        for one in done
    ]
