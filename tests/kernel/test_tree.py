"""The graph around a task."""

from __future__ import annotations

import pytest

from hermes_kanban import kernel as kb
from tests.support.boards import ABoard


def test_everything_that_is_linked_is_there_once(board: ABoard) -> None:
    root = board.create("root")
    left, right = board.create("left", parents=[root]), board.create("right", parents=[root])
    last = board.create("last", parents=[left, right])
    board.create("alone")
    kb.complete_task(board.conn, root)
    found = kb.tree(board.conn, left)
    assert found.root == found.nodes[0].id == left
    assert {node.id for node in found.nodes} == {root, left, right, last}
    assert {(link.parent_id, link.child_id) for link in found.links} == {
        (root, left),
        (root, right),
        (left, last),
        (right, last),
    }
    assert {node.id: node.open_parents for node in found.nodes} == {
        root: 0,
        left: 0,
        right: 0,
        last: 2,
    }
    assert not found.cut


def test_a_large_graph_is_cut_at_the_nearest(board: ABoard) -> None:
    root = board.create()
    near = [board.create(parents=[root]) for _ in range(4)]
    for one in near:
        board.create(parents=[one])
    found = kb.tree(board.conn, root, limit=5)
    assert found.cut
    assert {node.id for node in found.nodes} == {root, *near}
    assert len(found.links) == 4
    whole = kb.tree(board.conn, root, limit=9)
    assert (len(whole.nodes), whole.cut) == (9, False)


def test_a_task_alone_is_its_own_tree(board: ABoard) -> None:
    task = board.create()
    found = kb.tree(board.conn, task)
    assert ([node.id for node in found.nodes], found.links) == ([task], [])
    with pytest.raises(kb.NotFound):
        kb.tree(board.conn, "t_none")


def test_the_trees_of_a_board_are_counted_and_named_by_their_first_task(board: ABoard) -> None:
    small = board.create("small")
    board.create(parents=[small])
    large = board.create("large")
    side = board.create("side")
    left, right = board.create(parents=[large]), board.create(parents=[large, side])
    board.create(parents=[left, right])
    over = board.create("over")
    kb.complete_task(board.conn, over)
    kb.complete_task(board.conn, board.create(parents=[over]))
    board.create("alone")
    kb.complete_task(board.conn, large)
    found = kb.trees(board.conn)
    assert [(one.root, one.title, one.status, one.open) for one in found.trees] == [
        (large, "large", "done", 4),
        (small, "small", "ready", 2),
    ]
    assert found.trees[0].counts == {"done": 1, "ready": 2, "todo": 2}
    assert (found.all, len(kb.trees(board.conn, limit=1).trees)) == (2, 1)
    with pytest.raises(kb.InvalidInput):
        kb.trees(board.conn, limit=0)


def test_why_of_several_tasks_at_once(board: ABoard) -> None:
    parent = board.create()
    child = board.create(parents=[parent])
    done = board.create()
    kb.complete_task(board.conn, done)
    found = kb.why_each(board.conn, [child, parent, done, "t_none", child])
    assert list(found) == [child, parent, done]
    assert found == {one: kb.why(board.conn, one) for one in (child, parent, done)}
    assert [hold.code for hold in found[child]] == ["open_parent"]
    assert [hold.code for hold in found[parent]] == ["unassigned"]
