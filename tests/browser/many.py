"""A board of thousands, of which most are open: what a page must carry."""

from __future__ import annotations

import itertools
import time
from typing import Any, Final

from hermes_kanban import kernel as kb

PROFILES: Final = ("backend", "frontend", "tester", "docs")
TENANTS: Final = (None, "platform", "billing", "growth")
# Of twenty: where the tasks of a large board are.
_STATUSES: Final = (
    ("done",) * 8
    + ("ready",) * 5
    + ("todo",) * 3
    + ("blocked",) * 2
    + (
        "review",
        "triage",
    )
)
_TITLES: Final = (
    "Return Retry-After on 429 responses",
    "Page the list of keys by cursor and keep its place when one is revoked",
    "Drop an index that nothing reads",
    "Reproduce the duplicate webhook on slow networks, with the link at 30 seconds",
    "Move the clock of tests into a fixture",
    "Tell a revoked key from an expired one",
    "Alert when the queue is older than 5 min",
)
_TASK: Final = (
    "INSERT INTO tasks (seq, id, title, body, status, assignee, tenant, priority,"
    " effective_priority, created_at, created_by, completed_at, block_kind, block_reason)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'person:ada', ?, ?, ?)"
)
_EVENT: Final = (
    "INSERT INTO task_events (task_id, kind, actor, payload, created_at)"
    " VALUES (?, 'created', 'person:ada', ?, ?)"
)
_LINK: Final = "INSERT INTO task_links (parent_id, child_id, created_at) VALUES (?, ?, ?)"


def task_id(seq: int) -> str:
    """The id of the task with that number."""
    return f"t_{seq * 2_654_435_761 % 2**32:08x}"


def fill(conn: kb.BoardConnection, total: int) -> None:
    """Make it a board of ``total`` tasks, written at once behind the verbs."""
    now = int(time.time())
    rows = list(zip(range(1, total + 1), itertools.cycle(_STATUSES), strict=False))
    ready = [seq for seq, status in rows if status == "ready"]
    conn.execute("BEGIN IMMEDIATE")
    conn.executemany(_TASK, (_task(seq, status, now) for seq, status in rows))
    conn.executemany(
        _EVENT,
        (
            (task_id(seq), f'{{"task":{{"status":"{status}"}}}}', now - 60 * (total - seq + 60))
            for seq, status in rows
        ),
    )
    waiting = [seq for seq, status in rows if status == "todo"]
    conn.executemany(
        _LINK,
        (
            (task_id(ready[place % len(ready)]), task_id(seq), now - 60)
            for place, seq in enumerate(waiting)
        ),
    )
    conn.execute("COMMIT")


def _task(seq: int, status: str, now: int) -> tuple[Any, ...]:
    priority, filed = seq % 4, now - 60 * 200 - seq
    blocked = ("needs_input", "Which of the two?\n\n1. One\n2. Two")
    return (
        seq,
        task_id(seq),
        _TITLES[seq % len(_TITLES)],
        "- [x] read\n- [ ] changed\n" if seq % 3 else None,
        status,
        PROFILES[seq % len(PROFILES)],
        TENANTS[seq % len(TENANTS)],
        priority,
        priority,
        filed,
        filed + 600 if status == "done" else None,
        *(blocked if status == "blocked" else (None, None)),
    )
