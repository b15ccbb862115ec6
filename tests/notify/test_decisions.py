"""The same question is answered once: the first wins, the second is told who was first."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.decisions import open_question
from tests.support.boards import ABoard

Ask = Callable[[ABoard], str]


def newest(board: ABoard, task_id: str, *kinds: str) -> int:
    events = kb.list_events(board.conn, task_id=task_id, limit=1_000)
    return max(event.id for event in events if event.kind in kinds)


def asked(board: ABoard, task_id: str) -> int:
    """The open question of a task."""
    found = open_question(board.conn, task_id, board.task(task_id).status)
    assert found is not None
    return found


def in_review(board: ABoard) -> str:
    task_id = board.create("report", assignee="writer")
    run = board.claim(task_id)
    kb.request_review(board.conn, task_id, run_id=run.id, claim_lock=run.claim_lock)
    return task_id


def a_question(board: ABoard) -> str:
    task_id = board.create("report")
    kb.block_task(board.conn, task_id, reason="how long?")
    return task_id


def test_the_first_answer_wins_and_the_second_is_told_who_gave_it(board: ABoard) -> None:
    task_id = a_question(board)
    question = asked(board, task_id)
    assert kb.decision_of(board.conn, task_id, question) is None
    kb.unblock_task(board.conn, task_id, reason="30 days", question=question, actor="person:mara")
    board.clock.advance(120)
    before = kb.newest_event_id(board.conn)
    with pytest.raises(kb.AlreadyDecided) as refusal:
        kb.unblock_task(
            board.conn, task_id, reason="60 days", question=question, actor="person:tom"
        )
    assert str(refusal.value) == f"{task_id} was answered by person:mara 2 min ago: 30 days"
    decision = refusal.value.decision
    assert (decision.by, decision.verb, decision.text) == ("person:mara", "unblock", "30 days")
    assert kb.decision_of(board.conn, task_id, question) == decision
    assert kb.newest_event_id(board.conn) == before


def test_a_question_that_is_asked_anew_is_another(board: ABoard) -> None:
    task_id = a_question(board)
    first = asked(board, task_id)
    kb.unblock_task(board.conn, task_id, reason="30 days")
    kb.block_task(board.conn, task_id, reason="working days?")
    second = asked(board, task_id)
    assert second != first
    with pytest.raises(kb.AlreadyDecided, match="30 days"):
        kb.unblock_task(board.conn, task_id, reason="yes", question=first)
    kb.unblock_task(board.conn, task_id, reason="yes", question=second)
    decided = kb.decision_of(board.conn, task_id, second)
    assert decided is not None
    assert decided.text == "yes"


def test_a_review_is_decided_once(board: ABoard) -> None:
    task_id = in_review(board)
    question = asked(board, task_id)
    kb.request_changes(
        board.conn, task_id, comment="May is missing", question=question, actor="person:mara"
    )
    with pytest.raises(
        kb.AlreadyDecided, match="sent back by person:mara just now: May is missing"
    ):
        kb.approve_task(board.conn, task_id, question=question)


def test_an_approval_keeps_what_was_said(board: ABoard) -> None:
    task_id = in_review(board)
    question = asked(board, task_id)
    kb.approve_task(board.conn, task_id, comment="well done", question=question)
    decided = kb.decision_of(board.conn, task_id, question)
    assert decided is not None
    assert (decided.verb, decided.text) == ("approve", "well done")


def test_a_review_that_was_blocked_for_a_while_still_asks(board: ABoard) -> None:
    task_id = in_review(board)
    question = asked(board, task_id)
    kb.block_task(board.conn, task_id, reason="the reviewer is ill")
    decided = kb.decision_of(board.conn, task_id, question)
    assert decided is not None
    assert decided.verb == "block"
    kb.unblock_task(board.conn, task_id)
    assert asked(board, task_id) == question
    assert kb.decision_of(board.conn, task_id, question) is None
    assert kb.approve_task(board.conn, task_id, question=question)


def test_what_is_undone_is_open_again(board: ABoard) -> None:
    task_id = a_question(board)
    question = asked(board, task_id)
    kb.unblock_task(board.conn, task_id, reason="30 days")
    kb.undo(board.conn, task_id)
    assert asked(board, task_id) == question
    assert kb.decision_of(board.conn, task_id, question) is None
    assert kb.unblock_task(board.conn, task_id, reason="60 days", question=question)
    decided = kb.decision_of(board.conn, task_id, question)
    assert decided is not None
    assert decided.text == "60 days"


def test_a_task_that_gave_up_asks(board: ABoard) -> None:
    task_id = board.create("report", max_retries=0)
    board.start(task_id)
    board.processes.vanish(board.task(task_id).worker_pid or 0)
    kb.detect_crashed_workers(board.conn, board.processes)
    question = asked(board, task_id)
    assert question == newest(board, task_id, "gave_up")
    kb.archive_task(board.conn, task_id, actor="person:mara")
    with pytest.raises(kb.AlreadyDecided, match="archived by person:mara"):
        kb.unblock_task(board.conn, task_id, question=question)


def test_what_gave_up_again_asks_anew(board: ABoard) -> None:
    task_id = board.create("report", max_retries=0)
    questions = []
    for _ in range(2):
        board.start(task_id)
        board.processes.vanish(board.task(task_id).worker_pid or 0)
        kb.detect_crashed_workers(board.conn, board.processes)
        questions.append(asked(board, task_id))
        board.clock.advance(10)
        if len(questions) == 1:
            kb.unblock_task(board.conn, task_id, actor="person:mara")
    with pytest.raises(kb.AlreadyDecided, match="unblocked by person:mara"):
        kb.unblock_task(board.conn, task_id, question=questions[0])
    assert kb.unblock_task(board.conn, task_id, question=questions[1])


def test_a_task_in_triage_asks(board: ABoard) -> None:
    task_id = board.create("report", assignee="writer")
    for _ in range(3):
        run = board.claim(task_id)
        kb.block_task(board.conn, task_id, reason="hm?", run_id=run.id, claim_lock=run.claim_lock)
        if board.task(task_id).status == "blocked":
            kb.unblock_task(board.conn, task_id)
    assert board.task(task_id).status == "triage"
    question = asked(board, task_id)
    assert question == newest(board, task_id, "triaged")
    kb.accept_task(board.conn, task_id, question=question, actor="person:mara")
    blocked = newest(board, task_id, "blocked")
    for one in (question, blocked):
        with pytest.raises(kb.AlreadyDecided, match="accepted by person:mara"):
            kb.accept_task(board.conn, task_id, question=one)


def late(board: ABoard) -> tuple[str, int, int]:
    """A task with a refused result; its run, and the event that asks."""
    task_id = board.create("report", assignee="writer")
    run = board.claim(task_id)
    kb.reclaim_task(board.conn, task_id)
    kb.complete_task(board.conn, task_id, result="late", run_id=run.id, claim_lock=run.claim_lock)
    return task_id, run.id, newest(board, task_id, "fenced")


def test_a_late_result_is_decided_once(board: ABoard) -> None:
    task_id, run_id, question = late(board)
    kb.adopt_result(board.conn, task_id, run_id=run_id, question=question, actor="person:mara")
    with pytest.raises(kb.AlreadyDecided, match="taken over by person:mara"):
        kb.dismiss_result(board.conn, task_id, run_id=run_id, question=question)
    kb.undo(board.conn, task_id, actor="person:mara")
    kb.dismiss_result(board.conn, task_id, run_id=run_id, question=question, actor="person:tom")
    with pytest.raises(kb.AlreadyDecided, match="put aside by person:tom"):
        kb.adopt_result(board.conn, task_id, run_id=run_id, question=question)


def test_what_is_no_question_of_the_task_is_refused(board: ABoard) -> None:
    task_id, other = a_question(board), a_question(board)
    created = newest(board, task_id, "created")
    for question in (created, asked(board, other), 99_999):
        with pytest.raises(kb.InvalidInput) as refusal:
            kb.unblock_task(board.conn, task_id, question=question)
        assert refusal.value.field == "question"
        assert kb.decision_of(board.conn, task_id, question) is None


def test_attention_names_the_question(board: ABoard) -> None:
    waiting = {a_question(board), in_review(board)}
    board_items = kb.attention(board.conn).items
    assert {item.card.id for item in board_items} == waiting
    for item in board_items:
        assert item.question == asked(board, item.card.id)
    task_id, _, question = late(board)
    (item,) = kb.attention(board.conn).late
    assert (item.card.id, item.question) == (task_id, question)


def test_of_many_at_once_one_decides(board: ABoard) -> None:
    task_id = a_question(board)
    question = asked(board, task_id)
    told: list[str] = []
    start = threading.Barrier(8)

    def answer(number: int) -> None:
        conn = kb.connect()
        try:
            start.wait()
            kb.unblock_task(
                conn,
                task_id,
                reason=f"answer {number}",
                question=question,
                actor=f"person:p{number}",
            )
            told.append(f"{number}")
        except kb.AlreadyDecided as refusal:
            told.append(refusal.decision.text)
        finally:
            conn.close()

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [one for one in told if one.isdigit()]
    assert sorted(told) == sorted([winner, *[f"answer {winner}"] * 7])
