"""The floor: the same rows by hand in plain sqlite3, with the same schema, indexes and lock file.

It writes what the kernel's verbs write and nothing else: no validation, no reads beyond what a
compare-and-swap needs, payloads of the same size prepared outside the loop.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path

LOCK = "0" * 32


class Floor:
    """A bare connection to a board of our schema."""

    def __init__(self, database: Path) -> None:
        self.conn = sqlite3.connect(database, isolation_level=None, cached_statements=256)
        self.conn.execute("PRAGMA foreign_keys = ON")
        self.conn.execute("PRAGMA synchronous = FULL")
        self.lock = os.open(database.with_name("board.lock"), os.O_RDWR | os.O_CREAT, 0o600)

    def close(self) -> None:
        self.conn.close()
        os.close(self.lock)

    def begin(self) -> None:
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.conn.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self.conn.execute("COMMIT")
        fcntl.flock(self.lock, fcntl.LOCK_UN)

    def insert_task(self, title: str, body: str, payload: str, now: int) -> str:
        # Drawn as ours are: ids that rise would spare the unique index half of its work.
        task_id = f"t_{os.urandom(5).hex()}"
        self.conn.execute(
            "INSERT INTO tasks (id, title, body, status, assignee, priority, effective_priority,"
            " skills, created_at, created_by, consecutive_failures, workspace_kind)"
            " VALUES (?, ?, ?, 'ready', 'coder', 0, 0, '[]', ?, 'person:bench', 0, 'scratch')",
            (task_id, title, body, now),
        )
        self.event(task_id, None, "created", payload, now)
        return task_id

    def event(self, task_id: str, run_id: int | None, kind: str, payload: str, now: int) -> None:
        self.conn.execute(
            "INSERT INTO task_events (task_id, run_id, kind, actor, payload, created_at)"
            " VALUES (?, ?, ?, 'profile:coder', ?, ?)",
            (task_id, run_id, kind, payload, now),
        )

    def create(self, title: str, body: str, payload: str, now: int) -> str:
        self.begin()
        task_id = self.insert_task(title, body, payload, now)
        self.commit()
        return task_id

    def claim(self, task_id: str, payload: str, now: int) -> int | None:
        self.begin()
        run_id = None
        ready = self.conn.execute(
            "SELECT 1 FROM tasks WHERE id = ? AND status = 'ready'", (task_id,)
        ).fetchone()
        if ready:
            run_id = self.conn.execute(
                "INSERT INTO task_runs (task_id, profile, claimer, claim_lock, claim_expires,"
                " last_heartbeat_at, started_at) VALUES (?, 'coder', 'bench', ?, ?, ?, ?)",
                (task_id, LOCK, now + 900, now, now),
            ).lastrowid
            self.conn.execute(
                "UPDATE tasks SET status = 'running', claim_lock = ?, claim_expires = ?,"
                " current_run_id = ?, last_heartbeat_at = ?, started_at = ? WHERE id = ?",
                (LOCK, now + 900, run_id, now, now, task_id),
            )
            self.event(task_id, run_id, "claimed", payload, now)
        self.commit()
        return run_id

    def complete(self, task_id: str, run_id: int, result: str, payload: str, now: int) -> None:
        self.begin()
        self.conn.execute(
            "UPDATE tasks SET status = 'done', completed_at = ?, result = ?, claim_lock = NULL,"
            " claim_expires = NULL, current_run_id = NULL WHERE id = ? AND current_run_id = ?",
            (now, result, task_id, run_id),
        )
        self.conn.execute(
            "UPDATE task_runs SET ended_at = ?, outcome = 'completed', summary = 'done'"
            " WHERE id = ?",
            (now, run_id),
        )
        self.event(task_id, run_id, "completed", payload, now)
        self.commit()
