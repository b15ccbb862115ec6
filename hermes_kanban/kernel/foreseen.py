"""Verbs that decide on what their caller saw of a task, or their connection remembers.

Where answers take a way that saves a trip, and the writer lock is held over none: the server
compares what was seen with what is, under the lock and in the same trip as the writes. Where it
differs the verb reads and decides again, so that what comes out never depends on what was seen.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from hermes_kanban.kernel import gates
from hermes_kanban.lifecycle import LAST_EVENT_AT, UNFOLDED_TASK_COLUMNS, TaskState
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.model.records import Task
from hermes_kanban.store.protocol import (
    UNSEEN_KEY,
    BoardConnection,
    Transaction,
    Unforeseen,
    fetch_value,
)

T = TypeVar("T")

# All but the lease, which nobody has.
_OF_CLAIM: Final = tuple(
    name for name in Task.__struct_fields__ if name not in UNFOLDED_TASK_COLUMNS
)
# What the end of a run goes by: all of a remembered state but its lease and the time of its newest
# event, which are not compared as they are. A rule that needs more must have it put here.
_OF_CLOSING: Final = (
    *("seq", "id", "status", "result", "completed_at", "consecutive_failures", "eligible_at"),
    *("claim_lock", "worker_pid", "current_run_id", "run_profile", "run_claimer"),
)
_COLUMNS_OF_RUN: Final = {"run_profile": "r.profile", "run_claimer": "r.claimer"}
_CLAIMABLE: Final = f"""
SELECT EXISTS (SELECT 1 FROM tasks t WHERE {{same}} AND {LAST_EVENT_AT} <= :now
    AND (SELECT paused_at FROM boards) IS NULL AND NOT {gates.LIVE_PROCESS}
    AND {gates.NO_OPEN_PARENT})
"""
# A lease moves all the time, and does not matter to whoever has it.
_ALONE: Final = f"""
SELECT EXISTS (SELECT 1 FROM tasks t JOIN task_runs r ON r.id = t.current_run_id
    WHERE {{same}} AND {LAST_EVENT_AT} <= :now AND t.claim_expires IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM task_links l WHERE l.parent_id = t.id AND l.released_at IS NULL)
    AND {gates.NO_OPEN_PARENT})
"""
_RUN_OF: Final = "SELECT id FROM task_runs WHERE task_id = :id AND claim_lock = :lock"


def to_claim(conn: BoardConnection, task_id: str, seen: Task | None) -> TaskState | None:
    """The state of a task that was seen so, if a claim may count on it.

    Raises InvalidInput where it is another task.
    """
    if seen is None:
        return None
    if seen.id != task_id:
        raise InvalidInput("seen", f"the task {task_id} as it was read", f"is {seen.id}")
    if not _foresees(conn) or seen.status != "ready" or seen.current_run_id is not None:
        return None
    if seen.workspace_kind == "dir":  # whether another uses it is asked by its path
        return None
    state = msgspec.structs.asdict(seen)
    state["skills"] = msgspec.json.encode(seen.skills).decode()
    state["last_event_at"] = 0
    return state


def to_close(conn: BoardConnection, task_id: str, run_id: int) -> TaskState | None:
    """The state of a task that this connection claimed, if the end of its run may count on it."""
    state = conn.recall.take(run_id) if isinstance(run_id, int) and _foresees(conn) else None
    return state if state is not None and state["id"] == task_id else None


def _foresees(conn: BoardConnection) -> bool:
    return conn.foresees and conn.transaction is None


def expect_claimable(tx: Transaction, state: TaskState) -> None:
    """Take for given that the task is so, and that nothing holds it."""
    _expect(tx, _CLAIMABLE, _OF_CLAIM, state)


def expect_alone(tx: Transaction, state: TaskState) -> None:
    """Take for given that the task and its run are so, and that its end concerns no other task."""
    _expect(tx, _ALONE, _OF_CLOSING, state)


def _expect(tx: Transaction, sql: str, columns: tuple[str, ...], state: TaskState) -> None:
    said = {name: value for name in columns if (value := state[name]) is not None}
    tx.foresee(_condition(sql, columns, tuple(said)), said | {"now": tx.now})


@functools.lru_cache(maxsize=256)
def _condition(sql: str, columns: tuple[str, ...], said: tuple[str, ...]) -> str:
    same = []
    for name in columns:
        column = _COLUMNS_OF_RUN.get(name, f"t.{name}")
        # A bound NULL costs more than none.
        same.append(f"{column} = :{name}" if name in said else f"{column} IS NULL")
    return sql.format(same=" AND ".join(same))


def opened(conn: BoardConnection, state: TaskState) -> None:
    """After the commit of a claim: see which run it opened, and remember the task for its end."""
    if state["current_run_id"] == UNSEEN_KEY:
        of = {"id": state["id"], "lock": state["claim_lock"]}
        state["current_run_id"] = conn.key_seen() or fetch_value(conn, _RUN_OF, of)
    if _foresees(conn):
        kept = {name: state[name] for name in (*_OF_CLOSING, "claim_expires", "last_event_at")}
        conn.recall.keep(state["current_run_id"], kept)


def close(
    conn: BoardConnection, state: TaskState | None, verb: Callable[[TaskState | None], T]
) -> T:
    """``verb`` with the state that is remembered; without one where it is not so (any more)."""
    if state is not None:
        try:
            done = verb(state)
        except Unforeseen:
            conn.recall.was_so(False)
        else:
            conn.recall.was_so(True)
            return done
    return verb(None)
