"""The floor: the same rows by bare psycopg, in one statement a verb, on the same schema.

Each statement takes the board's advisory lock, writes every row that the verb of the kernel writes,
and notifies; it is a transaction of its own and is prepared. It validates nothing, reads nothing
but what a compare-and-swap needs, and looks for no version of the schema.
"""

from __future__ import annotations

import os
from typing import Any, Final

import psycopg

from hermes_kanban.store.pgnames import lock_key, schema_of

LOCK: Final = "0" * 32
PREPARE_AFTER: Final = 2

_CREATE: Final = """
WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock(%(key)s)),
task AS (
    INSERT INTO tasks (id, title, body, status, assignee, priority, effective_priority, skills,
        created_at, created_by, consecutive_failures, workspace_kind)
    SELECT %(id)s, %(title)s, %(body)s, 'ready', 'coder', 0, 0, '[]', %(now)s, 'person:bench', 0,
        'scratch' FROM held
    RETURNING id),
event AS (
    INSERT INTO task_events (task_id, kind, actor, payload, created_at)
    SELECT id, 'created', 'person:bench', %(payload)s, %(now)s FROM task
    RETURNING id)
SELECT pg_notify(%(channel)s, '') FROM event
"""
_CLAIM: Final = """
WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock(%(key)s)),
run AS (
    INSERT INTO task_runs (task_id, profile, claimer, claim_lock, claim_expires, last_heartbeat_at,
        started_at)
    SELECT t.id, 'coder', 'bench', %(lock)s, %(expires)s, %(now)s, %(now)s
    FROM held, tasks t WHERE t.id = %(id)s AND t.status = 'ready'
    RETURNING id, task_id),
task AS (
    UPDATE tasks t SET status = 'running', claim_lock = %(lock)s, claim_expires = %(expires)s,
        current_run_id = run.id, last_heartbeat_at = %(now)s, started_at = %(now)s
    FROM run WHERE t.id = run.task_id),
event AS (
    INSERT INTO task_events (task_id, run_id, kind, actor, payload, created_at)
    SELECT task_id, id, 'claimed', 'profile:coder', %(payload)s, %(now)s FROM run
    RETURNING run_id)
SELECT run_id, pg_notify(%(channel)s, '') FROM event
"""
_COMPLETE: Final = """
WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock(%(key)s)),
task AS (
    UPDATE tasks t SET status = 'done', completed_at = %(now)s, result = %(result)s,
        claim_lock = NULL, claim_expires = NULL, current_run_id = NULL
    FROM held WHERE t.id = %(id)s AND t.current_run_id = %(run)s
    RETURNING t.id),
run AS (
    UPDATE task_runs r SET ended_at = %(now)s, outcome = 'completed', summary = 'done'
    FROM task WHERE r.id = %(run)s),
event AS (
    INSERT INTO task_events (task_id, run_id, kind, actor, payload, created_at)
    SELECT id, %(run)s, 'completed', 'profile:coder', %(payload)s, %(now)s FROM task
    RETURNING id)
SELECT pg_notify(%(channel)s, '') FROM event
"""


class Floor:
    """A bare session on a board of our schema."""

    def __init__(self, address: str, board: str) -> None:
        schema = schema_of(board)
        self.conn = psycopg.connect(
            address,
            autocommit=True,
            prepare_threshold=PREPARE_AFTER,
            options=f"-c search_path={schema}",
        )
        self.always: dict[str, Any] = {"key": lock_key(schema), "channel": schema, "lock": LOCK}

    def close(self) -> None:
        self.conn.close()

    def create(self, title: str, body: str, payload: str, now: int) -> str:
        task_id = f"t_{os.urandom(5).hex()}"
        self._ask(_CREATE, id=task_id, title=title, body=body, payload=payload, now=now)
        return task_id

    def claim(self, task_id: str, payload: str, now: int) -> int:
        run_id, _ = self._ask(_CLAIM, id=task_id, payload=payload, now=now, expires=now + 900)
        return int(run_id)

    def complete(self, task_id: str, run_id: int, result: str, payload: str, now: int) -> None:
        self._ask(_COMPLETE, id=task_id, run=run_id, result=result, payload=payload, now=now)

    def _ask(self, sql: str, **given: Any) -> tuple[Any, ...]:
        """The one row that tells that it was done."""
        row = self.conn.execute(sql.encode(), self.always | given).fetchone()
        assert row is not None
        return row
