"""kill -9 of the gateway at random moments of a busy board loses nothing and doubles nothing."""

from __future__ import annotations

import random
import time

import pytest

from hermes_kanban import kernel as kb
from tests.gateway.live import LiveHome
from tests.stress import trace
from tests.support.waiting import wait_until

TASKS_A_ROUND = 8
LIFE_SECONDS = 0.5
PATIENCE_SECONDS = 60.0


def kill_gateways(live: LiveHome, times: int) -> None:
    """Keep the board busy, kill one gateway after another, then let the last one finish."""
    told = live.root / "trace"
    told.touch()
    live.configure(max_in_progress=6, max_spawn=3)
    live.shell("worker", trace.script(told, "sleep 0.0$(($$ % 10))5"))
    filed: list[str] = []
    for _ in range(times):
        filed += file_tasks(live, filed)
        doomed = live.gateway()
        doomed.said("gateway.started")
        # Not a wait for anything: the moment of death is what is random.
        time.sleep(random.uniform(0, LIFE_SECONDS))
        doomed.kill()
    last = live.dispatching()
    wait_until(
        lambda: unfinished(live) == 0, timeout=PATIENCE_SECONDS, message="tasks stay unfinished"
    )
    last.stop()
    judge(live, filed, trace.read(told))


def file_tasks(live: LiveHome, before: list[str]) -> list[str]:
    """Some tasks; every other one waits for an earlier task, so that promotions happen too."""
    filed: list[str] = []
    with kb.batch(live.conn):
        for number in range(TASKS_A_ROUND):
            parents = random.sample(before, 1) if before and number % 2 else []
            filed.append(live.create("worker", parents=parents))
    return filed


def unfinished(live: LiveHome) -> int:
    sql = (
        "SELECT (SELECT count(*) FROM tasks WHERE status <> 'done')"
        " + (SELECT count(*) FROM task_runs WHERE worker_pid IS NOT NULL AND exited_at IS NULL)"
    )
    count: int = live.conn.execute(sql).fetchone()[0]
    return count


def judge(live: LiveHome, filed: list[str], lines: list[trace.Line]) -> None:
    once_each = dict.fromkeys(filed, 1)
    assert trace.overlaps(lines) == []
    # Nobody killed a worker: each was started once, and came to its end.
    assert trace.count(lines, "start") == once_each
    assert trace.count(lines, "end") == once_each
    at_work = {line.run for line in lines}
    runs = [run for task_id in filed for run in live.runs(task_id)]
    for run in runs:
        if run.id in at_work:
            assert (run.outcome, run.exit_code) == ("completed", 0), run
        else:
            assert (run.outcome, run.exit_code) == ("reclaimed", None), run
    failures = live.conn.execute("SELECT sum(consecutive_failures) FROM tasks").fetchone()[0]
    assert failures == 0
    live.sound()
    interrupted = len(runs) - len(filed)
    print(f"\n{len(filed)} tasks, {len(runs)} runs, {interrupted} claims taken back")


def test_twenty_kills_lose_and_double_nothing(live: LiveHome) -> None:
    kill_gateways(live, 20)


@pytest.mark.torture
@pytest.mark.parametrize("again", range(10))
def test_two_hundred_kills_lose_and_double_nothing(live: LiveHome, again: int) -> None:
    kill_gateways(live, 20)
