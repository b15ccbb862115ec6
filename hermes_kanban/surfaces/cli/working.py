"""What a worker does with its task; a person may do most of it by hand.

Inside a worker the task, run and lock come from the environment; elsewhere ``--run`` and ``--lock``
prove that the run is current, and without them the verb is a person's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from hermes_kanban import kernel as kb
from hermes_kanban.model.words import BLOCK_KINDS
from hermes_kanban.surfaces.cli import afar, answers, ending, inputs
from hermes_kanban.surfaces.cli.attaching import ARTIFACT, as_typed
from hermes_kanban.surfaces.cli.errors import Conflict
from hermes_kanban.surfaces.cli.session import WORKER, Session, command
from hermes_kanban.surfaces.cli.taking import CLAIMER, TTL, run_of, taken_lines

SUMMARY = click.Option(["--summary"], metavar="TEXT", help="What was done; - for stdin.")
RESULT = click.Option(["--result"], metavar="TEXT", help="The result; @FILE, or - for stdin.")
METADATA = click.Option(["--metadata"], metavar="JSON", help="A JSON object, @FILE or -.")


@command(
    "claim",
    click.Argument(["task"], metavar="ID"),
    CLAIMER,
    TTL,
    examples="hermes-kanban claim t_abc234 --json",
)
def claim_command(session: Session, task: str, claimer: str | None, ttl: int | None) -> None:
    """Take a ready task by hand.

    Prints run and lock, which later verbs need, and until when it holds. Exit code 4 if it cannot
    be had; "ready --claim" takes the next that can.
    """
    session.may_write()
    claimed = kb.claim_task(session.conn, task, claimer=claimer, ttl_seconds=ttl)
    if claimed is None:
        raise Conflict(f"{task} cannot be claimed: {_why_not(session, task)}")
    session.answer(
        "task",
        claimed,
        taken_lines(session, claimed),
        run=run_of(session, claimed),
    )


# What claiming asks; due time, caps and profile hold the dispatcher only.
_CLAIM_HOLDS = ("paused", "earlier_process", "folder_in_use", "open_parent")


def _why_not(session: Session, task_id: str) -> str:
    task = kb.get_task(session.conn, task_id)
    if task.status == "running":
        return f"run {task.current_run_id} has it; see: hermes-kanban runs {task_id}"
    holds = kb.why(session.conn, task_id)
    if task.status == "ready":
        holds = [hold for hold in holds if hold.code in _CLAIM_HOLDS]
    if holds:
        return f"{holds[0].text}; lifted by: {holds[0].lifted_by}"
    return f"it is {task.status}" if task.status != "ready" else "another was faster"


@command(
    "heartbeat",
    inputs.ONE,
    click.Option(["--ttl"], type=inputs.SPAN, metavar="SPAN", help="How long from now."),
    *WORKER,
    examples="hermes-kanban heartbeat",
)
def heartbeat_command(session: Session, task: str | None, ttl: int | None) -> None:
    """Renew the lease of a running task."""
    if session.afar:
        afar.call(session, "heartbeat", {"ttl_seconds": ttl}, inputs.task_id(session, task))
        return
    answers.apply(
        session,
        [inputs.task_id(session, task)],
        lambda one: kb.heartbeat_claim(session.conn, one, ttl_seconds=ttl, **session.fencing(one)),
    )


@command(
    "complete",
    inputs.MANY,
    RESULT,
    SUMMARY,
    METADATA,
    ARTIFACT,
    click.Option(
        ["--created", "created"],
        multiple=True,
        metavar="ID",
        help="A task that this run created; checked. Repeatable.",
    ),
    click.Option(
        ["--claim-next"],
        is_flag=True,
        help="Then take the next task of the same assignee, as the same claimer.",
    ),
    TTL,
    *WORKER,
    examples="""
    hermes-kanban complete t_abc234 --summary "Counted 12,000 words" --result @count.txt
    hermes-kanban complete t_abc234 t_def567
    hermes-kanban complete t_abc234 --run 7 --lock LOCK --summary Done --claim-next --json
    """,
)
def complete_command(
    session: Session,
    tasks: tuple[str, ...],
    result: str | None,
    summary: str | None,
    metadata: str | None,
    artifacts: tuple[str, ...],
    created: tuple[str, ...],
    claim_next: bool,
    ttl: int | None,
) -> None:
    """Finish a task and hand its result over.

    Artifacts are kept with the task; if one is missing, nothing is done. Several tasks at once only
    without result, summary, metadata and artifacts: each deserves its own. With --claim-next the
    answer's "next" and "run" are those of the task that was taken, or null if there is none.
    """
    ids = inputs.task_ids(session, tasks)
    if ttl is not None and not claim_next:
        raise click.UsageError("--ttl is for --claim-next", click.get_current_context())
    last = _last_run(session, ids) if claim_next else None
    if len(ids) > 1 and any((result, summary, metadata, artifacts, created)):
        raise click.UsageError(
            "one hand-over cannot speak for many tasks; complete them one by one",
            click.get_current_context(),
        )
    result = inputs.long_text("result", result)
    summary = inputs.long_text("summary", summary, files=False)
    handed_over = inputs.json_object("metadata", metadata)
    asked = _handed_in(result, summary, handed_over, artifacts)
    ending.apply(
        session,
        ids,
        "complete",
        asked | {"created_cards": list(created)},
        lambda one: kb.complete_task(
            session.conn,
            one,
            result=result,
            summary=summary,
            metadata=handed_over,
            created_cards=list(created),
            artifacts=_artifacts(session, one, artifacts),
            **session.by(one),
        ),
        then=None if last is None else lambda: _take_next(session, last, ttl),
    )


def _last_run(session: Session, ids: Sequence[str]) -> tuple[str | None, kb.Run]:
    """Whose the task is, and the run that is to end: the next is taken as that one was."""
    if session.own_task() is not None:
        raise click.UsageError(
            "--claim-next is for workers of your own; the gateway starts the next run of an agent",
            click.get_current_context(),
        )
    if len(ids) != 1 or session.run is None:
        raise click.UsageError(
            "--claim-next needs one task with its --run and --lock", click.get_current_context()
        )
    task = kb.get_task(session.conn, ids[0])
    return task.assignee, kb.get_run(session.conn, session.run)


def _take_next(
    session: Session, last: tuple[str | None, kb.Run], ttl: int | None
) -> tuple[list[str], dict[str, Any]]:
    assignee, run = last
    taken = kb.claim_next(session.conn, assignees=[assignee], claimer=run.claimer, ttl_seconds=ttl)
    if taken is None:
        return ["no further task can be taken now"], {"next": None, "run": None}
    return taken_lines(session, taken), {"next": taken, "run": run_of(session, taken)}


def _handed_in(
    result: str | None,
    summary: str | None,
    metadata: dict[str, Any] | None,
    artifacts: tuple[str, ...],
) -> dict[str, Any]:
    files = [as_typed(file, by_worker=True) for file in artifacts]
    return {"result": result, "summary": summary, "metadata": metadata, "artifacts": files}


def _artifacts(session: Session, task: str, artifacts: tuple[str, ...]) -> list[str]:
    by_worker = bool(artifacts) and bool(session.fencing(task))
    return [as_typed(file, by_worker=by_worker) for file in artifacts]


@command(
    "block",
    inputs.words("[ID] REASON"),
    click.Option(
        ["--kind"],
        type=click.Choice(BLOCK_KINDS),
        default="needs_input",
        show_default=True,
        help="Who or what lifts it.",
    ),
    click.Option(["--retry-in"], type=inputs.SPAN, metavar="SPAN", help="For --kind transient."),
    *WORKER,
    examples="""
    hermes-kanban block t_abc234 "Which of the two tables is meant?"
    hermes-kanban block t_abc234 "The API is down" --kind transient --retry-in 30m
    """,
)
def block_command(
    session: Session, words: tuple[str, ...], kind: str, retry_in: int | None
) -> None:
    """Stop work on a task until what is missing is there."""
    task, reason = inputs.task_and(session, words, "REASON")
    text = inputs.long_text("reason", reason, files=False) or ""
    ending.apply(
        session,
        [task],
        "block",
        {"reason": text, "kind": kind, "retry_in_seconds": retry_in},
        lambda one: kb.block_task(
            session.conn,
            one,
            reason=text,
            kind=kind,
            retry_in_seconds=retry_in,
            **session.by(one),
        ),
    )


@command(
    "request-review",
    inputs.ONE,
    SUMMARY,
    RESULT,
    METADATA,
    ARTIFACT,
    *WORKER,
    examples='hermes-kanban request-review --summary "Ready to be read"',
)
def request_review_command(
    session: Session,
    task: str | None,
    summary: str | None,
    result: str | None,
    metadata: str | None,
    artifacts: tuple[str, ...],
) -> None:
    """Hand a running task in for review.

    For its worker. Artifacts are kept with the task; if one is missing, nothing is done.
    """
    result = inputs.long_text("result", result)
    summary = inputs.long_text("summary", summary, files=False)
    handed_over = inputs.json_object("metadata", metadata)
    ending.apply(
        session,
        [inputs.task_id(session, task)],
        "request_review",
        _handed_in(result, summary, handed_over, artifacts),
        lambda one: kb.request_review(
            session.conn,
            one,
            result=result,
            summary=summary,
            metadata=handed_over,
            artifacts=_artifacts(session, one, artifacts),
            **session.must_fence(one),
        ),
    )


@command(
    "wait-for",
    inputs.words("[ID] CHILD..."),
    SUMMARY,
    *WORKER,
    examples="hermes-kanban wait-for t_child1 t_child2",
)
def wait_for_command(session: Session, words: tuple[str, ...], summary: str | None) -> None:
    """Hand a running task back until others are done.

    For its worker.
    """
    own = session.own_task() or ("" if session.afar else None)
    children = list(words)
    task = own if own is not None and own not in children[:1] else None
    if task is None and children:
        task = children.pop(0)
    if task is None or not children:
        raise click.UsageError("expected [ID] CHILD...", click.get_current_context())
    text = inputs.long_text("summary", summary, files=False)
    ending.apply(
        session,
        [task],
        "wait_for",
        {"children": children, "summary": text},
        lambda one: kb.wait_for(
            session.conn, one, children, summary=text, **session.must_fence(one)
        ),
    )
