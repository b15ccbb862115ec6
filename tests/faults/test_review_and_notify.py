"""What people see: comments arrive, logs are theirs alone, and signals are true."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.stuck import StuckGauge
from hermes_kanban import kernel as kb
from hermes_kanban.kernel import subscriptions
from tests.gateway.test_ends import started
from tests.kernel.test_queue import GATES
from tests.support.boards import ABoard
from tests.support.gateways import Gateways, shell
from tests.support.waiting import wait_until

PROGRAM = str(Path(sys.executable).with_name("hermes-kanban"))
SECRET = "sk-ant-api03-" + "a1B2" * 12


def test_a_comment_on_a_running_task_is_there_when_its_worker_looks(gateways: Gateways) -> None:
    gate = gateways.home / "gate"
    work = (
        f"cat; while [ ! -e {gate} ]; do sleep 0.02; done; rm {gate};"
        " hermes-kanban context; hermes-kanban block 'is that right?'"
    )
    gateways.configure({"worker": shell(work)})
    conn = gateways.open()
    gateways.start()
    task = kb.create_task(conn, title="work", assignee="worker")
    first = started(gateways, task)
    kb.add_comment(conn, task, "use the figures of May", actor="person:ann")
    log = Path(first.log_path or "")
    assert "figures of May" not in log.read_text()
    gate.touch()
    gateways.wait_for(task, "blocked")
    gateways.wait_for_exit(task)
    assert "use the figures of May" in log.read_text()

    kb.unblock_task(conn, task)
    second = started(gateways, task)
    assert second.id != first.id
    briefing = Path(second.log_path or "")
    wait_until(lambda: "use the figures of May" in briefing.read_text())
    gate.touch()
    gateways.wait_for(task, "blocked")


@pytest.mark.stores("sqlite")
def test_nobody_else_can_read_what_a_board_keeps(
    gateways: Gateways,
) -> None:
    """Under a mask that lets everybody read and write."""
    gateways.configure({"worker": shell("echo said > file; echo said")})
    given = {gateways.home, gateways.home / "config.yaml", gateways.home / "gateway.err"}
    before = os.umask(0)
    try:
        conn = gateways.open()
        gateways.start()
        subscriptions.subscribe(conn, destination="log", filter={"kinds": "all"})
        task = kb.create_task(conn, title="work", assignee="worker")
        gateways.wait_for(task, "done")
        gateways.wait_for_exit(task)
        kb.backup(conn)
        subprocess.run([PROGRAM, "list"], check=True, capture_output=True)
    finally:
        os.umask(before)
    found = [file for file in gateways.home.rglob("*") if file not in given]
    workspace = conn.paths.workspaces / task
    ours = [file for file in found if workspace not in file.parents]
    assert len(ours) > 15
    open_to_others = [
        str(file) for file in ours if not file.is_symlink() and file.stat().st_mode & 0o077
    ]
    assert open_to_others == []
    # A folder that others cannot enter: what the agent made in it is closed to them as well.
    assert stat.S_IMODE(workspace.stat().st_mode) == 0o700


def test_no_secret_that_a_worker_prints_is_shown(gateways: Gateways) -> None:
    inbox = gateways.home / "inbox"
    gateways.configure({"worker": shell(f"echo key {SECRET}; exit 3")})
    conn = gateways.open()
    subscriptions.subscribe(
        conn, destination=f"command:/bin/sh -c 'cat >> {inbox}'", filter={"kinds": "all"}
    )
    gateways.start()
    task = kb.create_task(conn, title="work", assignee="worker", max_retries=0)
    gateways.wait_for(task, "blocked")
    gateways.wait_for_exit(task)
    wait_until(lambda: inbox.exists() and "gave_up" in inbox.read_text())
    shown = [inbox.read_text(), "\n".join(gateways.log_lines())]
    for words in (["show", task], ["runs", task, "--json"], ["log", task], ["events", "--json"]):
        done = subprocess.run([PROGRAM, *words], check=True, capture_output=True, text=True)
        shown.append(done.stdout)
    assert "key" in shown[4]
    assert [text for text in shown if SECRET in text] == []


# Somebody's decision, or waiting for what a live run or a time will bring.
NOT_STUCK = frozenset(
    {"paused", "unassigned", "no_profile", "scheduled", "backing_off", "earlier_process",
     "folder_in_use", "max_in_progress", "profile_cap", "tenant_cap", "no_host", "draining"}
)  # fmt: skip


@pytest.mark.parametrize("code", [*GATES, "nothing"])
def test_stuck_is_said_of_nothing_else_than_what_should_start(board: ABoard, code: str) -> None:
    board.add_profile("worker")
    if code != "nothing":
        GATES[code][0](board)
    gauge = StuckGauge()
    free = 0 if code == "disk" else 10_000
    for _ in range(10):
        report = kb.dispatch_once(
            board.conn,
            spawn_fn=lambda task, run: board.processes.start().pid,
            free_mib=lambda: free,
        )
        gauge.update(report, 5)
    assert set(gauge.reasons) == (set() if code in NOT_STUCK | {"nothing"} else {code})


def test_the_worker_that_everybody_waits_for_is_not_stuck(gateways: Gateways) -> None:
    often = {"dispatch_interval_seconds": 0.05, "stuck_ticks": 2}
    gateways.configure({"worker": shell("echo up; exec sleep 300")}, max_in_progress=1, **often)
    conn = gateways.open()
    gateways.start()
    first = kb.create_task(conn, title="long", assignee="worker")
    started(gateways, first)
    waiting = kb.create_task(conn, title="waits", assignee="worker")
    # One look after the other, until a scheduled task has come due and has had to wait as well.
    due = int(time.time()) + 2
    later = kb.create_task(conn, title="due", assignee="worker", scheduled_at=due)
    wait_until(lambda: [hold.code for hold in kb.why(conn, later)] == ["max_in_progress"])
    kb.cancel_task(conn, first)
    started(gateways, waiting)
    events = [json.loads(line)["event"] for line in gateways.log_lines()]
    assert "dispatch.stuck" not in events
