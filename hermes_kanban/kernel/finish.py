"""Ends of runs: complete, block, fail, rate limit, reclaim, and going back to rest.

Workers prove that their run is current; people act without a run and win. A person's verb on a
running task closes the run at once and leaves a stop intention on it if a process is registered.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Final

from hermes_kanban import lifecycle
from hermes_kanban.kernel import attachments, fencing, foreseen, gates, limits, mentions, retries
from hermes_kanban.kernel.fencing import Author, Kept, task_state
from hermes_kanban.lifecycle import TaskState
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.model.records import Refused
from hermes_kanban.model.words import BLOCK_KINDS
from hermes_kanban.store.protocol import BoardConnection, Transaction, write

BLOCKS_BEFORE_TRIAGE: Final = 3
LIFTED_BY: Final = {
    "needs_input": "answer with: hermes-kanban unblock {id} --reason ANSWER",
    "capability": (
        "a person gives it to another with: hermes-kanban assign {id} PROFILE,"
        " then hermes-kanban unblock {id}"
    ),
    "transient": "time: it is unblocked when it is due",
    "dependency": "its last open parent closes",
}


def complete_task(
    conn: BoardConnection,
    task_id: str,
    *,
    result: str | None = None,
    summary: str | None = None,
    metadata: dict[str, Any] | None = None,
    created_cards: list[str] | None = None,
    artifacts: Iterable[str | os.PathLike[str]] = (),
    run_id: int | None = None,
    claim_lock: str | None = None,
    actor: str | None = None,
    kept: Kept | None = None,
) -> bool | Refused:
    """running (or, by a person, triage, todo, ready, blocked) → done; children are promoted.

    ``created_cards`` are tasks that this run says it created: each must exist and be of this run.
    ``artifacts`` are files that become attachments: a run's must lie in its workspace. If one of
    either is wrong, InvalidInput names all that are, and the task stays as it is. A summary that
    names unknown tasks leaves a ``warned`` event. A hand-over of a run that was ``kept`` may be a
    repeat: AcceptedBefore says that the run has ended by it.
    """
    columns = {
        "summary": limits.text("summary", summary, limits.SUMMARY_BYTES),
        "metadata": limits.metadata(metadata),
    }
    result = limits.text("result", result, limits.RESULT_BYTES)
    known = None
    if run_id is not None and kept is None and not artifacts and not created_cards:
        known = foreseen.to_close(conn, task_id, run_id)

    def complete(known: TaskState | None) -> bool | Refused:
        with (
            attachments.handed_in(conn, task_id, artifacts, run_id, actor, kept) as files,
            write(conn, "complete") as tx,
        ):
            if known is None:
                neighbours = gates.ask_neighbours(tx, task_id)
                task = task_state(tx, task_id)
            else:
                neighbours, task = gates.no_neighbours, known
                foreseen.expect_alone(tx, task)
            if run_id is not None:
                evidence = {"result": result, "summary": summary, "metadata": metadata}
                evidence |= files.evidence(tx)
                by = fencing.worker(tx, "complete", task, run_id, claim_lock, evidence, kept)
                if isinstance(by, Refused):
                    return by
                _check_created_cards(tx, created_cards or [], run_id)
            else:
                by = fencing.person(actor, claim_lock)
            _check_completion(task)
            facts = files.attach(tx, task, Author(by, run_id))
            worked = task["current_run_id"] if run_id is None else run_id
            complete_in(
                tx,
                task,
                by,
                result,
                columns,
                by_person=run_id is None,
                facts=facts,
                neighbours=neighbours,
            )
            mentions.warn_of_unknown(tx, task, worked, summary)
            return True

    return foreseen.close(conn, known, complete)


def complete_in(
    tx: Transaction,
    task: TaskState,
    actor: str,
    result: str | None,
    run_columns: dict[str, Any],
    *,
    by_person: bool = False,
    facts: dict[str, Any] | None = None,
    neighbours: gates.Asked | None = None,
) -> None:
    """Close the task as done with its hand-over, and let its children go."""
    _check_completion(task)
    changes: dict[str, Any] = {
        "completed_at": lifecycle.moment(tx, task),
        "consecutive_failures": 0,
        "eligible_at": None,
    }
    if result is not None:
        changes["result"] = result
    kept = {column: value for column, value in run_columns.items() if value is not None}
    close_or_synthesise(
        tx, "complete", task, actor, "completed", "done", changes, kept, by_person, facts
    )
    gates.task_finished(tx, task["id"], neighbours)


def _check_completion(task: TaskState) -> None:
    hint = "approve it or request changes" if task["status"] == "review" else ""
    lifecycle.transition("complete", task["status"], hint)


def close_or_synthesise(
    tx: Transaction,
    verb: str,
    task: TaskState,
    actor: str,
    outcome: str,
    to: str,
    changes: dict[str, Any],
    run_columns: dict[str, Any],
    by_person: bool,
    facts: dict[str, Any] | None = None,
) -> None:
    """Close the open run with ``run_columns``; without one, write them on a zero-length run."""
    facts = dict(facts or {})
    run_id, has_process = task["current_run_id"], task["worker_pid"] is not None
    if task["status"] == "running":
        lifecycle.apply(
            tx,
            verb,
            task,
            actor=actor,
            to=to,
            changes=changes,
            run_changes=run_columns,
            facts=facts,
        )
        if by_person and has_process:
            request_stop(tx, task, run_id, outcome, actor)
        return
    lifecycle.transition(verb, task["status"])
    run_id, part = lifecycle.synthetic_run(
        tx, task, outcome=outcome, actor=actor, columns=run_columns
    )
    lifecycle.apply(
        tx,
        verb,
        task,
        actor=actor,
        to=to,
        changes=changes,
        run_id=run_id,
        facts=facts | {"run": part},
    )


def request_stop(tx: Transaction, task: TaskState, run_id: int, reason: str, actor: str) -> bool:
    """Leave a stop intention on a run whose process is registered and has not ended."""
    rows = tx.run(
        "UPDATE task_runs SET stop_requested_at = :now, stop_reason = :reason, stop_by = :actor"
        " WHERE id = :run AND worker_pid IS NOT NULL AND exited_at IS NULL"
        " AND stop_requested_at IS NULL RETURNING id",
        {
            "now": lifecycle.moment(tx, task),
            "reason": reason,
            "actor": actor,
            "run": run_id,
        },
    ).fetchall()
    if not rows:
        return False
    part = {
        "id": run_id,
        "stop_requested_at": lifecycle.moment(tx, task),
        "stop_reason": reason,
        "stop_by": actor,
    }
    lifecycle.record(tx, task, "stop_requested", actor, {"run": part}, run_id=run_id)
    return True


def _check_created_cards(tx: Transaction, cards: list[str], run_id: int) -> None:
    wrong = [
        card
        for card in dict.fromkeys(cards)
        if tx.value("SELECT created_run_id FROM tasks WHERE id = :id", {"id": card}) != run_id
    ]
    if wrong:
        allowed = "ids of tasks that this very run created"
        raise InvalidInput("created_cards", allowed, f"names {', '.join(wrong)}")


def block_task(
    conn: BoardConnection,
    task_id: str,
    *,
    reason: str,
    kind: str = "needs_input",
    retry_in_seconds: int | None = None,
    run_id: int | None = None,
    claim_lock: str | None = None,
    actor: str | None = None,
    kept: Kept | None = None,
) -> bool | Refused:
    """running, or by a person todo, ready, review → blocked; the third time → triage.

    ``kind`` says who lifts it: ``needs_input`` and ``capability`` a person, ``transient`` time
    (``retry_in_seconds``, default the back-off), ``dependency`` the last open parent.
    """
    reason = limits.required("reason", reason, limits.REASON_BYTES)
    limits.word("kind", kind, BLOCK_KINDS)
    limits.whole("retry_in_seconds", retry_in_seconds, 1, limits.DELAY_SECONDS)
    with write(conn, "block") as tx:
        touches = tx.ask(_TOUCHES, {"id": task_id})
        gated = gates.ask_open_parent(tx, task_id) if kind == "dependency" else None
        task = task_state(tx, task_id)
        if run_id is not None:
            evidence = {"block_reason": reason}
            by = fencing.worker(tx, "block", task, run_id, claim_lock, evidence, kept)
            if isinstance(by, Refused):
                return by
        else:
            by = fencing.person(actor, claim_lock)
        lifecycle.transition("block", task["status"])
        if gated is not None and not gated():
            raise InvalidInput(
                "kind", "dependency only with an open parent; link one first", "is dependency"
            )
        looping = _blocks_since_person(touches()) + 1 >= BLOCKS_BEFORE_TRIAGE
        _block(tx, task, by, reason, kind, retry_in_seconds, looping, by_person=run_id is None)
        return True


def _block(
    tx: Transaction,
    task: TaskState,
    actor: str,
    reason: str,
    kind: str,
    retry_in_seconds: int | None,
    looping: bool,
    *,
    by_person: bool,
) -> None:
    was_review = task["status"] == "review"
    changes: dict[str, Any] = {}
    facts: dict[str, Any] = {"block_kind": kind, "reason": reason}
    if not looping:
        changes = {
            "block_kind": kind,
            "block_reason": reason,
            "blocked_from": "review" if was_review else None,
        }
        facts["lifted_by"] = LIFTED_BY[kind].format(id=task["id"])
        if kind == "transient":
            wait = retry_in_seconds or retries.backoff_seconds(tx, 1)
            changes["eligible_at"] = tx.now + wait
    close_or_synthesise(
        tx,
        "block",
        task,
        actor,
        "blocked",
        "triage" if looping else "blocked",
        changes,
        {"error": reason},
        by_person,
        facts,
    )
    if looping:
        why = f"blocked {BLOCKS_BEFORE_TRIAGE} times since a person last touched it: {reason}"
        note_triaged(tx, task, why)


def note_triaged(tx: Transaction, task: TaskState, reason: str) -> None:
    """The event that says why a closing verb ended in triage."""
    lifecycle.record(tx, task, "triaged", "system", _triage_facts(task, reason))


def triage_if_spent(tx: Transaction, task: TaskState) -> None:
    """A task at rest that ran ``max_runs`` times without a person's touch goes to triage."""
    at_rest = task["status"] in ("ready", "todo")
    if at_rest and retries.runs_since_person(tx, task) >= tx.conn.config.kanban.max_runs:
        facts = _triage_facts(task, _spent_reason(tx))
        lifecycle.apply(tx, "triage", task, actor="system", facts=facts)


def _spent_reason(tx: Transaction) -> str:
    return f"{tx.conn.config.kanban.max_runs} runs without a person's touch"


def _triage_facts(task: TaskState, reason: str) -> dict[str, Any]:
    return {"reason": reason, "lifted_by": f"hermes-kanban accept {task['id']}"}


def _blocks_since_person(touches: list[Any]) -> int:
    """Blocks since a person last edited, commented, or unblocked with a reason."""
    blocks = 0
    for kind, by_person, payload in touches:
        if kind == "blocked":
            blocks += 1
        elif by_person and (kind != "unblocked" or '"reason":' in payload):
            break
    return blocks


_TOUCHES: Final = """
SELECT kind, actor LIKE 'person:%', payload FROM task_events
WHERE task_id = :id
    AND kind IN ('blocked', 'edited', 'commented', 'unblocked', 'accepted', 'undone')
ORDER BY id DESC
"""


def fail_in(
    tx: Transaction,
    task: TaskState,
    verb: str,
    error: str,
    facts: dict[str, Any] | None = None,
) -> None:
    """Close a run that failed: back to rest with a delay, or blocked by the breaker.

    Counts one failure in the same transaction. Above ``max_retries`` the task is blocked, with
    event ``gave_up`` naming run and error.
    """
    failures = task["consecutive_failures"] + 1
    retries_allowed = task["max_retries"]
    if retries_allowed is None:
        retries_allowed = tx.conn.config.kanban.max_retries
    changes: dict[str, Any] = {"consecutive_failures": failures}
    columns = {"error": error}
    run_id = task["current_run_id"]
    if failures <= retries_allowed:
        changes["eligible_at"] = tx.now + retries.backoff_seconds(tx, failures)
        requeue(tx, verb, task, "system", changes, columns, facts)
        return
    reason = f"gave up after {failures} failed runs; the last: {error}"[: limits.REASON_BYTES]
    lifted_by = LIFTED_BY["needs_input"].format(id=task["id"])
    changes |= {"block_kind": "needs_input", "block_reason": reason, "eligible_at": None}
    lifecycle.apply(
        tx,
        verb,
        task,
        actor="system",
        to="blocked",
        changes=changes,
        run_changes=columns,
        facts=dict(facts or {}) | {"lifted_by": lifted_by},
    )
    lifecycle.record(
        tx,
        task,
        "gave_up",
        "system",
        {"run_id": run_id, "error": error, "failures": failures, "lifted_by": lifted_by},
        run_id=run_id,
    )


def requeue(
    tx: Transaction,
    verb: str,
    task: TaskState,
    actor: str,
    changes: dict[str, Any],
    run_columns: dict[str, Any],
    facts: dict[str, Any] | None = None,
) -> None:
    """Close the open run and put the task back to rest; after ``max_runs`` untouched, in triage."""
    spent = retries.runs_since_person(tx, task) >= tx.conn.config.kanban.max_runs
    spent = spent and not actor.startswith("person:")
    to = "triage" if spent else gates.resting_status(tx, task["id"])
    if to == "triage":
        changes = changes | {"eligible_at": None}
    lifecycle.apply(
        tx,
        verb,
        task,
        actor=actor,
        to=to,
        changes=changes,
        run_changes=run_columns,
        facts=facts,
    )
    gates.settle_at_rest(tx, task)
    if spent:
        note_triaged(tx, task, _spent_reason(tx))


def rate_limit_in(
    tx: Transaction,
    task: TaskState,
    error: str,
    reset_at: int | None,
    facts: dict[str, Any] | None = None,
) -> None:
    """Close the run as ``rate_limited`` and wait for the reset time or a doubling delay."""
    due = (
        reset_at
        if reset_at and reset_at > tx.now
        else tx.now + retries.rate_limit_seconds(tx, task)
    )
    requeue(tx, "rate_limit", task, "system", {"eligible_at": due}, {"error": error}, facts)


def reclaim_task(
    conn: BoardConnection, task_id: str, *, reason: str | None = None, actor: str | None = None
) -> bool:
    """running → ready or todo, by a person: the run is ``reclaimed``, its process stopped."""
    reason = limits.text("reason", reason, limits.REASON_BYTES)
    by = limits.actor(actor)
    with write(conn, "reclaim") as tx:
        task = task_state(tx, task_id)
        reclaim_in(tx, task, by, reason or "reclaimed by a person")
        return True


def reclaim_in(tx: Transaction, task: TaskState, actor: str, error: str) -> None:
    """Close the open run as ``reclaimed``, uncounted; by a person the failure count starts anew."""
    lifecycle.transition("reclaim", task["status"])
    by_person = actor.startswith("person:")
    run_id = task["current_run_id"]
    changes = {"consecutive_failures": 0} if by_person else {}
    requeue(tx, "reclaim", task, actor, changes, {"error": error})
    if by_person:
        request_stop(tx, task, run_id, "reclaimed", actor)
