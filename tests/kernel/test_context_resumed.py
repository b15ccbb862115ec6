"""What a worker is told that goes on with its conversation: what is new, and nothing twice."""

from __future__ import annotations

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model import NotFound, Run
from tests.kernel.scenes import fail, hand_in, proof
from tests.support.boards import ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")


def _news(board: ABoard, run: Run) -> str:
    board.clock.advance(60)
    board.claim(run.task_id)
    return kb.build_worker_context(board.conn, run.task_id, since_run=run.id)


def _begun(board: ABoard) -> Run:
    """A run of a task that has a past: a parent, an attempt, a comment."""
    parent = board.create("inventory")
    kb.complete_task(board.conn, parent, result="42 files")
    task = board.create("Count the words", body="All of them.", parents=[parent], max_retries=9)
    fail(board, task, exit_code=3, tail="an old story")
    kb.add_comment(board.conn, task, "an old remark")
    board.clock.advance(60)
    return board.claim(task)


def test_the_answer_to_its_question_is_new_and_the_rest_is_not(board: ABoard) -> None:
    run = _begun(board)
    kb.add_comment(board.conn, run.task_id, "its own remark", **proof(run))
    kb.block_task(board.conn, run.task_id, reason="which file?", **proof(run))
    kb.unblock_task(board.conn, run.task_id, reason="the second one", actor="person:ada")
    text = _news(board, run)
    for told in ("Count the words", "which file?", "the second one", "ended as blocked"):
        assert told in text
    for known in ("All of them.", "42 files", "an old story", "an old remark", "its own remark"):
        assert known not in text


def test_what_was_said_while_it_ran_is_told_again(board: ABoard) -> None:
    run = _begun(board)
    board.clock.advance(60)
    kb.add_comment(board.conn, run.task_id, "perhaps not heard", actor="person:ada")
    board.clock.advance(60)
    kb.block_task(board.conn, run.task_id, reason="?", **proof(run))
    kb.unblock_task(board.conn, run.task_id)
    assert "perhaps not heard" in _news(board, run)


def test_changes_that_a_reviewer_asked_for_are_new(board: ABoard) -> None:
    task = board.create()
    run = hand_in(board, task, summary="a draft")
    kb.request_changes(board.conn, task, comment="shorter", actor="person:ada")
    text = _news(board, run)
    assert "shorter" in text
    assert "changes requested by person:ada" in text


def test_a_body_that_was_edited_is_new(board: ABoard) -> None:
    run = _begun(board)
    kb.edit_task(board.conn, run.task_id, body="Only the long ones.")
    kb.block_task(board.conn, run.task_id, reason="?", **proof(run))
    kb.unblock_task(board.conn, run.task_id)
    assert "Only the long ones." in _news(board, run)


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_results_of_tasks_that_it_waited_for_are_new(board: ABoard, when: str) -> None:
    child = board.create("a part")
    if when == "before":
        kb.complete_task(board.conn, child, result="7 words")
        board.clock.advance(60)
    run = _begun(board)
    board.clock.advance(60)
    kb.wait_for(board.conn, run.task_id, [child], summary="asked", **proof(run))
    if when == "after":
        board.clock.advance(60)
        kb.complete_task(board.conn, child, result="7 words")
    text = _news(board, run)
    assert "7 words" in text
    assert "asked" in text
    assert "42 files" not in text


def test_an_unknown_run_has_no_news(board: ABoard) -> None:
    with pytest.raises(NotFound, match="run"):
        kb.build_worker_context(board.conn, board.create(), since_run=99)
