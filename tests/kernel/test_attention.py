"""What waits for a person, and what answers it."""

from __future__ import annotations

import pytest

from hermes_kanban import kernel as kb
from tests.support.boards import ABoard


def test_questions_reviews_and_what_was_given_up_wait_for_a_person(board: ABoard) -> None:
    board.configure(max_retries=0)
    asked, failed, reviewed = (board.create() for _ in range(3))
    later = board.create()
    kb.block_task(board.conn, asked, reason="which table?", kind="needs_input")
    board.start(failed)
    board.processes.vanish(board.task(failed).worker_pid or 0)
    kb.detect_crashed_workers(board.conn, board.processes)
    run = board.claim(reviewed)
    kb.request_review(
        board.conn, reviewed, summary="two tables", run_id=run.id, claim_lock=run.claim_lock
    )
    kb.block_task(board.conn, later, reason="the net", kind="transient", retry_in_seconds=60)
    found = kb.attention(board.conn)
    assert [(item.kind, item.card.id) for item in found.items] == [
        ("question", asked),
        ("gave_up", failed),
        ("review", reviewed),
    ]
    assert [item.text for item in found.items[::2]] == ["which table?", "two tables"]
    assert found.items[1].verbs[0] == "unblock"
    assert found.late == []
    first = kb.attention(board.conn, limit=1)
    assert [item.card.id for item in first.items] == [asked]
    second = kb.attention(board.conn, limit=1, after=first.after)
    assert [item.card.id for item in second.items] == [failed]


def test_a_result_that_came_late_waits_until_it_is_taken_over(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    kb.reclaim_task(board.conn, task)
    refused = kb.complete_task(
        board.conn, task, summary="all counted", run_id=run.id, claim_lock=run.claim_lock
    )
    assert not refused
    (late,) = kb.attention(board.conn).late
    assert (late.kind, late.card.id, late.run_id) == ("late_result", task, run.id)
    assert (late.text, late.verbs) == ("all counted", ["adopt", "dismiss"])
    board.claim(task)
    assert kb.attention(board.conn).late == []  # it is being worked on again
    kb.reclaim_task(board.conn, task)
    assert kb.adopt_result(board.conn, task, run_id=run.id)
    assert kb.attention(board.conn).late == []


def test_a_result_that_nobody_wants_is_put_aside_and_can_still_be_had(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    kb.reclaim_task(board.conn, task)
    kb.complete_task(board.conn, task, summary="old", run_id=run.id, claim_lock=run.claim_lock)
    with pytest.raises(kb.NotFound, match="no refused result of run 99"):
        kb.dismiss_result(board.conn, task, run_id=99)
    assert kb.dismiss_result(board.conn, task, run_id=run.id)
    assert kb.attention(board.conn).late == []
    newest = kb.newest_event_id(board.conn)
    assert not kb.dismiss_result(board.conn, task, run_id=run.id)
    assert kb.newest_event_id(board.conn) == newest
    assert kb.adopt_result(board.conn, task, run_id=run.id)
    assert not kb.dismiss_result(board.conn, task, run_id=run.id)


def test_nothing_waits_on_an_empty_board(board: ABoard) -> None:
    found = kb.attention(board.conn)
    assert (found.items, found.late, found.after) == ([], [], None)
