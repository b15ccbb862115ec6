"""What a person hears beside an answer: why the task they touched may not start."""

from __future__ import annotations

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.cautions import about_task
from tests.support.boards import ABoard
from tests.support.several_hosts import AHost


def codes(board: ABoard, task: str) -> list[str]:
    return [caution.code for caution in about_task(board.conn, task)]


def serve(board: ABoard, *, at: int | None = None) -> None:
    """Leave the health record of a gateway on another host."""
    now = board.clock.now() if at is None else at
    board.conn.paths.health.write_text(
        f'{{"state":"dispatching","pid":1,"started_at":{now},"tick_at":{now}}}'
    )


def test_a_task_that_will_start_needs_no_warning(board: ABoard) -> None:
    board.add_profile("coder")
    serve(board)
    assert codes(board, board.create(assignee="coder")) == []


def test_nobody_and_an_unknown_profile_do_nothing(board: ABoard) -> None:
    board.add_profile("coder")
    serve(board)
    assert codes(board, board.create()) == ["unassigned"]
    (caution,) = about_task(board.conn, board.create(assignee="codr"))
    assert caution.code == "no_profile"
    assert caution.text.endswith("or assign it to coder")


def test_a_board_that_nobody_serves_is_told(board: ABoard) -> None:
    board.add_profile("coder")
    task = board.create(assignee="coder")
    assert codes(board, task) == ["no_gateway"]
    serve(board, at=board.clock.now() - 1000)
    assert codes(board, task) == ["no_gateway"]
    serve(board)
    kb.pause(board.conn)
    assert codes(board, task) == ["paused"]


def test_parents_that_nothing_closes_by_itself_are_told(board: ABoard) -> None:
    board.add_profile("coder")
    serve(board)
    asked, filed, running, gone = (board.create() for _ in range(4))
    kb.block_task(board.conn, asked, reason="which table?", kind="needs_input")
    kb.triage_task(board.conn, filed)
    board.claim(running)
    task = board.create(assignee="coder", parents=[asked, filed, running, gone])
    found = about_task(board.conn, task)
    assert [caution.code for caution in found] == ["parent_blocked", "parent_triage"]
    assert "which table?" in found[0].text
    kb.archive_task(board.conn, gone)
    kb.unblock_task(board.conn, task)
    assert "parent_archived" in codes(board, task)


def test_a_task_that_is_over_or_at_work_needs_none(board: ABoard) -> None:
    running, done = board.create(), board.create()
    board.claim(running)
    kb.complete_task(board.conn, done)
    assert codes(board, running) == codes(board, done) == []


@pytest.mark.stores("postgres")
def test_what_no_host_can_run_is_told_as_why_tells_it(board: ABoard) -> None:
    profiles = {"writer": {}, "painter": {"requires": ["gpu"]}, "publisher": {"hosts": ["large"]}}
    plain = AHost(board, "plain", profiles=profiles)
    large = AHost(board, "large", "gpu", profiles=profiles)
    board.conn.config = plain.conn.config
    plain.join(), large.join()
    tasks = [board.create(assignee=name) for name in profiles]
    painted = tasks[1]
    assert [codes(board, task) for task in tasks] == [[], [], []]
    kb.drain_host(board.conn, "large", reason="new disk", actor="person:ann")
    assert [codes(board, task) for task in tasks] == [[], ["draining"], ["draining"]]
    assert [one.text for one in about_task(board.conn, painted)] == [
        "host large drains, as person:ann asked for: new disk;"
        " let it go on: hermes-kanban hosts resume large"
    ]
    kb.leave_host(large.conn, large.row)
    assert [codes(board, task) for task in tasks] == [[], ["no_host"], ["no_host"]]
    for task in tasks[1:]:
        (caution,), (hold,) = about_task(board.conn, task), kb.why(board.conn, task)
        assert caution.text == f"{hold.text}; it waits until {hold.lifted_by}"
    # One that waits for its parents is told too, before it is ready.
    assert codes(board, board.create(assignee="painter", parents=[painted])) == ["no_host"]


def test_what_this_host_alone_cannot_run_is_told(board: ABoard) -> None:
    serve(board)
    board.conn.config = AHost(
        board, "desk", profiles={"painter": {"requires": ["gpu"]}}
    ).conn.config
    (caution,) = about_task(board.conn, board.create(assignee="painter"))
    assert (caution.code, "gpu" in caution.text) == ("no_host", True)
