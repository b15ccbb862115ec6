"""``list``: the tasks of a board, a page at a time."""

from __future__ import annotations

from typing import Any

import click

from hermes_kanban import kernel as kb
from hermes_kanban import present
from hermes_kanban.model.words import STATUSES
from hermes_kanban.surfaces.cli.session import AT, Session, command
from hermes_kanban.surfaces.cli.shapes import task_json

PAGE = 100
_NONE = 'no tasks; file one with: hermes-kanban create "TITLE" --assignee PROFILE'
_HEADERS = ("ID", "STATUS", "PRI", "ASSIGNEE", "TITLE")


@command(
    "list",
    click.Option(
        ["--status"],
        multiple=True,
        type=click.Choice(STATUSES),
        help="Only this status; repeatable. Default: all but archived.",
    ),
    click.Option(["--assignee"], metavar="PROFILE", help="Only tasks of this profile."),
    click.Option(["--tenant"], metavar="NAME", help="Only tasks of this tenant."),
    click.Option(["--all", "everything"], is_flag=True, help="Archived tasks too."),
    click.Option(
        ["--limit"], type=click.INT, default=PAGE, show_default=True, help="How many at most."
    ),
    click.Option(["--after"], type=click.INT, metavar="SEQ", help="The page after this one."),
    AT,
    examples="""
    hermes-kanban list --status ready --status running
    hermes-kanban list --assignee writer --json
    hermes-kanban list --at "2h ago"
    """,
)
def list_command(
    session: Session,
    status: tuple[str, ...],
    assignee: str | None,
    tenant: str | None,
    everything: bool,
    limit: int,
    after: int | None,
    at: str | None,
) -> None:
    """List the board's tasks, oldest first."""
    wanted: dict[str, Any] = {
        "status": status or (STATUSES if everything else None),
        "assignee": assignee,
        "tenant": tenant,
        "after": after,
        "limit": limit,
    }
    if at is not None:
        _list_at(session, at, wanted)
        return
    tasks = kb.list_tasks(session.conn, **wanted)
    more = len(tasks) == limit
    if session.as_json:
        shown = [task_json(task) for task in tasks]
        session.answer("tasks", shown, (), next_after=tasks[-1].seq if more else None)
        return
    is_filtered = bool(status or assignee or tenant or after)
    none = _none_such(session, assignee) if is_filtered else _NONE
    session.answer("tasks", None, _lines(session, tasks, more) or [none])


def _none_such(session: Session, assignee: str | None) -> str:
    """That there are none; for an assignee of whom nobody knows, who was meant."""
    if assignee is None:
        return "no such tasks"
    known = {*session.conn.config.profiles, *kb.assignees(session.conn)}
    found = None
    if assignee not in known:
        from hermes_kanban.surfaces.cli.meant import near

        found = near(assignee, sorted(known))
    return f"no tasks of {assignee}" + (f"; did you mean {found}?" if found else "")


def _list_at(session: Session, at: str, wanted: dict[str, Any]) -> None:
    from hermes_kanban.surfaces.cli.history import moment_of, moment_text

    when = moment_of(session, "--at", at)
    tasks = kb.tasks_at(session.conn, when, **wanted)
    more = len(tasks) == wanted["limit"]
    shown = [task_json(task) for task in tasks] if session.as_json else None
    lines = _lines(session, tasks, more) or ["there were no such tasks"]
    lines = [f"as of {moment_text(when)}", *lines]
    session.answer("tasks", shown, lines, next_after=tasks[-1].seq if more else None, at=when)


def _lines(session: Session, tasks: list[kb.Task], more: bool) -> list[str]:
    if not tasks:
        return []
    rows = [
        (task.id, task.status, str(task.priority), task.assignee or "-", task.title)
        for task in tasks
    ]
    lines = present.table(
        _HEADERS,
        rows,
        width=session.width,
        colours={1: present.STATUS_COLOURS},
        colour=session.colour,
    )
    if more:
        lines.append(f"more with: --after {tasks[-1].seq}")
    return lines
