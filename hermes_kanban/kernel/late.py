"""Work that came too late: it was refused and kept, and a person takes it over or puts it aside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import msgspec

from hermes_kanban import lifecycle
from hermes_kanban.kernel import limits
from hermes_kanban.kernel.archive import refused_result
from hermes_kanban.kernel.decisions import must_be_open
from hermes_kanban.kernel.fencing import task_state
from hermes_kanban.store.protocol import BoardConnection, fetch_all, fetch_value, write

HANDED_IN: Final = ("complete", "request_review")


class Late(NamedTuple):
    """What a refused run had handed in: whose it is, what it says, when it came, and its event."""

    task_id: str
    run_id: int
    text: str
    at: int
    event_id: int


_Decision = tuple[tuple[str, int], bool]


def late_results(conn: BoardConnection) -> list[Late]:
    """Those that nobody has decided about, the oldest first."""
    return list(_undecided(conn, fetch_all(conn, f"{_TOLD} ORDER BY id")))


def dismiss_result(
    conn: BoardConnection,
    task_id: str,
    *,
    run_id: int,
    question: int | None = None,
    actor: str | None = None,
) -> bool:
    """Put aside what a refused run had handed in; it is kept, and can still be adopted.

    False if it was decided about before; with ``question``, the event that asked, AlreadyDecided.
    Raises NotFound when that run has no refused result.
    """
    by = limits.actor(actor)
    limits.whole("run_id", run_id, 1)
    with write(conn, "dismiss") as tx:
        task = task_state(tx, task_id)
        must_be_open(tx, task_id, question)
        lifecycle.transition("dismiss", task["status"])
        refused_result(tx, task_id, run_id)
        told = tx.all(f"{_TOLD} AND task_id = :task ORDER BY id", {"task": task_id})
        if all(late.run_id != run_id for late in _undecided(conn, told)):
            return False
        lifecycle.apply(tx, "dismiss", task, actor=by, facts={"from_run_id": run_id})
        return True


_TOLD: Final = """
SELECT id, task_id, run_id, kind, payload, created_at FROM task_events
WHERE kind IN ('fenced', 'adopted', 'dismissed', 'undone') AND task_id IS NOT NULL
"""
_PAYLOAD: Final = "SELECT payload FROM task_events WHERE id = :id"


def _undecided(conn: BoardConnection, rows: Iterable[Any]) -> Iterable[Late]:
    found: dict[tuple[str, int], Late] = {}
    decided: set[tuple[str, int]] = set()
    # Event → what it decided about, and how: undoing it does the opposite.
    decisions: dict[int, _Decision] = {}
    for row in rows:
        told: dict[str, Any] = msgspec.json.decode(row["payload"])
        if row["kind"] == "fenced":
            if told.get("verb") in HANDED_IN and row["run_id"] is not None:
                key = row["task_id"], row["run_id"]
                found[key] = Late(*key, _text(told), row["created_at"], row["id"])
            continue
        if row["kind"] == "undone":
            decision = decisions.get(told["undid"]["event"]) or _completion(conn, row, told)
            if decision is None:
                continue
            key, is_decided = decision[0], not decision[1]
        else:
            key, is_decided = (row["task_id"], told.get("from_run_id", 0)), True
        decisions[row["id"]] = key, is_decided
        (decided.add if is_decided else decided.discard)(key)
    return (late for key, late in found.items() if key not in decided)


def _completion(conn: BoardConnection, row: Any, told: dict[str, Any]) -> _Decision | None:
    """What the undone event decided, where it completed a task with the result taken over."""
    if told["undid"]["kind"] != "completed":
        return None
    payload = fetch_value(conn, _PAYLOAD, {"id": told["undid"]["event"]})
    run_id = None if payload is None else msgspec.json.decode(payload).get("from_run_id")
    return None if run_id is None else ((row["task_id"], run_id), True)


def _text(told: dict[str, Any]) -> str:
    return str(told.get("summary") or told.get("result") or told.get("reason") or "")
