"""Late work: refused, never thrown away."""

from __future__ import annotations

from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model import IllegalTransition, InvalidInput, NotFound, Refused, StaleRun
from tests.kernel.scenes import current_run, dump, in_status, leave_late_work, proof, snapshot
from tests.support.boards import ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")


def _fenced(board: ABoard, task: str) -> list[dict[str, Any]]:
    events = kb.list_events(board.conn, task, limit=1_000)
    return [event.payload for event in events if event.kind == "fenced"]


def test_a_reclaimed_worker_cannot_complete_the_new_run(board: ABoard) -> None:
    task = board.create(assignee="worker")
    old = board.claim(task)
    kb.reclaim_task(board.conn, task)
    new = board.claim(task, claimer="dispatcher")
    refused = kb.complete_task(board.conn, task, result="late", **proof(old))
    assert isinstance(refused, Refused)
    assert not refused
    assert (refused.holder, refused.current_run_id) == ("profile:worker", new.id)
    assert "reclaimed" in refused.reason
    assert board.task(task).status == "running"
    assert board.task(task).result is None


def test_a_refused_completion_is_kept_with_its_event(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    kb.reclaim_task(board.conn, task)
    kb.complete_task(
        board.conn, task, result="42", summary="counted", metadata={"words": 42}, **proof(run)
    )
    (kept,) = _fenced(board, task)
    assert kept["verb"] == "complete"
    assert (kept["result"], kept["summary"], kept["metadata"]) == ("42", "counted", {"words": 42})


def test_each_run_leaves_one_event_a_verb_and_then_only_counts(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    kb.reclaim_task(board.conn, task)
    for _ in range(3):
        assert not kb.complete_task(board.conn, task, **proof(run))
        assert not kb.heartbeat_claim(board.conn, task, **proof(run))
    assert not kb.block_task(board.conn, task, reason="no key", **proof(run))
    assert [kept["verb"] for kept in _fenced(board, task)] == ["complete", "heartbeat", "block"]
    assert kb.get_run(board.conn, run.id).fenced_count == 7


def test_each_late_run_has_events_of_its_own(board: ABoard) -> None:
    task = board.create()
    for _ in range(2):
        leave_late_work(board, task)
    assert [kept["verb"] for kept in _fenced(board, task)] == ["complete", "complete"]


def test_both_run_and_lock_must_be_current(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    refused = kb.complete_task(board.conn, task, run_id=run.id, claim_lock="another")
    assert not refused
    assert "lock" in refused.reason  # type: ignore[union-attr]
    assert board.task(task).status == "running"
    assert kb.complete_task(board.conn, task, **proof(run))


def test_a_lock_without_its_run_is_no_person(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    before = dump(board.conn)
    verbs = {
        "complete": lambda: kb.complete_task(board.conn, task, claim_lock=run.claim_lock),
        "block": lambda: kb.block_task(board.conn, task, reason="x", claim_lock=run.claim_lock),
        "heartbeat": lambda: kb.heartbeat_claim(board.conn, task, claim_lock=run.claim_lock),
        "comment": lambda: kb.add_comment(board.conn, task, "x", claim_lock=run.claim_lock),
        "create": lambda: board.create(claim_lock=run.claim_lock),
    }
    for verb in verbs.values():
        with pytest.raises(InvalidInput, match="run_id"):
            verb()
    assert dump(board.conn) == before


def test_a_run_of_another_task_is_refused_without_a_trace(board: ABoard) -> None:
    mine, other = board.create(), board.create()
    run = board.claim(mine)
    board.claim(other)
    before = dump(board.conn)
    refused = kb.complete_task(board.conn, other, **proof(run))
    assert not refused
    assert f"no run of {other}" in refused.reason  # type: ignore[union-attr]
    assert not kb.complete_task(board.conn, other, run_id=999, claim_lock="x")
    assert dump(board.conn) == before


def test_the_worker_of_one_run_cannot_use_the_lock_of_another(board: ABoard) -> None:
    task = board.create()
    old = board.claim(task)
    kb.reclaim_task(board.conn, task)
    new = board.claim(task)
    assert not kb.complete_task(board.conn, task, run_id=old.id, claim_lock=new.claim_lock)
    assert not kb.complete_task(board.conn, task, run_id=new.id, claim_lock=old.claim_lock)
    assert board.task(task).status == "running"


def test_refused_work_changes_nothing_but_event_and_counter(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    kb.reclaim_task(board.conn, task)
    child = board.create()
    before = snapshot(board.conn)
    shown = proof(run)
    assert not kb.complete_task(board.conn, task, result="late", **shown)
    assert not kb.block_task(board.conn, task, reason="late", **shown)
    assert not kb.request_review(board.conn, task, result="late", **shown)
    assert not kb.wait_for(board.conn, task, [child], **shown)
    assert not kb.heartbeat_claim(board.conn, task, **shown)
    after = snapshot(board.conn)
    assert after["run"].pop((run.id,)) == before["run"].pop((run.id,)) | {"fenced_count": 5}
    assert after == before


def test_what_a_late_run_writes_beside_its_task_raises(board: ABoard) -> None:
    task, other = board.create(), board.create()
    run = board.claim(task)
    kb.reclaim_task(board.conn, task)
    before = dump(board.conn)
    shown = proof(run)
    for write in (
        lambda: kb.add_comment(board.conn, task, "late", **shown),
        lambda: kb.link_tasks(board.conn, other, task, **shown),
        lambda: kb.unlink_tasks(board.conn, other, task, **shown),
        lambda: board.create("late", **shown),
    ):
        with pytest.raises(StaleRun, match=str(run.id)):
            write()
    assert dump(board.conn) == before


def test_a_worker_cannot_sign_as_somebody_else(board: ABoard) -> None:
    task = board.create(assignee="worker")
    run = board.claim(task, claimer="dispatcher")
    card = board.create("card", actor="person:boss", **proof(run))
    kb.add_comment(board.conn, task, "hello", actor="person:boss", **proof(run))
    kb.complete_task(board.conn, task, actor="person:boss", **proof(run))
    assert board.task(card).created_by == "profile:worker"
    assert kb.list_comments(board.conn, task)[0].author == "profile:worker"
    assert kb.list_events(board.conn, task)[-1].actor == "profile:worker"


def test_people_act_without_a_run_and_win(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    assert kb.complete_task(board.conn, task, result="by hand", actor="person:ada")
    assert not kb.complete_task(board.conn, task, result="late", **proof(run))
    assert board.task(task).result == "by hand"
    assert kb.list_events(board.conn, task)[2].actor == "person:ada"


@pytest.mark.parametrize("status", ["triage", "todo", "ready", "blocked", "review"])
def test_a_person_may_adopt_late_work(board: ABoard, status: str) -> None:
    task = in_status(board, status, late=True)
    child = board.create(parents=[task])
    late = kb.list_runs(board.conn, task)[0]
    assert kb.adopt_result(board.conn, task, run_id=late.id, actor="person:ada")
    adopted = board.task(task)
    assert (adopted.status, adopted.result) == ("done", "late result")
    synthetic = current_run(board, task)
    assert (synthetic.outcome, synthetic.summary) == ("completed", "late")
    assert (synthetic.claimer, synthetic.claim_lock) == ("person:ada", None)
    assert board.task(child).status == "ready"


def test_adopting_for_a_done_task_replaces_its_result(board: ABoard) -> None:
    task = in_status(board, "done", late=True)
    completed_at, runs = board.task(task).completed_at, len(kb.list_runs(board.conn, task))
    board.clock.advance(60)
    assert kb.adopt_result(board.conn, task, run_id=kb.list_runs(board.conn, task)[0].id)
    assert board.task(task).result == "late result"
    assert board.task(task).completed_at == completed_at
    assert len(kb.list_runs(board.conn, task)) == runs


def test_adopting_work_without_a_result_keeps_the_one_there_is(board: ABoard) -> None:
    task = board.create()
    late = leave_late_work(board, task, result=None)
    kb.complete_task(board.conn, task, result="by hand")
    assert kb.adopt_result(board.conn, task, run_id=late.id)
    assert board.task(task).result == "by hand"


def test_a_refused_request_for_review_may_be_adopted_too(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    kb.reclaim_task(board.conn, task)
    assert not kb.request_review(board.conn, task, result="draft", **proof(run))
    assert kb.adopt_result(board.conn, task, run_id=run.id)
    assert board.task(task).result == "draft"


def test_late_metadata_is_adopted_with_the_run(board: ABoard) -> None:
    task = board.create()
    late = leave_late_work(board, task, metadata={"words": 42})
    kb.adopt_result(board.conn, task, run_id=late.id)
    assert current_run(board, task).metadata == {"words": 42}


def test_there_is_nothing_to_adopt_from_a_run_that_was_never_refused(board: ABoard) -> None:
    task, other = board.create(), board.create()
    run = board.claim(task)
    kb.reclaim_task(board.conn, task)
    late = leave_late_work(board, other)
    assert not kb.block_task(board.conn, task, reason="late", **proof(run))
    before = dump(board.conn)
    for run_id in (run.id, late.id, 999):
        with pytest.raises(NotFound, match=str(run_id)):
            kb.adopt_result(board.conn, task, run_id=run_id)
    assert dump(board.conn) == before


@pytest.mark.parametrize("status", ["running", "archived"])
def test_a_running_or_archived_task_adopts_nothing(board: ABoard, status: str) -> None:
    task = in_status(board, status, late=True)
    with pytest.raises(IllegalTransition, match=status):
        kb.adopt_result(board.conn, task, run_id=kb.list_runs(board.conn, task)[0].id)
