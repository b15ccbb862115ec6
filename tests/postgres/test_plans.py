"""What daily acts read: by an index, never a whole large table, whenever the plan was made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn

import msgspec
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.store.postgres import PostgresConnection
from tests.bench.postgres.filling import fill
from tests.support.boards import ABoard, a_profile

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


_ENTRIES: Final = """
SELECT coalesce(sum(idx_tup_read), 0)::integer FROM pg_stat_user_indexes
WHERE schemaname = current_schema() AND relname = 'tasks'
"""


def entries_read(conn: PostgresConnection, act: Callable[[], object]) -> int:
    """How many entries of the indexes of tasks an act reads."""

    def count() -> int:
        conn.session.execute("SELECT pg_stat_force_next_flush()")
        conn.session.execute("SELECT 1")
        return int(conn.session.execute(_ENTRIES).fetchone()[0])  # type: ignore[index]

    before = count()
    act()
    return count() - before


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
    listed = kb.get_task(conn, kb.create_task(conn, title="one", assignee="nobody"))
    task = kb.claim_task(conn, listed.id, seen=listed)
    assert task is not None
    assert kb.complete_task(conn, task.id, run_id=task.current_run_id)
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


WAITING: Final = 400


def many_ready(conn: PostgresConnection, scheduled_at: int | None) -> None:
    """Ready tasks with and without an assignee, with and without a tenant, and as many behind."""
    with kb.batch(conn):
        for number in range(WAITING):
            task_id = kb.create_task(
                conn,
                title="wait",
                assignee=f"p{number % 4}" if number % 4 else None,
                tenant="acme" if number % 3 == 0 else None,
                scheduled_at=scheduled_at,
            )
            if number % 10 == 0:
                kb.create_task(conn, title="behind", parents=[task_id])
    conn.session.execute("ANALYZE")


def test_a_look_reads_each_task_that_is_scheduled_for_later_once(board: ABoard) -> None:
    conn = board.conn
    assert isinstance(conn, PostgresConnection)
    profiles = {f"p{number}": a_profile() for number in range(4)}
    conn.config = msgspec.structs.replace(conn.config, profiles=profiles)
    many_ready(conn, scheduled_at=4_102_444_800)

    def look() -> None:
        assert not kb.dispatch_once(conn, spawn_fn=never, sweep=kb.Sweep()).eligible

    look()
    assert entries_read(conn, look) < 1.5 * WAITING


def test_a_look_reads_few_of_the_ready_tasks_that_a_pause_holds_back(board: ABoard) -> None:
    conn = board.conn
    assert isinstance(conn, PostgresConnection)
    many_ready(conn, scheduled_at=None)
    assert kb.pause(conn)

    def look() -> None:
        assert kb.dispatch_once(conn, spawn_fn=never, sweep=kb.Sweep()).held

    look()
    assert entries_read(conn, look) < WAITING / 2
