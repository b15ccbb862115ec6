"""Workers that are killed from outside, or that refuse to die, through a real gateway."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from hermes_kanban import kernel as kb
from tests.gateway.test_ends import is_alive, started
from tests.support.gateways import Gateways, shell
from tests.support.waiting import wait_until

FAMILY = 'setsid sleep 300 & echo "$! $$" > {pids}; echo up; wait'
STUBBORN = "trap '' TERM; echo up; while :; do sleep 0.05; done"


def a_family_at_work(gateways: Gateways, script: str = FAMILY) -> tuple[kb.Run, list[str]]:
    """A run whose agent has a grandchild in a session of its own; the pids, grandchild first."""
    pids = gateways.home / "pids"
    gateways.configure({"worker": shell(script.format(pids=pids))})
    conn = gateways.open()
    gateways.start()
    task_id = kb.create_task(conn, title="work", assignee="worker")
    run = started(gateways, task_id)
    return run, pids.read_text().split()


def closed_as(gateways: Gateways, run: kb.Run) -> kb.Run:
    """The run, once it is closed and nothing of it lives."""
    wait_until(
        lambda: kb.get_run(gateways.conn, run.id).exited_at is not None,
        message=f"run {run.id} never exits: {gateways.story(run.task_id)}",
    )
    return kb.get_run(gateways.conn, run.id)


def test_a_killed_agent_leaves_its_signal_and_no_grandchild(gateways: Gateways) -> None:
    run, (grandchild, agent) = a_family_at_work(gateways)
    os.kill(int(agent), signal.SIGKILL)
    ended = closed_as(gateways, run)
    assert (ended.outcome, ended.exit_code) == ("crashed", -signal.SIGKILL)
    assert not is_alive(grandchild)
    assert kb.check(gateways.conn, deep=True) == []


def test_the_death_of_a_whole_family_is_noticed_at_once(gateways: Gateways) -> None:
    run, (grandchild, agent) = a_family_at_work(gateways)
    for pid in (run.worker_pid or 0, int(agent), int(grandchild)):
        os.kill(pid, signal.SIGKILL)
    killed_at = time.monotonic()
    ended = closed_as(gateways, run)
    # One second is the promise; the rest is what a loaded machine may add.
    assert time.monotonic() - killed_at < 3.0
    assert (ended.outcome, ended.error) == ("crashed", "supervisor lost")
    assert kb.check(gateways.conn, deep=True) == []


def test_the_retry_waits_for_the_tree_of_a_killed_supervisor(gateways: Gateways) -> None:
    # Written by the second attempt: which pids of the first are still there.
    seen = gateways.home / "seen"
    again = f"for pid in $(cat {{pids}}); do test -e /proc/$pid && echo $pid; done > {seen}.new"
    script = f"if test -e {{pids}}; then {again}; mv {seen}.new {seen}; exit 0; fi; {FAMILY}"
    run, pids = a_family_at_work(gateways, script)
    os.kill(run.worker_pid or 0, signal.SIGKILL)
    gateways.wait_for(run.task_id, "done")
    left = seen.read_text().split()
    assert [pid for pid in left if pid in pids and is_alive(pid)] == []
    first, second = kb.list_runs(gateways.conn, run.task_id)
    assert (first.outcome, first.exit_code) == ("crashed", None)
    assert (second.outcome, second.exit_code) == ("completed", 0)
    assert kb.check(gateways.conn, deep=True) == []


PERSON = {
    "blocked": lambda conn, task_id: kb.block_task(conn, task_id, reason="wait"),
    "cancelled": kb.cancel_task,
    "completed": lambda conn, task_id: kb.complete_task(conn, task_id, result="by hand"),
    "reclaimed": lambda conn, task_id: kb.assign_task(conn, task_id, "nobody"),
}


@pytest.mark.parametrize("outcome", PERSON)
def test_a_person_ends_a_worker_that_ignores_sigterm(gateways: Gateways, outcome: str) -> None:
    gateways.configure({"worker": shell(STUBBORN)}, stop_grace_seconds=0.3)
    conn = gateways.open()
    gateways.start()
    task_id = kb.create_task(conn, title="work", assignee="worker")
    run = started(gateways, task_id)
    act: Callable[[kb.BoardConnection, str], object] = PERSON[outcome]
    act(conn, task_id)
    closed = kb.get_run(conn, run.id)
    assert (closed.outcome, closed.exited_at) == (outcome, None)
    assert closed.stop_requested_at is not None
    ended = closed_as(gateways, run)
    assert (ended.outcome, ended.exit_code) == (outcome, -signal.SIGKILL)
    assert kb.list_runs(conn, task_id)[-1].id == run.id
    assert kb.check(conn, deep=True) == []


def test_a_live_worker_outlasts_its_lease(gateways: Gateways) -> None:
    gate = gateways.home / "gate"
    script = f"echo up; while [ ! -e {gate} ]; do sleep 0.02; done"
    gateways.configure({"worker": shell(script)}, lease_seconds=1, dispatch_interval_seconds=0.2)
    conn = gateways.open()
    gateways.start()
    task_id = kb.create_task(conn, title="long", assignee="worker")
    run = started(gateways, task_id)
    wait_until(lambda: time.time() > run.started_at + 3)
    lease = kb.get_task(conn, task_id).claim_expires or 0
    assert lease > run.started_at + 2
    gate.touch()
    gateways.wait_for(task_id, "done")
    assert [one.outcome for one in kb.list_runs(conn, task_id)] == ["completed"]


def test_a_claim_that_nobody_renews_is_taken_back(gateways: Gateways) -> None:
    gateways.configure({}, dispatch_interval_seconds=0.2)
    conn = gateways.open()
    gateways.start()
    outside = kb.create_task(conn, title="by an outside worker")
    assert kb.claim_task(conn, outside, claimer="outside", ttl_seconds=1)
    gateways.wait_for(outside, "ready")
    (run,) = kb.list_runs(conn, outside)
    assert (run.outcome, run.exited_at) == ("reclaimed", None)
    assert kb.check(conn, deep=True) == []


def test_what_the_breaker_stopped_starts_again_when_a_person_has_mended_it(
    gateways: Gateways,
) -> None:
    gateways.configure({"worker": shell("exit 9")}, max_retries=1)
    conn = gateways.open()
    gateways.start()
    task_id = kb.create_task(conn, title="work", assignee="worker")
    gateways.wait_for(task_id, "blocked")
    gateways.wait_for_exit(task_id)
    gateways.configure({"worker": shell("exit 0")}, max_retries=1)
    wait_until(lambda: any('"config.reloaded"' in line for line in gateways.log_lines()))
    kb.unblock_task(conn, task_id)
    task = gateways.wait_for(task_id, "done")
    assert task.consecutive_failures == 0
    outcomes = [run.outcome for run in kb.list_runs(conn, task_id)]
    assert outcomes == ["crashed", "crashed", "completed"]
    assert any('"breaker.opened"' in line for line in gateways.log_lines())
    assert kb.check(conn, deep=True) == []
