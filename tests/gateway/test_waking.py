"""When the gateway looks, when it stops, and what it says of itself."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import time
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from tests.gateway.test_ends import started
from tests.support.boards import held
from tests.support.gateways import Gateways, shell
from tests.support.waiting import wait_until

QUICK = shell("echo done")
SLEEPER = shell("echo up; exec sleep 300")
NEVER = {"dispatch_interval_seconds": 3600}


def seconds_to_claim(gateways: Gateways) -> float:
    """From the commit of a task to its claim; ends when nothing is left that wakes the gateway."""
    conn = gateways.conn
    task_id = kb.create_task(conn, title="now", assignee="quick")
    committed = time.monotonic()
    wait_until(lambda: kb.get_task(conn, task_id).status != "ready", message="never claimed")
    waited = time.monotonic() - committed
    gateways.wait_for_exit(task_id)
    return waited


@pytest.mark.stores("sqlite")
def test_the_bell_wakes_it_sooner_than_the_change_counter(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK}, **NEVER)
    conn = gateways.open()
    gateways.start()
    with_bell = [seconds_to_claim(gateways) for _ in range(9)]
    conn.paths.doorbell(conn.board_id).unlink()
    without = [seconds_to_claim(gateways) for _ in range(9)]
    # The counter is read every 250 ms: 125 ms is its mean, and the machine may be busy.
    assert min(with_bell) < statistics.median(without), (with_bell, without)


@pytest.mark.stores("sqlite")
def test_a_notifier_has_a_bell_of_its_own_where_nobody_dispatches(gateways: Gateways) -> None:
    gateways.configure({})
    conn = gateways.open()
    own, common = conn.paths.notifier_bell(conn.board_id), conn.paths.doorbell(conn.board_id)
    gateway = gateways.start(wait=False, HERMES_KANBAN_DISPATCH_IN_GATEWAY="0")
    wait_until(own.exists)
    assert not common.exists()
    gateway.terminate()
    assert gateway.wait(20) == 0
    assert not own.exists()
    gateways.start()
    kb.create_task(conn, title="news, at which it looks")
    wait_until(lambda: common.exists() and not own.exists())


def test_a_scheduled_time_wakes_it(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK}, **NEVER)
    conn = gateways.open()
    gateways.start()
    at = int(time.time()) + 2
    task_id = kb.create_task(conn, title="later", assignee="quick", scheduled_at=at)
    gateways.wait_for(task_id, "done")
    assert at <= kb.list_runs(conn, task_id)[0].started_at <= at + 2


@pytest.mark.stores("sqlite")
def test_a_home_with_a_long_path_has_its_bell_elsewhere(
    gateways: Gateways, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("long" * 30)
    deep.mkdir()
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(deep))
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/tmp")
    gateways.home = deep
    gateways.configure({"quick": QUICK}, **NEVER)
    conn = gateways.open()
    gateway = gateways.start()
    bell = conn.paths.doorbell(conn.board_id)
    assert bell.parent == Path("/tmp")
    wait_until(bell.exists)
    assert seconds_to_claim(gateways) < 2.0
    gateway.terminate()
    assert gateway.wait(20) == 0
    assert not bell.exists()


HANGING = """
import pathlib, time
import gateway.dispatcher, gateway.runner
from gateway.__main__ import main

def hang(conn):
    (conn.paths.root / "hangs").touch()
    time.sleep(3600)

gateway.dispatcher.disk_free_mib = hang
gateway.runner.STOP_SECONDS = {seconds}
gateway.kernel_thread.SLOW_SECONDS = 0.1
main()
"""


def hanging(gateways: Gateways, seconds: float) -> subprocess.Popen[bytes]:
    """A gateway in whose worker thread a call never ends, and a signal has come."""
    gateways.configure({})
    conn = gateways.open()
    gateways.program = ("-c", HANGING.format(seconds=seconds))
    gateway = gateways.start(wait=False)
    wait_until((conn.paths.root / "hangs").exists)
    gateway.terminate()
    wait_until(lambda: any('"gateway.stopping"' in line for line in gateways.log_lines()))
    return gateway


def test_a_second_signal_ends_it_at_once_even_in_a_call_that_hangs(gateways: Gateways) -> None:
    gateway = hanging(gateways, seconds=600)
    gateway.terminate()
    assert gateway.wait(20) == 128 + signal.SIGTERM


def test_one_signal_ends_it_too_although_a_call_hangs(gateways: Gateways) -> None:
    gateway = hanging(gateways, seconds=0.5)
    assert gateway.wait(60) == 0
    waits = [json.loads(line) for line in gateways.log_lines() if '"watcher.waits"' in line]
    assert ("default", "dispatcher") in {(one["board"], one["watcher"]) for one in waits}
    assert '"gateway.cut_short"' in gateways.log_lines()[-1]


@pytest.mark.stores("sqlite")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_lets_everything_go(gateways: Gateways, number: signal.Signals) -> None:
    gateways.configure({"sleeper": SLEEPER})
    conn = gateways.open()
    gateway = gateways.start()
    run = started(gateways, kb.create_task(conn, title="long", assignee="sleeper"))
    bell = conn.paths.doorbell(conn.board_id)
    assert bell.exists()
    gateway.send_signal(number)
    assert gateway.wait(10) == 0
    os.kill(run.worker_pid or 0, 0)
    assert not bell.exists()
    assert gateways.health() is None
    assert "Traceback" not in gateways.errors()
    events = [json.loads(line)["event"] for line in gateways.log_lines()]
    assert events[-2:] == ["gateway.stopping", "gateway.stopped"]


def test_the_environment_turns_dispatch_off_against_the_file(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK}, dispatch_in_gateway=True)
    conn = gateways.open()
    task_id = kb.create_task(conn, title="now", assignee="quick")
    gateways.start(wait=False, HERMES_KANBAN_DISPATCH_IN_GATEWAY="0")
    wait_until(lambda: any('"watcher.off"' in line for line in gateways.log_lines()))
    # Whoever does not dispatch leaves the role to another.
    gateways.start(HERMES_KANBAN_DISPATCH_IN_GATEWAY="on")
    gateways.wait_for(task_id, "done")
    assert not any('"dispatch.standby"' in line for line in gateways.log_lines())


def test_a_gate_that_is_closed_and_opened_in_the_file_is_heeded(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK})
    conn = gateways.open()
    gateways.start()
    gateways.configure({"quick": QUICK}, dispatch_in_gateway=False)
    wait_until(lambda: gateways.health() is None, message="it goes on dispatching")
    task_id = kb.create_task(conn, title="now", assignee="quick")
    gateways.configure({"quick": QUICK}, dispatch_in_gateway=True)
    gateways.wait_for(task_id, "done")
    assert kb.list_runs(conn, task_id)[0].outcome == "completed"


def test_a_board_made_while_it_runs_is_served_too(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK})
    gateways.open()
    gateways.start()
    assert kb.create_board("website")
    other = kb.connect("website")
    task_id = kb.create_task(other, title="now", assignee="quick")
    wait_until(lambda: kb.get_task(other, task_id).status == "done")
    other.close()


def test_the_health_record_says_who_dispatches_and_how_much_runs(gateways: Gateways) -> None:
    gateways.configure({"sleeper": SLEEPER}, dispatch_interval_seconds=0.2)
    conn = gateways.open()
    gateway = gateways.start()
    before = gateways.health()
    assert before is not None
    assert (before.state, before.pid, before.in_progress) == ("dispatching", gateway.pid, 0)
    assert (before.degraded, before.stuck) == ([], {})
    assert before.identity is not None and before.identity.pid == gateway.pid
    kb.create_task(conn, title="long", assignee="sleeper")
    wait_until(lambda: (now := gateways.health()) is not None and now.in_progress == 1)


def test_it_opens_no_more_files_with_every_task(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK}, max_in_progress=8, max_spawn=8)
    conn = gateways.open()
    gateway = gateways.start()

    def work_through(count: int) -> int:
        with kb.batch(conn):
            ids = [kb.create_task(conn, title=f"{n}", assignee="quick") for n in range(count)]
        for task_id in ids:
            gateways.wait_for(task_id, "done")
            gateways.wait_for_exit(task_id)
        wait_until(lambda: watched(gateway.pid) == 0, message="pidfds stay open")
        return len(os.listdir(f"/proc/{gateway.pid}/fd"))

    first = work_through(10)
    assert work_through(40) <= first + 1


def watched(pid: int) -> int:
    """How many processes it watches by descriptor."""
    count = 0
    for file in Path(f"/proc/{pid}/fd").iterdir():
        try:
            count += os.readlink(file) == "anon_inode:[pidfd]"
        except FileNotFoundError:
            continue
    return count


def test_no_descriptor_of_the_gateway_reaches_a_worker(gateways: Gateways) -> None:
    gateways.configure({"nosy": shell("exec ls /proc/self/fd")})
    conn = gateways.open()
    gateways.start()
    task_id = kb.create_task(conn, title="look", assignee="nosy")
    gateways.wait_for(task_id, "done")
    summary = kb.list_runs(conn, task_id)[0].summary
    # Input, output, errors, and the folder that it lists.
    assert summary is not None and summary.split() == ["0", "1", "2", "3"]


def test_a_busy_board_is_told_and_worked_on_when_it_is_free(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK}, **NEVER)
    conn = gateways.open()
    gateways.start()
    at = int(time.time()) + 1
    task_id = kb.create_task(conn, title="soon", assignee="quick", scheduled_at=at)

    def complaints() -> str:
        health = gateways.health()
        return "" if health is None else "; ".join(health.degraded)

    with held(conn):
        wait_until(lambda: f"process {os.getpid()} (batch)" in complaints())
    gateways.wait_for(task_id, "done")
    wait_until(lambda: complaints() == "")
    assert any('"watcher.recovered"' in line for line in gateways.log_lines())
