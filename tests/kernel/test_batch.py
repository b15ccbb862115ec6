"""Batches: several verbs in one transaction, and each of them whole by itself."""

from __future__ import annotations

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model import IllegalTransition, InvalidInput, NotFound
from tests.kernel.scenes import dump, events_after, kinds, proof
from tests.support.boards import ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")


class Mistake(Exception):
    """Something of the caller's own."""


def test_a_batch_is_seen_whole_or_not_at_all(board: ABoard) -> None:
    other = board.connect()
    with kb.batch(board.conn):
        parent = board.create("parent")
        child = board.create("child", parents=[parent])
        assert kb.list_tasks(other) == []
        assert [task.id for task in kb.list_tasks(board.conn)] == [parent, child]
    assert [task.id for task in kb.list_tasks(other)] == [parent, child]
    other.close()


def test_an_error_of_the_caller_undoes_the_whole_batch(board: ABoard) -> None:
    kept = board.create()
    before = dump(board.conn)
    with pytest.raises(Mistake), kb.batch(board.conn):
        board.create()
        kb.complete_task(board.conn, kept)
        kb.pause(board.conn)
        raise Mistake
    assert dump(board.conn) == before
    assert kb.complete_task(board.conn, kept)


def test_an_error_of_a_verb_that_nobody_catches_does_so_too(board: ABoard) -> None:
    before = dump(board.conn)
    with pytest.raises(NotFound), kb.batch(board.conn):
        board.create()
        kb.complete_task(board.conn, "t_nosuch")
    assert dump(board.conn) == before


def test_a_verb_that_raises_undoes_only_itself(board: ABoard) -> None:
    first, last = board.create("first"), board.create("last")
    gone = board.create("archived")
    kb.archive_task(board.conn, gone)
    newest = kb.newest_event_id(board.conn)
    with kb.batch(board.conn):
        kb.add_comment(board.conn, first, "before")
        with pytest.raises(IllegalTransition):
            kb.add_comment(board.conn, gone, "never")
        with pytest.raises(InvalidInput):
            board.create("half done", parents=[first, gone])
        with pytest.raises(NotFound):
            board.create("half done", parents=[first, "t_nosuch"])
        with pytest.raises(InvalidInput):
            kb.approve_task(board.conn, _reviewed(board), actor="profile:nobody", comment="no")
        kb.add_comment(board.conn, last, "after")
    events = events_after(board, newest)
    comments = [*kb.list_comments(board.conn, first), *kb.list_comments(board.conn, last)]
    assert [comment.body for comment in comments] == ["before", "after"]
    told = [event.payload["comment_id"] for event in events if event.kind == "commented"]
    assert told == [comment.id for comment in comments]
    assert [task.title for task in kb.list_tasks(board.conn)] == ["first", "last", "handed in"]


def _reviewed(board: ABoard) -> str:
    task = board.create("handed in")
    kb.request_review(board.conn, task, **proof(board.claim(task)))
    return task


def test_a_refusal_in_a_batch_keeps_its_evidence(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    with kb.batch(board.conn):
        kb.reclaim_task(board.conn, task)
        assert not kb.complete_task(board.conn, task, result="late", **proof(run))
    assert board.kinds(task)[-1] == "fenced"
    assert kb.adopt_result(board.conn, task, run_id=run.id)


def test_batches_join_the_batch_they_are_in(board: ABoard) -> None:
    with kb.batch(board.conn):
        kept = board.create("kept")
        with pytest.raises(Mistake), kb.batch(board.conn):
            board.create("lost")
            with kb.batch(board.conn):
                board.create("lost too")
            raise Mistake
    assert [task.id for task in kb.list_tasks(board.conn)] == [kept]


def test_a_batch_reads_its_own_writes(board: ABoard) -> None:
    with kb.batch(board.conn):
        task = board.create(idempotency_key="k")
        assert board.create(idempotency_key="k") == task
        run = board.claim(task)
        assert kb.complete_task(board.conn, task, result="42", **proof(run))
        assert board.task(task).result == "42"
        assert kb.why(board.conn, task) == []
        assert task in kb.build_worker_context(board.conn, task)
    assert kinds(kb.list_events(board.conn, task)) == ["created", "claimed", "completed"]


def test_all_of_a_batch_happens_at_one_time(board: ABoard) -> None:
    with kb.batch(board.conn):
        one = board.create()
        board.clock.advance(60)
        two = board.create()
    assert board.task(one).created_at == board.task(two).created_at


def test_after_a_failed_batch_the_connection_writes_on(board: ABoard) -> None:
    with pytest.raises(Mistake), kb.batch(board.conn):
        raise Mistake
    assert not board.conn.in_transaction
    other = board.connect()
    kb.create_task(other, title="others may write too")
    other.close()
    assert board.create()
