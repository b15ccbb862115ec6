"""What daily acts read: by an index, never a whole large table, whenever the plan was made."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.store.postgres import PostgresConnection
from tests.bench.postgres.filling import fill
from tests.support.boards import ABoard

pytestmark = pytest.mark.stores("postgres")

_SCANS = """
SELECT relname, seq_scan FROM pg_stat_xact_user_tables
WHERE schemaname = current_schema() AND relname IN ('tasks', 'task_runs', 'task_events')
UNION ALL
SELECT relname, seq_scan FROM pg_stat_user_tables
WHERE schemaname = current_schema() AND relname IN ('tasks', 'task_runs', 'task_events')
"""


def scans(conn: PostgresConnection) -> dict[str, int]:
    """How often each large table was read as a whole."""
    conn.session.execute("SELECT pg_stat_force_next_flush()")
    found: dict[str, int] = {}
    for table, count in conn.session.execute(_SCANS).fetchall():
        found[table] = found.get(table, 0) + count
    return found


def never(task: kb.Task, run: kb.Run) -> NoReturn:
    raise AssertionError(f"{task.id} must not start, run {run.id}")


def a_day(conn: Any) -> None:
    """What is done all day: create, claim, comment, block, complete, a tick, a page."""
    for act in (kb.complete_task, kb.block_task):
        task_id = kb.create_task(conn, title="one", assignee="nobody")
        kb.create_task(conn, title="after it", assignee="nobody", parents=[task_id])
        task = kb.claim_task(conn, task_id)
        assert task is not None
        kb.add_comment(conn, task_id, "so far", run_id=task.current_run_id)
        kb.heartbeat_claim(conn, task_id, run_id=task.current_run_id)
        reason = {"reason": "which?"} if act is kb.block_task else {}
        assert act(conn, task_id, run_id=task.current_run_id, **reason)  # type: ignore[operator]
    kb.dispatch_once(conn, spawn_fn=never, sweep=kb.Sweep())
    assert kb.list_tasks(conn, status=["ready", "todo"], limit=50)


@pytest.mark.parametrize("tasks", [0, 2_000])
def test_no_daily_act_reads_a_whole_table(board: ABoard, tasks: int) -> None:
    conn = board.conn
    assert isinstance(conn, PostgresConnection)
    if tasks:
        fill(conn, tasks)
    for _ in range(6):  # until every plan is made, and kept
        a_day(conn)
    before = scans(conn)
    a_day(conn)
    assert scans(conn) == before
    conn.session.execute("SELECT 1 FROM tasks WHERE title = 'one'")
    assert scans(conn)["tasks"] == before["tasks"] + 1
