"""Claiming a ready task, registering its process, keeping the lease."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import msgspec

from hermes_kanban import lifecycle
from hermes_kanban.kernel import fencing, foreseen, gates, leases, limits, reads
from hermes_kanban.kernel.fencing import task_state
from hermes_kanban.lifecycle import TaskState
from hermes_kanban.model.errors import IllegalTransition
from hermes_kanban.model.records import Identity, Refused, Task
from hermes_kanban.ports import Launched
from hermes_kanban.store.protocol import (
    BoardConnection,
    NotWorth,
    Row,
    Transaction,
    Unforeseen,
    Worth,
    write,
)

LEASE_SECONDS_MAX: Final = 30 * 24 * 3600

# The task, and with it: the pause, a registered process of an earlier run of it, an open parent.
_TO_CLAIM: Final = f"""
SELECT {lifecycle.STATE_COLUMNS}, (SELECT paused_at FROM boards) AS paused_at,
    {gates.LIVE_PROCESS} AS live_process,
    EXISTS (SELECT 1 FROM task_links l JOIN tasks p ON p.id = l.parent_id
            WHERE l.child_id = t.id AND {gates.OPEN_PARENT}) AS open_parent
FROM {lifecycle.STATE_TABLES} WHERE t.id = :id
"""
_STATUS: Final = "SELECT status FROM tasks WHERE id = :id"
_FOLDER_IN_USE: Final = """
SELECT r.task_id FROM task_runs r JOIN tasks t ON t.id = r.task_id
WHERE r.worker_pid IS NOT NULL AND r.exited_at IS NULL
  AND t.workspace_kind = 'dir' AND t.workspace_path = :path AND t.id <> :id LIMIT 1
"""


def claim_task(
    conn: BoardConnection,
    task_id: str,
    *,
    claimer: str | None = None,
    ttl_seconds: int | None = None,
    identity: Identity | None = None,
    seen: Task | None = None,
) -> Task | None:
    """Take a ready task and open its run; None when it cannot be had.

    None: not ready, gated, held by a live earlier process, on a paused board, or lost to another.
    Due time, caps and profile are not asked: outside workers claim too. ``ttl_seconds`` is the
    lease (default ``kanban.lease_seconds``), ``identity`` the claiming process. ``seen`` is the
    task as it was read last: on a server that saves a round trip, if it still is so.
    """
    claimer = claimer_of(claimer)
    ttl = lease_seconds(conn, ttl_seconds)
    if (task := foreseen.to_claim(conn, task_id, seen)) is not None:
        with suppress(Unforeseen):
            with write(conn, "claim") as tx:
                foreseen.expect_claimable(tx, task)
                claim_in(tx, task, claimer=claimer, ttl_seconds=ttl, identity=identity)
            return claimed(conn, task)
    try:
        with write(conn, "claim", Worth(_STATUS, {"id": task_id}, "ready")) as tx:
            found = load_to_claim(tx, task_id)
            if found is None:
                raise fencing.unknown_task(task_id)
            task, hold = found
            if hold is not None:
                return None
            claim_in(tx, task, claimer=claimer, ttl_seconds=ttl, identity=identity)
        return claimed(conn, task)
    except NotWorth as lost:  # losers do not queue for the writer lock
        if lost.found is not None:
            return None
    reads.must_exist(conn, task_id)
    return None


def claimer_of(claimer: str | None) -> str:
    """Who claims: by default the person at this machine."""
    if claimer is None:
        return f"person:{limits.login()}"
    return limits.required("claimer", claimer, limits.NAME_CHARACTERS)


def lease_seconds(conn: BoardConnection, ttl_seconds: int | None) -> int:
    """How long a claim holds unrenewed: as asked for, else as the board is set."""
    chosen = int(conn.config.kanban.lease_seconds) if ttl_seconds is None else ttl_seconds
    return limits.whole("ttl_seconds", chosen, 1, LEASE_SECONDS_MAX) or 1


def load_to_claim(tx: Transaction, task_id: str) -> tuple[TaskState, str | None] | None:
    """The task, and why nobody may claim it now if so; None if there is no such task."""
    tx.reserve("task_runs")
    row = tx.one(_TO_CLAIM, {"id": task_id})
    if row is None:
        return None
    task = lifecycle.state_of(row)
    return task, _hold(tx, task, row)


def _hold(tx: Transaction, task: TaskState, row: Row) -> str | None:
    if task["status"] != "ready":
        return f"it is {task['status']}"
    if row["paused_at"] is not None:
        return "the board is paused"
    if row["live_process"]:
        return "an earlier process of it may still live"
    if task["workspace_kind"] == "dir":
        used_by = tx.value(_FOLDER_IN_USE, {"path": task["workspace_path"], "id": task["id"]})
        if used_by:
            return f"a process of {used_by} still uses its folder"
    if row["open_parent"]:
        return "a parent is open"
    return None


def claim_in(
    tx: Transaction,
    task: TaskState,
    *,
    claimer: str,
    ttl_seconds: int,
    identity: Identity | None,
) -> int:
    """Open the run of a task that nothing holds; return its id."""
    return lifecycle.open_run(
        tx,
        task,
        claimer=claimer,
        identity=None if identity is None else msgspec.json.encode(identity).decode(),
        expires=tx.now + ttl_seconds,
        actor=fencing.run_actor(task["assignee"], claimer),
    )


def claimed(conn: BoardConnection, task: TaskState) -> Task:
    """The record of a task whose run was opened, once that is committed."""
    foreseen.opened(conn, task)
    return as_task(task)


def as_task(task: TaskState) -> Task:
    """The record of a state that a verb has just written."""
    return reads.task_of([task[name] for name in Task.__struct_fields__])


def register_worker(
    conn: BoardConnection,
    run_id: int,
    *,
    pid: int,
    identity: Identity | None,
    log_path: str | None,
    launched: Launched | None = None,
) -> bool:
    """Record the process of a run by compare-and-swap; only then may it be given its go.

    False: the run has ended, has a process already, or is asked to stop; let the process go
    without starting anything.
    """
    encoded = None if identity is None else msgspec.json.encode(identity).decode()
    columns = {"worker_pid": pid, "worker_identity": encoded, "log_path": log_path} | {
        "runtime": None if launched is None else launched.runtime,
        "session": None if launched is None else launched.session,
        "token_hash": None if launched is None else launched.token_hash,
    }
    with write(conn, "register") as tx:
        changed = tx.ask(_REGISTER, {"run": run_id} | columns)
        task = lifecycle.load_of(tx, run_id)
        if not changed() or task is None:
            return False
        lifecycle.apply(
            tx,
            "register",
            task,
            actor="system",
            changes={"worker_pid": pid},
            run_id=run_id,
            facts={"run": lifecycle.run_payload(run_id, columns)},
        )
        return True


_REGISTER: Final = """
UPDATE task_runs
SET worker_pid = :worker_pid, worker_identity = :worker_identity, log_path = :log_path,
    runtime = :runtime, session = :session, token_hash = :token_hash
WHERE id = :run AND ended_at IS NULL AND worker_pid IS NULL AND stop_requested_at IS NULL
RETURNING id
"""


def heartbeat_claim(
    conn: BoardConnection,
    task_id: str,
    *,
    run_id: int | None = None,
    claim_lock: str | None = None,
    ttl_seconds: int | None = None,
) -> bool | Refused:
    """Renew the lease of the current run; True, or a refusal. Writes no event.

    Until a reclaim has committed, a run whose lease ran out may still renew it.
    """
    ttl = lease_seconds(conn, ttl_seconds)
    asked_at = conn.clock.boottime()
    with write(conn, "heartbeat") as tx:
        task = task_state(tx, task_id)
        if run_id is None:
            fencing.person(None, claim_lock)
            if task["status"] != "running":
                raise IllegalTransition("heartbeat", task["status"], ("running",))
            run_id = task["current_run_id"]
        else:
            by = fencing.worker(tx, "heartbeat", task, run_id, claim_lock)
            if isinstance(by, Refused):
                return by
        supervised = conn.shared and task["worker_pid"] is not None
        if supervised:
            # Never back: a supervisor on another host counts on what it was told. That is no more
            # than the lease was long, though a clock that was set back leaves more of it.
            expires, heard_at = task["claim_expires"] or 0, task["last_heartbeat_at"] or 0
            ttl = max(ttl, min(expires - tx.now, expires - heard_at))
        renew(tx, [(task_id, run_id)], ttl)
        expires = tx.now + ttl
        here = supervised and leases.is_of_this_boot(_identity_of(tx, run_id))
    if here and run_id is not None:
        leases.note_renewed(conn, run_id, leases.held_until(conn, asked_at, ttl, expires))
    return True


def _identity_of(tx: Transaction, run_id: int | None) -> Identity | None:
    encoded = tx.value("SELECT worker_identity FROM task_runs WHERE id = :run", {"run": run_id})
    return None if encoded is None else msgspec.json.decode(encoded, type=Identity)


def renew(
    tx: Transaction, claims: list[tuple[str, Any]], ttl_seconds: int
) -> Callable[[], list[int]]:
    """Move the lease of open runs to ``ttl_seconds`` from now, on run and task alike.

    Call what comes back, in the same transaction, for the runs that were open.
    """
    asked = []
    for task_id, run_id in claims:
        lease = {"expires": tx.now + ttl_seconds, "now": tx.now, "id": task_id, "run": run_id}
        asked.append(
            tx.ask(
                "UPDATE task_runs SET claim_expires = :expires, last_heartbeat_at = :now"
                " WHERE id = :run AND ended_at IS NULL RETURNING id",
                lease,
            )
        )
        tx.run(
            "UPDATE tasks SET claim_expires = :expires, last_heartbeat_at = :now"
            " WHERE id = :id AND current_run_id = :run",
            lease,
        )
    return lambda: [run_id for rows in asked for (run_id,) in rows()]
