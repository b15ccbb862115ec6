"""Time on a task never falls, whatever the wall clock does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from tests.kernel.scenes import current_run, end, hand_in, leave_late_work, proof
from tests.support.boards import START, ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")

HOUR = 3_600


def _times(board: ABoard, task: str) -> list[int]:
    """Every past time that the board stores of the task, in the order of its events."""
    return [event.created_at for event in kb.list_events(board.conn, task, limit=1_000)]


def _past_columns(board: ABoard, task: str) -> list[int]:
    row = board.task(task)
    found: list[int | None] = [row.created_at, row.started_at, row.completed_at]
    for run in kb.list_runs(board.conn, task):
        found += [run.started_at, run.ended_at, run.exited_at, run.stop_requested_at]
    found += [comment.created_at for comment in kb.list_comments(board.conn, task)]
    for link in kb.list_links(board.conn, task):
        if link.child_id == task:
            found += [link.created_at, link.released_at]
    return [at for at in found if at is not None]


def _person_stops(board: ABoard, task: str) -> None:
    run = board.start(task)
    kb.reclaim_task(board.conn, task)
    assert kb.advance_stops(board.conn, board.processes) == [run.id]


def _fails(board: ABoard, task: str) -> None:
    end(board, board.start(task), exit_code=1)


def _reviews(board: ABoard, task: str) -> None:
    hand_in(board, task)
    kb.request_changes(board.conn, task, comment="shorter")
    hand_in(board, task)
    kb.approve_task(board.conn, task, comment="good")


def _waits(board: ABoard, task: str) -> None:
    part = board.create()
    kb.wait_for(board.conn, task, [part], **proof(board.claim(task)))
    kb.complete_task(board.conn, part)


def _loses_its_parent(board: ABoard, task: str) -> None:
    parent = board.create()
    kb.link_tasks(board.conn, parent, task)
    kb.archive_task(board.conn, parent)


def _is_released(board: ABoard, task: str) -> None:
    parent = board.create()
    kb.link_tasks(board.conn, parent, task)
    kb.archive_task(board.conn, parent, release=True)


def _is_adopted(board: ABoard, task: str) -> None:
    late = leave_late_work(board, task)
    kb.adopt_result(board.conn, task, run_id=late.id)


def _is_blocked_and_unblocked(board: ABoard, task: str) -> None:
    kb.block_task(board.conn, task, reason="x")
    kb.unblock_task(board.conn, task)


def _is_reopened(board: ABoard, task: str) -> None:
    kb.complete_task(board.conn, task)
    kb.archive_task(board.conn, task)
    kb.reopen_task(board.conn, task)


STORIES: dict[str, Callable[[ABoard, str], Any]] = {
    "stopped by a person": _person_stops,
    "failed": _fails,
    "reviewed": _reviews,
    "waiting": _waits,
    "without its parent": _loses_its_parent,
    "released": _is_released,
    "adopted": _is_adopted,
    "blocked": _is_blocked_and_unblocked,
    "reopened": _is_reopened,
}


@pytest.mark.parametrize("story", STORIES)
def test_a_clock_that_is_set_back_lets_no_time_of_a_task_fall(board: ABoard, story: str) -> None:
    task = board.create()
    kb.add_comment(board.conn, task, "at the old time")
    newest = board.clock.now()
    board.clock.jump(-HOUR)
    STORIES[story](board, task)
    kb.add_comment(board.conn, task, "at the new time")
    times = _times(board, task)
    assert len(times) > 3
    assert times == sorted(times)
    assert set(times) == {newest}
    assert set(_past_columns(board, task)) == {newest}


def test_in_the_middle_of_a_run_the_end_is_not_before_the_start(board: ABoard) -> None:
    task = board.create(max_retries=5)
    run = board.start(task)
    board.clock.jump(-HOUR)
    end(board, run, exit_code=1)
    ended = kb.get_run(board.conn, run.id)
    assert ended.ended_at == ended.exited_at == ended.started_at == START


def test_future_times_follow_the_clock_that_there_is(board: ABoard) -> None:
    task = board.create()
    board.clock.jump(-HOUR)
    board.claim(task, ttl_seconds=60)
    assert board.task(task).claim_expires == board.clock.now() + 60
    kb.reclaim_task(board.conn, task)
    kb.block_task(board.conn, task, reason="x", kind="transient", retry_in_seconds=10)
    assert board.task(task).eligible_at == board.clock.now() + 10


def test_other_tasks_live_at_the_new_time(board: ABoard) -> None:
    board.create()
    board.clock.jump(-HOUR)
    assert board.task(board.create()).created_at == board.clock.now()


def test_when_the_clock_has_caught_up_times_go_on(board: ABoard) -> None:
    task = board.create()
    board.clock.jump(-HOUR)
    board.claim(task)
    board.clock.advance(2 * HOUR)
    kb.complete_task(board.conn, task)
    assert current_run(board, task).ended_at == board.clock.now()
    assert _times(board, task) == [START, START, START + HOUR]
