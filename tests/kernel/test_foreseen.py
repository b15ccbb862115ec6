"""Verbs that decide on what was seen of a task: what comes out is what comes out without.

Of two tasks that fare alike one is claimed, or closed, by what was seen of it before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model import Refused, Task
from hermes_kanban.store.recall import REMEMBERED, Recall
from tests.support.boards import ABoard, ManualClock

Fate = Callable[[kb.BoardConnection, str], object]

OWN: Final = {
    *("id", "seq", "claim_lock", "current_run_id", "task_id", "parent_id", "child_id", "run"),
    *("comment_id", "parents"),
}
NAMES: Final = re.compile(r"\bt_[a-z2-7]{6}\b|\brun \d+")


@pytest.fixture
def foreseeing(board: ABoard) -> ABoard:
    """A board whose connection decides on what was seen also where that saves nothing."""
    board.conn.foresees = True
    return board


def shape(value: Any) -> Any:
    """What is said, without what no two tasks have in common."""
    if isinstance(value, dict):
        return {key: "its own" if key in OWN else shape(one) for key, one in value.items()}
    return NAMES.sub("its own", value) if isinstance(value, str) else value


def told(board: ABoard, task_id: str) -> list[Any]:
    """What the board says of a task and those around it."""
    links = kb.list_links(board.conn, task_id)
    around = {link.parent_id for link in links} | {link.child_id for link in links}
    events = [
        (event.kind, event.actor, shape(event.payload))
        for event in kb.list_events(board.conn, task_id, limit=1_000)
    ]
    others = sorted((board.task(one).status, board.task(one).effective_priority) for one in around)
    return [alike(board.task(task_id)), others, *events]


def alike(task: Task | None) -> Any:
    return task and shape({name: getattr(task, name) for name in Task.__struct_fields__})


def another_claims(conn: kb.BoardConnection, task: str) -> kb.Task:
    claimed = kb.claim_task(conn, task, claimer="another")
    assert claimed is not None
    return claimed


def another_fails(conn: kb.BoardConnection, task: str) -> None:
    another_claims(conn, task)
    kb.reclaim_task(conn, task)


def something_by_a_clock_that_is_ahead(conn: kb.BoardConnection, task: str) -> None:
    assert isinstance(conn.clock, ManualClock)
    conn.clock.jump(600)
    kb.add_comment(conn, task, "later")
    conn.clock.jump(-600)


def gets_a_parent(conn: kb.BoardConnection, task: str) -> None:
    kb.link_tasks(conn, kb.create_task(conn, title="parent"), task)


def gets_a_parent_that_is_done(conn: kb.BoardConnection, task: str) -> None:
    parent = kb.create_task(conn, title="parent")
    kb.complete_task(conn, parent)
    kb.link_tasks(conn, parent, task)


BEFORE_A_CLAIM: Final[dict[str, Fate]] = {
    "nothing": lambda conn, task: None,
    "a comment": lambda conn, task: kb.add_comment(conn, task, "look"),
    "another title": lambda conn, task: kb.edit_task(conn, task, title="Count the lines"),
    "no body": lambda conn, task: kb.edit_task(conn, task, body=""),
    "another profile": lambda conn, task: kb.assign_task(conn, task, "painter"),
    "nobody": lambda conn, task: kb.assign_task(conn, task, None),
    "a priority": lambda conn, task: kb.prioritise_task(conn, task, 7),
    "a time": lambda conn, task: kb.schedule_task(conn, task, 2_000_000_000),
    "a block": lambda conn, task: kb.block_task(conn, task, reason="which?"),
    "done by hand": lambda conn, task: kb.complete_task(conn, task, result="by hand"),
    "archived": kb.archive_task,
    "triage": kb.triage_task,
    "claimed": another_claims,
    "claimed and given back": another_fails,
    "a clock that is ahead": something_by_a_clock_that_is_ahead,
    "an open parent": gets_a_parent,
    "a parent that is done": gets_a_parent_that_is_done,
    "a child": lambda conn, task: kb.create_task(conn, title="child", parents=[task]),
    "a pause": lambda conn, task: kb.pause(conn),
}


@pytest.mark.parametrize("fate", BEFORE_A_CLAIM)
def test_a_claim_by_what_was_seen_is_the_claim_without(foreseeing: ABoard, fate: str) -> None:
    board, other = foreseeing, foreseeing.connect()
    ours, twin = (
        board.create(body="All of them.", assignee="worker", skills=["count"], priority=2)
        for _ in range(2)
    )
    seen = board.task(ours)
    for task in (ours, twin):
        BEFORE_A_CLAIM[fate](other, task)
    board.clock.advance(5)
    taken = kb.claim_task(board.conn, ours, claimer="worker", seen=seen)
    assert alike(taken) == alike(kb.claim_task(board.conn, twin, claimer="worker"))
    assert told(board, ours) == told(board, twin)
    assert taken is None or taken == board.task(ours)
    assert kb.check(board.conn, deep=True) == []


def test_a_task_that_was_seen_is_claimed_once(foreseeing: ABoard) -> None:
    seen = foreseeing.task(foreseeing.create())
    first, second = (kb.claim_task(foreseeing.conn, seen.id, seen=seen) for _ in range(2))
    assert first is not None
    assert second is None


def test_what_was_seen_is_of_the_task_that_is_claimed(board: ABoard) -> None:
    task, other = board.create(), board.create()
    with pytest.raises(kb.InvalidInput, match=f"allowed: the task {task} as it was read"):
        kb.claim_task(board.conn, task, seen=board.task(other))
    assert board.task(task).status == "ready"


def test_a_folder_that_another_process_uses_is_no_less_in_use(foreseeing: ABoard) -> None:
    board = foreseeing
    first, second = (board.create(workspace=f"dir:{board.home}") for _ in range(2))
    seen = board.task(second)
    board.start(first)
    assert kb.claim_task(board.conn, second, seen=seen) is None


def test_a_process_that_may_still_live_holds_what_is_ready(foreseeing: ABoard) -> None:
    board = foreseeing
    run = board.start(board.create())
    kb.reclaim_task(board.conn, run.task_id)
    seen = board.task(run.task_id)
    assert seen.status == "ready"
    assert kb.claim_task(board.conn, seen.id, seen=seen) is None


def test_a_parent_that_is_open_holds_even_what_is_ready(foreseeing: ABoard) -> None:
    board = foreseeing
    parent, seen = board.create("parent"), board.task(board.create())
    board.damage(
        "INSERT INTO task_links (parent_id, child_id, created_at) VALUES (:parent, :child, 1)",
        parent=parent,
        child=seen.id,
    )
    assert kb.claim_task(board.conn, seen.id, seen=seen) is None


def test_a_claim_in_a_batch_is_like_any_other(foreseeing: ABoard) -> None:
    board = foreseeing
    with kb.batch(board.conn):
        seen = board.task(board.create())
        taken = kb.claim_task(board.conn, seen.id, seen=seen)
        assert taken == board.task(seen.id)


def a_child(conn: kb.BoardConnection, task: str) -> None:
    kb.create_task(conn, title="child", parents=[task])


def a_child_that_waits_for_more(conn: kb.BoardConnection, task: str) -> None:
    parents = [task, kb.create_task(conn, title="another parent")]
    kb.create_task(conn, title="child", parents=parents)


def a_parent_again(conn: kb.BoardConnection, task: str) -> None:
    parent = kb.create_task(conn, title="parent", priority=3)
    kb.complete_task(conn, parent)
    kb.link_tasks(conn, parent, task)
    kb.reopen_task(conn, parent)
    kb.prioritise_task(conn, task, 9)


def a_process(conn: kb.BoardConnection, task: str) -> None:
    run = kb.latest_run(conn, task)
    assert run is not None
    kb.register_worker(conn, run.id, pid=77, identity=None, log_path=None)


def taken_by_another(conn: kb.BoardConnection, task: str) -> None:
    kb.reclaim_task(conn, task)
    another_claims(conn, task)


BEFORE_A_CLOSE: Final[dict[str, Fate]] = {
    "nothing": lambda conn, task: None,
    "a comment": lambda conn, task: kb.add_comment(conn, task, "look"),
    "another title": lambda conn, task: kb.edit_task(conn, task, title="Count the lines"),
    "a priority": lambda conn, task: kb.prioritise_task(conn, task, 7),
    "a longer lease": lambda conn, task: kb.heartbeat_claim(conn, task, ttl_seconds=5_000),
    "a child": a_child,
    "a child that waits for more": a_child_that_waits_for_more,
    "an open parent": a_parent_again,
    "a process": a_process,
    "a clock that is ahead": something_by_a_clock_that_is_ahead,
    "given back": kb.reclaim_task,
    "taken by another": taken_by_another,
    "done by hand": lambda conn, task: kb.complete_task(conn, task, result="by hand"),
    "blocked": lambda conn, task: kb.block_task(conn, task, reason="which?"),
    "cancelled": kb.cancel_task,
}


@pytest.mark.parametrize("claimer", ["robot", "person:ann"])
@pytest.mark.parametrize("fate", BEFORE_A_CLOSE)
def test_a_task_that_is_remembered_is_closed_as_any_other(
    foreseeing: ABoard, fate: str, claimer: str
) -> None:
    board, other = foreseeing, foreseeing.connect()
    ours, twin = (board.create(assignee="worker") for _ in range(2))
    proofs = []
    for task in (ours, twin):
        claimed = kb.claim_task(board.conn, task, claimer=claimer)
        assert claimed is not None
        proofs.append({"run_id": claimed.current_run_id, "claim_lock": claimed.claim_lock})
    board.conn.recall.take(proofs[1]["run_id"])
    for task in (ours, twin):
        BEFORE_A_CLOSE[fate](other, task)
    board.clock.advance(5)
    done, as_well = (
        kb.complete_task(board.conn, task, result="4,711", summary="counted", **proof)
        for task, proof in zip((ours, twin), proofs, strict=True)
    )
    assert bool(done) == bool(as_well)
    assert isinstance(done, Refused) == isinstance(as_well, Refused)
    assert told(board, ours) == told(board, twin)
    assert kb.check(board.conn, deep=True) == []


@pytest.mark.parametrize("wrong", ["another's lock", "another task"])
def test_what_is_remembered_proves_nothing(foreseeing: ABoard, wrong: str) -> None:
    board = foreseeing
    task, other = board.create(), board.create()
    claimed = kb.claim_task(board.conn, task)
    assert claimed is not None
    refused = kb.complete_task(
        board.conn,
        other if wrong == "another task" else task,
        run_id=claimed.current_run_id,
        claim_lock="0" * 32 if wrong == "another's lock" else claimed.claim_lock,
    )
    assert isinstance(refused, Refused)
    assert board.task(task).status == "running"


@pytest.mark.parametrize("wrong", [[1], "1", True, 0])
def test_what_is_no_run_is_told_as_such(foreseeing: ABoard, wrong: Any) -> None:
    claimed = kb.claim_task(foreseeing.conn, foreseeing.create())
    assert claimed is not None
    with pytest.raises(kb.InvalidInput, match="run_id"):
        kb.complete_task(foreseeing.conn, claimed.id, run_id=wrong, claim_lock=claimed.claim_lock)


def test_a_connection_remembers_its_newest_claims_and_each_once() -> None:
    recall = Recall()
    for run in range(REMEMBERED + 1):
        recall.keep(run, {"id": run})
    assert recall.take(0) is None
    assert recall.take(1) == {"id": 1}
    assert recall.take(1) is None


def test_what_is_never_so_is_given_less_and_less() -> None:
    recall = Recall()

    def given(count: int) -> int:
        taken = 0
        for run in range(count):
            recall.keep(run, {})
            if recall.take(run) is not None:
                taken += 1
                recall.was_so(False)
        return taken

    assert given(1_000) < 25
    while recall.take(1) is None:
        recall.keep(1, {})
    recall.was_so(True)
    recall.keep(2, {})
    assert recall.take(2) is not None
