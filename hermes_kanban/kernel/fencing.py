"""Who acts: a person, or a worker that must prove that its run is the current one.

A run id alone never repeats on a board, the claim lock also tells a restored board's run from the
one before. Late work is refused, never thrown away: its result stays with the ``fenced`` event.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from hermes_kanban import lifecycle
from hermes_kanban.kernel import limits
from hermes_kanban.lifecycle import TaskState
from hermes_kanban.model.errors import AcceptedBefore, InvalidInput, NotFound, StaleRun
from hermes_kanban.model.records import Refused
from hermes_kanban.store.protocol import BoardConnection, Transaction, fetch_one, write


class Author(NamedTuple):
    """Who a row is written by, and within which run."""

    actor: str
    run_id: int | None


class Kept(NamedTuple):
    """A hand-over that waited while the board could not be reached, so that it may be a repeat.

    ``files`` is the folder that its artifacts lie in, None where that is the run's workspace.
    """

    files: Path | None = None


def task_state(tx: Transaction, task_id: str) -> TaskState:
    """The task's state, or NotFound."""
    task = lifecycle.load(tx, task_id)
    if task is None:
        raise unknown_task(task_id)
    return task


def unknown_task(task_id: str) -> NotFound:
    """The error for an id that no task has."""
    return NotFound("task", task_id, "see the ids with: hermes-kanban list --all")


def run_actor(profile: str | None, claimer: str) -> str:
    """The actor of a run: its profile, else whoever claimed it by hand."""
    if claimer.startswith(("person:", "profile:")):
        return claimer
    return f"profile:{profile or claimer}"


def person(actor: str | None, claim_lock: str | None) -> str:
    """The actor of a write outside any run. A lock alone is a worker that lost its run's id."""
    if claim_lock is not None:
        raise InvalidInput("run_id", "the run that the claim lock belongs to", "is missing")
    return limits.actor(actor)


def must_be_current(conn: BoardConnection, run_id: int, claim_lock: str | None) -> None:
    """StaleRun unless the run is open and the lock its own; inside a batch that holds to its end.

    For verbs that sign as a profile and have no run of their own to prove.
    """
    with write(conn, "prove-run") as tx:
        author(tx, run_id, claim_lock, None)


def author(
    tx: Transaction, run_id: int | None, claim_lock: str | None, actor: str | None
) -> Author:
    """The author of a row that belongs to no one run: a person, or an open run of any task.

    ``actor`` is a person's; a run signs with its own name.
    Raises StaleRun when the run has ended or the lock is not its own.
    """
    if run_id is None:
        return Author(person(actor, claim_lock), None)
    row = tx.one(_RUN, {"run": run_id})
    if row is None:
        raise NotFound("run", run_id)
    if row["ended_at"] is not None or claim_lock not in (None, row["claim_lock"]):
        raise stale(tx.conn, run_id, row["task_id"])
    return Author(run_actor(row["profile"], row["claimer"]), run_id)


def stale(conn: BoardConnection, run_id: int, task_id: str) -> StaleRun:
    """The error for a run that may not write any more, with what its task is now."""
    row = fetch_one(conn, _HELD, {"id": task_id})
    if row is None:
        return StaleRun(run_id, task_id, f"{task_id} is gone")
    status, current, profile, claimer = row
    if current in (None, run_id):
        return StaleRun(run_id, task_id, f"{task_id} is {status}")
    holder = run_actor(profile, claimer)
    return StaleRun(run_id, task_id, f"{task_id} is held by {holder} in run {current}")


_HELD: Final = (
    "SELECT t.status, t.current_run_id, r.profile, r.claimer"
    " FROM tasks t LEFT JOIN task_runs r ON r.id = t.current_run_id WHERE t.id = :id"
)
_RUN: Final = (
    "SELECT id, task_id, profile, claimer, claim_lock, ended_at, outcome"
    " FROM task_runs WHERE id = :run"
)


def worker(
    tx: Transaction,
    verb: str,
    task: TaskState,
    run_id: int,
    claim_lock: str | None,
    evidence: dict[str, Any] | None = None,
    kept: Kept | None = None,
) -> str | Refused:
    """The actor of the current run, or a refusal.

    A refusal of a run of this task leaves one ``fenced`` event per (run, verb) that keeps
    ``evidence``, then only counts. Raises AcceptedBefore where it was ``kept`` and the run has
    ended by just this.
    """
    limits.whole("run_id", run_id, 1)
    if task["current_run_id"] == run_id and claim_lock in (None, task["claim_lock"]):
        return run_actor(task["run_profile"], task["run_claimer"])
    row = tx.one(_RUN, {"run": run_id})
    if row is None or row["task_id"] != task["id"]:
        return Refused(f"run {run_id} is no run of {task['id']}", *_holder(task))
    if kept is not None and _has_ended_by(tx, row, verb, evidence or {}):
        raise AcceptedBefore(task["id"], run_id)
    reason = _reason(task, row)
    _fence(tx, task, row, verb, reason, evidence or {})
    return Refused(reason, *_holder(task))


def _has_ended_by(tx: Transaction, run: Any, verb: str, evidence: dict[str, Any]) -> bool:
    """Whether the run itself has closed by this verb with just these words."""
    if run["ended_at"] is None:
        return False
    own = {
        "run": run["id"],
        "kind": lifecycle.transition(verb, "running").event,
        "actor": run_actor(run["profile"], run["claimer"]),
    }
    told = tx.value(_CLOSED_BY, own)
    if told is None:
        return False
    facts: dict[str, Any] = msgspec.json.decode(told)
    said = facts | facts.get("task", {}) | facts.get("run", {})
    if isinstance(said.get("metadata"), str):
        said["metadata"] = msgspec.json.decode(said["metadata"])
    words = {"summary": "summary", "metadata": "metadata", "block_reason": "reason"}
    if any(evidence.get(ours) != said.get(theirs) for ours, theirs in words.items()):
        return False
    # What the task's result was before is in no event of its own.
    return "result" not in said or said["result"] == evidence.get("result")


_CLOSED_BY: Final = (
    "SELECT payload FROM task_events"
    " WHERE run_id = :run AND kind = :kind AND actor = :actor ORDER BY id DESC LIMIT 1"
)


def _reason(task: TaskState, run: Any) -> str:
    if task["current_run_id"] == run["id"]:
        return f"the claim lock is not that of run {run['id']}"
    if run["ended_at"] is not None:
        return f"run {run['id']} has ended as {run['outcome']}; {task['id']} is {task['status']}"
    return f"run {run['id']} is not the current run of {task['id']}"


def _holder(task: TaskState) -> tuple[str | None, int | None]:
    run_id = task["current_run_id"]
    if run_id is None:
        return None, None
    return run_actor(task["run_profile"], task["run_claimer"]), run_id


def _fence(
    tx: Transaction, task: TaskState, run: Any, verb: str, reason: str, evidence: dict[str, Any]
) -> None:
    tx.run(
        "UPDATE task_runs SET fenced_count = fenced_count + 1 WHERE id = :run", {"run": run["id"]}
    )
    seen = tx.all(
        "SELECT payload FROM task_events WHERE run_id = :run AND kind = 'fenced'",
        {"run": run["id"]},
    )
    if any(msgspec.json.decode(row[0]).get("verb") == verb for row in seen):
        return
    kept = {name: value for name, value in evidence.items() if value is not None}
    lifecycle.record(
        tx,
        task,
        "fenced",
        run_actor(run["profile"], run["claimer"]),
        {"verb": verb, "reason": reason} | kept,
        run_id=run["id"],
    )


def check_run_quota(
    tx: Transaction, run_id: int | None, table: str, most: int, wanted: int = 1
) -> None:
    """InvalidInput when ``wanted`` more rows of that kind are over a run's share."""
    if run_id is None:
        return
    sql = {
        "attachments": "SELECT count(*) FROM task_attachments WHERE run_id = :run",
        "comments": "SELECT count(*) FROM task_comments WHERE run_id = :run",
        "links": "SELECT count(*) FROM task_events WHERE run_id = :run AND kind = 'linked'",
    }[table]
    if wanted and tx.value(sql, {"run": run_id}) + wanted > most:
        raise InvalidInput(table, f"{most:,} of one run", "are used up")
