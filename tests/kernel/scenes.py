"""What the kernel's tests share: a task in any status, rows to compare, what payloads name."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from hermes_kanban import kernel as kb
from hermes_kanban.model import Event, Run
from hermes_kanban.store.protocol import BoardConnection
from tests.support.boards import ABoard

ALL = ("triage", "todo", "ready", "running", "review", "blocked", "done", "archived")
TABLES = (
    "boards", "tasks", "task_runs", "task_events", "task_links", "task_comments",
    "task_attachments", "kanban_notify_subs", "deliveries",
)  # fmt: skip
UNTOLD = {"claim_expires", "last_heartbeat_at", "fenced_count"}

Rows = dict[str, dict[Any, dict[str, Any]]]


def in_status(board: ABoard, status: str, *, late: bool = False, **keys: object) -> str:
    """A task of ``worker`` behind one finished parent; with ``late`` it has refused work."""
    before = board.create("before")
    kb.complete_task(board.conn, before)
    task = board.create(f"is {status}", **({"assignee": "worker", "parents": [before]} | keys))
    if late:
        leave_late_work(board, task)
    if status == "triage":
        kb.triage_task(board.conn, task)
    elif status == "todo":
        kb.link_tasks(board.conn, board.create("open parent"), task)
    elif status == "running":
        board.claim(task)
    elif status == "review":
        hand_in(board, task)
    elif status == "blocked":
        kb.block_task(board.conn, task, reason="which one?")
    elif status == "done":
        kb.complete_task(board.conn, task, result="by hand")
    elif status == "archived":
        kb.archive_task(board.conn, task)
    assert board.task(task).status == status
    return task


def leave_late_work(board: ABoard, task: str, **handed_in: object) -> Run:
    """A run of the task that was reclaimed and then wanted to complete it."""
    run = board.claim(task)
    kb.reclaim_task(board.conn, task)
    given: dict[str, Any] = {"result": "late result", "summary": "late"} | handed_in
    assert not kb.complete_task(board.conn, task, **proof(run), **given)
    return run


def hand_in(board: ABoard, task: str, **handed_in: Any) -> Run:
    """A run that asks for a review."""
    run = board.claim(task)
    assert kb.request_review(board.conn, task, **proof(run), **handed_in)
    return kb.get_run(board.conn, run.id)


def proof(run: Run) -> dict[str, Any]:
    """What a worker shows to be the current run."""
    return {"run_id": run.id, "claim_lock": run.claim_lock}


def current_run(board: ABoard, task: str) -> Run:
    """The newest run of the task."""
    run = kb.latest_run(board.conn, task)
    assert run is not None
    return run


def end(board: ABoard, run: Run, **facts: object) -> None:
    """The registered process of the run ends by itself and its record is imported."""
    run = kb.get_run(board.conn, run.id)
    board.processes.exit(board.worker(run), at=board.clock.now(), **facts)
    assert kb.import_exit_records(board.conn, board.processes) == [run.id]


def fail(board: ABoard, task: str, **facts: object) -> Run:
    """One run of the task whose process ends with ``facts`` (default: exit code 1)."""
    run = board.start(task)
    end(board, run, **(facts or {"exit_code": 1}))
    return kb.get_run(board.conn, run.id)


def dump(conn: BoardConnection | sqlite3.Connection) -> str:
    """The whole board as text: equal texts are equal boards."""
    return "\n".join(
        f"{table} {[tuple(row) for row in conn.execute(f'SELECT * FROM {table} ORDER BY 1, 2')]}"
        for table in TABLES
    )


def events_after(board: ABoard, event_id: int) -> list[Event]:
    return kb.list_events(board.conn, after=event_id, limit=1_000)


def kinds(events: Iterable[Event]) -> list[str]:
    return [event.kind for event in events]


def holds(board: ABoard, task: str) -> list[str]:
    """The codes of what ``why`` says."""
    return [hold.code for hold in kb.why(board.conn, task)]


def snapshot(conn: BoardConnection) -> Rows:
    """Every row of tasks, runs and links, by key."""
    tables = {
        "task": ("SELECT * FROM tasks", ("id",)),
        "run": ("SELECT * FROM task_runs", ("id",)),
        "link": ("SELECT * FROM task_links", ("parent_id", "child_id")),
    }
    return {
        noun: {tuple(row[c] for c in key): dict(row) for row in conn.execute(sql).fetchall()}
        for noun, (sql, key) in tables.items()
    }


def differences(before: Rows, after: Rows, noun: str) -> dict[Any, dict[str, Any]]:
    """Key → column → new value, of every column that payloads must name."""
    found = {}
    for key, row in after[noun].items():
        old = before[noun].get(key, {})
        changed = {
            column: value
            for column, value in row.items()
            if column not in UNTOLD and old.get(column) != value
        }
        if changed:
            found[key] = changed
    return found


def told(events: Iterable[Event], noun: str) -> dict[Any, dict[str, Any]]:
    """Key → column → value, as the payloads name them; the last one wins."""
    found: dict[Any, dict[str, Any]] = {}
    for event in events:
        part = event.payload.get(noun)
        if part:
            key = event.task_id if noun == "task" else part["id"]
            found.setdefault((key,), {}).update(part)
    return found
