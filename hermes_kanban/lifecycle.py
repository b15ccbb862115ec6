"""The lifecycle table, and the one function that changes a task's status.

Every change is a row of ``TABLE``: (verb, from statuses) → (to statuses, run outcome, event).
``apply`` checks it, writes the task, its run and one event whose payload names every column that
changed. Nothing else updates ``tasks.status`` or the claim columns.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from hermes_kanban.model.errors import IllegalTransition
from hermes_kanban.model.records import Task
from hermes_kanban.store.protocol import Transaction

TaskState = dict[str, Any]
"""A task's row as a dict; ``run_profile`` and ``run_claimer`` are those of its run when loaded or
opened, ``last_event_at`` the time of its newest event. ``apply`` keeps row and time current."""

UNFOLDED_TASK_COLUMNS: Final = frozenset({"claim_expires", "last_heartbeat_at"})
UNFOLDED_RUN_COLUMNS: Final = frozenset(
    {"claim_expires", "last_heartbeat_at", "fenced_count", "inbox_cursor"}
)

CLAIM_COLUMNS_CLEARED: Final[dict[str, None]] = {
    "claim_lock": None,
    "claim_expires": None,
    "worker_pid": None,
    "current_run_id": None,
}

ANY_BUT_ARCHIVED: Final = ("triage", "todo", "ready", "running", "review", "blocked", "done")
NOT_RUNNING: Final = ("triage", "todo", "ready", "blocked")
NOT_AT_WORK: Final = ("triage", "todo", "ready", "review", "blocked", "done", "archived")
RESTING: Final = ("ready", "todo")


class Transition(msgspec.Struct, frozen=True):
    """One row of the table; ``to`` empty means that the status stays as it is."""

    verb: str
    by: str
    sources: tuple[str, ...]
    to: tuple[str, ...]
    outcome: str | None
    event: str


def _row(
    verb: str,
    by: str,
    sources: Iterable[str],
    to: Iterable[str],
    event: str,
    outcome: str | None = None,
) -> Transition:
    return Transition(verb, by, tuple(sources), tuple(to), outcome, event)


_REQUEUED: Final = (*RESTING, "triage")
_FAILED: Final = (*RESTING, "blocked", "triage")

TABLE: Final[tuple[Transition, ...]] = (
    _row("accept", "person", ("triage",), RESTING, "accepted"),
    _row(
        "triage", "person, system", ("todo", "ready", "blocked", "review"), ("triage",), "triaged"
    ),
    _row("promote", "system, person", ("todo",), ("ready",), "promoted"),
    _row("demote", "system", ("ready",), ("todo",), "demoted"),
    _row("edit", "person, worker", ANY_BUT_ARCHIVED, (), "edited"),
    _row("prioritise", "person, system", ANY_BUT_ARCHIVED, (), "prioritised"),
    _row("schedule", "person, system", ANY_BUT_ARCHIVED, (), "scheduled"),
    _row("comment", "person, worker", ANY_BUT_ARCHIVED, (), "commented"),
    _row("link", "person, worker", ANY_BUT_ARCHIVED, (), "linked"),
    _row("unlink", "person, worker", ANY_BUT_ARCHIVED, (), "unlinked"),
    _row("release", "person", ANY_BUT_ARCHIVED, (), "released"),
    _row("attach", "person, worker", ANY_BUT_ARCHIVED, (), "attached"),
    _row(
        "assign",
        "person",
        ("triage", "todo", "ready", "blocked", "review", "done"),
        (),
        "assigned",
    ),
    _row("claim", "worker", ("ready",), ("running",), "claimed"),
    _row("register", "system", ("running",), (), "spawned"),
    _row("complete", "worker, person", ("running",), ("done",), "completed", "completed"),
    _row("complete", "person", NOT_RUNNING, ("done",), "completed"),
    _row("block", "worker, person", ("running",), ("blocked", "triage"), "blocked", "blocked"),
    _row("block", "person", ("todo", "ready", "review"), ("blocked", "triage"), "blocked"),
    _row("unblock", "person, system", ("blocked",), (*RESTING, "review"), "unblocked"),
    _row("request_review", "worker", ("running",), ("review",), "review_requested", "review"),
    _row("approve", "person", ("review",), ("done",), "approved"),
    _row("request_changes", "person", ("review",), RESTING, "changes_requested"),
    _row("wait_for", "worker", ("running",), _REQUEUED, "waiting", "waiting"),
    _row("crash", "system", ("running",), _FAILED, "crashed", "crashed"),
    _row("time_out", "system", ("running",), _FAILED, "timed_out", "timed_out"),
    _row("fail_to_spawn", "system", ("running",), _FAILED, "spawn_failed", "spawn_failed"),
    _row(
        "violate_protocol",
        "system",
        ("running",),
        _FAILED,
        "protocol_violation",
        "protocol_violation",
    ),
    _row("rate_limit", "system", ("running",), _REQUEUED, "rate_limited", "rate_limited"),
    _row("reclaim", "person, system", ("running",), _REQUEUED, "reclaimed", "reclaimed"),
    _row("cancel", "person", ("running",), ("archived",), "cancelled", "cancelled"),
    _row(
        "archive",
        "person",
        ("triage", "todo", "ready", "review", "blocked", "done"),
        ("archived",),
        "archived",
    ),
    _row("lose_parent", "system", ("todo",), ("blocked",), "blocked"),
    _row("reopen", "person", ("done", "archived"), RESTING, "reopened"),
    _row("adopt", "person", (*NOT_RUNNING, "review"), ("done",), "completed"),
    _row("adopt", "person", ("done",), (), "adopted"),
    _row("dismiss", "person", ANY_BUT_ARCHIVED, (), "dismissed"),
    # Back to what was; what may be taken back is for ``kernel.undo`` to say.
    _row("undo", "person", NOT_AT_WORK, NOT_AT_WORK, "undone"),
    _row("undo", "person", ("running",), (), "undone"),
    _row(
        "mend",
        "person, system",
        ("todo", "ready", "running", "blocked"),
        (*RESTING, "review"),
        "mended",
    ),
    _row("purge", "person", ("archived",), ("gone",), "purged"),
    _row("lose_purged_parent", "person", (*ANY_BUT_ARCHIVED, "archived"), (), "unlinked"),
)

_BY_VERB: Final[dict[tuple[str, str], Transition]] = {
    (row.verb, source): row for row in TABLE for source in row.sources
}


def allowed_from(verb: str) -> list[str]:
    """Every status from which ``verb`` is legal, in table order."""
    return [source for row in TABLE if row.verb == verb for source in row.sources]


def transition(verb: str, status: str, hint: str = "") -> Transition:
    """The row for ``verb`` from ``status``, or IllegalTransition naming what is allowed."""
    row = _BY_VERB.get((verb, status))
    if row is None:
        raise IllegalTransition(verb, status, allowed_from(verb), hint)
    return row


def load(tx: Transaction, task_id: str) -> TaskState | None:
    """The task's row, who runs it, and the time of its newest event; or None."""
    row = tx.one(_LOAD_TASK, {"id": task_id})
    return None if row is None else state_of(row)


def load_of(tx: Transaction, run_id: int) -> TaskState | None:
    """The state of the task that a run is of; or None."""
    row = tx.one(_LOAD_OF, {"run": run_id})
    return None if row is None else state_of(row)


def load_each(tx: Transaction, task_ids: Iterable[str]) -> list[TaskState]:
    """Those of the tasks that there are, as of now."""
    asked = [tx.ask(_LOAD_TASK, {"id": task_id}) for task_id in task_ids]
    return [state_of(row) for rows in asked for row in rows()]


def state_of(row: Iterable[Any]) -> TaskState:
    """A state from a row selected with ``STATE_COLUMNS``; further columns are for others."""
    # dict(row) would look every column up by name again.
    return dict(zip(_LOADED, row, strict=False))


_LOADED: Final = (*Task.__struct_fields__, "run_profile", "run_claimer", "last_event_at")
_TASK_COLUMNS: Final = ", ".join(f"t.{name}" for name in Task.__struct_fields__)
LAST_EVENT_AT: Final = (
    "(SELECT e.created_at FROM task_events e WHERE e.task_id = t.id ORDER BY e.id DESC LIMIT 1)"
)
STATE_COLUMNS: Final = f"{_TASK_COLUMNS}, r.profile, r.claimer, {LAST_EVENT_AT} AS last_event_at"
STATE_TABLES: Final = "tasks t LEFT JOIN task_runs r ON r.id = t.current_run_id"
_LOAD: Final = f"SELECT {STATE_COLUMNS} FROM {STATE_TABLES} WHERE t.id ="
_LOAD_TASK: Final = f"{_LOAD} :id"
_LOAD_OF: Final = f"{_LOAD} (SELECT task_id FROM task_runs WHERE id = :run)"


def moment(tx: Transaction, task: TaskState) -> int:
    """The transaction's time, never earlier than the task's newest event."""
    newest: int = task["last_event_at"]
    return max(tx.now, newest)


def apply(
    tx: Transaction,
    verb: str,
    task: TaskState,
    *,
    actor: str,
    to: str | None = None,
    changes: dict[str, Any] | None = None,
    run_id: int | None = None,
    run_changes: dict[str, Any] | None = None,
    facts: dict[str, Any] | None = None,
) -> None:
    """Apply one row of the table to ``task``, with its event.

    ``to`` chooses among the row's targets (needless where there is one); ``changes`` are further
    task columns. Where the row has an outcome, the open run is closed with it and with
    ``run_changes``; otherwise ``run_changes`` go to the run ``run_id``. ``facts`` join the payload.
    Raises IllegalTransition, having written nothing.
    """
    row = transition(verb, task["status"])
    now = moment(tx, task)
    wanted = dict(changes or {})
    if row.to:
        target = to or row.to[0]
        if target not in row.to:
            raise IllegalTransition(verb, task["status"], allowed_from(verb), f"not to {target}")
        wanted["status"] = target
        if task["status"] == "blocked" and target != "blocked":
            wanted = {"block_kind": None, "block_reason": None, "blocked_from": None} | wanted
    run_part = dict(run_changes or {})
    if row.outcome:
        run_id = task["current_run_id"]
        wanted |= CLAIM_COLUMNS_CLEARED
        run_part |= {"ended_at": now, "outcome": row.outcome}
    payload: dict[str, Any] = dict(facts or {})
    if changed := update_task(tx, task, wanted):
        payload["task"] = changed
    if run_part and run_id is not None:
        update_run(tx, run_id, run_part)
        payload["run"] = {"id": run_id} | {
            column: value
            for column, value in run_part.items()
            if column not in UNFOLDED_RUN_COLUMNS
        }
    record(tx, task, row.event, actor, payload, run_id=run_id, at=now)


def update_task(tx: Transaction, task: TaskState, wanted: dict[str, Any]) -> dict[str, Any]:
    """Write the columns of ``wanted`` that differ; return those that belong into the payload."""
    changed = {column: value for column, value in wanted.items() if task[column] != value}
    if changed:
        tx.put(_update_sql("tasks", "seq", tuple(changed)), changed | {"key": task["seq"]})
        task.update(changed)
    return {c: v for c, v in changed.items() if c not in UNFOLDED_TASK_COLUMNS}


def update_run(tx: Transaction, run_id: int, changes: dict[str, Any]) -> None:
    """Write columns of a run; those of its lease keep their last values when it ends."""
    tx.put(_update_sql("task_runs", "id", tuple(changes)), changes | {"key": run_id})


@functools.lru_cache(maxsize=256)
def _update_sql(table: str, key: str, columns: tuple[str, ...]) -> str:
    assignments = ", ".join(f"{column} = :{column}" for column in columns)
    return f"UPDATE {table} SET {assignments} WHERE {key} = :key"


def insert_run(tx: Transaction, task: TaskState, columns: dict[str, Any]) -> int:
    """Insert a run of ``task`` and return its id.

    UNSEEN_KEY stands for it in a transaction that takes the task for given (``tx.foresee``).
    """
    columns = {"task_id": task["id"]} | columns
    columns = {column: value for column, value in columns.items() if value is not None}
    return tx.insert_unseen(insert_sql("task_runs", tuple(columns)), columns)


@functools.lru_cache(maxsize=256)
def insert_sql(table: str, columns: tuple[str, ...]) -> str:
    """An INSERT of only the columns that say something: a bound NULL costs more than none."""
    names, values = ", ".join(columns), ", ".join(f":{column}" for column in columns)
    return f"INSERT INTO {table} ({names}) VALUES ({values})"


def run_payload(run_id: int, columns: dict[str, Any]) -> dict[str, Any]:
    """The payload part of a run that was just inserted."""
    kept = {c: v for c, v in columns.items() if v is not None and c not in UNFOLDED_RUN_COLUMNS}
    return {"id": run_id} | kept


def open_run(
    tx: Transaction,
    task: TaskState,
    *,
    claimer: str,
    identity: str | None,
    expires: int,
    actor: str,
) -> int:
    """Claim: open the run, mirror its claim on the task, write ``claimed``; return the run's id.

    That is as ``insert_run`` has it.
    """
    row = transition("claim", task["status"])
    now = moment(tx, task)
    lock = tx.conn.randomness.token()
    columns = {
        "profile": task["assignee"],
        "claimer": claimer,
        "claimer_identity": identity,
        "claim_lock": lock,
        "claim_expires": expires,
        "started_at": now,
        "last_heartbeat_at": tx.now,
        "resume": task["resume"],
    }
    run_id = insert_run(tx, task, columns)
    task["run_profile"], task["run_claimer"] = task["assignee"], claimer
    wanted = {
        "status": row.to[0],
        "claim_lock": lock,
        "claim_expires": expires,
        "current_run_id": run_id,
        "last_heartbeat_at": tx.now,
        "eligible_at": None,
        "resume": None,
    }
    if task["started_at"] is None:
        wanted["started_at"] = now
    changed = update_task(tx, task, wanted)
    payload = {"task": changed, "run": run_payload(run_id, {"task_id": task["id"]} | columns)}
    record(tx, task, row.event, actor, payload, run_id=run_id, at=now)
    return run_id


def synthetic_run(
    tx: Transaction, task: TaskState, *, outcome: str, actor: str, columns: dict[str, Any]
) -> tuple[int, dict[str, Any]]:
    """A zero-length run that keeps the hand-over of a task that nobody ran; (id, payload part)."""
    now = moment(tx, task)
    columns = {
        "profile": task["assignee"],
        "claimer": actor,
        "started_at": now,
        "ended_at": now,
        "outcome": outcome,
    } | columns
    run_id = insert_run(tx, task, columns)
    return run_id, run_payload(run_id, {"task_id": task["id"]} | columns)


def record(
    tx: Transaction,
    task: TaskState,
    kind: str,
    actor: str,
    payload: dict[str, Any],
    *,
    run_id: int | None = None,
    at: int | None = None,
) -> None:
    """Append one event of ``task``."""
    at = moment(tx, task) if at is None else at
    task["last_event_at"] = at
    append_event(tx, task["id"], kind, actor, payload, run_id=run_id, at=at)


def append_event(
    tx: Transaction,
    task_id: str | None,
    kind: str,
    actor: str,
    payload: dict[str, Any],
    *,
    run_id: int | None = None,
    at: int | None = None,
) -> None:
    """Append one event; ``task_id`` None makes it the board's.

    Its id is not asked for: on a server that would cost each verb a round trip.
    """
    tx.put(
        _INSERT_EVENT,
        {
            "task_id": task_id,
            "run_id": run_id,
            "kind": kind,
            "actor": actor,
            "payload": _encode(payload).decode(),
            "at": tx.now if at is None else at,
        },
    )
    tx.events += 1


_encode = msgspec.json.Encoder().encode
_INSERT_EVENT: Final = """
INSERT INTO task_events (task_id, run_id, kind, actor, payload, created_at)
VALUES (:task_id, :run_id, :kind, :actor, :payload, :at)
"""
