"""Ends that are not success, and their undoing: cancel, archive, reopen, adopt."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from hermes_kanban import lifecycle
from hermes_kanban.kernel import finish, gates, limits
from hermes_kanban.kernel.attachments import attach_refused
from hermes_kanban.kernel.decisions import must_be_open
from hermes_kanban.kernel.fencing import Author, task_state
from hermes_kanban.kernel.links import release_link
from hermes_kanban.lifecycle import TaskState
from hermes_kanban.model.errors import IllegalTransition, InvalidInput, NotFound
from hermes_kanban.store.protocol import BoardConnection, Transaction, write


def archive_task(
    conn: BoardConnection, task_id: str, *, release: bool = False, actor: str | None = None
) -> bool:
    """Any status → archived; a running task is cancelled first and its process asked to stop.

    Children that wait for a task archived undone are blocked with the reason, or, with
    ``release``, go on without it.
    """
    by = limits.actor(actor)
    with write(conn, "archive") as tx:
        _archive(tx, task_id, by, release=release)
        return True


def cancel_task(
    conn: BoardConnection,
    task_id: str,
    *,
    tree: bool = False,
    release: bool = False,
    reason: str | None = None,
    actor: str | None = None,
) -> bool:
    """Any open status → archived; with ``tree`` its open descendants too. Done is refused."""
    by = limits.actor(actor)
    reason = limits.text("reason", reason, limits.REASON_BYTES)
    with write(conn, "cancel") as tx:
        task = task_state(tx, task_id)
        if task["status"] in ("done", "archived"):
            allowed = ("triage", "todo", "ready", "running", "review", "blocked")
            raise IllegalTransition("cancel", task["status"], allowed)
        # From the leaves up, so that no child is blocked for a parent that goes with it.
        for descendant in _open_descendants(tx, task_id) if tree else []:
            _archive(tx, descendant, by, release=release, reason=reason)
        _archive(tx, task_id, by, release=release, reason=reason)
        return True


def _archive(
    tx: Transaction, task_id: str, actor: str, *, release: bool, reason: str | None = None
) -> None:
    children = _ask_children(tx, task_id, release)
    parents = gates.ask_open_parents(tx, task_id)
    task = task_state(tx, task_id)
    facts = {"reason": reason} if reason else {}
    run_id = task["current_run_id"]
    undone = task["completed_at"] is None
    if task["status"] == "archived":
        raise IllegalTransition("archive", "archived", lifecycle.ANY_BUT_ARCHIVED)
    if task["status"] == "running":
        lifecycle.apply(
            tx, "cancel", task, actor=actor, run_changes={"error": reason or "cancelled"}
        )
        finish.request_stop(tx, task, run_id, "cancelled", actor)
        lifecycle.record(tx, task, "archived", actor, facts)
    else:
        lifecycle.apply(tx, "archive", task, actor=actor, facts=facts)
    if undone:
        settle_children(tx, task_id, actor, release=release, children=children)
    gates.settle_ancestors(tx, task_id, parents)


def _ask_children(tx: Transaction, parent_id: str, release: bool) -> gates.Asked:
    ask = gates.ask_unfinished_children if release else gates.ask_waiting_children
    return ask(tx, parent_id)


def settle_children(
    tx: Transaction,
    parent_id: str,
    actor: str,
    *,
    release: bool,
    children: gates.Asked | None = None,
) -> None:
    """A parent was archived undone: its children go on without it, or the waiting are blocked."""
    found = [row[0] for row in (children or _ask_children(tx, parent_id, release))()]
    if release:
        for child_id in found:
            release_link(tx, parent_id, task_state(tx, child_id), actor)
        return
    for child in lifecycle.load_each(tx, found):
        gates.lose_parent(tx, child, parent_id)


_DESCENDANTS: Final = """
WITH RECURSIVE below (id, depth) AS (
    SELECT cast(:id AS text), 0
    UNION
    SELECT l.child_id, b.depth + 1 FROM below b JOIN task_links l ON l.parent_id = b.id
)
SELECT b.id, max(b.depth) AS depth FROM below b JOIN tasks t ON t.id = b.id
WHERE b.id <> :id AND t.status NOT IN ('done', 'archived')
GROUP BY b.id ORDER BY depth DESC, b.id
"""


def _open_descendants(tx: Transaction, task_id: str) -> list[str]:
    return [row[0] for row in tx.all(_DESCENDANTS, {"id": task_id})]


def reopen_task(
    conn: BoardConnection, task_id: str, *, reason: str | None = None, actor: str | None = None
) -> bool:
    """done or archived → ready or todo; ready children are demoted, done ones stay."""
    by = limits.actor(actor)
    reason = limits.text("reason", reason, limits.REASON_BYTES)
    with write(conn, "reopen") as tx:
        task = task_state(tx, task_id)
        lifecycle.transition("reopen", task["status"])
        check_key_is_free(tx, task)
        lifecycle.apply(
            tx,
            "reopen",
            task,
            actor=by,
            to=gates.resting_status(tx, task_id),
            changes={"completed_at": None, "consecutive_failures": 0, "eligible_at": None},
            facts={"reason": reason} if reason else {},
        )
        gates.settle_at_rest(tx, task)
        gates.gate_children(tx, task_id)
        gates.settle_priority(tx, task)
        gates.settle_ancestors(tx, task_id)
        return True


def check_key_is_free(tx: Transaction, task: TaskState) -> None:
    """InvalidInput if another live task has the idempotency key of this archived one by now."""
    if task["idempotency_key"] is None:
        return
    other = tx.value(
        "SELECT id FROM tasks WHERE idempotency_key = :key AND idempotency_key IS NOT NULL"
        " AND status <> 'archived' AND id <> :id",
        {"key": task["idempotency_key"], "id": task["id"]},
    )
    if other is not None:
        problem = f"{task['idempotency_key']!r} belongs to {other} now"
        raise InvalidInput("key", "one live task per key; archive the other first", problem)


def adopt_result(
    conn: BoardConnection,
    task_id: str,
    *,
    run_id: int,
    question: int | None = None,
    actor: str | None = None,
) -> bool:
    """Take over what a refused run of this task had finished: → done, or the result replaced.

    Legal for a task that is neither running nor archived; artifacts that it brought are attached.
    ``question`` is the event that asked: AlreadyDecided if somebody was first. Raises NotFound
    when that run has no refused result.
    """
    by = limits.actor(actor)
    limits.whole("run_id", run_id, 1)
    with write(conn, "adopt") as tx:
        task = task_state(tx, task_id)
        must_be_open(tx, task_id, question)
        lifecycle.transition("adopt", task["status"])
        kept = refused_result(tx, task_id, run_id)
        facts: dict[str, Any] = {"from_run_id": run_id}
        facts |= attach_refused(tx, task, Author(by, None), kept.get("artifacts", []))
        if task["status"] == "done":
            # Work handed in without a result replaces none.
            changes = {"result": kept["result"]} if kept.get("result") is not None else {}
            lifecycle.apply(tx, "adopt", task, actor=by, changes=changes, facts=facts)
            return True
        _adopt_as_completion(tx, task, by, kept, facts)
        return True


def _adopt_as_completion(
    tx: Transaction, task: TaskState, actor: str, kept: dict[str, Any], facts: dict[str, Any]
) -> None:
    columns = {"summary": kept.get("summary"), "metadata": limits.metadata(kept.get("metadata"))}
    columns = {column: value for column, value in columns.items() if value is not None}
    changes: dict[str, Any] = {
        "completed_at": lifecycle.moment(tx, task),
        "consecutive_failures": 0,
        "eligible_at": None,
    }
    if kept.get("result") is not None:
        changes["result"] = kept["result"]
    lifecycle.record(tx, task, "adopted", actor, facts)
    run_id, part = lifecycle.synthetic_run(
        tx, task, outcome="completed", actor=actor, columns=columns
    )
    lifecycle.apply(
        tx, "adopt", task, actor=actor, changes=changes, run_id=run_id, facts=facts | {"run": part}
    )
    gates.task_finished(tx, task["id"])


def refused_result(tx: Transaction, task_id: str, run_id: int) -> dict[str, Any]:
    """What the refused run had handed in, as its event keeps it. Raises NotFound."""
    rows = tx.all(
        "SELECT payload FROM task_events WHERE run_id = :run AND task_id = :task"
        " AND kind = 'fenced' ORDER BY id DESC",
        {"run": run_id, "task": task_id},
    )
    for (payload,) in rows:
        kept: dict[str, Any] = msgspec.json.decode(payload)
        if kept.get("verb") in ("complete", "request_review"):
            return kept
    hint = f"see the runs with: hermes-kanban runs {task_id}"
    raise NotFound("refused result of run", run_id, hint)
