"""kill -9 of the gateway at random points of a busy board: nothing lost, nothing run twice."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from tests.support.gateways import Gateways, shell
from tests.support.waiting import wait_until

WORK = (
    'echo "start $HERMES_KANBAN_TASK $$" >> "{trace}"; '
    "sleep 0.0$(($$ % 8 + 1)); "
    'echo "end $HERMES_KANBAN_TASK $$" >> "{trace}"'
)


def kill_and_restart(gateways: Gateways, kills: int, seed: int) -> Path:
    """Keep the board busy while gateways are killed and started; returns the workers' trace."""
    chance = random.Random(seed)
    trace = gateways.home / "trace"
    profile = shell(WORK.format(trace=trace))
    gateways.configure({"worker": profile}, max_in_progress=6, max_retries=0)
    conn = gateways.open()
    for kill in range(kills):
        with kb.batch(conn):
            first = kb.create_task(conn, title=f"first {kill}", assignee="worker")
            for number in range(3):
                kb.create_task(conn, title=f"{kill}.{number}", assignee="worker", parents=[first])
        gateway = gateways.start(wait=False)
        # Somewhere between its first breath and the middle of its work.
        events = kb.newest_event_id(conn) + chance.randrange(0, 24)
        wait_until(
            lambda: kb.newest_event_id(conn) >= events or not kb.list_tasks(conn, status=OPEN),  # noqa: B023
            message="the board does not move: " + gateways.errors()[-2000:],
        )
        gateways.kill(gateway)
    gateways.start()
    wait_until(lambda: not unfinished(conn), timeout=60, message=str(unfinished(conn)))
    return trace


OPEN = ("todo", "ready", "running", "blocked", "triage")


def unfinished(conn: kb.BoardConnection) -> list[tuple[str, str]]:
    """Tasks that are not done, and runs whose process has not exited."""
    tasks = [(task.id, task.status) for task in kb.list_tasks(conn, status=OPEN)]
    runs = conn.execute(
        "SELECT task_id, outcome FROM task_runs"
        " WHERE ended_at IS NULL OR (worker_pid IS NOT NULL AND exited_at IS NULL)"
    ).fetchall()
    return tasks + [tuple(row) for row in runs]


def judge(conn: kb.BoardConnection, trace: Path) -> None:
    running: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    for line in trace.read_text().splitlines():
        word, task_id, _ = line.split()
        running[task_id] += 1 if word == "start" else -1
        ended[task_id] += word == "end"
        assert 0 <= running[task_id] <= 1, f"{task_id} ran twice at once"
    tasks = kb.list_tasks(conn, limit=10_000)
    assert {task.status for task in tasks} == {"done"}
    assert ended == {task.id: 1 for task in tasks}
    unknown = conn.execute(
        "SELECT id, outcome, error FROM task_runs"
        " WHERE worker_pid IS NOT NULL AND exit_code IS NULL"
    ).fetchall()
    assert all("never started" in row["error"] for row in unknown), [tuple(r) for r in unknown]
    assert kb.check(conn, deep=True) == []


def test_a_killed_gateway_loses_nothing_and_runs_nothing_twice(gateways: Gateways) -> None:
    trace = kill_and_restart(gateways, kills=20, seed=1)
    judge(gateways.conn, trace)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(10))
def test_two_hundred_kills(gateways: Gateways, seed: int) -> None:
    trace = kill_and_restart(gateways, kills=20, seed=seed)
    judge(gateways.conn, trace)
