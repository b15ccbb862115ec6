"""The gateway as a service: it wakes at once, stops at once, stands by, adopts, and says so."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

from gateway.backoff import FailureBackoff
from hermes_kanban import health
from hermes_kanban import kernel as kb
from hermes_kanban.logs import get_logger
from tests.gateway.test_ends import started
from tests.support.gateways import Gateways, shell
from tests.support.waiting import wait_until

SLEEPER = shell("echo up; exec sleep 300")
QUICK = shell("echo done")


def test_a_new_task_is_noticed_long_before_the_interval(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK}, dispatch_interval_seconds=3600)
    conn = gateways.open()
    gateways.start()
    task_id = kb.create_task(conn, title="now", assignee="quick")
    gateways.wait_for(task_id, "done")


@pytest.mark.stores("sqlite")
def test_a_change_without_a_ring_is_noticed_too(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK}, dispatch_interval_seconds=3600)
    conn = gateways.open()
    gateways.start()
    conn.paths.doorbell(conn.board_id).unlink()
    task_id = kb.create_task(conn, title="now", assignee="quick")
    gateways.wait_for(task_id, "done")


def test_signals_stop_it_within_a_second_and_no_worker_dies(gateways: Gateways) -> None:
    gateways.configure({"sleeper": SLEEPER})
    conn = gateways.open()
    for number in (signal.SIGTERM, signal.SIGINT):
        gateway = gateways.start()
        task_id = kb.create_task(conn, title="long", assignee="sleeper")
        run = started(gateways, task_id)
        began = time.monotonic()
        gateway.send_signal(number)
        assert gateway.wait(10) == 0
        # One second is the promise; the rest is what a loaded machine may add.
        assert time.monotonic() - began < 5
        os.kill(run.worker_pid or 0, 0)
        assert kb.get_task(conn, task_id).status == "running"
        assert gateways.health() is None
    assert kb.check(conn) == []


def test_the_next_gateway_adopts_workers_with_their_exit_codes(gateways: Gateways) -> None:
    gate = gateways.home / "gate"
    script = f"echo up; while [ ! -e {gate} ]; do sleep 0.02; done; exit 7"
    gateways.configure({"worker": shell(script)})
    conn = gateways.open()
    first = gateways.start()
    live = kb.create_task(conn, title="ends under the second", assignee="worker", max_retries=0)
    run = started(gateways, live)
    gateways.kill(first)
    gateways.start()
    gate.touch()
    gateways.wait_for(live, "blocked")
    ended = gateways.wait_for_exit(live)
    assert (ended.id, ended.outcome, ended.exit_code) == (run.id, "crashed", 7)


def test_an_exit_while_no_gateway_runs_is_known_afterwards(gateways: Gateways) -> None:
    gate = gateways.home / "gate"
    script = f"echo up; while [ ! -e {gate} ]; do sleep 0.02; done; echo late"
    gateways.configure({"worker": shell(script)})
    conn = gateways.open()
    first = gateways.start()
    task_id = kb.create_task(conn, title="ends alone", assignee="worker")
    run = started(gateways, task_id)
    gateways.kill(first)
    gate.touch()
    record = conn.paths.run_dir(run.id) / "exit.json"
    wait_until(record.exists)
    gateways.start()
    gateways.wait_for(task_id, "done")
    assert gateways.wait_for_exit(task_id).exit_code == 0
    assert not record.exists()


def test_a_second_gateway_stands_by_and_takes_over(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK})
    conn = gateways.open()
    first = gateways.start()
    second = gateways.start(wait=False)
    wait_until(lambda: any('"dispatch.standby"' in line for line in gateways.log_lines()))
    left_behind = conn.paths.standby(2**22 + 1)
    (waiting,) = wait_until(lambda: health.standing_by(conn.paths, conn.clock.now()))
    assert (waiting.state, waiting.pid) == ("standby", second.pid)
    left_behind.write_bytes(conn.paths.standby(second.pid).read_bytes())
    record = json.loads(left_behind.read_bytes())
    left_behind.write_text(json.dumps(record | {"pid": 2**22 + 1}))
    third = gateways.start(wait=False)
    wait_until(lambda: len(health.standing_by(conn.paths, conn.clock.now())) == 2)
    assert not left_behind.exists()
    gateways.kill(third)
    wait_until(lambda: len(health.standing_by(conn.paths, conn.clock.now())) == 1)
    gateways.kill(first)
    wait_until(lambda: (found := gateways.health()) is not None and found.pid == second.pid)
    wait_until(lambda: not conn.paths.standby(second.pid).exists())
    task_id = kb.create_task(conn, title="now", assignee="quick")
    gateways.wait_for(task_id, "done")
    assert any('"dispatch.took_over"' in line for line in gateways.log_lines())


def test_the_environment_turns_dispatch_off_and_on(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK}, dispatch_in_gateway=False)
    conn = gateways.open()
    task_id = kb.create_task(conn, title="now", assignee="quick")
    off = gateways.start(wait=False)
    wait_until(lambda: any('"watcher.off"' in line for line in gateways.log_lines()))
    assert kb.get_task(conn, task_id).status == "ready"
    gateways.kill(off)
    gateways.start(HERMES_KANBAN_DISPATCH_IN_GATEWAY="yes")
    gateways.wait_for(task_id, "done")


def test_a_bad_setting_stops_it_at_the_start_with_one_line(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK}, max_spwn=3)
    gateway = gateways.start(wait=False)
    assert gateway.wait(20) == 2
    assert "max_spwn" in gateways.errors()
    assert len(gateways.errors().splitlines()) == 1


def test_a_bad_edit_keeps_the_last_good_configuration(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK})
    conn = gateways.open()
    gateways.start()
    gateways.configure({"quick": QUICK}, max_spwn=3)
    wait_until(lambda: (found := gateways.health()) is not None and found.degraded)
    task_id = kb.create_task(conn, title="now", assignee="quick")
    gateways.wait_for(task_id, "done")
    gateways.configure({"quick": QUICK, "other": QUICK})
    wait_until(lambda: (found := gateways.health()) is not None and not found.degraded)


def test_a_new_profile_is_taken_up_while_it_runs(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK})
    conn = gateways.open()
    gateways.start()
    task_id = kb.create_task(conn, title="now", assignee="other")
    gateways.configure({"quick": QUICK, "other": QUICK})
    gateways.wait_for(task_id, "done")


@pytest.mark.stores("sqlite")
def test_a_damaged_board_holds_up_no_other(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK})
    conn = gateways.open()
    broken = gateways.home / "boards" / "broken"
    broken.mkdir()
    (broken / "board.db").write_bytes(b"this is no database" * 100)
    before = (broken / "board.db").read_bytes()
    gateways.start()
    task_id = kb.create_task(conn, title="now", assignee="quick")
    gateways.wait_for(task_id, "done")
    wait_until(lambda: any('"board.refused"' in line for line in gateways.log_lines()))
    assert (broken / "board.db").read_bytes() == before


@pytest.mark.stores("sqlite")
@pytest.mark.parametrize(
    "error",
    [
        kb.BoardUnreachable("away"),
        kb.NotNow("read only"),
        kb.DiskFull("full"),
        kb.BoardBusy("x", 1),
    ],
)
def test_what_passes_by_itself_is_looked_for_again_within_seconds(error: kb.KanbanError) -> None:
    backoff = FailureBackoff("dispatcher", get_logger())
    assert all(backoff.failed(error) <= 5 for _ in range(20))
    assert backoff.failed(RuntimeError("a defect")) == 60


STUMBLING = """
import gateway.runner
from gateway.__main__ import main

look, stumbles = gateway.runner.board_slugs, ["the first", "the second"]

def stumble(database):
    if stumbles:
        raise RuntimeError(f"unforeseen, {stumbles.pop(0)}")
    return look(database)

gateway.runner.board_slugs = stumble
main()
"""


def test_what_nobody_foresaw_in_a_service_is_told_and_it_goes_on(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK})
    conn = gateways.open()
    gateways.program = ("-c", STUMBLING)
    gateway = gateways.start()
    task_id = kb.create_task(conn, title="now", assignee="quick")
    gateways.wait_for(task_id, "done")
    assert gateway.poll() is None
    told = [json.loads(line) for line in gateways.log_lines() if "watcher.failed" in line]
    assert [(one["watcher"], one["error"]) for one in told] == [
        ("boards", "unforeseen, the first"),
        ("boards", "unforeseen, the second"),
    ]


def test_a_paused_board_starts_nothing_and_goes_on_when_resumed(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK, "marker": QUICK})
    conn = gateways.open()
    kb.pause(conn)
    task_id = kb.create_task(conn, title="now", assignee="quick")
    gateways.start()
    assert kb.get_task(conn, task_id).status == "ready"
    assert [hold.code for hold in kb.why(conn, task_id)] == ["paused"]
    kb.resume(conn)
    gateways.wait_for(task_id, "done")


def test_caps_are_never_exceeded(gateways: Gateways) -> None:
    trace = gateways.home / "trace"
    script = f'echo "+" >> {trace}; sleep 0.1; echo "-" >> {trace}'
    capped = shell(script, max_in_progress=2)
    gateways.configure({"capped": capped}, max_in_progress=5)
    conn = gateways.open()
    with kb.batch(conn):
        ids = [kb.create_task(conn, title=f"{n}", assignee="capped") for n in range(12)]
    gateways.start()
    for task_id in ids:
        gateways.wait_for(task_id, "done")
    running = most = 0
    for mark in trace.read_text().split():
        running += 1 if mark == "+" else -1
        most = max(most, running)
    assert most == 2


def test_it_says_when_tasks_should_start_and_do_not(gateways: Gateways) -> None:
    huge = {"min_free_mb": 1_000_000, "stuck_ticks": 2, "dispatch_interval_seconds": 0.1}
    gateways.configure({"quick": QUICK}, **huge)
    conn = gateways.open()
    task_id = kb.create_task(conn, title="now", assignee="quick")
    gateways.start()
    found = wait_until(lambda: (one := gateways.health()) is not None and one.stuck and one)
    assert found.stuck == {"disk": [task_id]}
    warnings = [json.loads(line) for line in gateways.log_lines() if "dispatch.stuck" in line]
    assert [one["reasons"] for one in warnings] == [{"disk": [task_id]}]
    assert kb.get_task(conn, task_id).status == "ready"
