"""A person's last verb is taken back whole, or refused with what to do instead."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.history import fold_task
from hermes_kanban.kernel.late import late_results
from tests.kernel.scenes import end, events_after, fail, hand_in, leave_late_work, proof
from tests.kernel.test_lifecycle import TABLE, VERBS, Row, _scene
from tests.support.boards import ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")

MOVES_ON = {"completed_at", "consecutive_failures"}
NO_INVERSE = {"comment", "reclaim", "promote", "heartbeat"}
BY_PEOPLE = [row for row in TABLE if row.verb in VERBS]


def state(board: ABoard, task: str) -> Any:
    """Everything of a task that an undo brings back, and its neighbours' statuses."""
    folded = fold_task(board.conn, task, until=kb.newest_event_id(board.conn))
    told = folded.tasks[task]
    columns = {c: v for c, v in told.items() if c not in MOVES_ON and v is not None}
    others = {one.id: one.status for one in kb.list_tasks(board.conn, limit=1_000)}
    late = [one.run_id for one in late_results(board.conn) if one.task_id == task]
    return columns, told.get("completed_at") is not None, set(folded.links), others, late


def back_and_forth(board: ABoard, task: str, before: Any) -> None:
    """Undo brings ``before`` back, undoing that brings the verb back, and once more."""
    after = state(board, task)
    assert after != before
    kb.undo(board.conn, task)
    assert state(board, task) == before
    assert kb.undo(board.conn, task).verb == "undo"
    assert state(board, task) == after
    kb.undo(board.conn, task)
    assert state(board, task) == before
    assert kb.check(board.conn) == []


@pytest.mark.parametrize("row", BY_PEOPLE, ids=[f"{row.verb}-{row.status}" for row in BY_PEOPLE])
def test_every_verb_from_every_status(board: ABoard, row: Row) -> None:
    task = _scene(board, row.verb, row.status)
    before = state(board, task)
    assert VERBS[row.verb](board, task)
    ended_a_run = row.status == "running" and row.outcome is not None
    if row.verb in NO_INVERSE or ended_a_run:
        newest = kb.newest_event_id(board.conn)
        with pytest.raises(kb.CannotUndo, match="instead: "):
            kb.undo(board.conn, task)
        assert kb.newest_event_id(board.conn) == newest
    else:
        board.clock.advance(60)
        back_and_forth(board, task, before)


def test_the_event_says_what_was_undone_and_is_signed(board: ABoard) -> None:
    task = board.create("first", actor="person:ada")
    kb.edit_task(board.conn, task, title="second", actor="person:ada")
    edited = kb.newest_event_id(board.conn)
    board.clock.advance(30)
    done = kb.undo(board.conn, task, actor="person:ada")
    assert (done.verb, done.undid, done.task_id) == ("edit", edited, task)
    assert done.changes == {"title": ("second", "first")}
    (event,) = events_after(board, edited)
    assert (event.id, event.kind, event.actor) == (done.event_id, "undone", "person:ada")
    assert event.payload == {
        "undid": {"event": edited, "kind": "edited", "origin": "edited"},
        "task": {"title": "first"},
    }


def test_without_a_task_it_is_the_newest_verb_on_the_board(board: ABoard) -> None:
    first, second = board.create("first"), board.create("second")
    kb.prioritise_task(board.conn, first, 7)
    kb.prioritise_task(board.conn, second, 8, actor="person:bob")
    assert kb.undo(board.conn).task_id == first
    assert (board.task(first).priority, board.task(second).priority) == (0, 8)
    assert kb.undo(board.conn, actor="person:bob").task_id == second


def test_a_created_task_is_archived_with_the_links_it_was_created_with(board: ABoard) -> None:
    parent, other = board.create("parent"), board.create("other")
    task = board.create("child", parents=[parent, other], priority=9)
    assert board.task(parent).effective_priority == 9
    done = kb.undo(board.conn)
    assert (done.verb, done.changes) == ("create", {"status": ("todo", "archived")})
    assert board.kinds(task)[-2:] == ["archived", "undone"]
    assert board.task(parent).effective_priority == 0
    kb.undo(board.conn)
    assert board.task(task).status == "todo"
    assert board.task(parent).effective_priority == 9


def test_a_link_of_its_own_is_not_taken_for_one_of_the_creation(board: ABoard) -> None:
    parent, other = board.create("parent"), board.create("other")
    task = board.create("child", parents=[parent])
    kb.link_tasks(board.conn, other, task)
    assert kb.undo(board.conn, task).verb == "link"
    assert [link.parent_id for link in kb.list_links(board.conn, task)] == [parent]


def test_a_link_taken_back_lets_the_child_go_and_lowers_the_parent(board: ABoard) -> None:
    parent, child = board.create("parent"), board.create("child", priority=5)
    kb.link_tasks(board.conn, parent, child)
    assert (board.task(child).status, board.task(parent).effective_priority) == ("todo", 5)
    done = kb.undo(board.conn, child)
    assert done.link is not None
    assert (done.link.op, done.link.parent_id) == ("remove", parent)
    assert (board.task(child).status, board.task(parent).effective_priority) == ("ready", 0)


def test_a_link_is_not_brought_back_into_a_cycle(board: ABoard) -> None:
    parent, child = board.create("parent"), board.create("child")
    kb.link_tasks(board.conn, parent, child)
    kb.unlink_tasks(board.conn, parent, child)
    kb.link_tasks(board.conn, child, parent)
    with pytest.raises(kb.CannotUndo, match="would close a cycle"):
        kb.undo(board.conn, child)


def test_a_link_to_a_parent_that_was_given_up_is_not_brought_back(board: ABoard) -> None:
    parent, child = board.create("parent"), board.create("child")
    kb.link_tasks(board.conn, parent, child)
    kb.unlink_tasks(board.conn, parent, child)
    kb.archive_task(board.conn, parent)
    with pytest.raises(kb.CannotUndo, match=f"{parent} is archived without being done"):
        kb.undo(board.conn, child)


def test_a_completion_taken_back_gates_its_children_again(board: ABoard) -> None:
    parent = board.create("parent")
    child = board.create("child", parents=[parent])
    kb.complete_task(board.conn, parent, result="by hand")
    assert board.task(child).status == "ready"
    kb.undo(board.conn, parent)
    assert (board.task(parent).status, board.task(parent).result) == ("ready", None)
    assert board.task(child).status == "todo"
    kb.undo(board.conn, parent)
    assert (board.task(parent).result, board.task(child).status) == ("by hand", "ready")


def test_a_completion_stays_once_a_child_has_started_on_it(board: ABoard) -> None:
    parent = board.create("parent")
    child = board.create("child", parents=[parent])
    kb.complete_task(board.conn, parent)
    run = board.claim(child)
    with pytest.raises(kb.CannotUndo, match=f"{child}, which waited for it, has started"):
        kb.undo(board.conn, parent)
    kb.complete_task(board.conn, child, **proof(run))
    with pytest.raises(kb.CannotUndo, match=f"instead: hermes-kanban reopen {parent}"):
        kb.undo(board.conn, parent)


def test_the_time_of_completion_is_that_of_the_undo(board: ABoard) -> None:
    task = board.create()
    kb.complete_task(board.conn, task)
    board.clock.advance(100)
    kb.reopen_task(board.conn, task)
    board.clock.advance(100)
    kb.undo(board.conn, task)
    assert board.task(task).completed_at == board.clock.now()


def test_an_archive_taken_back_lifts_the_blocks_of_its_children(board: ABoard) -> None:
    parent = board.create("parent")
    child = board.create("child", parents=[parent])
    asked = board.create("asked", parents=[parent])
    kb.unlink_tasks(board.conn, parent, asked)
    kb.block_task(board.conn, asked, reason="which one?")
    kb.link_tasks(board.conn, parent, asked)
    kb.archive_task(board.conn, parent)
    assert board.task(child).status == "blocked"
    kb.undo(board.conn, parent)
    assert board.task(child).status == "todo"
    assert (board.task(asked).status, board.task(asked).block_reason) == ("blocked", "which one?")
    kb.undo(board.conn, parent)
    assert board.task(child).status == "blocked"
    kb.undo(board.conn, parent)
    assert board.task(child).status == "todo"


def test_an_archive_that_released_children_stays(board: ABoard) -> None:
    parent = board.create("parent")
    child = board.create("child", parents=[parent])
    kb.archive_task(board.conn, parent, release=True)
    for task in (None, parent):
        with pytest.raises(kb.CannotUndo, match=f"{child} was released from it"):
            kb.undo(board.conn, task)


def test_an_archive_stays_when_its_key_was_given_away(board: ABoard) -> None:
    task = board.create(idempotency_key="once")
    kb.archive_task(board.conn, task)
    other = board.create("other", idempotency_key="once", actor="person:bob")
    with pytest.raises(kb.CannotUndo, match=f"belongs to {other} now"):
        kb.undo(board.conn, task)


def test_a_creation_stays_while_another_task_waits_for_it(board: ABoard) -> None:
    task = board.create()
    child = board.create("child", parents=[task])
    with pytest.raises(kb.CannotUndo, match=f"{child} waits for it"):
        kb.undo(board.conn, task)


def test_an_unblock_taken_back_blocks_again_with_what_lifts_it(board: ABoard) -> None:
    task = board.create()
    kb.block_task(board.conn, task, reason="which one?", kind="transient", retry_in_seconds=500)
    until = board.task(task).eligible_at
    kb.unblock_task(board.conn, task, reason="this one")
    assert board.task(task).eligible_at is None
    kb.undo(board.conn, task)
    found = board.task(task)
    assert (found.status, found.block_reason, found.eligible_at) == ("blocked", "which one?", until)
    (hold,) = kb.why(board.conn, task)
    assert (hold.text, hold.until) == ("which one?", until)
    assert "time" in hold.lifted_by


def test_a_waiting_time_goes_along_with_a_clock_that_was_set(board: ABoard) -> None:
    task = board.create()
    kb.block_task(board.conn, task, reason="later", kind="transient", retry_in_seconds=500)
    until = board.task(task).eligible_at
    assert until is not None
    here = board.processes.identity()
    kb.follow_clock(board.conn, here)
    kb.unblock_task(board.conn, task)
    board.clock.jump(3_000)
    assert kb.follow_clock(board.conn, here) is not None
    kb.undo(board.conn, task)
    assert board.task(task).eligible_at == until + 3_000


def test_a_block_by_dependency_is_not_brought_back_without_its_parent(board: ABoard) -> None:
    parent, child = board.create("parent"), board.create("child")
    kb.link_tasks(board.conn, parent, child)
    kb.block_task(board.conn, child, reason="needs it", kind="dependency")
    kb.unblock_task(board.conn, child)
    kb.complete_task(board.conn, parent)
    with pytest.raises(kb.CannotUndo, match="the parent that it waited for has closed"):
        kb.undo(board.conn, child)


def test_what_the_rules_moved_does_not_stand_in_the_way(board: ABoard) -> None:
    parent = board.create("parent")
    task = board.create("child", parents=[parent], assignee="coder")
    kb.assign_task(board.conn, task, "writer")
    board.create("grandchild", parents=[task], priority=5, actor="person:bob")
    kb.complete_task(board.conn, parent, actor="person:bob")
    assert board.kinds(task)[-2:] == ["prioritised", "promoted"]
    kb.undo(board.conn, task)
    found = board.task(task)
    assert (found.assignee, found.status, found.effective_priority) == ("coder", "ready", 5)


def test_where_a_task_rests_is_for_its_parents_to_say(board: ABoard) -> None:
    parent = board.create("parent")
    task = board.create("child", parents=[parent])
    kb.triage_task(board.conn, task)
    kb.complete_task(board.conn, parent, actor="person:bob")
    kb.undo(board.conn, task)
    assert board.task(task).status == "ready"


def test_a_task_that_is_open_again_inherits_what_its_children_are_now(board: ABoard) -> None:
    parent = board.create("parent")
    child = board.create("child", parents=[parent])
    kb.complete_task(board.conn, parent)
    kb.prioritise_task(board.conn, child, 9, actor="person:bob")
    assert board.task(parent).effective_priority == 0
    kb.undo(board.conn, parent)
    assert board.task(parent).effective_priority == 9


def test_a_task_that_comes_back_behind_a_parent_given_up_is_blocked(board: ABoard) -> None:
    parent, other = board.create("parent"), board.create("other")
    task = board.create("child", parents=[parent, other])
    kb.archive_task(board.conn, task)
    kb.archive_task(board.conn, parent, actor="person:bob")
    kb.undo(board.conn, task)
    found = board.task(task)
    assert (found.status, found.block_kind) == ("blocked", "needs_input")
    assert found.block_reason == f"its parent {parent} was archived without being done"
    kb.undo(board.conn, task)
    assert board.task(task).status == "archived"


def test_a_parent_given_up_since_does_not_stand_in_the_way(board: ABoard) -> None:
    parent = board.create("parent")
    task = board.create("child", parents=[parent], triage=True)
    kb.accept_task(board.conn, task)
    kb.archive_task(board.conn, parent, actor="person:bob")
    assert board.task(task).status == "blocked"
    kb.undo(board.conn, task)
    assert (board.task(task).status, board.task(task).block_kind) == ("triage", None)
    kb.undo(board.conn, task)
    assert board.task(task).status == "blocked"
    kb.undo(board.conn, parent, actor="person:bob")
    assert board.task(task).status == "todo"
    kb.undo(board.conn, task)
    assert board.task(task).status == "triage"


@pytest.mark.parametrize("who", ["person", "worker"])
def test_what_another_did_since_does(board: ABoard, who: str) -> None:
    task = board.create(assignee="worker")
    kb.edit_task(board.conn, task, title="second")
    if who == "person":
        kb.add_comment(board.conn, task, "better", actor="person:bob")
    else:
        board.claim(task, claimer="dispatcher")
    said = r"since then: \w+ by (person:bob|profile:worker) \(event \d+\)"
    with pytest.raises(kb.CannotUndo, match=f"cannot undo edit of {task}: {said}; instead: "):
        kb.undo(board.conn, task)


def test_an_edit_of_a_running_task_comes_back(board: ABoard) -> None:
    task = board.create("first", assignee="worker")
    run = board.start(task)
    kb.edit_task(board.conn, task, title="second")
    kb.undo(board.conn, task)
    assert (board.task(task).title, board.task(task).current_run_id) == ("first", run.id)


def test_an_assignment_that_ended_a_run_stays(board: ABoard) -> None:
    task = board.create(assignee="worker")
    run = board.start(task)
    kb.assign_task(board.conn, task, "other")
    with pytest.raises(kb.CannotUndo, match=f"it ended run {run.id}"):
        kb.undo(board.conn, task)
    end(board, run)
    kb.prioritise_task(board.conn, task, 3)
    kb.undo(board.conn, task)
    assert (board.task(task).priority, board.task(task).assignee) == (0, "other")


def test_a_process_that_exits_later_is_no_later_verb(board: ABoard) -> None:
    task = board.create(assignee="worker")
    run = board.start(task)
    assert kb.request_review(board.conn, task, **proof(run))
    kb.approve_task(board.conn, task)
    end(board, run, exit_code=0)
    assert board.kinds(task)[-1] == "exited"
    kb.undo(board.conn, task)
    assert board.task(task).status == "review"


def test_failures_stay_counted_from_the_persons_touch(board: ABoard) -> None:
    board.configure(max_retries=0)
    task = board.create(assignee="worker")
    fail(board, task)
    assert (board.task(task).status, board.task(task).consecutive_failures) == ("blocked", 1)
    kb.unblock_task(board.conn, task)
    kb.undo(board.conn, task)
    found = board.task(task)
    assert (found.status, found.block_kind, found.consecutive_failures) == (
        "blocked",
        "needs_input",
        0,
    )


def test_blocks_that_were_taken_back_make_no_loop(board: ABoard) -> None:
    task = board.create()
    for _ in range(4):
        kb.block_task(board.conn, task, reason="which one?")
        assert board.task(task).status == "blocked"
        kb.undo(board.conn, task)


def test_the_third_block_comes_back_from_triage(board: ABoard) -> None:
    task = board.create()
    for _ in range(2):
        kb.block_task(board.conn, task, reason="which one?")
        kb.unblock_task(board.conn, task)
    before = state(board, task)
    kb.block_task(board.conn, task, reason="which one?")
    assert board.kinds(task)[-2:] == ["blocked", "triaged"]
    back_and_forth(board, task, before)


def test_a_review_comes_back_with_its_comment(board: ABoard) -> None:
    task = board.create(assignee="worker")
    hand_in(board, task)
    before = state(board, task)
    kb.request_changes(board.conn, task, comment="shorter")
    back_and_forth(board, task, before)
    assert [one.body for one in kb.list_comments(board.conn, task)] == ["shorter"]


def test_an_adopted_result_is_put_back(board: ABoard) -> None:
    task = board.create(assignee="worker")
    late = leave_late_work(board, task)
    before = state(board, task)
    kb.adopt_result(board.conn, task, run_id=late.id)
    assert board.task(task).result == "late result"
    back_and_forth(board, task, before)


def test_a_result_that_was_put_aside_waits_again(board: ABoard) -> None:
    task = board.create(assignee="worker")
    late = leave_late_work(board, task)
    for decide in (kb.dismiss_result, kb.adopt_result):
        assert decide(board.conn, task, run_id=late.id)
        assert kb.attention(board.conn).late == []
        kb.undo(board.conn, task)
        assert [item.run_id for item in kb.attention(board.conn).late] == [late.id]
        kb.undo(board.conn, task)
        assert kb.attention(board.conn).late == []
        kb.undo(board.conn, task)


def test_a_pause_is_lifted_and_put_back(board: ABoard) -> None:
    kb.pause(board.conn)
    assert kb.undo(board.conn).verb == "pause"
    assert kb.get_board(board.conn).paused_at is None
    assert kb.undo(board.conn).verb == "resume"
    assert kb.get_board(board.conn).paused_at is not None
    kb.resume(board.conn, actor="person:bob")
    with pytest.raises(kb.CannotUndo, match="since then: resumed by person:bob"):
        kb.undo(board.conn)


def test_a_drained_host_is_resumed_and_drained_again(board: ABoard) -> None:
    kb.join_host(board.conn, kb.Host(host_id="id-of-1", name="build-1", gateway_pid=7), "boot")
    kb.drain_host(board.conn, "build-1")
    if board.conn.shared:  # a file is one machine's
        kb.join_host(board.conn, kb.Host(host_id="id-of-2", name="build-2", gateway_pid=8), "boot")
        kb.drain_host(board.conn, "build-2", actor="person:bob")
    assert kb.undo(board.conn).verb == "drain_host"
    assert kb.list_hosts(board.conn)[0].state == "active"
    assert kb.undo(board.conn).verb == "resume_host"
    assert kb.list_hosts(board.conn)[0].state == "draining"
    kb.resume_host(board.conn, "build-1", actor="person:bob")
    with pytest.raises(kb.CannotUndo, match=r"since then: host_resumed by person:bob"):
        kb.undo(board.conn)


def test_a_purge_stays(board: ABoard) -> None:
    parent = board.create("parent")
    child = board.create("child", parents=[parent])
    kb.archive_task(board.conn, parent)
    kb.purge_task(board.conn, parent)
    with pytest.raises(kb.CannotUndo, match="nothing is left of it; instead: restore a backup"):
        kb.undo(board.conn)
    with pytest.raises(kb.CannotUndo, match="purged"):
        kb.undo(board.conn, child)


def test_who_did_nothing_has_nothing_to_undo(board: ABoard) -> None:
    task = board.create()
    for where in (None, task):
        with pytest.raises(kb.CannotUndo, match="person:bob has done nothing on"):
            kb.undo(board.conn, where, actor="person:bob")
    with pytest.raises(kb.NotFound, match="t_nosuch"):
        kb.undo(board.conn, "t_nosuch")


@pytest.mark.parametrize("actor", ["profile:worker", "system"])
def test_only_people_undo(board: ABoard, actor: str) -> None:
    board.create()
    with pytest.raises(kb.InvalidInput, match="a person"):
        kb.undo(board.conn, actor=actor)


def test_a_row_that_was_changed_without_an_event_is_left_alone(board: ABoard) -> None:
    task = board.create("first")
    kb.edit_task(board.conn, task, title="second")
    board.damage("UPDATE tasks SET title = 'third' WHERE id = :id", id=task)
    with pytest.raises(kb.CannotUndo, match="title was changed without an event"):
        kb.undo(board.conn, task)
    board.damage("UPDATE tasks SET title = 'second' WHERE id = :id", id=task)


def test_two_who_undo_at_once_take_turns(board: ABoard) -> None:
    """Each sees what the other did: one edits back, the other forth, and none is lost."""
    task = board.create("first")
    kb.edit_task(board.conn, task, title="second")
    begin, undone = threading.Barrier(4), []

    def work() -> None:
        conn = kb.connect(board.slug, clock=board.clock, randomness=board.randomness)
        begin.wait()
        undone.append(kb.undo(conn, task).undid)
        conn.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(set(undone)) == 4
    assert board.task(task).title == "second"


def test_in_a_batch_it_takes_back_a_verb_of_the_batch(board: ABoard) -> None:
    task = board.create("first")
    with kb.batch(board.conn):
        kb.edit_task(board.conn, task, title="second")
        kb.undo(board.conn, task)
    assert board.task(task).title == "first"
