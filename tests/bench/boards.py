"""Boards of any size, made by bulk SQL: mostly history, and a little that is still open.

The rows satisfy the schema and look like those of a lived-in board: every done task has its run and
its five events, some have an earlier run that failed, some a comment, some a parent. Payloads have
the size of real ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from hermes_kanban import kernel as kb

START: Final = 1_700_000_000
PAYLOAD: Final = '{"task":{"status":"%s","claim_lock":null,"current_run_id":null},"pad":"%s"}'
LOCK: Final = "0" * 32
OPEN_OF_A_HUNDRED: Final = 1
LEAST_OPEN: Final = 100
LIFE: Final = ("created", "claimed", "spawned", "completed", "exited")
PROFILES: Final = ("coder", "tester", "writer", "reviewer")
TENANTS: Final = (None, None, "acme", "umbrella", "initech")
CONFIG: Final = """\
kanban: {max_in_progress: 32}
profiles:
  coder: {argv: [/bin/true], max_in_progress: 2}
  tester: {argv: [/bin/true], max_in_progress: 2}
  writer: {argv: [/bin/true], max_in_progress: 2}
  reviewer: {argv: [/bin/true], max_in_progress: 2}
"""

_TASK = (
    "INSERT INTO tasks (seq, id, title, body, status, assignee, tenant, priority,"
    " effective_priority, created_at, created_by, started_at, completed_at, result, block_kind,"
    " block_reason) VALUES (?, ?, 'Measure one package of the tree', ?, ?, ?, ?, ?, ?, ?,"
    " 'person:bench', ?, ?, ?, ?, ?)"
)
_RUN = (
    "INSERT INTO task_runs (id, task_id, profile, claimer, claim_lock, claim_expires, worker_pid,"
    " last_heartbeat_at, started_at, ended_at, outcome, exited_at, exit_code, summary)"
    " VALUES (?, ?, ?, 'dispatcher', ?, ?, 4242, ?, ?, ?, ?, ?, ?, 'done')"
)
_EVENT = (
    "INSERT INTO task_events (task_id, run_id, kind, actor, payload, created_at)"
    " VALUES (?, ?, ?, 'system', ?, ?)"
)
_LINK = "INSERT INTO task_links (parent_id, child_id, created_at) VALUES (?, ?, ?)"
_COMMENT = (
    "INSERT INTO task_comments (task_id, author, body, created_at)"
    " VALUES (?, 'person:bench', 'Looks right to me.', ?)"
)


def configure(home: Path, text: str = CONFIG) -> None:
    """The home's configuration, before any board is connected."""
    home.joinpath("config.yaml").write_text(text)


def fill(conn: kb.BoardConnection, total: int) -> None:
    """Make it a board of ``total`` tasks: one in a hundred open, though at least a hundred."""
    still_open = max(LEAST_OPEN, total * OPEN_OF_A_HUNDRED // 100)
    conn.execute("PRAGMA foreign_keys = OFF")
    conn.execute("BEGIN IMMEDIATE")
    _fill_history(conn, total - still_open)
    _fill_open(conn, total - still_open, still_open)
    conn.execute("COMMIT")
    conn.execute("PRAGMA foreign_keys = ON")
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def task_id(seq: int) -> str:
    """Ids that are spread as drawn ones are: rising ones would flatter the unique index."""
    return f"t_{seq * 2_654_435_761 % 2**32:08x}"


def _fill_history(conn: kb.BoardConnection, count: int) -> None:
    conn.executemany(_TASK, (_task(seq, "done") for seq in range(1, count + 1)))
    conn.executemany(_RUN, _runs(count))
    conn.executemany(_EVENT, _events(count))
    conn.executemany(
        _LINK,
        (
            (task_id(seq - seq % 10), task_id(seq), _time(seq))
            for seq in range(11, count + 1)
            if seq % 10 in (1, 2, 3)
        ),
    )
    conn.executemany(
        _COMMENT, ((task_id(seq), _time(seq)) for seq in range(1, count + 1) if seq % 5 == 0)
    )


def _fill_open(conn: kb.BoardConnection, after: int, count: int) -> None:
    """Of ten: four ready, three behind the first of them, two blocked, one in triage."""
    statuses = ("ready", "todo", "todo", "todo", "ready", "ready", "ready") + ("blocked",) * 2
    first = after + 1
    for seq, status in zip(
        range(first, first + count), itertools.cycle((*statuses, "triage")), strict=False
    ):
        conn.execute(_TASK, _task(seq, status))
        conn.execute(_EVENT, (task_id(seq), None, "created", _payload(status), _time(seq)))
        if status == "todo":
            parent = first + (seq - first) // 10 * 10
            conn.execute(_LINK, (task_id(parent), task_id(seq), _time(seq)))


def _task(seq: int, status: str) -> tuple[Any, ...]:
    done = status == "done"
    priority, now = seq % 3, _time(seq)
    blocked = ("needs_input", "which of the two?") if status == "blocked" else (None, None)
    return (
        seq, task_id(seq), "b" * 400, status, PROFILES[seq % 4], TENANTS[seq % 5], priority,
        priority, now, now if done else None, now + 60 if done else None,
        "r" * 200 if done else None, *blocked,
    )  # fmt: skip


def _runs(count: int) -> Iterator[tuple[Any, ...]]:
    """One run a task, with the id of its task's seq, and a failed one more for every tenth."""
    extra = count
    for seq in range(1, count + 1):
        yield _run(seq, seq, "completed", 0)
        if seq % 10 == 0:
            extra += 1
            yield _run(extra, seq, "crashed", 1)


def _run(run_id: int, seq: int, outcome: str, code: int) -> tuple[Any, ...]:
    now = _time(seq)
    return (
        run_id, task_id(seq), PROFILES[seq % 4], LOCK, now + 900, now, now, now + 60, outcome,
        now + 61, code,
    )  # fmt: skip


def _events(count: int) -> Iterator[tuple[Any, ...]]:
    for seq in range(1, count + 1):
        for kind in LIFE:
            yield task_id(seq), None if kind == "created" else seq, kind, _payload(kind), _time(seq)


def _payload(word: str) -> str:
    return PAYLOAD % (word, "p" * (700 if word in ("created", "completed") else 150))


def _time(seq: int) -> int:
    return START - 10_000_000 + seq * 60
