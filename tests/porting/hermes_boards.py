"""Hermes boards of any size, in the tables that its own program makes."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Final, NamedTuple

SOURCES: Final = Path(__file__).with_name("sources")
START: Final = 1_700_000_000
_STATUSES: Final = ("done", "done", "done", "ready", "blocked", "archived", "triage", "todo")


class Counts(NamedTuple):
    """What a board holds."""

    tasks: int
    runs: int
    comments: int
    links: int


def as_dumped(file: Path) -> Path:
    """The small board that Hermes itself made, at ``file``."""
    conn = sqlite3.connect(file)
    conn.executescript((SOURCES / "hermes-0.19.0.sql").read_text())
    conn.close()
    return file


def large(file: Path, tasks: int) -> Counts:
    """A board of so many tasks with two or three runs and comments each, chained in fives."""
    as_dumped(file)
    conn = sqlite3.connect(file, isolation_level=None)
    conn.execute("BEGIN")
    for table in ("tasks", "task_runs", "task_comments", "task_links", "task_events"):
        conn.execute(f"DELETE FROM {table}")
    conn.execute("DELETE FROM task_attachments")
    runs = comments = links = 0
    for number in range(tasks):
        task_id, at = f"t_{number:08x}", START + number * 60
        status = _STATUSES[number % len(_STATUSES)]
        completed = at + 50 if status in ("done", "archived") else None
        conn.execute(
            "INSERT INTO tasks (id, title, body, assignee, status, priority, created_by,"
            " created_at, started_at, completed_at, tenant, result, skills, block_kind)"
            " VALUES (?, ?, ?, ?, ?, ?, 'user', ?, ?, ?, ?, ?, ?, ?)",
            (
                task_id,
                f"Task number {number}",
                f"Body of {number}: ünïcödé and some lines\n" * 5,
                f"profile{number % 7}",
                status,
                number % 5,
                at,
                at + 10,
                completed,
                f"tenant{number % 3}",
                f"Result of {number}" if completed else None,
                json.dumps(["writing"]),
                "needs_input" if status == "blocked" else None,
            ),
        )
        if number % 5:
            conn.execute("INSERT INTO task_links VALUES (?, ?)", (f"t_{number - 1:08x}", task_id))
            links += 1
        outcomes = ["crashed", {"done": "completed", "archived": "completed"}.get(status, "")]
        if status == "blocked":
            outcomes = ["crashed", "timed_out", "blocked"]
        elif not outcomes[1]:
            outcomes = ["reclaimed"] if status == "ready" else []
        for turn, outcome in enumerate(outcomes):
            begun = at + 10 + turn * 10
            run = conn.execute(
                "INSERT INTO task_runs (task_id, profile, status, started_at, ended_at, outcome,"
                " summary, metadata, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    task_id,
                    f"profile{number % 7}",
                    outcome,
                    begun,
                    begun + 5,
                    outcome,
                    f"Summary {turn} of {number}",
                    json.dumps({"number": number}),
                    "exit 1" if outcome == "crashed" else None,
                ),
            ).lastrowid
            _event(conn, task_id, run, "claimed", {"lock": f"host:{number}"}, begun)
            _event(conn, task_id, run, outcome, {"reason": f"because {number}"}, begun + 5)
            runs += 1
        for turn in range(2 + number % 2):
            conn.execute(
                "INSERT INTO task_comments (task_id, author, body, created_at) VALUES (?, ?, ?, ?)",
                (task_id, "maria", f"Comment {turn} on {number}", at + 12 + turn),
            )
            comments += 1
        if status == "archived":
            _event(conn, task_id, None, "archived", {}, at + 55)
    conn.execute("COMMIT")
    conn.close()
    return Counts(tasks, runs, comments, links)


def _event(
    conn: sqlite3.Connection,
    task_id: str,
    run: int | None,
    kind: str,
    payload: dict[str, object],
    at: int,
) -> None:
    conn.execute(
        "INSERT INTO task_events (task_id, run_id, kind, payload, created_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (task_id, run, kind, json.dumps(payload), at),
    )
