"""Subscriptions to a tree: whatever comes below the task, however it comes, is heard of too."""

from __future__ import annotations

from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import outbox, subscriptions, waking
from tests.support.boards import ABoard

TREE = {"inherit": True}


def subscribe(board: ABoard, task_id: str, **keys: Any) -> int:
    keys = {"destination": "log", "filter": {"kinds": ["created", "commented"]}} | keys
    return subscriptions.subscribe(board.conn, task_id=task_id, options=TREE, **keys)


def subscribed(board: ABoard) -> list[str | None]:
    """The tasks of live subscriptions."""
    return [one.task_id for one in subscriptions.list_subscriptions(board.conn)]


def heard_of(board: ABoard) -> list[tuple[str, str | None]]:
    """(kind, task) of what is owed, by event."""
    while outbox.advance_cursors(board.conn):
        pass
    owed = sorted(one.event_id for one in outbox.list_outbox(board.conn, limit=1_000))
    events = {one.id: one for one in kb.list_events(board.conn, limit=1_000)}
    return [(events[one].kind, events[one].task_id) for one in owed]


def test_every_task_below_gets_one_of_its_own(board: ABoard) -> None:
    top = board.create("top")
    child = board.create("child", parents=[top])
    grandchild = board.create("grandchild", parents=[child, top])
    board.create("elsewhere")
    root = subscribe(board, top)
    found = subscriptions.list_subscriptions(board.conn)
    assert [one.task_id for one in found] == [top, child, grandchild]
    assert [one.root_id for one in found] == [None, root, root]
    first = found[0]
    for one in found[1:]:
        assert (one.filter, one.destination, one.mode) == (
            first.filter,
            first.destination,
            first.mode,
        )
        assert (one.options, one.created_by) == (first.options, first.created_by)
    assert [one.id for one in subscriptions.list_subscriptions(board.conn, inherited=False)] == [
        root
    ]


def test_a_task_that_comes_later_is_heard_of_from_its_creation_on(board: ABoard) -> None:
    top = board.create("top")
    subscribe(board, top)
    child = board.create("child", parents=[top])
    grandchild = board.create("grandchild", parents=[child])
    kb.add_comment(board.conn, grandchild, "hello")
    assert heard_of(board) == [
        ("created", child),
        ("created", grandchild),
        ("commented", grandchild),
    ]
    assert kb.check(board.conn) == []


def test_a_tree_that_is_linked_below_is_heard_of_from_then_on(board: ABoard) -> None:
    top = board.create("top")
    other = board.create("other")
    below = board.create("below the other", parents=[other])
    kb.add_comment(board.conn, below, "before")
    subscribe(board, top)
    kb.link_tasks(board.conn, top, other)
    kb.add_comment(board.conn, below, "after")
    assert subscribed(board) == [top, other, below]
    assert heard_of(board) == [("commented", below)]


def test_what_a_run_creates_or_waits_for_is_below_its_task(board: ABoard) -> None:
    top = board.create("top", assignee="worker")
    subscribe(board, top)
    known = board.create("was there before")
    run = board.claim(top)
    made = kb.create_task(board.conn, title="made", run_id=run.id, claim_lock=run.claim_lock)
    kb.wait_for(board.conn, top, [made, known], run_id=run.id, claim_lock=run.claim_lock)
    assert subscribed(board) == [top, made, known]
    assert heard_of(board) == [("created", made)]
    again = subscribe(board, top)
    assert again == 1
    assert subscribed(board) == [top, made, known]


def test_what_a_woken_agent_files_into_it_is_heard_of_too(board: ABoard) -> None:
    top = board.create("top")
    subscribe(board, top)
    wanted: dict[str, Any] = {"filter": {"kinds": ["completed"]}, "options": {"wake": "planner"}}
    subscriptions.subscribe(board.conn, mode="wake", **wanted)
    news = board.create("news")
    kb.complete_task(board.conn, news)
    assert heard_of(board) == [("completed", news)]
    (made,) = waking.wake_due(board.conn)
    run = board.claim(made)
    follow_up = kb.create_task(
        board.conn, title="more", parents=[top], run_id=run.id, claim_lock=run.claim_lock
    )
    assert follow_up in subscribed(board)
    assert heard_of(board)[-1] == ("created", follow_up)
    assert kb.check(board.conn) == []


def test_what_its_runs_created_before_is_below_it_too(board: ABoard) -> None:
    top = board.create("top", assignee="worker")
    run = board.claim(top)
    made = kb.create_task(board.conn, title="made", run_id=run.id, claim_lock=run.claim_lock)
    subscribe(board, top)
    assert subscribed(board) == [top, made]


def test_two_ways_to_a_task_make_one_subscription(board: ABoard) -> None:
    top = board.create("top")
    subscribe(board, top)
    left, right = (board.create(name, parents=[top]) for name in ("left", "right"))
    both = board.create("both", parents=[left, right])
    kb.link_tasks(board.conn, top, both)
    assert subscribed(board) == [top, left, right, both]


def test_other_filters_and_destinations_are_inherited_beside_each_other(board: ABoard) -> None:
    top = board.create("top")
    subscribe(board, top)
    subscribe(board, top, filter={"kinds": ["blocked"]})
    subscriptions.subscribe(board.conn, destination="log", task_id=top)
    board.create("child", parents=[top])
    assert len(subscriptions.list_subscriptions(board.conn)) == 5


def test_the_tree_ends_with_its_root(board: ABoard) -> None:
    top = board.create("top")
    root = subscribe(board, top)
    child = board.create("child", parents=[top])
    outbox.advance_cursors(board.conn)
    assert subscriptions.unsubscribe(board.conn, root) is True
    board.create("later", parents=[child])
    assert subscribed(board) == []
    (owed,) = outbox.list_outbox(board.conn)
    assert (owed.state, owed.reason) == ("dead", "its subscription ended")
    assert kb.check(board.conn) == []


def test_one_of_the_tree_may_end_alone(board: ABoard) -> None:
    top = board.create("top")
    subscribe(board, top)
    child = board.create("child", parents=[top])
    subscriptions.unsubscribe(board.conn, 2)
    board.create("grandchild", parents=[child])
    assert subscribed(board) == [top]


def test_what_leaves_the_tree_hears_no_more(board: ABoard) -> None:
    top = board.create("top")
    subscribe(board, top)
    child = board.create("child", parents=[top])
    below = board.create("below", parents=[child])
    kb.add_comment(board.conn, below, "while it was below")
    outbox.advance_cursors(board.conn)
    kb.unlink_tasks(board.conn, top, child)
    assert subscribed(board) == [top]
    kb.add_comment(board.conn, below, "afterwards")
    outbox.advance_cursors(board.conn)
    owed = outbox.list_outbox(board.conn)
    assert {(one.state, one.reason) for one in owed} == {("dead", "its subscription ended")}
    assert outbox.list_outbox(board.conn, state="dead") == []
    assert kb.check(board.conn) == []


def test_who_is_in_the_tree_by_another_way_stays(board: ABoard) -> None:
    top = board.create("top", assignee="worker")
    subscribe(board, top)
    left, right = (board.create(name, parents=[top]) for name in ("left", "right"))
    both = board.create("both", parents=[left, right])
    kb.unlink_tasks(board.conn, left, both)
    assert subscribed(board) == [top, left, right, both]
    kb.unlink_tasks(board.conn, right, both)
    assert subscribed(board) == [top, left, right]


def test_what_a_run_waited_for_leaves_when_it_need_not_be_waited_for(board: ABoard) -> None:
    top = board.create("top", assignee="worker")
    known = board.create("was there before")
    run = board.claim(top)
    made = kb.create_task(board.conn, title="made", run_id=run.id, claim_lock=run.claim_lock)
    kb.wait_for(board.conn, top, [made, known], run_id=run.id, claim_lock=run.claim_lock)
    subscribe(board, top)
    assert subscribed(board) == [top, known, made]
    kb.unlink_tasks(board.conn, known, top)
    kb.unlink_tasks(board.conn, made, top)
    assert subscribed(board) == [top, made]  # its run made that


def test_undoing_follows_the_tree_too(board: ABoard) -> None:
    mara = "person:mara"
    top, child = board.create("top"), board.create("child")
    subscribe(board, top)
    kb.link_tasks(board.conn, top, child, actor=mara)
    assert subscribed(board) == [top, child]
    kb.undo(board.conn, child, actor=mara)
    assert subscribed(board) == [top]
    kb.undo(board.conn, child, actor=mara)
    assert subscribed(board) == [top, child]


@pytest.mark.parametrize("where", ["top", "child"])
def test_purging_takes_out_of_the_tree_what_was_below_by_that_alone(
    board: ABoard, where: str
) -> None:
    top = board.create("top", actor="person:mara")
    subscribe(board, top)
    child = board.create("child", parents=[top])
    board.create("below", parents=[child])
    gone = top if where == "top" else child
    kb.archive_task(board.conn, gone)
    kb.purge_task(board.conn, gone)
    assert subscribed(board) == ([] if where == "top" else [top])
    assert kb.check(board.conn) == []


def test_what_two_trees_hand_down_stays_with_the_other(board: ABoard) -> None:
    left, right = board.create("left"), board.create("right")
    first, second = subscribe(board, left), subscribe(board, right)
    child = board.create("child", parents=[left, right])
    kb.add_comment(board.conn, child, "hello")
    outbox.advance_cursors(board.conn)
    subscriptions.unsubscribe(board.conn, first)
    heir = next(one for one in subscriptions.list_subscriptions(board.conn) if one.task_id == child)
    assert heir.root_id == second
    assert {one.state for one in outbox.list_outbox(board.conn, sub_id=heir.id)} == {"waiting"}
    subscriptions.unsubscribe(board.conn, second)
    assert subscribed(board) == []


def test_it_survives_the_end_and_the_reopening_of_its_task(board: ABoard) -> None:
    top = board.create("top")
    subscribe(board, top)
    kb.complete_task(board.conn, top)
    kb.archive_task(board.conn, top)
    kb.reopen_task(board.conn, top)
    child = board.create("child", parents=[top])
    assert subscribed(board) == [top, child]


def test_a_creation_that_fails_leaves_no_subscription(board: ABoard) -> None:
    top = board.create("top")
    subscribe(board, top)
    with pytest.raises(kb.InvalidInput), kb.batch(board.conn):
        board.create("child", parents=[top])
        board.create("", parents=[top])
    assert subscribed(board) == [top]
