"""Stopping: an intention on the run, the outcome at once, and the process gone before the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.live import live_runs
from tests.kernel.scenes import current_run, end, events_after, holds, kinds, proof
from tests.support.boards import ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")

Verb = Callable[[ABoard, str], Any]
PERSON_VERBS: dict[str, tuple[Verb, str, str]] = {
    "complete": (lambda b, t: kb.complete_task(b.conn, t), "completed", "done"),
    "block": (lambda b, t: kb.block_task(b.conn, t, reason="wait"), "blocked", "blocked"),
    "cancel": (lambda b, t: kb.cancel_task(b.conn, t), "cancelled", "archived"),
    "archive": (lambda b, t: kb.archive_task(b.conn, t), "cancelled", "archived"),
    "assign": (lambda b, t: kb.assign_task(b.conn, t, "other"), "reclaimed", "ready"),
    "reclaim": (lambda b, t: kb.reclaim_task(b.conn, t), "reclaimed", "ready"),
}
EVENTS = {
    "complete": ["completed", "stop_requested"],
    "block": ["blocked", "stop_requested"],
    "cancel": ["cancelled", "stop_requested", "archived"],
    "archive": ["cancelled", "stop_requested", "archived"],
    "assign": ["reclaimed", "stop_requested", "assigned"],
    "reclaim": ["reclaimed", "stop_requested"],
}


@pytest.mark.parametrize("verb", PERSON_VERBS)
def test_a_person_closes_the_run_at_once_and_leaves_a_stop_on_its_process(
    board: ABoard, verb: str
) -> None:
    act, outcome, status = PERSON_VERBS[verb]
    task = board.create(assignee="worker")
    run = board.start(task, stubborn=True)
    newest = kb.newest_event_id(board.conn)
    assert act(board, task)
    assert kinds(events_after(board, newest)) == EVENTS[verb]
    assert board.task(task).status == status
    closed = kb.get_run(board.conn, run.id)
    assert (closed.outcome, closed.ended_at) == (outcome, board.clock.now())
    assert closed.stop_requested_at == board.clock.now()
    assert (closed.stop_by, closed.exited_at) == ("person:tester", None)
    assert closed.stop_reason
    assert board.processes.identity(run.worker_pid) is not None
    assert kb.advance_stops(board.conn, board.processes) == []
    assert kb.advance_stops(board.conn, board.processes) == [run.id]
    gone = kb.get_run(board.conn, run.id)
    assert (gone.exited_at, gone.outcome) == (board.clock.now(), outcome)
    assert board.kinds(task)[-1] == "exited"
    assert board.task(task).status == status


@pytest.mark.parametrize("verb", PERSON_VERBS)
def test_without_a_process_there_is_nothing_to_stop(board: ABoard, verb: str) -> None:
    act, outcome, status = PERSON_VERBS[verb]
    task = board.create(assignee="worker")
    run = board.claim(task)
    assert act(board, task)
    closed = kb.get_run(board.conn, run.id)
    assert (closed.outcome, closed.stop_requested_at) == (outcome, None)
    assert board.task(task).status == status
    assert "stop_requested" not in board.kinds(task)


@pytest.mark.parametrize("verb", PERSON_VERBS)
def test_a_process_that_comes_after_the_end_is_not_registered(board: ABoard, verb: str) -> None:
    task = board.create(assignee="worker")
    run = board.claim(task)
    PERSON_VERBS[verb][0](board, task)
    newest = kb.newest_event_id(board.conn)
    assert not board.register(run)
    assert kb.get_run(board.conn, run.id).worker_pid is None
    assert kb.newest_event_id(board.conn) == newest


def test_a_run_has_one_process(board: ABoard) -> None:
    task = board.create()
    run = board.start(task)
    assert not board.register(run)
    assert kb.get_run(board.conn, run.id).worker_pid == run.worker_pid
    assert board.kinds(task).count("spawned") == 1


def test_a_run_that_does_not_exist_registers_nothing(board: ABoard) -> None:
    assert not kb.register_worker(board.conn, 999, pid=1, identity=None, log_path=None)


def test_registering_shows_the_process_on_run_and_task(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    process = board.processes.start()
    assert kb.register_worker(
        board.conn, run.id, pid=process.pid, identity=process, log_path="/somewhere/log"
    )
    registered = kb.get_run(board.conn, run.id)
    assert (registered.worker_pid, registered.worker_identity) == (process.pid, process)
    assert registered.log_path == "/somewhere/log"
    assert board.task(task).worker_pid == process.pid


def test_a_worker_that_lingers_after_its_own_end_is_asked_to_stop(board: ABoard) -> None:
    board.configure(linger_seconds=30)
    task = board.create()
    run = board.start(task)
    kb.complete_task(board.conn, task, **proof(run))
    board.clock.advance(29)
    assert kb.advance_stops(board.conn, board.processes) == []
    assert kb.get_run(board.conn, run.id).stop_requested_at is None
    board.clock.advance(1)
    kb.advance_stops(board.conn, board.processes)
    asked = kb.get_run(board.conn, run.id)
    assert (asked.stop_reason, asked.stop_by) == ("linger", "system")
    assert kb.advance_stops(board.conn, board.processes) == [run.id]
    assert kb.get_run(board.conn, run.id).outcome == "completed"


def test_a_worker_that_exits_after_its_own_end_is_not_asked(board: ABoard) -> None:
    task = board.create()
    run = board.start(task)
    kb.complete_task(board.conn, task, **proof(run))
    end(board, run, exit_code=3)
    ended = kb.get_run(board.conn, run.id)
    assert (ended.outcome, ended.exit_code, ended.stop_requested_at) == ("completed", 3, None)
    assert board.kinds(task)[-2:] == ["completed", "exited"]
    assert board.task(task).consecutive_failures == 0


def test_a_run_that_outlasts_its_time_stays_open_until_its_process_is_gone(
    board: ABoard,
) -> None:
    board.configure(stop_grace_seconds=5)
    task = board.create(max_runtime_seconds=60)
    run = board.start(task, stubborn=True)
    board.clock.advance(60)
    assert kb.enforce_max_runtime(board.conn) == []
    board.clock.advance(60)
    assert kb.enforce_max_runtime(board.conn) == [run.id]
    assert kb.enforce_max_runtime(board.conn) == []
    asked = kb.get_run(board.conn, run.id)
    assert (asked.stop_reason, asked.stop_by) == ("max_runtime", "system")
    assert asked.ended_at is None
    kb.advance_stops(board.conn, board.processes)
    assert board.task(task).status == "running"
    assert kb.advance_stops(board.conn, board.processes) == [run.id]
    assert kb.get_run(board.conn, run.id).outcome == "timed_out"
    assert board.task(task).consecutive_failures == 1
    assert board.kinds(task)[-3:] == ["stop_requested", "timed_out", "exited"]


def test_a_worker_may_still_finish_in_the_grace(board: ABoard) -> None:
    task = board.create(max_runtime_seconds=60)
    run = board.start(task, stubborn=True)
    board.clock.advance(120)
    kb.enforce_max_runtime(board.conn)
    kb.advance_stops(board.conn, board.processes)
    assert kb.complete_task(board.conn, task, result="just in time", **proof(run))
    assert kb.advance_stops(board.conn, board.processes) == [run.id]
    assert kb.get_run(board.conn, run.id).outcome == "completed"
    assert board.task(task).status == "done"


def test_a_claim_without_a_process_is_timed_out_on_the_second(board: ABoard) -> None:
    task = board.create(max_runtime_seconds=60)
    run = board.claim(task)
    board.clock.advance(60)
    assert kb.enforce_max_runtime(board.conn) == []
    board.clock.advance(1)
    assert kb.enforce_max_runtime(board.conn) == [run.id]
    assert kb.get_run(board.conn, run.id).outcome == "timed_out"


def test_the_profile_limits_the_time_of_a_task_that_does_not(board: ABoard) -> None:
    board.add_profile("quick", max_runtime_seconds=10)
    task = board.create(assignee="quick")
    longer = board.create(assignee="quick", max_runtime_seconds=1_000)
    run = board.claim(task)
    board.claim(longer)
    board.clock.advance(11)
    assert kb.enforce_max_runtime(board.conn) == [run.id]


def test_a_person_who_stops_twice_leaves_the_first_intention(board: ABoard) -> None:
    task = board.create()
    run = board.start(task, stubborn=True)
    board.clock.advance(600)
    kb.reclaim_task(board.conn, task, actor="person:ada")
    asked = kb.get_run(board.conn, run.id)
    board.clock.advance(600)
    kb.advance_stops(board.conn, board.processes)
    again = kb.get_run(board.conn, run.id)
    assert (again.stop_requested_at, again.stop_by) == (asked.stop_requested_at, "person:ada")
    assert board.kinds(task).count("stop_requested") == 1


def test_a_supervisor_that_died_without_a_record_is_noticed(board: ABoard) -> None:
    task = board.create()
    run = board.start(task)
    assert kb.detect_crashed_workers(board.conn, board.processes) == []
    board.processes.vanish(run.worker_pid or 0)
    assert kb.detect_crashed_workers(board.conn, board.processes) == [run.id]
    lost = kb.get_run(board.conn, run.id)
    assert (lost.outcome, lost.error, lost.exit_code) == ("crashed", "supervisor lost", None)
    assert lost.exited_at == board.clock.now()
    assert board.task(task).consecutive_failures == 1


def test_a_record_that_came_with_the_death_is_believed(board: ABoard) -> None:
    task = board.create()
    run = board.start(task)
    board.processes.exit(board.worker(run), at=board.clock.now(), exit_code=7)
    assert kb.detect_crashed_workers(board.conn, board.processes) == [run.id]
    assert kb.get_run(board.conn, run.id).exit_code == 7


def test_a_process_of_another_host_is_neither_stopped_nor_judged_here(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    there = kb.Identity(host="elsewhere", boot="b", pidns=1, pid=7, start_ticks=7)
    kb.register_worker(board.conn, run.id, pid=7, identity=there, log_path=None)
    kb.reclaim_task(board.conn, task)
    assert kb.advance_stops(board.conn, board.processes) == []
    assert kb.detect_crashed_workers(board.conn, board.processes) == []
    assert kb.get_run(board.conn, run.id).exited_at is None
    assert "earlier_process" in holds(board, task)


def test_a_cancelled_task_counts_against_the_caps_until_its_process_is_gone(
    board: ABoard,
) -> None:
    board.configure(max_in_progress=1)
    board.add_profile("worker")
    task, following = board.create(assignee="worker"), board.create(assignee="worker")
    board.start(task, stubborn=True)
    kb.cancel_task(board.conn, task)
    assert holds(board, following) == ["max_in_progress"]
    kb.advance_stops(board.conn, board.processes)
    kb.advance_stops(board.conn, board.processes)
    assert holds(board, following) == []


def test_an_exit_after_the_end_belongs_to_its_own_run(board: ABoard) -> None:
    task = board.create()
    first = board.start(task)
    kb.reclaim_task(board.conn, task)
    end(board, first, exit_code=-15)
    second = board.start(task)
    assert current_run(board, task).id == second.id
    assert kb.get_run(board.conn, first.id).exit_code == -15
    assert kb.get_run(board.conn, second.id).exited_at is None
    assert board.task(task).status == "running"


def test_a_worker_at_work_is_left_alone(board: ABoard) -> None:
    task = board.create()
    run = board.start(task)
    board.clock.advance(10**6)
    assert kb.advance_stops(board.conn, board.processes) == []
    assert kb.detect_crashed_workers(board.conn, board.processes) == []
    assert kb.enforce_max_runtime(board.conn) == []
    assert kb.get_run(board.conn, run.id).stop_requested_at is None
    assert board.kinds(task) == ["created", "claimed", "spawned"]


def test_a_process_registered_after_the_look_is_judged_by_no_old_lease_or_limit(
    board: ABoard,
) -> None:
    """Two hosts look at one board: what one found without a process has one by now."""
    task = board.create(assignee="worker", max_runtime_seconds=60)
    run = board.claim(task)
    board.clock.advance(1_000)
    seen = live_runs(board.conn)
    assert board.register(run)
    assert kb.release_stale_claims(board.conn, board.processes, seen) == []
    assert kb.enforce_max_runtime(board.conn, seen) == []
    assert board.task(task).current_run_id == run.id
