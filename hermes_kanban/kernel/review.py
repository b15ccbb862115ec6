"""Review: a worker hands in, a person or another orchestrating profile decides."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from hermes_kanban import lifecycle
from hermes_kanban.kernel import attachments, fencing, finish, gates, limits, mentions
from hermes_kanban.kernel.comments import insert_comment
from hermes_kanban.kernel.decisions import must_be_open
from hermes_kanban.kernel.fencing import task_state
from hermes_kanban.lifecycle import TaskState
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.model.records import Refused
from hermes_kanban.store.protocol import BoardConnection, Transaction, write


def request_review(
    conn: BoardConnection,
    task_id: str,
    *,
    run_id: int,
    claim_lock: str | None = None,
    summary: str | None = None,
    result: str | None = None,
    metadata: dict[str, Any] | None = None,
    artifacts: Iterable[str | os.PathLike[str]] = (),
    kept: fencing.Kept | None = None,
) -> bool | Refused:
    """running → review, by the current run; the failure count starts anew.

    ``artifacts``, ``kept`` and unknown tasks in the summary as for ``complete_task``.
    """
    run_columns = {
        "summary": limits.text("summary", summary, limits.SUMMARY_BYTES),
        "metadata": limits.metadata(metadata),
    }
    result = limits.text("result", result, limits.RESULT_BYTES)
    with (
        attachments.handed_in(conn, task_id, artifacts, run_id, kept=kept) as files,
        write(conn, "request-review") as tx,
    ):
        task = task_state(tx, task_id)
        evidence = {"result": result, "summary": summary, "metadata": metadata}
        evidence |= files.evidence(tx)
        by = fencing.worker(tx, "request_review", task, run_id, claim_lock, evidence, kept)
        if isinstance(by, Refused):
            return by
        changes: dict[str, Any] = {"consecutive_failures": 0}
        if result is not None:
            changes["result"] = result
        lifecycle.apply(
            tx,
            "request_review",
            task,
            actor=by,
            changes=changes,
            run_changes={column: value for column, value in run_columns.items() if value},
            facts=files.attach(tx, task, fencing.Author(by, run_id)),
        )
        mentions.warn_of_unknown(tx, task, run_id, summary)
        return True


def approve_task(
    conn: BoardConnection,
    task_id: str,
    *,
    comment: str | None = None,
    question: int | None = None,
    actor: str | None = None,
) -> bool:
    """review → done, by a person or an orchestrating profile other than the one that asked.

    ``question`` is the event that asked: AlreadyDecided if somebody was first.
    """
    comment = limits.text("comment", comment, limits.COMMENT_BYTES)
    by = limits.actor(actor)
    with write(conn, "approve") as tx:
        neighbours = gates.ask_neighbours(tx, task_id)
        task = task_state(tx, task_id)
        must_be_open(tx, task_id, question)
        lifecycle.transition("approve", task["status"])
        _check_reviewer(tx, task, by)
        if comment:
            insert_comment(tx, task, fencing.Author(by, None), comment)
        now = lifecycle.moment(tx, task)
        lifecycle.apply(
            tx,
            "approve",
            task,
            actor=by,
            changes={"completed_at": now},
            facts={"comment": comment} if comment else {},
        )
        gates.task_finished(tx, task_id, neighbours)
        return True


def request_changes(
    conn: BoardConnection,
    task_id: str,
    *,
    comment: str,
    resume: bool | None = None,
    question: int | None = None,
    actor: str | None = None,
) -> bool:
    """review → ready or todo with a comment; no failure is counted.

    ``resume`` says whether the next run goes on with the conversation (None: the profile's choice).
    ``question`` is the event that asked: AlreadyDecided if somebody was first.
    After ``max_runs`` without a person's touch it goes to triage instead of back to work: two
    agents that never agree would go on for ever.
    """
    comment = limits.required("comment", comment, limits.COMMENT_BYTES)
    by = limits.actor(actor)
    with write(conn, "request-changes") as tx:
        task = task_state(tx, task_id)
        must_be_open(tx, task_id, question)
        lifecycle.transition("request_changes", task["status"])
        _check_reviewer(tx, task, by)
        insert_comment(tx, task, fencing.Author(by, None), comment)
        to = gates.resting_status(tx, task_id)
        lifecycle.apply(
            tx,
            "request_changes",
            task,
            actor=by,
            to=to,
            changes=limits.resuming(resume),
            facts={"comment": comment},
        )
        gates.settle_at_rest(tx, task)
        finish.triage_if_spent(tx, task)
        return True


def _check_reviewer(tx: Transaction, task: TaskState, actor: str) -> None:
    """Nobody reviews their own work: not the run that asked, nor its profile."""
    if actor.startswith("person:"):
        return
    asked = tx.one(
        "SELECT profile, claimer FROM task_runs WHERE task_id = :id AND outcome = 'review'"
        " ORDER BY id DESC LIMIT 1",
        {"id": task["id"]},
    )
    name = actor.partition(":")[2]
    profile = tx.conn.config.profiles.get(name)
    # A run of the profile is its own work also where somebody claimed it by hand.
    own_work = asked is not None and (
        asked["profile"] == name or fencing.run_actor(asked["profile"], asked["claimer"]) == actor
    )
    if own_work or profile is None or not profile.orchestrator:
        allowed = "a person, or an orchestrating profile other than the one that asked"
        raise InvalidInput("reviewer", allowed, f"is {actor}")
