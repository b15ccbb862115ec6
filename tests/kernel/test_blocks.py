"""Blocks: who lifts each kind, the third one, and the way back."""

from __future__ import annotations

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model import InvalidInput
from tests.kernel.scenes import (
    current_run,
    dump,
    events_after,
    hand_in,
    holds,
    in_status,
    kinds,
    proof,
)
from tests.support.boards import ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")


def _worker_blocks(board: ABoard, task: str, reason: str = "no key") -> None:
    run = board.claim(task, claimer="dispatcher")
    assert kb.block_task(board.conn, task, reason=reason, **proof(run))


@pytest.mark.parametrize(
    ("kind", "lifted_by"), [("needs_input", "unblock"), ("capability", "assign")]
)
def test_a_block_says_why_and_which_verb_lifts_it(board: ABoard, kind: str, lifted_by: str) -> None:
    task = board.create()
    board.clock.advance(60)
    kb.block_task(board.conn, task, reason="which file?", kind=kind)
    blocked = board.task(task)
    assert (blocked.block_kind, blocked.block_reason) == (kind, "which file?")
    assert lifted_by in kb.list_events(board.conn, task)[-1].payload["lifted_by"]
    (hold,) = kb.why(board.conn, task)
    assert (hold.code, hold.text) == (f"blocked_{kind}", "which file?")
    assert hold.since == board.clock.now()
    assert f"{lifted_by} {task}" in hold.lifted_by


def test_why_knows_since_when_after_any_number_of_comments(board: ABoard) -> None:
    task = board.create()
    board.clock.advance(60)
    kb.block_task(board.conn, task, reason="which file?", kind="capability")
    blocked_at = board.clock.now()
    board.clock.advance(60)
    with kb.batch(board.conn):
        for number in range(250):
            kb.add_comment(board.conn, task, f"comment {number}")
    (hold,) = kb.why(board.conn, task)
    assert hold.since == blocked_at
    assert "assign" in hold.lifted_by


def test_a_block_without_a_reason_is_refused(board: ABoard) -> None:
    task = board.create()
    for reason in ("", "  \n", None):
        with pytest.raises(InvalidInput, match="reason"):
            kb.block_task(board.conn, task, reason=reason)  # type: ignore[arg-type]
    assert board.task(task).status == "ready"


def test_an_unknown_kind_is_refused_with_the_known_ones(board: ABoard) -> None:
    task = board.create()
    with pytest.raises(InvalidInput, match="needs_input, capability, transient, dependency"):
        kb.block_task(board.conn, task, reason="x", kind="lunch")


def test_a_transient_block_is_lifted_by_the_sweep_when_it_is_due(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    kb.block_task(
        board.conn, task, reason="quota", kind="transient", retry_in_seconds=600, **proof(run)
    )
    assert board.task(task).eligible_at == board.clock.now() + 600
    (hold,) = kb.why(board.conn, task)
    assert (hold.until, "time" in hold.lifted_by) == (board.clock.now() + 600, True)
    board.clock.advance(599)
    assert kb.unblock_due(board.conn) == []
    board.clock.advance(1)
    newest = kb.newest_event_id(board.conn)
    assert kb.unblock_due(board.conn) == [task]
    (event,) = events_after(board, newest)
    assert (event.kind, event.actor) == ("unblocked", "system")
    assert board.task(task).status == "ready"
    assert board.task(task).consecutive_failures == 0
    assert holds(board, task) == ["unassigned"]


def test_a_transient_block_without_a_time_waits_the_back_off(board: ABoard) -> None:
    board.configure(backoff_base_seconds=100)
    task = board.create()
    kb.block_task(board.conn, task, reason="quota", kind="transient")
    wait = (board.task(task).eligible_at or 0) - board.clock.now()
    assert 50 <= wait <= 100


@pytest.mark.parametrize("seconds", [0, -1, True, "60", 2**63 - 1])
def test_the_time_of_a_transient_block_is_a_sensible_number(board: ABoard, seconds: object) -> None:
    task = board.create()
    before = dump(board.conn)
    with pytest.raises(InvalidInput, match="retry_in_seconds"):
        kb.block_task(
            board.conn,
            task,
            reason="quota",
            kind="transient",
            retry_in_seconds=seconds,  # type: ignore[arg-type]
        )
    assert dump(board.conn) == before


def test_the_dispatcher_lifts_due_blocks_and_names_the_next(board: ABoard) -> None:
    soon, later = board.create(), board.create()
    kb.block_task(board.conn, soon, reason="x", kind="transient", retry_in_seconds=10)
    kb.block_task(board.conn, later, reason="x", kind="transient", retry_in_seconds=90)
    start = board.clock.now()
    board.clock.advance(10)
    report = kb.dispatch_once(board.conn, spawn_fn=lambda task, run: 1, free_mib=lambda: 10_000)
    assert report.unblocked == [soon]
    assert report.next_due_at == start + 90


def test_a_block_that_waits_for_time_is_lifted_by_no_parent(board: ABoard) -> None:
    parent = board.create()
    child = board.create(parents=[parent])
    kb.block_task(board.conn, child, reason="ask", kind="needs_input")
    kb.complete_task(board.conn, parent)
    assert board.task(child).status == "blocked"
    assert kb.recompute_ready(board.conn)[0] == []
    board.clock.advance(10**6)
    assert kb.unblock_due(board.conn) == []


def test_a_dependency_block_needs_an_open_parent(board: ABoard) -> None:
    parent = board.create()
    child = board.create(parents=[parent])
    kb.complete_task(board.conn, parent)
    run = board.claim(child)
    before = dump(board.conn)
    with pytest.raises(InvalidInput, match="open parent"):
        kb.block_task(board.conn, child, reason="waits", kind="dependency", **proof(run))
    assert dump(board.conn) == before


def test_a_dependency_block_is_lifted_when_the_last_parent_closes(board: ABoard) -> None:
    one, two = board.create(), board.create()
    child = board.create(parents=[one, two])
    kb.block_task(board.conn, child, reason="waits", kind="dependency")
    kb.complete_task(board.conn, one)
    assert board.task(child).status == "blocked"
    newest = kb.newest_event_id(board.conn)
    kb.complete_task(board.conn, two)
    assert kinds(events_after(board, newest)) == ["completed", "unblocked"]
    assert board.task(child).status == "ready"


def test_unlinking_the_last_open_parent_lifts_a_dependency_block_too(board: ABoard) -> None:
    parent = board.create()
    child = board.create(parents=[parent])
    kb.block_task(board.conn, child, reason="waits", kind="dependency")
    kb.unlink_tasks(board.conn, parent, child)
    assert board.task(child).status == "ready"


def test_a_running_worker_may_wait_for_a_parent_that_it_linked(board: ABoard) -> None:
    task, parent = board.create(), board.create()
    run = board.claim(task)
    kb.link_tasks(board.conn, parent, task, **proof(run))
    assert kb.block_task(board.conn, task, reason="waits", kind="dependency", **proof(run))
    kb.complete_task(board.conn, parent)
    assert board.task(task).status == "ready"


def test_unblock_returns_a_task_to_review_where_it_came_from(board: ABoard) -> None:
    task = in_status(board, "review")
    kb.block_task(board.conn, task, reason="ask the lawyers")
    assert board.task(task).blocked_from == "review"
    kb.unblock_task(board.conn, task)
    assert board.task(task).status == "review"
    assert board.task(task).blocked_from is None


def test_a_due_block_returns_to_review_too(board: ABoard) -> None:
    task = in_status(board, "review")
    kb.block_task(board.conn, task, reason="x", kind="transient", retry_in_seconds=5)
    board.clock.advance(5)
    kb.unblock_due(board.conn)
    assert board.task(task).status == "review"


def test_unblocking_behind_an_open_parent_leads_to_todo(board: ABoard) -> None:
    task = in_status(board, "todo")
    kb.block_task(board.conn, task, reason="x")
    kb.unblock_task(board.conn, task)
    assert board.task(task).status == "todo"


def test_a_block_of_an_idle_task_keeps_its_hand_over_on_a_run(board: ABoard) -> None:
    task = board.create(assignee="worker")
    kb.block_task(board.conn, task, reason="ask", actor="person:ada")
    run = current_run(board, task)
    assert (run.outcome, run.error, run.claimer) == ("blocked", "ask", "person:ada")
    assert (run.claim_lock, run.started_at) == (None, run.ended_at)


def test_the_third_block_goes_to_triage_with_the_reason(board: ABoard) -> None:
    task = board.create(assignee="worker")
    for _ in range(2):
        _worker_blocks(board, task)
        assert board.task(task).status == "blocked"
        kb.unblock_task(board.conn, task)
    newest = kb.newest_event_id(board.conn)
    _worker_blocks(board, task, "no key again")
    assert kinds(events_after(board, newest)) == ["claimed", "blocked", "triaged"]
    triaged = board.task(task)
    assert (triaged.status, triaged.block_kind, triaged.block_reason) == ("triage", None, None)
    assert current_run(board, task).outcome == "blocked"
    (hold,) = kb.why(board.conn, task)
    assert hold.code == "triage"
    assert "no key again" in hold.text
    assert f"accept {task}" in hold.lifted_by


def test_a_task_that_nobody_accepted_yet_has_a_code_of_its_own(board: ABoard) -> None:
    task = board.create()
    kb.triage_task(board.conn, task)
    (hold,) = kb.why(board.conn, task)
    assert hold.code == "unaccepted"
    assert f"accept {task}" in hold.lifted_by


def test_the_third_block_counts_whoever_blocks(board: ABoard) -> None:
    task = board.create()
    for _ in range(2):
        kb.block_task(board.conn, task, reason="wait")
        kb.unblock_task(board.conn, task)
    kb.block_task(board.conn, task, reason="wait")
    assert board.task(task).status == "triage"
    assert board.kinds(task)[-2:] == ["blocked", "triaged"]


@pytest.mark.parametrize("touch", ["edit", "comment", "answer", "accept"])
def test_a_persons_word_starts_the_blocks_anew(board: ABoard, touch: str) -> None:
    task = board.create(assignee="worker")
    for _ in range(2):
        _worker_blocks(board, task)
        kb.unblock_task(board.conn, task)
    if touch == "edit":
        kb.edit_task(board.conn, task, body="the key is in the safe")
    elif touch == "comment":
        kb.add_comment(board.conn, task, "the key is in the safe")
    elif touch == "accept":
        kb.triage_task(board.conn, task)
        kb.accept_task(board.conn, task)
    else:
        _worker_blocks(board, task)
        kb.accept_task(board.conn, task)
        _worker_blocks(board, task)
        kb.unblock_task(board.conn, task, reason="the key is in the safe")
        _worker_blocks(board, task)
        kb.unblock_task(board.conn, task)
    _worker_blocks(board, task)
    assert board.task(task).status == "blocked"


def test_an_unblock_without_a_word_does_not(board: ABoard) -> None:
    task = board.create(assignee="worker")
    for _ in range(2):
        _worker_blocks(board, task, reason='the "reason": unknown')
        kb.unblock_task(board.conn, task)
    _worker_blocks(board, task)
    assert board.task(task).status == "triage"


def test_a_workers_comment_does_not_either(board: ABoard) -> None:
    task = board.create(assignee="worker")
    for _ in range(3):
        run = board.claim(task, claimer="dispatcher")
        kb.add_comment(board.conn, task, "I am stuck", **proof(run))
        kb.block_task(board.conn, task, reason="stuck", **proof(run))
        if board.task(task).status == "blocked":
            kb.unblock_task(board.conn, task)
    assert board.task(task).status == "triage"


def test_completing_or_archiving_a_blocked_task_leaves_no_block_behind(board: ABoard) -> None:
    done, gone = board.create(), board.create()
    for task in (done, gone):
        kb.block_task(board.conn, task, reason="x", kind="transient", retry_in_seconds=5)
    kb.complete_task(board.conn, done)
    kb.archive_task(board.conn, gone)
    for task in (done, gone):
        assert (board.task(task).block_kind, board.task(task).block_reason) == (None, None)
    board.clock.advance(10)
    assert kb.unblock_due(board.conn) == []


def test_nothing_blocked_is_ever_started(board: ABoard) -> None:
    board.add_profile("worker")
    parent = board.create()
    tasks = [board.create(assignee="worker", parents=[parent]) for _ in range(4)]
    for task, kind in zip(
        tasks, ("needs_input", "capability", "transient", "dependency"), strict=True
    ):
        kb.block_task(board.conn, task, reason="x", kind=kind, retry_in_seconds=10_000)
    for _ in range(3):
        board.clock.advance(1_000)
        report = kb.dispatch_once(board.conn, spawn_fn=lambda task, run: 1, free_mib=lambda: 10_000)
        assert (report.spawned, report.promoted, report.unblocked) == ([], [], [])


def test_a_review_that_is_handed_in_again_is_a_new_run(board: ABoard) -> None:
    task = board.create()
    hand_in(board, task)
    kb.request_changes(board.conn, task, comment="shorter")
    hand_in(board, task)
    assert [run.outcome for run in kb.list_runs(board.conn, task)] == ["review", "review"]
