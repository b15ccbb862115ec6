"""A verb is all or nothing; in a batch, one transaction, a failed verb undoes only itself."""

from __future__ import annotations

import socket
import sqlite3

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.store.protocol import write
from tests.kernel.scenes import dump
from tests.support.boards import ABoard

TOO_MUCH = "y" * 200_000


def fill_up(conn: kb.BoardConnection) -> None:
    """From now on the file may not grow."""
    pages = conn.execute("PRAGMA page_count").fetchone()[0]
    conn.execute(f"PRAGMA max_page_count = {pages}")


def make_room(conn: kb.BoardConnection) -> None:
    conn.execute("PRAGMA max_page_count = 1000000")


def test_a_batch_is_one_transaction(board: ABoard) -> None:
    other = board.connect()
    with kb.batch(board.conn):
        first, second = board.create("one"), board.create("two")
        kb.link_tasks(board.conn, first, second)
        assert kb.list_tasks(other) == []
    assert {task.id for task in kb.list_tasks(other)} == {first, second}
    assert kb.get_task(other, second).status == "todo"
    other.close()


def test_an_error_undoes_the_whole_batch(board: ABoard) -> None:
    board.create("before")
    before = dump(board.conn)
    with pytest.raises(kb.NotFound), kb.batch(board.conn):
        board.create("one")
        kb.complete_task(board.conn, "t_none")
    assert dump(board.conn) == before
    board.create("after")


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ZeroDivisionError])
def test_whatever_ends_a_batch_undoes_it(board: ABoard, error: type[BaseException]) -> None:
    before = dump(board.conn)
    with pytest.raises(error), kb.batch(board.conn):
        board.create("one")
        raise error
    assert dump(board.conn) == before
    other = board.connect()
    kb.create_task(other, title="the writer lock is free")
    other.close()


def test_a_verb_that_raises_in_a_batch_undoes_only_itself(board: ABoard) -> None:
    with kb.batch(board.conn):
        kept = board.create("kept")
        with pytest.raises(kb.NotFound):
            board.create("refused", parents=[kept, "t_none"])
        also_kept = board.create("also kept", parents=[kept])
    assert [task.id for task in kb.list_tasks(board.conn)] == [kept, also_kept]
    assert board.kinds(kept) == ["created"]
    assert kb.check(board.conn) == []


def test_batches_may_be_nested(board: ABoard) -> None:
    with kb.batch(board.conn):
        outer = board.create("outer")
        with pytest.raises(ZeroDivisionError), kb.batch(board.conn):
            board.create("undone")
            raise ZeroDivisionError
        with kb.batch(board.conn):
            inner = board.create("inner", parents=[outer])
            with kb.batch(board.conn):
                innermost = board.create("innermost", parents=[inner])
    assert [task.id for task in kb.list_tasks(board.conn)] == [outer, inner, innermost]
    assert kb.check(board.conn) == []


def test_the_events_of_undone_verbs_are_not_counted(board: ABoard) -> None:
    counted = board.conn.events_written
    newest = kb.newest_event_id(board.conn)
    with kb.batch(board.conn):
        board.create("kept")
        with pytest.raises(kb.NotFound):
            board.create("refused", parents=["t_none"])
    with pytest.raises(ZeroDivisionError), kb.batch(board.conn):
        board.create("undone")
        raise ZeroDivisionError
    written = kb.newest_event_id(board.conn) - newest
    assert board.conn.events_written - counted == written == 1


@pytest.mark.stores("sqlite")
def test_the_bell_rings_once_a_transaction_after_its_commit(board: ABoard) -> None:
    bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    path = board.conn.paths.doorbell(board.conn.board_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    bell.bind(str(path))
    try:
        with kb.batch(board.conn):
            task_id = board.create("one")
            board.create("two")
            assert rings(bell) == 0
        assert rings(bell) == 1
        kb.claim_task(board.conn, task_id)
        assert rings(bell) == 1
        kb.heartbeat_claim(board.conn, task_id)  # writes no event
        assert rings(bell) == 0
        with pytest.raises(kb.NotFound):
            kb.complete_task(board.conn, "t_none")
        assert rings(bell) == 0
    finally:
        bell.close()
        path.unlink()


def rings(bell: socket.socket) -> int:
    count = 0
    while True:
        try:
            bell.recv(16)
        except BlockingIOError:
            return count
        count += 1


@pytest.mark.stores("sqlite")
def test_a_full_disk_in_a_batch_undoes_the_batch(board: ABoard) -> None:
    board.create("before")
    before = dump(board.conn)
    fill_up(board.conn)
    with pytest.raises(kb.DiskFull), kb.batch(board.conn):
        board.create("one")
        board.create("two", body=TOO_MUCH)
    make_room(board.conn)
    assert dump(board.conn) == before
    board.create("room again")
    assert kb.check(board.conn, deep=True) == []


@pytest.mark.stores("sqlite")
def test_a_full_disk_that_a_batch_swallows_leaves_no_part_of_it(board: ABoard) -> None:
    """SQLite has rolled the whole transaction back: nothing of it may be committed after that."""
    board.create("before")
    before = dump(board.conn)
    fill_up(board.conn)
    with pytest.raises(kb.DiskFull), kb.batch(board.conn):
        board.create("lost")
        with pytest.raises(kb.DiskFull):
            board.create("too much", body=TOO_MUCH)
        make_room(board.conn)
        board.create("must not be kept without the first")
    assert dump(board.conn) == before
    board.create("room again")
    assert kb.check(board.conn, deep=True) == []


@pytest.mark.stores("sqlite")
def test_a_statement_that_sqlite_refuses_undoes_the_verb(board: ABoard) -> None:
    task_id = board.create("one")
    before = dump(board.conn)
    with pytest.raises(sqlite3.IntegrityError), write(board.conn, "test") as tx:
        tx.run("UPDATE tasks SET title = 'changed' WHERE id = :id", {"id": task_id})
        tx.run("UPDATE tasks SET status = 'unheard of' WHERE id = :id", {"id": task_id})
    assert dump(board.conn) == before


def test_reads_of_a_batch_see_what_it_has_written(board: ABoard) -> None:
    with kb.batch(board.conn):
        task_id = board.create("one")
        assert kb.get_task(board.conn, task_id).status == "ready"
        kb.complete_task(board.conn, task_id)
        assert kb.get_task(board.conn, task_id).status == "done"
