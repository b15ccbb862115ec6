"""What people decide about tasks: where they wait, whether they go on, and how they end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from hermes_kanban import kernel as kb
from hermes_kanban.surfaces.cli import answers, inputs
from hermes_kanban.surfaces.cli.session import AS_PERSON, Session, command

TASKS = click.Argument(["tasks"], nargs=-1, required=True, metavar="ID...")
REASON = click.Option(["--reason"], metavar="TEXT", help="Why; it becomes part of the history.")
RELEASE = click.Option(
    ["--release"], is_flag=True, help="Let its children go on without it, instead of blocking them."
)

QUESTION = click.Option(
    ["--question"],
    type=click.INT,
    metavar="EVENT",
    help="The event that asked: refused, saying who was first, if it is decided already.",
)


def _decide(
    session: Session, verb: Callable[..., bool], tasks: tuple[str, ...], **settings: Any
) -> None:
    ids = list(dict.fromkeys(tasks))
    answers.apply(session, ids, lambda one: verb(session.conn, one, **settings, **session.actor()))


@command("triage", TASKS, REASON, AS_PERSON, examples="hermes-kanban triage t_abc234")
def triage_command(session: Session, tasks: tuple[str, ...], reason: str | None) -> None:
    """Let tasks wait until a person accepts them."""
    _decide(session, kb.triage_task, tasks, reason=reason)


@command("accept", TASKS, QUESTION, AS_PERSON, examples="hermes-kanban accept t_abc234")
def accept_command(session: Session, tasks: tuple[str, ...], question: int | None) -> None:
    """Accept tasks from triage."""
    _decide(session, kb.accept_task, tasks, question=question)


@command("promote", TASKS, AS_PERSON, examples="hermes-kanban promote t_abc234")
def promote_command(session: Session, tasks: tuple[str, ...]) -> None:
    """Make tasks ready whose parents are all done."""
    _decide(session, kb.promote_task, tasks)


@command(
    "unblock",
    TASKS,
    REASON,
    inputs.RESUME,
    QUESTION,
    AS_PERSON,
    examples='hermes-kanban unblock t_abc234 --reason "The key is in the vault now"',
)
def unblock_command(
    session: Session,
    tasks: tuple[str, ...],
    reason: str | None,
    resume: bool | None,
    question: int | None,
) -> None:
    """Lift the block of tasks.

    The reason reaches the next worker.
    """
    _decide(session, kb.unblock_task, tasks, reason=reason, resume=resume, question=question)


@command(
    "approve",
    TASKS,
    click.Option(["--comment"], metavar="TEXT", help="What is said of it."),
    QUESTION,
    AS_PERSON,
    examples="hermes-kanban approve t_abc234",
)
def approve_command(
    session: Session, tasks: tuple[str, ...], comment: str | None, question: int | None
) -> None:
    """Approve tasks in review: they are done."""
    _decide(session, kb.approve_task, tasks, comment=comment, question=question)


@command(
    "request-changes",
    click.Argument(["task"], metavar="ID"),
    click.Argument(["comment"], metavar="COMMENT"),
    inputs.RESUME,
    QUESTION,
    AS_PERSON,
    examples='hermes-kanban request-changes t_abc234 "The second table lacks May"',
)
def request_changes_command(
    session: Session, task: str, comment: str, resume: bool | None, question: int | None
) -> None:
    """Send a task in review back to work.

    "-" reads the comment from standard input.
    """
    text = inputs.long_text("comment", comment, files=False)
    _decide(session, kb.request_changes, (task,), comment=text, resume=resume, question=question)


@command("reopen", TASKS, REASON, AS_PERSON, examples="hermes-kanban reopen t_abc234")
def reopen_command(session: Session, tasks: tuple[str, ...], reason: str | None) -> None:
    """Take tasks that are done or archived up again."""
    _decide(session, kb.reopen_task, tasks, reason=reason)


@command("reclaim", TASKS, REASON, AS_PERSON, examples="hermes-kanban reclaim t_abc234")
def reclaim_command(session: Session, tasks: tuple[str, ...], reason: str | None) -> None:
    """Take running tasks from their workers.

    The workers are stopped, the tasks run again.
    """
    _decide(session, kb.reclaim_task, tasks, reason=reason)


@command(
    "cancel",
    TASKS,
    click.Option(["--tree"], is_flag=True, help="Everything open that waits for it, too."),
    RELEASE,
    REASON,
    AS_PERSON,
    examples="hermes-kanban cancel t_abc234 --tree",
)
def cancel_command(
    session: Session, tasks: tuple[str, ...], tree: bool, release: bool, reason: str | None
) -> None:
    """Give open tasks up.

    They are archived, their workers stopped. What is done is archived, not cancelled.
    """
    _decide(session, kb.cancel_task, tasks, tree=tree, release=release, reason=reason)


@command("archive", TASKS, RELEASE, AS_PERSON, examples="hermes-kanban archive t_abc234 t_def567")
def archive_command(session: Session, tasks: tuple[str, ...], release: bool) -> None:
    """Put tasks away, done or not."""
    _decide(session, kb.archive_task, tasks, release=release)


@command(
    "adopt",
    click.Argument(["task"], metavar="ID"),
    click.Option(["--run"], type=click.INT, required=True, metavar="N", help="The refused run."),
    QUESTION,
    AS_PERSON,
    examples="hermes-kanban adopt t_abc234 --run 17",
)
def adopt_command(session: Session, task: str, question: int | None) -> None:
    """Take over the result of a refused run."""
    _decide(session, kb.adopt_result, (task,), run_id=session.run, question=question)


@command(
    "dismiss",
    click.Argument(["task"], metavar="ID"),
    click.Option(["--run"], type=click.INT, required=True, metavar="N", help="The refused run."),
    QUESTION,
    AS_PERSON,
    examples="hermes-kanban dismiss t_abc234 --run 17",
)
def dismiss_command(session: Session, task: str, question: int | None) -> None:
    """Put the result of a refused run aside; it is kept."""
    _decide(session, kb.dismiss_result, (task,), run_id=session.run, question=question)
