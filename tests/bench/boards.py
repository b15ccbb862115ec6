"""Boards of any size, made by bulk SQL: mostly history, and a little that is still open.

The rows satisfy the schema and look like those of a lived-in board: every done task has its run and
its five events, some have an earlier run that failed, some a comment, some a parent. Payloads have
the size of real ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from hermes_kanban import kernel as kb

START: Final = 1_700_000_000
PAYLOAD: Final = '{"task":{"status":"%s","claim_lock":null,"current_run_id":null},"pad":"%s"}'
LOCK: Final = "0" * 32
OPEN_OF_A_HUNDRED: Final = 1
LEAST_OPEN: Final = 100
MOST_OPEN: Final = 1_000
LIFE: Final = ("created", "claimed", "spawned", "completed", "exited")
PROFILES: Final = ("coder", "tester", "writer", "reviewer")
TENANTS: Final = (None, None, "acme", "umbrella", "initech")
TITLE: Final = "Measure one package of the tree"
TASK: Final = (
    "seq", "id", "title", "body", "status", "assignee", "tenant", "priority", "effective_priority",
    "created_at", "created_by", "started_at", "completed_at", "result", "block_kind",
    "block_reason",
)  # fmt: skip
RUN: Final = (
    "id", "task_id", "profile", "claimer", "claim_lock", "claim_expires", "worker_pid",
    "last_heartbeat_at", "started_at", "ended_at", "outcome", "exited_at", "exit_code", "summary",
)  # fmt: skip
EVENT: Final = ("task_id", "run_id", "kind", "actor", "payload", "created_at")
LINK: Final = ("parent_id", "child_id", "created_at")
COMMENT: Final = ("task_id", "author", "body", "created_at")
CONFIG: Final = """\
kanban: {max_in_progress: 32}
profiles:
  coder: {argv: [/bin/true], max_in_progress: 2}
  tester: {argv: [/bin/true], max_in_progress: 2}
  writer: {argv: [/bin/true], max_in_progress: 2}
  reviewer: {argv: [/bin/true], max_in_progress: 2}
"""


def configure(home: Path, text: str = CONFIG) -> None:
    """The home's configuration, before any board is connected."""
    home.joinpath("config.yaml").write_text(text)


class Bulk(NamedTuple):
    """Rows of one table."""

    table: str
    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]

    def insert(self) -> str:
        """The statement that takes one of them."""
        places = ", ".join("?" * len(self.columns))
        return f"INSERT INTO {self.table} ({', '.join(self.columns)}) VALUES ({places})"


def bulks(total: int) -> list[Bulk]:
    """A board of ``total`` tasks: one in a hundred open, from a hundred to a thousand."""
    still_open = min(max(LEAST_OPEN, total * OPEN_OF_A_HUNDRED // 100), MOST_OPEN)
    done = total - still_open
    statuses = dict(_open(done + 1, still_open))
    return [
        Bulk("tasks", TASK, (_task(seq, statuses.get(seq, "done")) for seq in range(1, total + 1))),
        Bulk("task_runs", RUN, _runs(done)),
        Bulk("task_events", EVENT, _events(done, statuses)),
        Bulk("task_links", LINK, _links(done, statuses)),
        Bulk("task_comments", COMMENT, _comments(done)),
    ]


def fill(conn: kb.BoardConnection, total: int) -> None:
    """Make it a board of ``total`` tasks, in SQLite."""
    conn.execute("PRAGMA foreign_keys = OFF")
    conn.execute("BEGIN IMMEDIATE")
    for bulk in bulks(total):
        conn.executemany(bulk.insert(), bulk.rows)
    conn.execute("COMMIT")
    conn.execute("PRAGMA foreign_keys = ON")
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def task_id(seq: int) -> str:
    """Ids that are spread as drawn ones are: rising ones would flatter the unique index."""
    return f"t_{seq * 2_654_435_761 % 2**32:08x}"


def _open(first: int, count: int) -> Iterator[tuple[int, str]]:
    """Of ten: four ready, three behind the first of them, two blocked, one in triage."""
    ten = ("ready", "todo", "todo", "todo", "ready", "ready", "ready", "blocked", "blocked")
    return zip(range(first, first + count), itertools.cycle((*ten, "triage")), strict=False)


def _links(done: int, statuses: dict[int, str]) -> Iterator[tuple[Any, ...]]:
    for seq in range(11, done + 1):
        if seq % 10 in (1, 2, 3):
            yield task_id(seq - seq % 10), task_id(seq), _time(seq)
    for seq, status in statuses.items():
        if status == "todo":
            parent = done + 1 + (seq - done - 1) // 10 * 10
            yield task_id(parent), task_id(seq), _time(seq)


def _comments(done: int) -> Iterator[tuple[Any, ...]]:
    for seq in range(5, done + 1, 5):
        yield task_id(seq), "person:bench", "Looks right to me.", _time(seq)


def _task(seq: int, status: str) -> tuple[Any, ...]:
    done = status == "done"
    priority, now = seq % 3, _time(seq)
    blocked = ("needs_input", "which of the two?") if status == "blocked" else (None, None)
    return (
        seq, task_id(seq), TITLE, "b" * 400, status, PROFILES[seq % 4], TENANTS[seq % 5], priority,
        priority, now, "person:bench", now if done else None, now + 60 if done else None,
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
        run_id, task_id(seq), PROFILES[seq % 4], "dispatcher", LOCK, now + 900, 4242, now, now,
        now + 60, outcome, now + 61, code, "done",
    )  # fmt: skip


def _events(done: int, statuses: dict[int, str]) -> Iterator[tuple[Any, ...]]:
    for seq in range(1, done + 1):
        for kind in LIFE:
            run_id = None if kind == "created" else seq
            yield task_id(seq), run_id, kind, "system", _payload(kind), _time(seq)
    for seq, status in statuses.items():
        yield task_id(seq), None, "created", "system", _payload(status), _time(seq)


def _payload(word: str) -> str:
    return PAYLOAD % (word, "p" * (700 if word in ("created", "completed") else 150))


def _time(seq: int) -> int:
    return START - 10_000_000 + seq * 60
