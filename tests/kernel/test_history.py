"""The board as it was at any moment, and what changed between two of them."""

from __future__ import annotations

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.history import LinkChange, RunChange
from tests.kernel.scenes import leave_late_work, proof
from tests.support.boards import START, ABoard
from tests.support.rich import rich_board

UNTOLD = {"claim_expires": None, "last_heartbeat_at": None}


def now(board: ABoard) -> kb.Moment:
    return kb.moment(board.conn)


def as_told(task: kb.Task) -> dict[str, object]:
    """A task without what events do not tell."""
    return {name: getattr(task, name) for name in kb.Task.__struct_fields__} | UNTOLD


def test_a_moment_is_the_newest_event_at_or_before_the_time(board: ABoard) -> None:
    board.create("first")
    board.clock.advance(10)
    board.create("second")
    board.create("third")
    assert kb.moment(board.conn, at=START - 1) == kb.Moment(0, None, START - 1)
    assert kb.moment(board.conn, at=START) == kb.Moment(1, START, START)
    assert kb.moment(board.conn, at=START + 9).event_id == 1
    assert kb.moment(board.conn, at=START + 10).event_id == 3
    assert kb.moment(board.conn, at=START + 10_000).event_id == 3
    assert kb.moment(board.conn) == kb.Moment(3, START + 10, None)


def test_an_event_of_a_clock_that_ran_ahead_counts_once_the_right_clock_wrote(
    board: ABoard,
) -> None:
    board.create("by the right clock")
    board.clock.jump(1_000)
    board.create("by a clock that ran ahead")
    assert kb.moment(board.conn, at=START + 10).event_id == 1
    board.clock.jump(-1_000)
    board.clock.advance(5)
    board.create("by the right clock again")
    assert kb.moment(board.conn, at=START + 4).event_id == 1
    assert kb.moment(board.conn, at=START + 5).event_id == 3


def test_a_moment_of_an_event_that_is_to_come_does_not_exist(board: ABoard) -> None:
    board.create()
    assert kb.moment(board.conn, event_id=1) == kb.Moment(1, START, None)
    assert kb.moment(board.conn, event_id=0) == kb.Moment(0, None, None)
    with pytest.raises(kb.NotFound, match="no event 2; the newest one is 1"):
        kb.moment(board.conn, event_id=2)
    with pytest.raises(kb.InvalidInput):
        kb.moment(board.conn, event_id=-1)


def test_an_empty_board_has_a_moment_too(board: ABoard) -> None:
    assert now(board) == kb.Moment(0, None, None)
    assert kb.tasks_at(board.conn, now(board)) == []


def test_every_task_is_now_as_its_rows_say(board: ABoard) -> None:
    rich_board(board)
    everything = [one.status for one in kb.list_tasks(board.conn, limit=1_000)]
    assert "running" in everything
    statuses = set(everything) | {"archived"}
    listed = kb.list_tasks(board.conn, status=statuses, limit=1_000)
    then = kb.tasks_at(board.conn, now(board), status=statuses, limit=1_000)
    assert [as_told(one) for one in then] == [as_told(one) for one in listed]
    for task in listed:
        seen = kb.task_at(board.conn, task.id, now(board))
        assert as_told(seen.task) == as_told(task)
        key = {"key": lambda link: (link.parent_id, link.child_id)}
        assert sorted(seen.links, **key) == sorted(kb.list_links(board.conn, task.id), **key)
        assert seen.comments == kb.list_comments(board.conn, task.id)
        assert [(r.id, r.outcome, r.metadata, r.worker_identity) for r in seen.runs] == [
            (r.id, r.outcome, r.metadata, r.worker_identity)
            for r in kb.list_runs(board.conn, task.id)
        ]


def test_a_task_is_shown_as_it_was_with_its_gate(board: ABoard) -> None:
    parent = board.create("parent")
    task = board.create("first title", parents=[parent])
    grandchild = board.create("grandchild", parents=[task])
    kb.add_comment(board.conn, task, "early")
    then = now(board)
    kb.edit_task(board.conn, task, title="second title")
    kb.complete_task(board.conn, parent)
    kb.unlink_tasks(board.conn, task, grandchild)
    kb.unlink_tasks(board.conn, parent, task)
    kb.add_comment(board.conn, task, "late")
    kb.complete_task(board.conn, task, **proof(board.claim(task)))

    was = kb.task_at(board.conn, task, then)
    assert (was.task.title, was.task.status, was.runs) == ("first title", "todo", [])
    assert [(link.parent_id, link.child_id) for link in was.links] == [
        (parent, task),
        (task, grandchild),
    ]
    assert {one: other.status for one, other in was.others.items()} == {
        parent: "ready",
        grandchild: "todo",
    }
    assert [one.id for one in was.open_parents] == [parent]
    assert [comment.body for comment in was.comments] == ["early"]
    is_now = kb.task_at(board.conn, task, now(board))
    assert (is_now.links, is_now.open_parents, len(is_now.runs)) == ([], [], 1)


def test_a_link_that_an_undo_took_away_is_seen_where_it_was(board: ABoard) -> None:
    parent, child = board.create("parent"), board.create("child")
    kb.link_tasks(board.conn, parent, child)
    then = now(board)
    kb.undo(board.conn, child)
    assert [link.child_id for link in kb.task_at(board.conn, parent, then).links] == [child]
    assert kb.task_at(board.conn, parent, now(board)).links == []


def test_of_a_linked_task_that_was_purged_since_only_the_link_is_known(board: ABoard) -> None:
    parent = board.create("parent")
    child = board.create("child", parents=[parent])
    then = now(board)
    kb.archive_task(board.conn, parent)
    kb.purge_task(board.conn, parent)
    was = kb.task_at(board.conn, child, then)
    assert [link.parent_id for link in was.links] == [parent]
    assert (was.others, was.open_parents) == ({}, [])
    assert [one.id for one in kb.tasks_at(board.conn, then)] == [child]
    with pytest.raises(kb.NotFound, match="see the ids"):
        kb.task_at(board.conn, parent, then)
    told = {one.id: one for one in kb.diff(board.conn, then, now(board)).tasks}
    assert told[child].links == [LinkChange("remove", parent)]


def test_a_task_that_was_not_there_yet_says_since_when_it_is(board: ABoard) -> None:
    board.create("first")
    then = now(board)
    later = board.create("second")
    with pytest.raises(kb.NotFound, match=f"no task {later}; it was created later, with event 2"):
        kb.task_at(board.conn, later, then)
    with pytest.raises(kb.NotFound, match="no task t_nosuch; see the ids"):
        kb.task_at(board.conn, "t_nosuch", then)


def test_the_list_is_filtered_and_paged_by_what_was(board: ABoard) -> None:
    tasks = [board.create(str(n), assignee="coder", tenant="a") for n in range(3)]
    kb.archive_task(board.conn, tasks[0])
    then = now(board)
    kb.assign_task(board.conn, tasks[1], "writer")
    kb.complete_task(board.conn, tasks[2])
    kb.edit_task(board.conn, tasks[2], tenant="b")

    def ids(**wanted: object) -> list[str]:
        return [one.id for one in kb.tasks_at(board.conn, then, **wanted)]  # type: ignore[arg-type]

    assert ids() == ids(assignee="coder", tenant="a") == tasks[1:]
    assert ids(assignee="writer") == ids(tenant="b") == ids(status="done") == []
    assert ids(status=["archived", "ready"]) == tasks
    assert ids(limit=1) == [tasks[1]]
    assert ids(after=kb.get_task(board.conn, tasks[1]).seq) == [tasks[2]]
    with pytest.raises(kb.InvalidInput):
        ids(status="finished")


def test_a_diff_tells_what_became_of_each_task(board: ABoard) -> None:
    parent, other = board.create("parent"), board.create("other")
    task = board.create("first title", assignee="worker", parents=[parent])
    unmoved = board.create("unmoved")
    start = now(board)
    kb.edit_task(board.conn, task, title="second title", body="new")
    kb.link_tasks(board.conn, other, task)
    kb.unlink_tasks(board.conn, parent, task)
    kb.complete_task(board.conn, other, summary="by hand")
    run = board.claim(task)
    kb.add_comment(board.conn, task, "half way", **proof(run))
    kb.complete_task(board.conn, task, summary="counted", **proof(run))
    new = board.create("new")
    kb.prioritise_task(board.conn, new, 4)
    kb.pause(board.conn)

    found = kb.diff(board.conn, start, now(board))
    told = {change.id: change for change in found.tasks}
    assert list(told) == [task, other, new]
    assert unmoved not in told
    change = told[task]
    assert (change.title, change.created) == ("second title", False)
    assert change.statuses == ["todo", "ready", "running", "done"]
    assert change.fields["title"] == ("first title", "second title")
    assert change.fields["body"] == (None, "new")
    assert "claim_lock" not in change.fields
    assert change.runs == [RunChange(run.id, "worker", True, "completed", "counted")]
    assert change.links == [LinkChange("remove", parent), LinkChange("add", other)]
    assert [comment.body for comment in change.comments] == ["half way"]
    assert (told[new].created, told[new].statuses) == (True, ["ready"])
    assert told[new].fields == {"priority": (0, 4), "effective_priority": (0, 4)}
    assert [event.kind for event in found.board] == ["paused"]


def test_a_diff_ends_where_it_is_told_to(board: ABoard) -> None:
    task = board.create("first")
    start = now(board)
    run = board.claim(task)
    middle = now(board)
    kb.complete_task(board.conn, task, **proof(run))
    (first,) = kb.diff(board.conn, start, middle).tasks
    (second,) = kb.diff(board.conn, middle, now(board)).tasks
    assert (first.statuses, second.statuses) == (["ready", "running"], ["running", "done"])
    assert [(one.opened, one.outcome) for one in first.runs] == [(True, None)]
    assert [(one.opened, one.outcome) for one in second.runs] == [(False, "completed")]
    assert kb.diff(board.conn, middle, middle).tasks == []
    with pytest.raises(kb.InvalidInput, match="not after the other"):
        kb.diff(board.conn, middle, start)


def test_a_diff_of_one_task_tells_of_no_other(board: ABoard) -> None:
    task, other = board.create("one"), board.create("other")
    start = now(board)
    kb.edit_task(board.conn, task, title="two")
    kb.edit_task(board.conn, other, title="another")
    kb.pause(board.conn)
    found = kb.diff(board.conn, start, now(board), task)
    assert ([change.id for change in found.tasks], found.board) == ([task], [])
    with pytest.raises(kb.NotFound, match="t_nosuch"):
        kb.diff(board.conn, start, now(board), "t_nosuch")


def test_what_was_taken_back_is_no_difference(board: ABoard) -> None:
    task = board.create("first")
    start = now(board)
    kb.edit_task(board.conn, task, title="second")
    kb.undo(board.conn, task)
    assert kb.diff(board.conn, start, now(board)).tasks == []


def test_a_release_is_told(board: ABoard) -> None:
    parent = board.create("parent")
    child = board.create("child", parents=[parent])
    start = now(board)
    kb.archive_task(board.conn, parent, release=True)
    told = {change.id: change for change in kb.diff(board.conn, start, now(board)).tasks}
    assert told[child].links == [LinkChange("release", parent)]
    assert told[child].statuses == ["todo", "ready"]


def test_events_that_change_nothing_are_no_difference(board: ABoard) -> None:
    task = board.create(assignee="worker")
    run = leave_late_work(board, task)
    start = now(board)
    assert not kb.block_task(board.conn, task, reason="late", **proof(run))
    assert board.kinds(task)[-1] == "fenced"
    assert kb.diff(board.conn, start, now(board)).tasks == []


def test_a_task_that_no_event_tells_whole_is_damage(board: ABoard) -> None:
    task_id = board.create()
    board.damage('UPDATE task_events SET payload = \'{"task":{"status":"ready"}}\'')
    when = now(board)
    for look in (
        lambda: kb.tasks_at(board.conn, when),
        lambda: kb.task_at(board.conn, task_id, when),
    ):
        with pytest.raises(kb.BoardDamaged, match=f"created_at, seq, title of {task_id}"):
            look()


def test_an_unreadable_event_is_damage(board: ABoard) -> None:
    task = board.create()
    board.damage("UPDATE task_events SET payload = 'gone'")
    with pytest.raises(kb.BoardDamaged, match="event 1 is unreadable"):
        kb.task_at(board.conn, task, now(board))
