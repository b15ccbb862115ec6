"""``ready``, and what a worker is told that took a task: for workers that no gateway starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import click

from hermes_kanban import kernel as kb
from hermes_kanban import present
from hermes_kanban.surfaces.cli import inputs
from hermes_kanban.surfaces.cli.errors import DONE, MISSING
from hermes_kanban.surfaces.cli.session import Session, command
from hermes_kanban.surfaces.cli.shapes import task_json

CLAIMER: Final = click.Option(
    ["--claimer"], metavar="NAME", help="Who claims it. Default: this login."
)
TTL: Final = click.Option(
    ["--ttl"], type=inputs.SPAN, metavar="SPAN", help="How long it holds unrenewed."
)
_NOBODY: Final = ("-", "none", "nobody")
_HEADERS: Final = ("ID", "PRI", "ASSIGNEE", "TITLE")


@command(
    "ready",
    click.Option(
        ["--assignee"],
        multiple=True,
        metavar="PROFILE",
        help='Only tasks of this profile; "none" for those of nobody. Repeatable.',
    ),
    click.Option(["--claim"], is_flag=True, help="Take the first of them."),
    CLAIMER,
    TTL,
    click.Option(
        ["--limit"], type=click.INT, default=20, show_default=True, help="How many at most."
    ),
    examples="""
    hermes-kanban ready
    hermes-kanban ready --claim --assignee helper --json
    """,
)
def ready_command(
    session: Session,
    assignee: tuple[str, ...],
    claim: bool,
    claimer: str | None,
    ttl: int | None,
    limit: int,
) -> int:
    """List the tasks that could be taken now, or take the first.

    For workers of your own, which no gateway starts. With --claim one task is taken in one step:
    of several workers that ask at once each gets another. Exit code 3 if there is none. Name your
    --assignee to leave the tasks of other profiles to the gateway.
    """
    wanted = assignees(assignee)
    if not claim:
        if claimer is not None or ttl is not None:
            raise click.UsageError("--claimer and --ttl are for --claim", _context())
        tasks = kb.ready_tasks(session.conn, assignees=wanted, limit=limit)
        lines = _listed(session, tasks) or [_nothing(session, wanted)]
        session.answer("tasks", [task_json(task) for task in tasks], lines)
        return DONE
    session.may_write()
    taken = kb.claim_next(session.conn, assignees=wanted, claimer=claimer, ttl_seconds=ttl)
    if taken is None:
        session.answer("task", None, [_nothing(session, wanted)], run=None)
        return MISSING
    session.answer("task", taken, taken_lines(session, taken), run=run_of(session, taken))
    return DONE


def assignees(given: Sequence[str]) -> list[str | None] | None:
    """Those that were named, None among them for nobody; None if none was."""
    return [None if one in _NOBODY else one for one in dict.fromkeys(given)] or None


def run_of(session: Session, task: kb.Task) -> dict[str, Any]:
    """What the worker of a claimed task must know of its run; ``lease_seconds`` from now."""
    expires = task.claim_expires or session.now
    return {
        "id": task.current_run_id,
        "task_id": task.id,
        "claim_lock": task.claim_lock,
        "claim_expires": expires,
        "lease_seconds": expires - session.now,
    }


def taken_lines(session: Session, task: kb.Task) -> list[str]:
    """The same for people, with the commands that go on."""
    run = run_of(session, task)
    proof = f"--run {run['id']} --lock {run['claim_lock']}"
    go_on = (
        f"hermes-kanban context {task.id}",
        f"hermes-kanban heartbeat {task.id} {proof}",
        f"hermes-kanban complete {task.id} --summary TEXT {proof}",
        f"hermes-kanban block {task.id} REASON {proof}",
    )
    status = present.paint(task.status, present.STATUS_COLOURS[task.status], session.colour)
    lease = f"until {present.moment_and_ago(run['claim_expires'], session.now)}"
    return [
        f"{task.id} {status}  {present.clean(task.title)}",
        *present.fields(
            (
                ("run", str(run["id"])),
                ("lock", run["claim_lock"]),
                ("lease", f"{lease}; then another may have it"),
            )
        ),
        "",
        "Read it, renew the lease, hand it in, or give it up:",
        *(line for one in go_on for line in present.command_lines(one, session.width)),
    ]


def _listed(session: Session, tasks: Sequence[kb.Task]) -> list[str]:
    if not tasks:
        return []
    rows = [
        (task.id, str(task.effective_priority), task.assignee or "-", task.title) for task in tasks
    ]
    return present.table(_HEADERS, rows, width=session.width, colour=session.colour)


def _nothing(session: Session, wanted: Sequence[str | None] | None) -> str:
    if kb.get_board(session.conn).paused_at is not None:
        return "the board is paused; go on with: hermes-kanban resume"
    whose = "" if wanted is None else f" of {', '.join(one or 'nobody' for one in wanted)}"
    return f"no task{whose} can be taken now"


def _context() -> click.Context:
    return click.get_current_context()
