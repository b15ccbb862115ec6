"""Failures count once, wait longer each time, and end: breaker, rate limits, max runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.ports import Conclusion
from tests.kernel.scenes import (
    current_run,
    dump,
    end,
    events_after,
    fail,
    hand_in,
    kinds,
    proof,
)
from tests.support.boards import ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")

FAILURES: dict[str, dict[str, Any]] = {
    "crashed": {"exit_code": 1},
    "timed_out": {"timed_out": True},
    "spawn_failed": {"spawn_failed": "no such program"},
    "protocol_violation": {"exit_code": 0},
}


class FixedRandomness:
    """Draws all ones or all zeros where back-off asks; the rest is the board's own."""

    def __init__(self, board: ABoard, *, high: bool) -> None:
        self._inner, self._high = board.randomness, high

    def randbits(self, bits: int) -> int:
        return (1 << bits) - 1 if self._high else 0

    def token(self) -> str:
        return self._inner.token()


def _wait(board: ABoard, task: str) -> int:
    due = board.task(task).eligible_at
    assert due is not None
    return due - board.clock.now()


@pytest.mark.parametrize("outcome", FAILURES)
def test_each_kind_of_failure_counts_one(board: ABoard, outcome: str) -> None:
    board.configure(max_retries=3)
    task = board.create()
    for count in (1, 2, 3):
        assert fail(board, task, **FAILURES[outcome]).outcome == outcome
        assert board.task(task).consecutive_failures == count
        assert board.task(task).status == "ready"
        assert _wait(board, task) > 0


@pytest.mark.parametrize("outcome", FAILURES)
def test_above_max_retries_the_breaker_blocks_and_names_run_and_error(
    board: ABoard, outcome: str
) -> None:
    task = board.create(max_retries=0)
    run = board.start(task)
    newest = kb.newest_event_id(board.conn)
    end(board, run, **FAILURES[outcome])
    events = events_after(board, newest)
    assert kinds(events) == [outcome, "gave_up", "exited"]
    gave_up = events[1].payload
    assert gave_up["run_id"] == run.id
    assert gave_up["error"] == kb.get_run(board.conn, run.id).error
    assert "unblock" in gave_up["lifted_by"]
    blocked = board.task(task)
    assert (blocked.status, blocked.block_kind) == ("blocked", "needs_input")
    assert gave_up["error"] in (blocked.block_reason or "")
    assert kb.get_run(board.conn, run.id).outcome == outcome
    assert "unblock" in events[0].payload["lifted_by"]


def test_the_task_overrules_the_configured_retries(board: ABoard) -> None:
    board.configure(max_retries=1)
    default, more = board.create(), board.create(max_retries=2)
    for _ in range(2):
        fail(board, default)
        fail(board, more)
    assert board.task(default).status == "blocked"
    assert board.task(more).status == "ready"


@pytest.mark.parametrize("high", [False, True])
def test_the_delay_doubles_up_to_its_ceiling_within_the_bounds_of_jitter(
    board: ABoard, high: bool
) -> None:
    board.configure(max_retries=100, backoff_base_seconds=10, backoff_max_seconds=100)
    task = board.create()
    board.conn.randomness = FixedRandomness(board, high=high)
    share = 1 if high else 0.5
    for ceiling in (10, 20, 40, 80, 100, 100):
        fail(board, task)
        assert _wait(board, task) == round(ceiling * share)


def test_delays_are_drawn_apart(board: ABoard) -> None:
    board.configure(backoff_base_seconds=1_000)
    waits = set()
    for _ in range(5):
        task = board.create()
        fail(board, task)
        waits.add(_wait(board, task))
    assert len(waits) > 1
    assert all(500 <= wait <= 1_000 for wait in waits)


def test_a_hundred_failures_wait_no_longer_than_the_ceiling(board: ABoard) -> None:
    board.configure(max_retries=1_000, max_runs=1_000)
    task = board.create()
    for _ in range(70):
        fail(board, task)
    assert 1_800 <= _wait(board, task) <= 3_600


def test_a_claim_takes_the_delay_away(board: ABoard) -> None:
    task = board.create()
    fail(board, task)
    board.claim(task)
    assert board.task(task).eligible_at is None


def test_a_failed_child_of_a_reopened_parent_waits_in_todo(board: ABoard) -> None:
    parent = board.create()
    kb.complete_task(board.conn, parent)
    child = board.create(parents=[parent])
    run = board.start(child)
    kb.reopen_task(board.conn, parent)
    end(board, run, exit_code=1)
    assert board.task(child).status == "todo"
    assert _wait(board, child) > 0


PERSON: dict[str, Callable[[ABoard, str], Any]] = {
    "unblock": lambda b, t: (
        kb.block_task(b.conn, t, reason="wait"),
        kb.unblock_task(b.conn, t),
    ),
    "assign": lambda b, t: kb.assign_task(b.conn, t, "other"),
    "reopen": lambda b, t: (kb.archive_task(b.conn, t), kb.reopen_task(b.conn, t)),
    "reclaim": lambda b, t: (b.claim(t), kb.reclaim_task(b.conn, t)),
    "accept": lambda b, t: (kb.triage_task(b.conn, t), kb.accept_task(b.conn, t)),
}


@pytest.mark.parametrize("verb", PERSON)
def test_a_persons_touch_starts_the_count_anew(board: ABoard, verb: str) -> None:
    task = board.create(assignee="worker")
    fail(board, task)
    assert board.task(task).consecutive_failures == 1
    PERSON[verb](board, task)
    assert board.task(task).consecutive_failures == 0
    fail(board, task)
    assert board.task(task).status == "ready"


def test_success_and_a_request_for_review_start_the_count_anew(board: ABoard) -> None:
    done, reviewed = board.create(), board.create()
    for task in (done, reviewed):
        fail(board, task)
    kb.complete_task(board.conn, done, **proof(board.claim(done)))
    hand_in(board, reviewed)
    assert board.task(done).consecutive_failures == 0
    assert board.task(reviewed).consecutive_failures == 0


@pytest.mark.parametrize("what", ["edit", "comment", "prioritise", "request_changes"])
def test_other_verbs_leave_the_count(board: ABoard, what: str) -> None:
    task = board.create()
    fail(board, task)
    if what == "edit":
        kb.edit_task(board.conn, task, title="another")
    elif what == "comment":
        kb.add_comment(board.conn, task, "hm")
    elif what == "prioritise":
        kb.prioritise_task(board.conn, task, 3)
    else:
        hand_in(board, task)
        kb.request_changes(board.conn, task, comment="shorter")
        assert board.task(task).consecutive_failures == 0
        return
    assert board.task(task).consecutive_failures == 1


def test_waiting_blocking_and_lost_leases_count_no_failure(board: ABoard) -> None:
    task = board.create()
    fail(board, task)
    run = board.claim(task)
    kb.wait_for(board.conn, task, [_done(board)], **proof(run))
    assert board.task(task).consecutive_failures == 1
    board.claim(task, ttl_seconds=1)
    board.clock.advance(2)
    kb.release_stale_claims(board.conn, board.processes)
    assert board.task(task).consecutive_failures == 1
    run = board.claim(task)
    kb.block_task(board.conn, task, reason="no key", **proof(run))
    assert board.task(task).consecutive_failures == 1


def _done(board: ABoard) -> str:
    task = board.create()
    kb.complete_task(board.conn, task)
    return task


def test_the_end_of_a_failure_is_one_run_with_the_last_output(board: ABoard) -> None:
    task = board.create()
    run = board.start(task)
    newest = kb.newest_event_id(board.conn)
    end(board, run, exit_code=3, tail="counting\nout of words\n")
    failed = kb.get_run(board.conn, run.id)
    assert failed.error == "exit code 3; last output: out of words"
    assert events_after(board, newest)[0].payload["output"] == "counting\nout of words\n"


def test_an_exit_without_a_word_keeps_the_output_as_evidence(board: ABoard) -> None:
    task = board.create()
    run = fail(board, task, exit_code=0, tail="I counted everything, all is well.")
    assert run.outcome == "protocol_violation"
    event = next(e for e in kb.list_events(board.conn, task) if e.kind == "protocol_violation")
    assert event.payload["output"] == "I counted everything, all is well."
    assert "without complete or block" in (run.error or "")


def test_what_the_agent_said_counts_before_what_its_client_printed(board: ABoard) -> None:
    task = board.create()
    said = Conclusion(said="I looked.\nThe file is not there.")
    run = fail(board, task, exit_code=0, tail='{"type": "result"}\n', conclusion=said)
    assert run.error is not None
    assert run.error.endswith("; last output: The file is not there.")
    event = next(e for e in kb.list_events(board.conn, task) if e.kind == "protocol_violation")
    assert event.payload["output"] == said.said


def test_where_exit_zero_means_done_the_output_is_the_summary(board: ABoard) -> None:
    task = board.create()
    child = board.create(parents=[task])
    run = fail(board, task, exit_code=0, on_exit_zero="complete", tail="42 words\n")
    assert (run.outcome, run.summary) == ("completed", "42 words")
    assert board.task(task).status == "done"
    assert board.task(child).status == "ready"


def test_secrets_in_the_output_stay_off_the_board(board: ABoard) -> None:
    task = board.create()
    secret = "sk-ant-api03-" + "a1B2" * 12
    fail(board, task, exit_code=1, tail=f"key {secret}")
    assert secret not in dump(board.conn)


def test_a_rate_limit_waits_doubling_and_counts_nothing(board: ABoard) -> None:
    board.configure(rate_limit_base_seconds=60, max_retries=0)
    task = board.create()
    for wait in (60, 120, 240, 480, 960, 1_920, 3_600, 3_600):
        run = fail(board, task, exit_code=75)
        assert run.outcome == "rate_limited"
        assert _wait(board, task) == wait
        assert board.task(task).consecutive_failures == 0
        assert board.task(task).status == "ready"


def test_any_other_outcome_ends_the_doubling(board: ABoard) -> None:
    board.configure(rate_limit_base_seconds=60, max_retries=9)
    task = board.create()
    fail(board, task, exit_code=75)
    fail(board, task, exit_code=75)
    fail(board, task, exit_code=1)
    fail(board, task, exit_code=75)
    assert _wait(board, task) == 60


def test_a_reported_reset_time_is_waited_for(board: ABoard) -> None:
    task = board.create()
    reset = board.clock.now() + 7_777
    fail(board, task, exit_code=75, conclusion=Conclusion(reset_at=reset))
    assert board.task(task).eligible_at == reset


def test_a_reset_time_in_the_past_is_not(board: ABoard) -> None:
    board.configure(rate_limit_base_seconds=60)
    task = board.create()
    past = Conclusion(reset_at=board.clock.now() - 1)
    fail(board, task, exit_code=75, conclusion=past)
    assert _wait(board, task) == 60


CLOSINGS: dict[str, Callable[[ABoard, str], Any]] = {
    "crashed": fail,
    "rate_limited": lambda b, t: fail(b, t, exit_code=75),
    "waiting": lambda b, t: kb.wait_for(b.conn, t, [_done(b)], **proof(b.claim(t, claimer="w"))),
    "reclaimed": lambda b, t: fail(b, t, never_started=True),
}


@pytest.mark.parametrize("outcome", CLOSINGS)
def test_max_runs_without_a_persons_touch_send_the_task_to_triage(
    board: ABoard, outcome: str
) -> None:
    board.configure(max_runs=3, max_retries=100)
    task = board.create(assignee="worker")
    for _ in range(2):
        CLOSINGS[outcome](board, task)
        assert board.task(task).status == "ready"
    newest = kb.newest_event_id(board.conn)
    CLOSINGS[outcome](board, task)
    assert board.task(task).status == "triage"
    assert current_run(board, task).outcome == outcome
    told = [event for event in events_after(board, newest) if event.task_id == task]
    assert "triaged" in kinds(told)
    assert kinds(told).index("triaged") == kinds(told).index(outcome) + 1
    assert "accept" in kb.why(board.conn, task)[0].lifted_by
    assert "3 runs" in kb.why(board.conn, task)[0].text


def test_a_persons_touch_starts_the_runs_anew(board: ABoard) -> None:
    board.configure(max_runs=2, max_retries=100)
    task = board.create()
    fail(board, task)
    kb.add_comment(board.conn, task, "try the other file")
    fail(board, task)
    assert board.task(task).status == "ready"
    fail(board, task)
    assert board.task(task).status == "triage"
    kb.accept_task(board.conn, task)
    fail(board, task)
    assert board.task(task).status == "ready"


def test_a_workers_comment_is_no_persons_touch(board: ABoard) -> None:
    board.configure(max_runs=2, max_retries=100)
    task = board.create(assignee="worker")
    for _ in range(2):
        run = board.claim(task, claimer="dispatcher")
        board.register(run)
        kb.add_comment(board.conn, task, "still here", **proof(run))
        end(board, run, exit_code=1)
    assert board.task(task).status == "triage"


def test_the_breaker_comes_before_max_runs(board: ABoard) -> None:
    board.configure(max_runs=1, max_retries=0)
    task = board.create()
    fail(board, task)
    assert board.task(task).status == "blocked"


def test_a_spawn_function_that_raises_is_a_failure_to_spawn(board: ABoard) -> None:
    board.add_profile("worker")
    task = board.create(assignee="worker")

    def cannot(task: kb.Task, run: kb.Run) -> int:
        raise OSError(2, "No such file or directory", "/bin/nosuch")

    report = kb.dispatch_once(
        board.conn, spawn_fn=cannot, processes=board.processes, free_mib=lambda: 10_000
    )
    assert report.spawn_failed[0][0] == task
    failed = current_run(board, task)
    assert (failed.outcome, failed.worker_pid) == ("spawn_failed", None)
    assert "/bin/nosuch" in (failed.error or "")
    assert board.task(task).consecutive_failures == 1
    assert board.kinds(task) == ["created", "claimed", "spawn_failed"]


@pytest.mark.parametrize(
    "trouble", [kb.BoardUnreachable("x"), kb.BoardBusy("x", 1)], ids=["unreachable", "busy"]
)
def test_a_board_that_is_away_while_a_worker_is_started_is_no_failure_of_its_task(
    board: ABoard, trouble: kb.KanbanError
) -> None:
    board.add_profile("worker")
    task = board.create(assignee="worker")

    def cannot(task: kb.Task, run: kb.Run) -> int:
        raise trouble

    def look() -> None:
        kb.dispatch_once(
            board.conn, spawn_fn=cannot, processes=board.processes, free_mib=lambda: 10_000
        )

    for _ in range(3):
        with pytest.raises(type(trouble)):
            look()
    assert board.task(task).consecutive_failures == 0
    assert board.kinds(task)[:4] == ["created", "claimed", "reclaimed", "claimed"]


def test_a_stop_for_a_lost_process_is_judged_by_its_record(board: ABoard) -> None:
    task = board.create(max_runtime_seconds=1)
    run = board.start(task)
    board.clock.advance(600)
    kb.enforce_max_runtime(board.conn)
    end(board, run, exit_code=-15)
    assert kb.get_run(board.conn, run.id).outcome == "timed_out"


def test_a_record_of_another_claim_is_never_applied(board: ABoard) -> None:
    task = board.create()
    run = board.start(task)
    worker = board.worker(run)
    board.processes.exit(
        type(worker)(
            board_id=worker.board_id,
            task_id=worker.task_id,
            run_id=worker.run_id,
            claim_lock="of another board",
            pid=0,
            identity=None,
            run_dir=worker.run_dir,
        ),
        at=board.clock.now(),
        exit_code=0,
    )
    assert kb.import_exit_records(board.conn, board.processes) == []
    assert board.task(task).status == "running"


def test_a_person_who_takes_the_last_run_back_keeps_the_task_in_play(board: ABoard) -> None:
    board.configure(max_runs=1)
    reclaimed, assigned = board.create(assignee="worker"), board.create(assignee="worker")
    for task in (reclaimed, assigned):
        board.claim(task, claimer="dispatcher")
    kb.reclaim_task(board.conn, reclaimed)
    kb.assign_task(board.conn, assigned, "other")
    assert board.task(reclaimed).status == "ready"
    assert board.task(assigned).status == "ready"


def test_a_task_in_triage_waits_for_no_time(board: ABoard) -> None:
    board.configure(max_runs=1, max_retries=9)
    task = board.create()
    fail(board, task)
    assert (board.task(task).status, board.task(task).eligible_at) == ("triage", None)
