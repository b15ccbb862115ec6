"""``create``: file a task."""

from __future__ import annotations

import click

from hermes_kanban import cautions
from hermes_kanban import kernel as kb
from hermes_kanban.surfaces.cli import inputs
from hermes_kanban.surfaces.cli.session import WORKER, Session, command


@command(
    "create",
    click.Argument(["title"]),
    click.Option(["--body"], metavar="TEXT", help="What is to be done; @FILE, or - for stdin."),
    click.Option(["--assignee"], metavar="PROFILE", help="The profile that does it."),
    click.Option(
        ["--parent", "parents"], multiple=True, metavar="ID", help="Must be done first; repeatable."
    ),
    click.Option(["--tenant"], metavar="NAME", help="A namespace inside the board."),
    click.Option(["--priority"], type=click.INT, default=0, help="Higher runs first. Default 0."),
    click.Option(["--skill", "skills"], multiple=True, metavar="NAME", help="Repeatable."),
    click.Option(
        ["--workspace"],
        metavar="KIND",
        help="scratch, dir:/absolute/path, worktree or worktree:/path/of/repository.",
    ),
    click.Option(["--branch"], metavar="NAME", help="The worktree's branch."),
    click.Option(["--model"], metavar="NAME", help="The model, where the runtime can choose."),
    click.Option(["--provider"], metavar="NAME", help="Who answers for the model."),
    click.Option(["--max-runtime"], type=inputs.SPAN, metavar="SPAN", help="Such as 90s or 30m."),
    click.Option(["--max-retries"], type=click.INT, help="Failures that are retried."),
    click.Option(
        ["--at", "when"],
        metavar="TIME",
        help="Not before: +30m, Unix seconds, ISO 8601, or now.",
    ),
    click.Option(["--key"], help="Create at most one live task of this key."),
    click.Option(["--triage"], is_flag=True, help="Wait in triage until a person accepts it."),
    *WORKER,
    examples="""
    hermes-kanban create "Count the words" --assignee counter
    hermes-kanban create "Write the report" --body @brief.md --parent t_abc234
    hermes-kanban create "Nightly build" --at +8h --key nightly --json
    """,
)
def create_command(
    session: Session,
    title: str,
    body: str | None,
    assignee: str | None,
    parents: tuple[str, ...],
    tenant: str | None,
    priority: int,
    skills: tuple[str, ...],
    workspace: str | None,
    branch: str | None,
    model: str | None,
    provider: str | None,
    max_runtime: int | None,
    max_retries: int | None,
    when: str | None,
    key: str | None,
    triage: bool,
) -> None:
    """File a task and print its id.

    It is ready at once, or when its parents are done, or at its time.
    """
    author = session.author()
    if (admission := session.admission()) is not None:
        admission.check_assignee(assignee)
    # Read and worked out before: nobody may wait for the board's lock as long as for a pipe.
    body = inputs.long_text("body", body)
    scheduled_at = None if when is None else inputs.time_of("--at", when, session.now)
    with kb.batch(session.conn):
        task_id = kb.create_task(
            session.conn,
            title=title,
            body=body,
            assignee=assignee,
            parents=parents,
            tenant=tenant,
            priority=priority,
            skills=skills,
            workspace=workspace,
            branch=branch,
            model=model,
            provider=provider,
            scheduled_at=scheduled_at,
            max_runtime_seconds=max_runtime,
            max_retries=max_retries,
            idempotency_key=key,
            triage=triage,
            **author,
        )
        _subscribe_the_chat(session, task_id)
    for caution in cautions.about_task(session.conn, task_id):
        session.warn(caution.text)
    session.answer("task", {"id": task_id}, [task_id])


def _subscribe_the_chat(session: Session, task_id: str) -> None:
    """Whoever asked for it in a chat hears there what becomes of it and of what it leads to.

    Once: a chat that hears of the whole board has heard of it already.
    """
    if session.place is None:
        return
    from hermes_kanban.kernel.matching import hears_of_everything
    from hermes_kanban.kernel.subscriptions import subscribe

    if not hears_of_everything(session.conn, session.place):
        subscribe(
            session.conn,
            destination=session.place,
            task_id=task_id,
            options={"inherit": True},
            **session.actor(),
        )
