"""What a verb costs, in counts: syncs, statements, write calls, and rows looked at."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from hermes_kanban import kernel as kb
from tests.support.boards import ABoard, a_profile
from tests.support.costs import VERBS, cost_of
from tests.support.counting import calls_by_strace, has_strace

# By verb: statements that one call may take at most, its syncs, which are exact, and write calls:
# two a page of the log, and room for a page more; averages, since a page splits now and then.
MOST = {
    "create": (5, 1, 23),
    "create behind a parent": (10, 1, 25),
    "claim": (9, 1, 28),
    "a claim that is lost": (1, 0, 0),
    "heartbeat": (6, 1, 6),
    "complete": (9, 1, 28),
    "complete and promote a child": (12, 1, 33),
    "block": (8, 1, 24),
    "unblock": (7, 1, 19),
    "comment": (6, 1, 13),
    "link, which demotes the child": (13, 1, 24),
    "a batch of 50 creates": (203, 1, 100),
    "a tick with nothing to do": (10, 0, 0),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_costs_one_sync_and_few_statements_and_writes(verb: str, tmp_path: Path) -> None:
    statements, syncs, writes = MOST[verb]
    cost = cost_of(verb, tmp_path / "home")
    assert cost.syncs == syncs
    assert cost.statements <= statements
    assert cost.writes <= writes


def test_every_counter_that_is_here_counts_the_same(tmp_path: Path) -> None:
    ours = cost_of("complete", tmp_path / "ours")
    assert ours.syncs == 1
    for counter in [calls_by_strace] if has_strace() else []:
        assert ours == cost_of("complete", tmp_path / "strace", counter)


def a_grown_board(board: ABoard, tasks: int = 300) -> None:
    """Tasks of every kind: the first hundred with some that are ready, all others done."""
    conn = board.conn
    with kb.batch(conn):
        for number in range(tasks):
            task_id = kb.create_task(
                conn,
                title=f"{number}",
                assignee=f"p{number % 3}",
                tenant=f"t{number % 2}" if number % 5 else None,
            )
            if number % 10 or number >= 100:
                kb.complete_task(conn, task_id, result="x")


def every_verb(conn: kb.BoardConnection) -> list[Callable[[], object]]:
    """One life with every verb and every read that people and gateways use all day."""
    parent = kb.create_task(conn, title="parent", assignee="p1")
    child = kb.create_task(conn, title="child", parents=[parent], assignee="p1", priority=3)
    third = kb.create_task(conn, title="third", assignee="p2", idempotency_key="k")

    def claimed(task_id: str) -> kb.Task:
        task = kb.claim_task(conn, task_id)
        assert task is not None
        return task

    def review() -> None:
        task = claimed(third)
        assert kb.request_review(conn, third, run_id=task.current_run_id or 0)
        kb.request_changes(conn, third, comment="again")

    def wait() -> None:
        task = claimed(third)
        kid = kb.create_task(conn, title="kid", run_id=task.current_run_id)
        assert kb.wait_for(conn, third, [kid], run_id=task.current_run_id or 0)
        kb.complete_task(conn, kid)

    def worker() -> None:
        task = claimed(parent)
        run_id = task.current_run_id or 0
        kb.heartbeat_claim(conn, parent, run_id=run_id)
        assert kb.register_worker(conn, run_id, pid=4_000_000, identity=None, log_path=None)
        kb.complete_task(conn, parent, result="x", run_id=run_id)
        assert not kb.complete_task(conn, parent, result="late", run_id=run_id)
        kb.adopt_result(conn, parent, run_id=run_id)

    return [
        lambda: kb.create_task(conn, title="again", idempotency_key="k"),
        lambda: kb.link_tasks(conn, parent, third),
        lambda: kb.unlink_tasks(conn, parent, third),
        lambda: kb.prioritise_task(conn, child, 9),
        lambda: kb.schedule_task(conn, third, None),
        lambda: kb.edit_task(conn, third, title="new"),
        lambda: kb.assign_task(conn, third, "p0"),
        lambda: kb.add_comment(conn, third, "x"),
        lambda: kb.why(conn, child),
        lambda: kb.why(conn, third),
        review,
        wait,
        worker,
        lambda: kb.block_task(conn, child, reason="x", kind="transient"),
        lambda: kb.unblock_task(conn, child, reason="y"),
        lambda: kb.triage_task(conn, child),
        lambda: kb.accept_task(conn, child),
        lambda: kb.reopen_task(conn, parent),
        lambda: kb.cancel_task(conn, parent, tree=True),
        lambda: kb.dispatch_once(conn, spawn_fn=lambda _task, _run: 4_000_001, sweep=kb.Sweep()),
        lambda: kb.reclaim_task(conn, kb.list_tasks(conn, status="running")[0].id),
        lambda: kb.list_tasks(conn, limit=9),
        lambda: kb.list_tasks(conn, status=["ready", "done"], assignee="p1", tenant="t1", limit=9),
        lambda: kb.list_events(conn, after=5, limit=10),
        lambda: kb.list_events(conn, child),
        lambda: kb.list_runs(conn, child),
        lambda: kb.build_worker_context(conn, child),
        lambda: kb.release_stale_claims(conn),
        lambda: kb.enforce_max_runtime(conn),
    ]


# A full look at these is a look at one row, or at what is small by its nature.
SMALL = {
    "boards": "one row",
    "h": "a row for each host that dispatches the board",
    "hosts": "a row for each host that dispatches the board",
    "CONSTANT ROW": "no table at all",
    "task_runs_live": "an index of the processes that have not exited",
    "task_runs_open": "an index of the runs that are open",
    "tasks_queue": "an index of the ready tasks, left after its first row",
    "todo": "a slice of few rows",
    "(un)?tenanted": "at most ten ready tasks that are held back",
    r"keys_\d": "at most a page of keys",
    "live": "the runs that take a place now",
    "below": "a graph walk's own rows",
    "g": "the groups of ready tasks, by assignee and tenant",
    "n": "the assignees of ready tasks",
    "a": "a graph walk's own rows",
    "b": "a graph walk's own rows",
}


@pytest.mark.stores("sqlite")
def test_no_verb_looks_at_more_rows_than_its_own(board: ABoard) -> None:
    a_grown_board(board)
    conn = board.conn
    profiles = {f"p{number}": a_profile(max_in_progress=50) for number in range(3)}
    conn.config = msgspec.structs.replace(conn.config, profiles=profiles)
    seen: set[str] = set()
    calls = every_verb(conn)
    conn.set_trace_callback(seen.add)
    for call in calls:
        call()
    conn.set_trace_callback(None)
    statements = [sql for sql in seen if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", sql)]
    assert len(statements) > 100
    found = [one for sql in statements for one in scans(conn, sql)]
    assert found == [], "\n".join(f"{plan}: {sql}" for plan, sql in found)


def scans(conn: kb.BoardConnection, sql: str) -> list[tuple[str, str]]:
    plan = [row["detail"] for row in conn.execute(f"EXPLAIN QUERY PLAN {sql}")]
    return [
        (line, sql)
        for line in plan
        if line.startswith("SCAN ") and not any(re.search(rf"\b{word}\b", line) for word in SMALL)
    ]


GROWN = (200, 4_000)
MOST_MORE = 1.3  # deeper trees, no more rows
SLACK = 20
STEPS_BETWEEN_CALLS = 10


@pytest.mark.stores("sqlite")
def test_no_verb_does_more_on_a_larger_board(make_board: Callable[[str], ABoard]) -> None:
    small, large = (steps_of_every_verb(make_board(f"of-{size}"), size) for size in GROWN)
    assert small.keys() == large.keys()
    assert len(small) > 25
    grown = {
        call: (few, large[call])
        for call, few in small.items()
        if large[call] > MOST_MORE * few + SLACK
    }
    assert grown == {}


def steps_of_every_verb(board: ABoard, size: int) -> dict[str, int]:
    """How many tens of instructions SQLite's machine runs for each call, by where that stands."""
    a_grown_board(board, size)
    conn = board.conn
    profiles = {f"p{number}": a_profile(max_in_progress=50) for number in range(3)}
    conn.config = msgspec.structs.replace(conn.config, profiles=profiles)
    calls = every_verb(conn)
    steps: dict[str, int] = {}

    def count() -> int:
        steps[place] += 1
        return 0

    for call in calls:
        place = f"{call.__name__} in line {call.__code__.co_firstlineno}"  # type: ignore[attr-defined]
        steps[place] = 0
        conn.set_progress_handler(count, STEPS_BETWEEN_CALLS)
        call()
        conn.set_progress_handler(None, 0)
    return steps
