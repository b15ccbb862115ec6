"""kill -9 of gateways, supervisors and agents at random: no task is lost or at work twice at once.

Each agent has a grandchild in a session of its own. Before it starts anything, an agent looks for
processes of its task's earlier runs, and says so in a trace that all share.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.live import live_runs
from tests.support.gateways import Gateways, shell
from tests.support.waiting import wait_until

AGENT = """
for pid in $(sed -n "s/^pid $HERMES_KANBAN_TASK //p" {trace}); do
  tr '\\0' '\\n' < /proc/$pid/environ | grep -qx "HERMES_KANBAN_TASK=$HERMES_KANBAN_TASK" \\
    && echo "twice $HERMES_KANBAN_TASK $pid" >> {trace}
done 2> /dev/null
echo "start $HERMES_KANBAN_TASK $HERMES_KANBAN_RUN_ID" >> {trace}
setsid sleep 30 &
echo "pid $HERMES_KANBAN_TASK $!" >> {trace}
echo "pid $HERMES_KANBAN_TASK $$" >> {trace}
sleep 0.$(($$ % 4))5
echo "end $HERMES_KANBAN_TASK $HERMES_KANBAN_RUN_ID" >> {trace}
"""
TASKS = 30
PATIENCE_SECONDS = 120


def kill_at_random(gateways: Gateways, kills: int, seed: int) -> Path:
    """File tasks, kill processes of every kind while they are done, then let all of them finish."""
    chance = random.Random(seed)
    trace = gateways.home / "trace"
    trace.touch()
    gateways.configure(
        {"worker": shell(AGENT.format(trace=trace))},
        max_in_progress=6,
        max_retries=1_000,
        max_runs=1_000,
        backoff_max_seconds=1,
        stop_grace_seconds=0.3,
    )
    conn = gateways.open()
    with kb.batch(conn):
        for number in range(TASKS):
            kb.create_task(conn, title=f"{number}", assignee="worker")
    gateway = gateways.start()
    for _ in range(kills):
        victim = chance.choice(["gateway", "supervisor", "agent", "agent", "supervisor"])
        if victim == "gateway":
            gateways.kill(gateway)
            gateway = gateways.start(wait=chance.random() < 0.5)
        else:
            kill_one(conn, trace, victim, chance)
        # Not a wait for anything: the moment of death is what is random.
        time.sleep(chance.uniform(0, 0.1))
    gateways.kill(gateway)
    gateway = gateways.start()
    wait_until(
        lambda: unfinished(conn) == 0,
        timeout=PATIENCE_SECONDS,
        message=f"{unfinished(conn)} tasks stay unfinished",
    )
    gateway.terminate()
    assert gateway.wait(20) == 0
    return trace


def kill_one(conn: kb.BoardConnection, trace: Path, kind: str, chance: random.Random) -> None:
    """kill -9 of one such process, as soon as there is one."""
    pids = wait_until(
        lambda: processes_of(conn, trace, kind) or ([0] if unfinished(conn) == 0 else []),
        message=f"no {kind} to kill",
    )
    if (victim := chance.choice(pids)) != 0:
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)


def processes_of(conn: kb.BoardConnection, trace: Path, kind: str) -> list[int]:
    """Pids of live supervisors, or of whatever their agents said they are."""
    live = [run for run in live_runs(conn) if run.registered]
    if kind == "supervisor":
        return [run.worker_pid or 0 for run in live]
    at_work = {run.task_id for run in live}
    told = (line.split() for line in trace.read_text().splitlines() if line.startswith("pid "))
    return [int(pid) for _, task, pid in told if task in at_work and is_of(task, pid)]


def is_of(task: str, pid: str) -> bool:
    """Whether the process still belongs to that task: pids are given out again."""
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"HERMES_KANBAN_TASK={task}".encode() in variables


def unfinished(conn: kb.BoardConnection) -> int:
    sql = (
        "SELECT (SELECT count(*) FROM tasks WHERE status <> 'done')"
        " + (SELECT count(*) FROM task_runs WHERE worker_pid IS NOT NULL AND exited_at IS NULL)"
    )
    count: int = conn.execute(sql).fetchone()[0]
    return count


def judge(conn: kb.BoardConnection, trace: Path) -> None:
    lines = [line.split() for line in trace.read_text().splitlines()]
    assert [line for line in lines if line[0] == "twice"] == []
    runs = list(all_runs(conn))
    # Whoever came to its end was believed, whoever did not was tried again.
    ended = {int(run) for word, _, run in lines if word == "end"}
    completed = {run.id for run in runs if run.outcome == "completed"}
    assert completed <= ended
    assert len(completed) == TASKS
    for run in runs:
        if run.exit_code is None:
            lost = run.outcome == "crashed" and run.error == "supervisor lost"
            assert lost or run.outcome == "reclaimed", run
        else:
            assert run.exit_code in (0, -signal.SIGKILL, -signal.SIGTERM), run
    left = [line for line in lines if line[0] == "pid" and is_of(line[1], line[2])]
    assert left == [], "processes outlived their runs"
    assert kb.check(conn, deep=True) == []
    print(f"\n{len(runs)} runs: {dict(Counter(run.outcome for run in runs))}")


def all_runs(conn: kb.BoardConnection) -> Iterator[kb.Run]:
    for task in kb.list_tasks(conn, limit=1_000):
        yield from kb.list_runs(conn, task.id)


def test_random_kills_lose_and_double_nothing(gateways: Gateways) -> None:
    trace = kill_at_random(gateways, kills=40, seed=1)
    judge(gateways.conn, trace)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(10))
def test_hundreds_of_random_kills(gateways: Gateways, seed: int) -> None:
    trace = kill_at_random(gateways, kills=60, seed=seed)
    judge(gateways.conn, trace)
