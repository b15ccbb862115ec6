"""What people change on a task that waits: words, order, time, owner, and where it waits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from hermes_kanban import lifecycle
from hermes_kanban.kernel import finish, gates, limits
from hermes_kanban.kernel.decisions import must_be_open
from hermes_kanban.kernel.fencing import task_state
from hermes_kanban.model.errors import IllegalTransition, InvalidInput
from hermes_kanban.store.protocol import BoardConnection, write


class _Unset:
    """A field that the caller did not name, as opposed to None, which clears it."""


UNSET: Final[Any] = _Unset()


def edit_task(
    conn: BoardConnection,
    task_id: str,
    *,
    title: str = UNSET,
    body: str | None = UNSET,
    tenant: str | None = UNSET,
    skills: Iterable[str] = UNSET,
    model: str | None = UNSET,
    provider: str | None = UNSET,
    resume: bool | None = UNSET,
    branch: str | None = UNSET,
    max_runtime_seconds: int | None = UNSET,
    max_retries: int | None = UNSET,
    actor: str | None = None,
) -> bool:
    """Change fields of a task that is not archived; only those named. False if nothing differs.

    ``resume`` is how its next run begins: True goes on with the last conversation, False starts
    afresh, None leaves it to the profile.
    """
    checks: dict[str, Any] = {
        "title": (title, limits.title),
        "body": (body, lambda value: limits.text("body", value, limits.BODY_BYTES)),
        "tenant": (tenant, lambda value: limits.name("tenant", value)),
        "skills": (skills, lambda value: msgspec.json.encode(limits.skills(value)).decode()),
        "model": (model, lambda value: limits.text("model", value, limits.NAME_CHARACTERS)),
        "provider": (
            provider,
            lambda value: limits.text("provider", value, limits.NAME_CHARACTERS),
        ),
        "resume": (resume, limits.resume),
        "branch": (branch, lambda value: limits.text("branch", value, limits.NAME_CHARACTERS)),
        "max_runtime_seconds": (
            max_runtime_seconds,
            lambda value: limits.whole("max_runtime_seconds", value, 1),
        ),
        "max_retries": (max_retries, lambda value: limits.whole("max_retries", value, 0, 1_000)),
    }
    wanted = {name: check(value) for name, (value, check) in checks.items() if value is not UNSET}
    if not wanted:
        raise InvalidInput("edit", f"at least one of {', '.join(checks)}", "names no field")
    by = limits.actor(actor)
    with write(conn, "edit") as tx:
        task = task_state(tx, task_id)
        lifecycle.transition("edit", task["status"])
        if wanted.get("branch") is not None and task["workspace_kind"] != "worktree":
            problem = f"was given with {task['workspace_kind']}"
            raise InvalidInput("branch", "only with a worktree", problem)
        if all(task[name] == value for name, value in wanted.items()):
            return False
        lifecycle.apply(tx, "edit", task, actor=by, changes=wanted)
        return True


def assign_task(
    conn: BoardConnection, task_id: str, assignee: str | None, *, actor: str | None = None
) -> bool:
    """Give the task to a profile (None: to nobody); False if it has it already.

    A running task is reclaimed first and its process asked to stop. The failure count starts anew.
    """
    assignee = limits.name("assignee", assignee)
    by = limits.actor(actor)
    with write(conn, "assign") as tx:
        task = task_state(tx, task_id)
        if task["status"] == "archived":
            raise IllegalTransition("assign", "archived", lifecycle.ANY_BUT_ARCHIVED)
        if task["assignee"] == assignee:
            return False
        facts = {}
        if task["status"] == "running":
            facts["ended_run_id"] = task["current_run_id"]
            finish.reclaim_in(tx, task, by, f"assigned to {assignee or 'nobody'}")
        changes = {"assignee": assignee, "consecutive_failures": 0}
        lifecycle.apply(tx, "assign", task, actor=by, changes=changes, facts=facts)
        return True


def prioritise_task(
    conn: BoardConnection, task_id: str, priority: int, *, actor: str | None = None
) -> bool:
    """Set the priority (higher runs first); open ancestors inherit it. False if it is the same."""
    priority = limits.priority(priority)
    by = limits.actor(actor)
    with write(conn, "prioritise") as tx:
        task = task_state(tx, task_id)
        lifecycle.transition("prioritise", task["status"])
        if task["priority"] == priority:
            return False
        effective = gates.effective_priority(tx, task_id, priority)
        inherited = effective != task["effective_priority"]
        changes = {"priority": priority, "effective_priority": effective}
        lifecycle.apply(tx, "prioritise", task, actor=by, changes=changes)
        if inherited:
            gates.settle_ancestors(tx, task_id)
        return True


def schedule_task(
    conn: BoardConnection, task_id: str, scheduled_at: int | None, *, actor: str | None = None
) -> bool:
    """Not before ``scheduled_at`` (Unix seconds; None: at once). False if it is the same."""
    scheduled_at = limits.whole("scheduled_at", scheduled_at, 0)
    by = limits.actor(actor)
    with write(conn, "schedule") as tx:
        task = task_state(tx, task_id)
        lifecycle.transition("schedule", task["status"])
        if task["scheduled_at"] == scheduled_at:
            return False
        lifecycle.apply(tx, "schedule", task, actor=by, changes={"scheduled_at": scheduled_at})
        return True


def triage_task(
    conn: BoardConnection, task_id: str, *, reason: str | None = None, actor: str | None = None
) -> bool:
    """todo, ready, blocked or review → triage."""
    reason = limits.text("reason", reason, limits.REASON_BYTES)
    with write(conn, "triage") as tx:
        task = task_state(tx, task_id)
        facts = {"reason": reason} if reason else {}
        lifecycle.apply(tx, "triage", task, actor=limits.actor(actor), facts=facts)
        return True


def accept_task(
    conn: BoardConnection,
    task_id: str,
    *,
    question: int | None = None,
    actor: str | None = None,
) -> bool:
    """triage → ready or todo; the failure count starts anew.

    ``question`` is the event that asked: AlreadyDecided if somebody was first.
    """
    with write(conn, "accept") as tx:
        task = task_state(tx, task_id)
        must_be_open(tx, task_id, question)
        lifecycle.apply(
            tx,
            "accept",
            task,
            actor=limits.actor(actor),
            to=gates.resting_status(tx, task_id),
            changes={"consecutive_failures": 0, "eligible_at": None},
        )
        gates.settle_at_rest(tx, task)
        return True


def promote_task(conn: BoardConnection, task_id: str, *, actor: str | None = None) -> bool:
    """todo → ready when no parent is open (the sweep would do it too)."""
    by = limits.actor(actor)
    with write(conn, "promote") as tx:
        task = task_state(tx, task_id)
        if task["status"] == "todo" and gates.has_open_parent(tx, task_id):
            hint = "a parent is open: finish it, or unlink it"
            raise IllegalTransition("promote", "todo", ("todo without open parents",), hint)
        lifecycle.apply(tx, "promote", task, actor=by)
        return True


def unblock_task(
    conn: BoardConnection,
    task_id: str,
    *,
    reason: str | None = None,
    resume: bool | None = None,
    question: int | None = None,
    actor: str | None = None,
) -> bool:
    """blocked → the phase it came from: review, else ready or todo. The failure count starts anew.

    ``reason`` is the answer to what it was blocked for; it becomes part of the worker's context.
    ``resume`` says whether the next run goes on with the conversation (None: the profile's choice).
    ``question`` is the event that asked: AlreadyDecided if somebody was first.
    """
    reason = limits.text("reason", reason, limits.REASON_BYTES)
    by = limits.actor(actor)
    with write(conn, "unblock") as tx:
        gated = gates.ask_open_parent(tx, task_id)
        task = task_state(tx, task_id)
        must_be_open(tx, task_id, question)
        lifecycle.transition("unblock", task["status"])
        from_review = task["blocked_from"] == "review"
        lifecycle.apply(
            tx,
            "unblock",
            task,
            actor=by,
            to="review" if from_review else gates.resting(gated()),
            changes={"consecutive_failures": 0, "eligible_at": None} | limits.resuming(resume),
            facts={"reason": reason} if reason else {},
        )
        gates.settle_at_rest(tx, task)
        return True
