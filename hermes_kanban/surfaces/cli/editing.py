"""What people change on a task that waits."""

from __future__ import annotations

from typing import Any

import click

from hermes_kanban import cautions
from hermes_kanban import kernel as kb
from hermes_kanban.surfaces.cli import afar, answers, inputs
from hermes_kanban.surfaces.cli.session import AS_PERSON, WORKER, Session, command

NOBODY = ("-", "none", "nobody", "")


@command(
    "edit",
    click.Argument(["task"], metavar="ID"),
    click.Option(["--title"], metavar="TEXT", help="What it is called."),
    click.Option(["--body"], metavar="TEXT", help="@FILE, or - for stdin; empty clears it."),
    click.Option(["--tenant"], metavar="NAME", help="Empty clears it, as with the others."),
    click.Option(["--skill", "skills"], multiple=True, metavar="NAME", help="Replaces the skills."),
    click.Option(["--no-skills"], is_flag=True, help="Takes all skills away."),
    click.Option(["--branch"], metavar="NAME", help="The worktree's branch."),
    click.Option(["--model"], metavar="NAME", help="The model, where the runtime can choose."),
    click.Option(["--provider"], metavar="NAME", help="Who answers for the model."),
    inputs.RESUME,
    click.Option(["--max-runtime"], type=inputs.SPAN, metavar="SPAN", help="0: no limit."),
    click.Option(["--max-retries"], type=click.INT, help="-1: the board's default."),
    AS_PERSON,
    examples='hermes-kanban edit t_abc234 --title "Count the words" --max-runtime 30m',
)
def edit_command(session: Session, task: str, **given: Any) -> None:
    """Change fields of a task; only those named."""
    changes = _changes(given)
    answers.apply(
        session, [task], lambda one: kb.edit_task(session.conn, one, **changes, **session.actor())
    )


def _changes(given: dict[str, Any]) -> dict[str, Any]:
    texts = {name: given[name] for name in ("title", "tenant", "branch", "model", "provider")}
    texts["body"] = inputs.long_text("body", given["body"])
    changes: dict[str, Any] = {
        # A title is never cleared: the kernel says so.
        name: value if value or name == "title" else None
        for name, value in texts.items()
        if value is not None
    }
    if given["skills"] or given["no_skills"]:
        changes["skills"] = given["skills"]
    if given["resume"] is not None:
        changes["resume"] = given["resume"]
    if given["max_runtime"] is not None:
        changes["max_runtime_seconds"] = given["max_runtime"] or None
    if given["max_retries"] is not None:
        changes["max_retries"] = None if given["max_retries"] == -1 else given["max_retries"]
    return changes


@command(
    "assign",
    click.Argument(["task"], metavar="ID"),
    click.Argument(["profile"], metavar="PROFILE"),
    AS_PERSON,
    examples="""
    hermes-kanban assign t_abc234 writer
    hermes-kanban assign t_abc234 none
    """,
)
def assign_command(session: Session, task: str, profile: str) -> None:
    """Give a task to a profile; "none" takes it away.

    A running task is reclaimed first.
    """
    assignee = None if profile in NOBODY else profile
    answers.apply(
        session, [task], lambda one: kb.assign_task(session.conn, one, assignee, **session.actor())
    )
    for caution in cautions.about_assignee(session.conn, assignee) if assignee else ():
        session.warn(caution.text)


@command(
    "prioritise",
    click.Argument(["task"], metavar="ID"),
    click.Argument(["priority"], type=click.INT),
    AS_PERSON,
    context_settings={"ignore_unknown_options": True},
    examples="hermes-kanban prioritise t_abc234 10",
)
def prioritise_command(session: Session, task: str, priority: int) -> None:
    """Set a task's priority.

    Higher runs first; open parents inherit it.
    """
    answers.apply(
        session,
        [task],
        lambda one: kb.prioritise_task(session.conn, one, priority, **session.actor()),
    )


@command(
    "schedule",
    click.Argument(["task"], metavar="ID"),
    click.Argument(["when"], metavar="TIME"),
    AS_PERSON,
    examples="""
    hermes-kanban schedule t_abc234 +2h
    hermes-kanban schedule t_abc234 2031-05-04T09:30:00+02:00
    hermes-kanban schedule t_abc234 now
    """,
)
def schedule_command(session: Session, task: str, when: str) -> None:
    """Do not start a task before a time; "now" lifts that."""
    at = inputs.time_of("TIME", when, session.now)
    answers.apply(
        session, [task], lambda one: kb.schedule_task(session.conn, one, at, **session.actor())
    )


@command(
    "link",
    click.Argument(["parent"]),
    click.Argument(["child"]),
    *WORKER,
    examples="hermes-kanban link t_parent t_child",
)
def link_command(session: Session, parent: str, child: str) -> None:
    """Let CHILD wait until PARENT is done."""
    author = session.author()
    if (admission := session.admission()) is not None:
        admission.check_link(parent, child)
    answers.apply(
        session,
        [child],
        lambda one: kb.link_tasks(session.conn, parent, one, **author),
    )


@command(
    "unlink",
    click.Argument(["parent"]),
    click.Argument(["child"]),
    *WORKER,
    examples="hermes-kanban unlink t_parent t_child",
)
def unlink_command(session: Session, parent: str, child: str) -> None:
    """Let CHILD no longer wait for PARENT."""
    answers.apply(
        session,
        [child],
        lambda one: kb.unlink_tasks(session.conn, parent, one, **session.author()),
    )


@command(
    "comment",
    inputs.words("[ID] TEXT"),
    *WORKER,
    examples="""
    hermes-kanban comment t_abc234 "Use the figures of May"
    git log -3 | hermes-kanban comment t_abc234 -
    """,
)
def comment_command(session: Session, words: tuple[str, ...]) -> None:
    """Add a comment to a task; "-" reads it from standard input."""
    task, text = inputs.task_and(session, words, "TEXT")
    body = inputs.long_text("comment", text, files=False) or ""
    if session.afar:
        afar.call(session, "comment", {"body": body}, task)
        return
    with answers.about(task):
        comment_id = kb.add_comment(session.conn, task, body, **session.author(task))
    session.answer(
        "comment", {"id": comment_id, "task_id": task}, [f"comment {comment_id} on {task}"]
    )
