"""Claims: what a running task mirrors of its open run, and open runs that no task names.

The run's row is the truth of a claim; a task that has none goes back to rest.
"""

from __future__ import annotations

from typing import Any, Final

from hermes_kanban import lifecycle
from hermes_kanban.kernel import gates
from hermes_kanban.kernel.mends.mending import Mending
from hermes_kanban.lifecycle import CLAIM_COLUMNS_CLEARED, TaskState
from hermes_kanban.model.words import CLOSING_EVENTS

_MIRRORED: Final = ("claim_lock", "claim_expires", "worker_pid")


def mend_claims(mending: Mending) -> None:
    """Every task's claim columns become those of its open run, or are cleared."""
    for (task_id,) in mending.tx.all(_CLAIMED):
        task = mending.task(task_id)
        if task is None:
            continue
        if task["status"] == "running":
            _mend_running(mending, task)
        else:
            text = f"is {task['status']} and no longer has a claim"
            mending.change(task, text, dict(CLAIM_COLUMNS_CLEARED))
    for run_id, task_id in mending.tx.all(_ORPHANS):
        _close_orphan(mending, run_id, task_id)


_CLAIMED: Final = """
SELECT id FROM tasks WHERE status = 'running' OR claim_lock IS NOT NULL
    OR claim_expires IS NOT NULL OR worker_pid IS NOT NULL OR current_run_id IS NOT NULL
ORDER BY seq
"""
_OPEN_RUNS: Final = """
SELECT id, claim_lock, claim_expires, worker_pid FROM task_runs
WHERE task_id = :id AND ended_at IS NULL AND claim_lock IS NOT NULL ORDER BY id
"""
_ORPHANS: Final = """
SELECT r.id, r.task_id FROM task_runs r JOIN tasks t ON t.id = r.task_id
WHERE r.ended_at IS NULL AND (t.current_run_id IS NULL OR t.current_run_id <> r.id) ORDER BY r.id
"""


def _mend_running(mending: Mending, task: TaskState) -> None:
    runs = mending.tx.all(_OPEN_RUNS, {"id": task["id"]})
    named = [run for run in runs if run["id"] == task["current_run_id"]]
    if not named and len(runs) != 1:
        _lay_to_rest(mending, task)
        return
    run = named[0] if named else runs[0]
    wanted: dict[str, Any] = {column: run[column] for column in _MIRRORED}
    if wanted["claim_expires"] is None:
        wanted["claim_expires"] = mending.tx.now
        lifecycle.update_run(mending.tx, run["id"], {"claim_expires": mending.tx.now})
    wanted["current_run_id"] = run["id"]
    wrong = sorted(column for column, value in wanted.items() if task[column] != value)
    if wrong:
        text = f"has {', '.join(wrong)} of its open run {run['id']} again"
        mending.change(task, text, wanted)


def _lay_to_rest(mending: Mending, task: TaskState) -> None:
    text = "was running without an open run and went back to rest"
    lifecycle_facts = {"reason": text, "mended": True}
    lifecycle.apply(
        mending.tx,
        "mend",
        task,
        actor=mending.actor,
        to=gates.resting_status(mending.tx, task["id"]),
        changes=dict(CLAIM_COLUMNS_CLEARED),
        facts=lifecycle_facts,
    )
    mending.note("task", task["id"], text)
    gates.settle_at_rest(mending.tx, task)


def _close_orphan(mending: Mending, run_id: int, task_id: str) -> None:
    """Close an open run that no task names; one that an event has closed already is no orphan."""
    task = mending.task(task_id)
    told = {kind for (kind,) in mending.tx.all(_KINDS, {"run": run_id})}
    if task is None or told & CLOSING_EVENTS or "claimed" not in told:
        return
    text = f"was open and {task_id} does not name it: closed as reclaimed"
    at = max(lifecycle.moment(mending.tx, task), _started(mending, run_id))
    part = {"ended_at": at, "outcome": "reclaimed", "error": "no task named it"}
    lifecycle.update_run(mending.tx, run_id, part)
    payload = {"run": {"id": run_id} | part}
    mending.tell(
        task, text, payload, kind="reclaimed", run_id=run_id, noun="run", row_id=str(run_id), at=at
    )


_KINDS: Final = "SELECT kind FROM task_events WHERE run_id = :run"


def _started(mending: Mending, run_id: int) -> int:
    started: int = mending.tx.value(
        "SELECT started_at FROM task_runs WHERE id = :run", {"run": run_id}
    )
    return started
