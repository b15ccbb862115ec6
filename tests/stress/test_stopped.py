"""Processes that are stopped (SIGSTOP) at the worst moment: what they hold stays theirs."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from hermes_kanban import kernel as kb
from tests.support.boards import ManualClock
from tests.support.gateways import Gateways, shell
from tests.support.waiting import wait_until

STOPS_IN_A_BATCH = """
import os, signal
from hermes_kanban import kernel as kb
conn = kb.connect()
with kb.batch(conn):
    kb.create_task(conn, title="by the stopped one")
    os.kill(os.getpid(), signal.SIGSTOP)
    kb.create_task(conn, title="by the stopped one")
conn.close()
"""
WAITS = """
from hermes_kanban import kernel as kb
conn = kb.connect()
kb.create_task(conn, title="by one that waited")
conn.close()
"""
QUICK = shell('echo "$HERMES_KANBAN_TASK" >> "{trace}"')
# What a gateway that stands by does between two tries for the lock makes it sleep at least once.
SLEEPS_OF_SOME_TRIES = 25


@pytest.fixture
def stopped(gateways: Gateways) -> Iterator[subprocess.Popen[bytes]]:
    """A writer that holds the board's lock in the middle of a batch, stopped."""
    gateways.configure({"quick": quick(gateways)}, dispatch_interval_seconds=0.2)
    kb.create_task(gateways.open(), title="to do", assignee="quick")
    process = subprocess.Popen([sys.executable, "-c", STOPS_IN_A_BATCH])
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    yield process
    process.kill()
    process.wait()


def quick(gateways: Gateways) -> dict[str, object]:
    trace = gateways.home / "trace"
    return {"argv": [part.format(trace=trace) for part in QUICK["argv"]]}


def titles(conn: kb.BoardConnection) -> list[str]:
    return sorted(task.title for task in kb.list_tasks(conn))


def test_a_stopped_writer_is_named_and_all_go_on_after_it(
    gateways: Gateways, stopped: subprocess.Popen[bytes]
) -> None:
    conn = gateways.conn
    other = kb.connect(wait_seconds=0.2)
    with pytest.raises(kb.BoardBusy, match=rf"process {stopped.pid} \(batch\)"):
        kb.create_task(other, title="in vain")
    assert titles(conn) == ["to do"]
    waiter = subprocess.Popen([sys.executable, "-c", WAITS])
    wait_until(lambda: somebody_waits(conn), message="nobody waits in the queue")
    assert waiter.poll() is None
    stopped.send_signal(signal.SIGCONT)
    assert stopped.wait(20) == 0
    assert waiter.wait(20) == 0
    kb.create_task(other, title="at last")
    assert titles(conn) == ["at last", "by one that waited", *["by the stopped one"] * 2, "to do"]
    assert kb.check(conn, deep=True) == []
    other.close()


def test_a_claim_that_waited_holds_from_when_its_turn_came(
    gateways: Gateways, stopped: subprocess.Popen[bytes]
) -> None:
    (task,) = kb.list_tasks(gateways.conn)
    clock = ManualClock()
    began = clock.now()

    def claim() -> kb.Task | None:
        with contextlib.closing(kb.connect(clock=clock)) as conn:
            return kb.claim_task(conn, task.id, claimer="late", ttl_seconds=60)

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(claim)
        wait_until(lambda: somebody_waits(gateways.conn), message="nobody waits in the queue")
        clock.advance(100)
        stopped.send_signal(signal.SIGCONT)
        claimed = asked.result()
    assert claimed is not None
    assert claimed.claim_expires == began + 100 + 60


def somebody_waits(conn: kb.BoardConnection) -> bool:
    """Whether somebody stands in the queue for the writer lock: the kernel's, or the server's."""
    if isinstance(conn, sqlite3.Connection):
        inode = f":{conn.paths.writer_lock.stat().st_ino} "
        return any(inode in line and "->" in line for line in Path("/proc/locks").open())
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    return bool(conn.execute(waiting).fetchone()[0])


def test_a_stopped_writer_that_is_killed_leaves_nothing_and_holds_nobody(
    gateways: Gateways, stopped: subprocess.Popen[bytes]
) -> None:
    stopped.kill()
    stopped.wait()
    kb.create_task(gateways.conn, title="at once")
    assert titles(gateways.conn) == ["at once", "to do"]
    assert kb.check(gateways.conn, deep=True) == []


def test_a_gateway_says_who_holds_the_board_and_goes_on_after_it(
    gateways: Gateways, stopped: subprocess.Popen[bytes]
) -> None:
    (task,) = kb.list_tasks(gateways.conn)
    gateway = gateways.start(wait=False)
    wait_until(
        lambda: (
            (found := gateways.health()) is not None
            and any(f"process {stopped.pid} (batch)" in one for one in found.degraded)
        ),
        message="the gateway does not say who holds the board: " + gateways.errors(),
    )
    assert kb.get_task(gateways.conn, task.id).status == "ready"
    stopped.send_signal(signal.SIGCONT)
    assert stopped.wait(20) == 0
    gateways.wait_for(task.id, "done")
    assert gateway.poll() is None
    assert kb.check(gateways.conn, deep=True) == []


def test_nobody_takes_over_from_a_stopped_gateway_until_it_is_dead(gateways: Gateways) -> None:
    gateways.configure({"quick": quick(gateways)}, dispatch_interval_seconds=0.2)
    conn = gateways.open()
    first = gateways.start()
    second = gateways.start(wait=False)
    wait_until(lambda: any('"dispatch.standby"' in line for line in gateways.log_lines()))
    for _ in range(2):
        first.send_signal(signal.SIGSTOP)
        os.waitpid(first.pid, os.WUNTRACED)
        task_id = kb.create_task(conn, title="to do", assignee="quick")
        tried = sleeps(second.pid) + SLEEPS_OF_SOME_TRIES
        wait_until(lambda: sleeps(second.pid) > tried)  # noqa: B023
        assert kb.get_task(conn, task_id).status == "ready", "the stand-by took over"
        first.send_signal(signal.SIGCONT)
        gateways.wait_for(task_id, "done")
    first.send_signal(signal.SIGSTOP)
    os.waitpid(first.pid, os.WUNTRACED)
    task_id = kb.create_task(conn, title="to do", assignee="quick")
    gateways.kill(first)
    gateways.wait_for(task_id, "done")
    assert (found := gateways.health()) is not None and found.pid == second.pid
    judge(gateways)


def sleeps(pid: int) -> int:
    """How often the process has gone to sleep by itself."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("voluntary_ctxt_switches:"):
            return int(line.split()[1])
    raise AssertionError("no count of context switches")


def test_work_that_ends_while_its_gateway_is_stopped_is_known_afterwards(
    gateways: Gateways,
) -> None:
    gateways.configure({"quick": quick(gateways)}, max_in_progress=4)
    conn = gateways.open()
    gateway = gateways.start()
    with kb.batch(conn):
        tasks = [kb.create_task(conn, title="to do", assignee="quick") for _ in range(12)]
    for aim in range(3, 12, 3):
        wait_until(lambda: done(conn) >= aim)  # noqa: B023
        gateway.send_signal(signal.SIGSTOP)
        os.waitpid(gateway.pid, os.WUNTRACED)
        wait_until(lambda: at_work(conn) == 0, message="workers hang without their gateway")
        gateway.send_signal(signal.SIGCONT)
    for task_id in tasks:
        gateways.wait_for(task_id, "done")
    judge(gateways)


def done(conn: kb.BoardConnection) -> int:
    return len(kb.list_tasks(conn, status="done", limit=100))


def at_work(conn: kb.BoardConnection) -> int:
    """Runs whose agent lives; one that still waits for its gateway's go has none."""
    rows = conn.execute("SELECT worker_pid FROM task_runs WHERE worker_pid IS NOT NULL").fetchall()
    return sum(has_child(pid) for (pid,) in rows)


def has_child(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).children())
    except psutil.NoSuchProcess:
        return False


def judge(gateways: Gateways) -> None:
    """Every task was done by one agent."""
    ran = (gateways.home / "trace").read_text().split()
    assert sorted(ran) == sorted(task.id for task in kb.list_tasks(gateways.conn, status="done"))
    assert kb.check(gateways.conn, deep=True) == []
