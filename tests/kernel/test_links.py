"""Dependencies: cycles, promotion and demotion in the same transaction, archived parents."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model import IllegalTransition, InvalidInput, NotFound
from tests.kernel.scenes import (
    current_run,
    dump,
    end,
    events_after,
    hand_in,
    holds,
    in_status,
    kinds,
    proof,
)
from tests.support.boards import ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")


def _statuses(board: ABoard, *tasks: str) -> list[str]:
    return [board.task(task).status for task in tasks]


def test_a_cycle_is_refused_and_its_path_shown(board: ABoard) -> None:
    a, b, c, d = (board.create(name) for name in "abcd")
    kb.link_tasks(board.conn, a, b)
    kb.link_tasks(board.conn, b, c)
    kb.link_tasks(board.conn, a, d)
    before = dump(board.conn)
    with pytest.raises(InvalidInput, match=f"{c} → {a} → {b} → {c}"):
        kb.link_tasks(board.conn, c, a)
    assert dump(board.conn) == before


def test_a_task_is_not_its_own_parent(board: ABoard) -> None:
    task = board.create()
    with pytest.raises(InvalidInput, match="cycle"):
        kb.link_tasks(board.conn, task, task)


def test_a_cycle_through_finished_and_released_links_is_refused_too(board: ABoard) -> None:
    a, b, c = (board.create(name) for name in "abc")
    kb.link_tasks(board.conn, a, b)
    kb.link_tasks(board.conn, b, c)
    kb.archive_task(board.conn, a, release=True)
    kb.complete_task(board.conn, b)
    kb.reopen_task(board.conn, a)
    with pytest.raises(InvalidInput, match="cycle"):
        kb.link_tasks(board.conn, c, a)


def test_both_ends_of_a_link_must_exist(board: ABoard) -> None:
    task = board.create()
    for pair in ((task, "t_nosuch"), ("t_nosuch", task)):
        with pytest.raises(NotFound, match="t_nosuch"):
            kb.link_tasks(board.conn, *pair)
        with pytest.raises(NotFound, match="t_nosuch"):
            kb.unlink_tasks(board.conn, *pair)


def test_linking_twice_is_linking_once(board: ABoard) -> None:
    parent, child = board.create(), board.create()
    assert kb.link_tasks(board.conn, parent, child) is True
    before = dump(board.conn)
    assert kb.link_tasks(board.conn, parent, child) is False
    assert dump(board.conn) == before


def test_unlinking_what_is_not_linked_changes_nothing(board: ABoard) -> None:
    parent, child = board.create(), board.create()
    before = dump(board.conn)
    assert kb.unlink_tasks(board.conn, parent, child) is False
    assert dump(board.conn) == before


def test_an_open_parent_demotes_a_ready_child_in_the_same_transaction(board: ABoard) -> None:
    parent, child = board.create(), board.create()
    newest = kb.newest_event_id(board.conn)
    kb.link_tasks(board.conn, parent, child)
    events = events_after(board, newest)
    assert kinds(events) == ["linked", "demoted"]
    assert events[0].task_id == child
    assert events[0].payload["link"] == {"op": "add", "parent_id": parent, "child_id": child}
    assert board.task(child).status == "todo"


def test_a_finished_parent_holds_nothing_back(board: ABoard) -> None:
    parent, archived, child = (board.create() for _ in range(3))
    kb.complete_task(board.conn, parent)
    kb.complete_task(board.conn, archived)
    kb.archive_task(board.conn, archived)
    kb.link_tasks(board.conn, parent, child)
    kb.link_tasks(board.conn, archived, child)
    assert board.task(child).status == "ready"


def test_a_parent_archived_undone_cannot_be_linked(board: ABoard) -> None:
    parent, child = board.create(), board.create()
    kb.archive_task(board.conn, parent)
    for link in (
        lambda: kb.link_tasks(board.conn, parent, child),
        lambda: board.create(parents=[parent]),
    ):
        with pytest.raises(InvalidInput, match=parent):
            link()


def test_a_running_child_stays_and_is_told(board: ABoard) -> None:
    parent, late, child = (board.create() for _ in range(3))
    kb.complete_task(board.conn, parent)
    kb.link_tasks(board.conn, parent, child)
    run = board.claim(child)
    kb.link_tasks(board.conn, late, child)
    newest = kb.newest_event_id(board.conn)
    kb.reopen_task(board.conn, parent)
    assert board.task(child).status == "running"
    told = [event for event in events_after(board, newest) if event.task_id == child]
    assert [event.run_id for event in told] == [run.id]
    assert told[0].payload["parent_id"] == parent
    assert kb.complete_task(board.conn, child, **proof(run))


def test_completing_the_last_open_parent_promotes_the_child(board: ABoard) -> None:
    one, two = board.create(), board.create()
    child = board.create(parents=[one, two])
    kb.complete_task(board.conn, one)
    assert board.task(child).status == "todo"
    newest = kb.newest_event_id(board.conn)
    kb.complete_task(board.conn, two)
    assert kinds(events_after(board, newest)) == ["completed", "promoted"]
    assert board.task(child).status == "ready"


def test_approving_and_adopting_promote_too(board: ABoard) -> None:
    reviewed = board.create()
    child = board.create(parents=[reviewed])
    hand_in(board, reviewed)
    assert board.task(child).status == "todo"
    kb.approve_task(board.conn, reviewed)
    assert board.task(child).status == "ready"


def test_promotion_reaches_every_child_and_no_grandchild(board: ABoard) -> None:
    parent = board.create()
    children = [board.create(parents=[parent]) for _ in range(3)]
    grandchild = board.create(parents=children)
    kb.complete_task(board.conn, parent)
    assert _statuses(board, *children, grandchild) == ["ready"] * 3 + ["todo"]


def test_reopening_a_parent_demotes_ready_children_and_leaves_done_ones(board: ABoard) -> None:
    parent = board.create()
    ready, done, reviewed = (board.create(parents=[parent]) for _ in range(3))
    kb.complete_task(board.conn, parent)
    kb.complete_task(board.conn, done)
    hand_in(board, reviewed)
    newest = kb.newest_event_id(board.conn)
    kb.reopen_task(board.conn, parent)
    assert kinds(events_after(board, newest)) == ["reopened", "demoted"]
    assert _statuses(board, parent, ready, done, reviewed) == ["ready", "todo", "done", "review"]
    assert board.task(parent).completed_at is None


def test_a_parent_archived_after_it_was_done_keeps_its_children_free(board: ABoard) -> None:
    parent = board.create()
    child = board.create(parents=[parent])
    kb.complete_task(board.conn, parent)
    kb.archive_task(board.conn, parent)
    assert board.task(child).status == "ready"
    other = board.create(parents=[parent])
    assert board.task(other).status == "ready"


def test_a_parent_archived_undone_blocks_its_waiting_children_with_the_reason(
    board: ABoard,
) -> None:
    parent = board.create()
    child = board.create(parents=[parent])
    newest = kb.newest_event_id(board.conn)
    kb.archive_task(board.conn, parent)
    events = events_after(board, newest)
    assert kinds(events) == ["archived", "blocked"]
    assert (events[1].task_id, events[1].run_id, events[1].actor) == (child, None, "system")
    assert "unlink" in events[1].payload["lifted_by"]
    blocked = board.task(child)
    assert (blocked.status, blocked.block_kind) == ("blocked", "needs_input")
    assert parent in (blocked.block_reason or "")
    assert kb.list_runs(board.conn, child) == []


def _accepted(board: ABoard, task: str) -> None:
    kb.accept_task(board.conn, task)


def _sent_back(board: ABoard, task: str) -> None:
    kb.request_changes(board.conn, task, comment="shorter")


def _reclaimed(board: ABoard, task: str) -> None:
    kb.reclaim_task(board.conn, task)


def _unblocked(board: ABoard, task: str) -> None:
    kb.unblock_task(board.conn, task)


def _reopened(board: ABoard, task: str) -> None:
    kb.reopen_task(board.conn, task)


@pytest.mark.parametrize(
    ("status", "come_to_rest"),
    [
        ("triage", _accepted),
        ("review", _sent_back),
        ("running", _reclaimed),
        ("blocked", _unblocked),
        ("done", _reopened),
    ],
)
def test_a_task_that_comes_to_rest_behind_a_parent_archived_undone_does_not_wait_for_ever(
    board: ABoard, status: str, come_to_rest: Callable[[ABoard, str], None]
) -> None:
    parent = board.create("never done")
    task = in_status(board, status)
    kb.link_tasks(board.conn, parent, task)
    kb.archive_task(board.conn, parent)
    assert board.task(task).status == status
    come_to_rest(board, task)
    blocked = board.task(task)
    assert (blocked.status, blocked.block_kind) == ("blocked", "needs_input")
    assert parent in (blocked.block_reason or "")
    kb.unlink_tasks(board.conn, parent, task)
    kb.unblock_task(board.conn, task)
    assert board.task(task).status == "ready"


def test_a_failed_run_waits_for_no_parent_archived_undone(board: ABoard) -> None:
    parent, task = board.create("never done"), board.create()
    run = board.start(task)
    kb.link_tasks(board.conn, parent, task)
    kb.archive_task(board.conn, parent)
    end(board, run, exit_code=1)
    assert board.task(task).status == "blocked"
    assert board.kinds(task)[-3:] == ["crashed", "blocked", "exited"]


def test_what_lifts_that_block_is_what_its_event_says(board: ABoard) -> None:
    parent = board.create(priority=1)
    child = board.create(parents=[parent], priority=9)
    kb.archive_task(board.conn, parent)
    newest = kb.newest_event_id(board.conn)
    kb.unlink_tasks(board.conn, parent, child)
    assert {event.task_id for event in events_after(board, newest)} == {child}
    assert board.task(child).status == "blocked"
    kb.unblock_task(board.conn, child)
    assert board.task(child).status == "ready"


def test_released_children_go_on_without_their_parent(board: ABoard) -> None:
    parent, other = board.create(), board.create()
    child, waiting = board.create(parents=[parent]), board.create(parents=[parent, other])
    newest = kb.newest_event_id(board.conn)
    kb.archive_task(board.conn, parent, release=True)
    assert kinds(events_after(board, newest)) == ["archived", "released", "promoted", "released"]
    assert _statuses(board, child, waiting) == ["ready", "todo"]
    (link,) = kb.list_links(board.conn, child)
    assert link.released_at == board.clock.now()


def test_release_frees_a_child_that_is_blocked_on_its_parents(board: ABoard) -> None:
    parent = board.create()
    child = board.create(parents=[parent])
    kb.block_task(board.conn, child, reason="for its parent", kind="dependency")
    kb.archive_task(board.conn, parent, release=True)
    assert board.task(child).status == "ready"


def test_a_released_parent_gates_no_more_when_it_is_reopened(board: ABoard) -> None:
    parent = board.create()
    child = board.create(parents=[parent])
    kb.archive_task(board.conn, parent, release=True)
    kb.reopen_task(board.conn, parent)
    assert board.task(child).status == "ready"
    assert kb.claim_task(board.conn, child) is not None


def test_unlinking_the_last_open_parent_promotes(board: ABoard) -> None:
    one, two = board.create(), board.create()
    child = board.create(parents=[one, two])
    kb.unlink_tasks(board.conn, one, child)
    assert board.task(child).status == "todo"
    newest = kb.newest_event_id(board.conn)
    kb.unlink_tasks(board.conn, two, child)
    assert kinds(events_after(board, newest)) == ["unlinked", "promoted"]
    assert board.task(child).status == "ready"
    assert kb.list_links(board.conn, child) == []


def test_links_change_no_finished_or_waiting_phase(board: ABoard) -> None:
    parent = board.create()
    triage, review, done = board.create(triage=True), board.create(), board.create()
    hand_in(board, review)
    kb.complete_task(board.conn, done)
    for child in (triage, review, done):
        kb.link_tasks(board.conn, parent, child)
        kb.unlink_tasks(board.conn, parent, child)
    assert _statuses(board, triage, review, done) == ["triage", "review", "done"]


def test_an_archived_child_takes_no_links(board: ABoard) -> None:
    parent, child = board.create(), board.create()
    kb.archive_task(board.conn, child)
    before = dump(board.conn)
    with pytest.raises(IllegalTransition, match="archived"):
        kb.link_tasks(board.conn, parent, child)
    assert dump(board.conn) == before


def test_cancelling_a_tree_takes_the_open_descendants_and_blocks_none_of_them(
    board: ABoard,
) -> None:
    top = board.create("top")
    left, right = board.create("left", parents=[top]), board.create("right", parents=[top])
    bottom = board.create("bottom", parents=[left, right])
    done = board.create("done", parents=[top])
    kb.complete_task(board.conn, done)
    after_done = board.create("after", parents=[done])
    beside = board.create("beside")
    kb.cancel_task(board.conn, top, tree=True, reason="no longer needed")
    assert _statuses(board, top, left, right, bottom, after_done) == ["archived"] * 5
    assert _statuses(board, done, beside) == ["done", "ready"]
    for task in (top, left, right, bottom, after_done):
        assert "blocked" not in board.kinds(task)


def test_cancelling_a_tree_stops_what_runs_in_it(board: ABoard) -> None:
    top, child = board.create(), board.create()
    run = board.start(child, stubborn=True)
    kb.link_tasks(board.conn, top, child)
    kb.cancel_task(board.conn, top, tree=True)
    closed = kb.get_run(board.conn, run.id)
    assert (closed.outcome, closed.stop_by) == ("cancelled", "person:tester")
    assert board.task(child).status == "archived"


def test_cancelling_without_tree_blocks_the_children(board: ABoard) -> None:
    top = board.create()
    child = board.create(parents=[top])
    kb.cancel_task(board.conn, top)
    assert _statuses(board, top, child) == ["archived", "blocked"]


def test_the_sweep_promotes_what_another_program_left_behind(board: ABoard) -> None:
    tasks = [board.create() for _ in range(5)]
    waiting = board.create(parents=[tasks[0]])
    board.damage("UPDATE tasks SET status = 'todo' WHERE status = 'ready' AND id <> :id", id="")
    promoted, after = kb.recompute_ready(board.conn, limit=3)
    assert promoted == tasks[:3]
    promoted, after = kb.recompute_ready(board.conn, after=after, limit=3)
    assert (promoted, after) == (tasks[3:], board.task(waiting).seq)
    assert kb.recompute_ready(board.conn, after=after, limit=3) == ([], 0)
    assert _statuses(board, *tasks, waiting) == ["ready"] * 5 + ["todo"]


def test_why_names_each_open_parent_since_it_holds_the_task_back(board: ABoard) -> None:
    one, two = board.create("one"), board.create("two")
    child = board.create(parents=[one])
    kb.complete_task(board.conn, one)
    board.clock.advance(100)
    kb.reopen_task(board.conn, one)
    board.clock.advance(100)
    kb.link_tasks(board.conn, two, child)
    start = board.task(one).created_at
    found = {hold.since: hold for hold in kb.why(board.conn, child)}
    assert sorted(found) == [start + 100, start + 200]
    assert one in found[start + 100].text
    assert two in found[start + 200].text
    assert holds(board, child) == ["open_parent", "open_parent"]


def test_a_worker_links_as_its_run(board: ABoard) -> None:
    parent, child = board.create(), board.create()
    task = board.create(assignee="worker")
    run = board.claim(task, claimer="dispatcher")
    kb.link_tasks(board.conn, parent, child, **proof(run))
    linked = kb.list_events(board.conn, child)[1]
    assert (linked.actor, linked.run_id) == ("profile:worker", run.id)
    assert current_run(board, task).id == run.id
