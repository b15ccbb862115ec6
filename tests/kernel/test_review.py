"""Review: a worker hands in, somebody else decides."""

from __future__ import annotations

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model import InvalidInput
from tests.kernel.scenes import dump, events_after, hand_in, holds, kinds, proof
from tests.support.boards import ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")


def _handed_in(board: ABoard) -> str:
    """A task that the profile ``author`` wants reviewed."""
    task = board.create(assignee="author")
    run = board.claim(task, claimer="dispatcher")
    assert kb.request_review(board.conn, task, summary="look", **proof(run))
    return task


def test_a_request_for_review_keeps_what_was_handed_in(board: ABoard) -> None:
    task = board.create()
    run = hand_in(board, task, result="draft", summary="look", metadata={"words": 42})
    assert board.task(task).result == "draft"
    assert (run.outcome, run.summary, run.metadata) == ("review", "look", {"words": 42})
    assert run.ended_at == board.clock.now()
    assert holds(board, task) == ["review"]


def test_a_person_approves_and_the_task_is_done(board: ABoard) -> None:
    task = _handed_in(board)
    board.clock.advance(60)
    assert kb.approve_task(board.conn, task, comment="good", actor="person:ada")
    assert board.task(task).status == "done"
    assert board.task(task).completed_at == board.clock.now()
    assert [c.body for c in kb.list_comments(board.conn, task)] == ["good"]
    assert len(kb.list_runs(board.conn, task)) == 1


def test_changes_need_a_comment(board: ABoard) -> None:
    task = _handed_in(board)
    before = dump(board.conn)
    for comment in ("", "  ", None):
        with pytest.raises(InvalidInput, match="comment"):
            kb.request_changes(board.conn, task, comment=comment)  # type: ignore[arg-type]
    assert dump(board.conn) == before


def test_requested_changes_go_back_to_work_with_the_comment_and_count_nothing(
    board: ABoard,
) -> None:
    task = _handed_in(board)
    newest = kb.newest_event_id(board.conn)
    kb.request_changes(board.conn, task, comment="shorter, please", actor="person:ada")
    assert kinds(events_after(board, newest)) == ["commented", "changes_requested"]
    assert board.task(task).status == "ready"
    assert board.task(task).consecutive_failures == 0
    assert board.task(task).eligible_at is None
    assert "shorter, please" in kb.build_worker_context(board.conn, task)


@pytest.mark.parametrize("verb", ["approve", "request_changes"])
@pytest.mark.parametrize(
    ("reviewer", "allowed"),
    [
        ("person:ada", True),
        ("profile:orchestrator", True),
        ("profile:author", False),
        ("profile:worker", False),
        ("profile:unknown", False),
        ("system", False),
    ],
)
def test_it_takes_a_person_or_another_profile_that_may_orchestrate(
    board: ABoard, verb: str, reviewer: str, allowed: bool
) -> None:
    board.add_profile("author", orchestrator=True)
    board.add_profile("orchestrator", orchestrator=True)
    board.add_profile("worker")
    task = _handed_in(board)
    before = dump(board.conn)

    def decide() -> bool:
        if verb == "approve":
            return kb.approve_task(board.conn, task, actor=reviewer)
        return kb.request_changes(board.conn, task, comment="shorter", actor=reviewer)

    if allowed:
        assert decide()
        assert board.task(task).status == ("done" if verb == "approve" else "ready")
    else:
        with pytest.raises(InvalidInput, match="reviewer"):
            decide()
        assert dump(board.conn) == before


def test_what_the_author_is_called_is_that_of_the_newest_request(board: ABoard) -> None:
    board.add_profile("author", orchestrator=True)
    board.add_profile("second", orchestrator=True)
    task = _handed_in(board)
    kb.request_changes(board.conn, task, comment="shorter", actor="person:ada")
    kb.assign_task(board.conn, task, "second")
    run = board.claim(task, claimer="dispatcher")
    kb.request_review(board.conn, task, **proof(run))
    with pytest.raises(InvalidInput):
        kb.approve_task(board.conn, task, actor="profile:second")
    assert kb.approve_task(board.conn, task, actor="profile:author")


def test_the_dispatcher_never_runs_a_task_in_review(board: ABoard) -> None:
    board.add_profile("author")
    task = _handed_in(board)
    report = kb.dispatch_once(board.conn, spawn_fn=lambda task, run: 1, free_mib=lambda: 10_000)
    assert report.spawned == []
    assert board.task(task).status == "review"


def test_a_task_in_review_may_go_to_triage_or_be_cancelled(board: ABoard) -> None:
    one, two = _handed_in(board), _handed_in(board)
    kb.triage_task(board.conn, one)
    kb.cancel_task(board.conn, two)
    assert board.task(one).status == "triage"
    assert board.task(two).status == "archived"
