"""``list``: the tasks of a board, a page at a time."""

from __future__ import annotations

import click

from hermes_kanban import kernel as kb
from hermes_kanban import present
from hermes_kanban.model.words import STATUSES
from hermes_kanban.surfaces.cli.session import Session, command
from hermes_kanban.surfaces.cli.shapes import task_json

PAGE = 100
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
    click.Option(["--limit"], type=click.INT, default=PAGE, show_default=True),
    click.Option(["--after"], type=click.INT, metavar="SEQ", help="The page after this one."),
    examples="""
    hermes-kanban list --status ready --status running
    hermes-kanban list --assignee writer --json
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
) -> None:
    """List the board's tasks, oldest first."""
    tasks = kb.list_tasks(
        session.conn,
        status=status or (STATUSES if everything else None),
        assignee=assignee,
        tenant=tenant,
        after=after,
        limit=limit,
    )
    more = len(tasks) == limit
    if session.as_json:
        shown = [task_json(task) for task in tasks]
        session.answer("tasks", shown, (), next_after=tasks[-1].seq if more else None)
        return
    session.answer("tasks", None, _lines(session, tasks, more))


def _lines(session: Session, tasks: list[kb.Task], more: bool) -> list[str]:
    if not tasks:
        return ['no tasks; file one with: hermes-kanban create "TITLE" --assignee PROFILE']
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
