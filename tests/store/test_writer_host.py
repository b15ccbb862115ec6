"""A board's file is written by one host."""

from __future__ import annotations

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.machine import Machine, machine
from hermes_kanban.store import writer_host
from tests.support.boards import ABoard

pytestmark = pytest.mark.stores("sqlite")  # a file, and what lies beside it


def be(monkeypatch: pytest.MonkeyPatch, **names: str) -> None:
    """From now on this process is on another machine."""
    here = machine()
    there = Machine(names.get("host", here.host), names.get("boot", here.boot), here.pidns)
    monkeypatch.setattr(writer_host, "machine", lambda: there)


def reconnected(board: ABoard) -> kb.BoardConnection:
    board.conn.close()
    board.conn = board.connect()
    return board.conn


def test_a_second_host_is_refused_and_changes_nothing(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = board.create()
    be(monkeypatch, host="other", boot="elsewhere")
    board.clock.advance(59)
    conn = reconnected(board)
    before = board.kinds(task)
    with pytest.raises(kb.KanbanError, match=r"another host .* 59 s ago.*postgresql://"):
        kb.add_comment(conn, task, body="from over there")
    assert board.kinds(task) == before
    assert kb.get_task(conn, task).id == task


def test_it_may_write_once_the_first_has_been_silent_for_a_minute(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = board.create()
    be(monkeypatch, host="other", boot="elsewhere")
    board.clock.advance(60)
    conn = reconnected(board)
    kb.add_comment(conn, task, body="moved")
    assert kb.get_board(conn).writer_host == "other/elsewhere"


def test_a_host_that_goes_on_writing_stays_signed(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = board.create()
    for _ in range(30):
        board.clock.advance(10)
        kb.add_comment(board.conn, task, body="still here")
    be(monkeypatch, host="other", boot="elsewhere")
    board.clock.advance(35)
    with pytest.raises(kb.KanbanError, match="another host"):
        kb.add_comment(reconnected(board), task, body="from over there")


@pytest.mark.parametrize("names", [{"host": "a container"}, {"boot": "the next boot"}])
def test_a_container_and_a_restart_are_the_same_host(
    board: ABoard, monkeypatch: pytest.MonkeyPatch, names: dict[str, str]
) -> None:
    task = board.create()
    be(monkeypatch, **names)
    kb.add_comment(reconnected(board), task, body="goes on")


def test_the_first_host_notices_that_another_took_over(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = board.create()
    first = board.conn
    board.clock.advance(61)
    with monkeypatch.context() as elsewhere:
        be(elsewhere, host="other", boot="elsewhere")
        other = board.connect()
        kb.add_comment(other, task, body="taken over")
        other.close()
    with pytest.raises(kb.KanbanError, match="another host"):
        kb.add_comment(first, task, body="after a long sleep")
