"""The inbox: a running worker is told, once, of what came in since its last call."""

from __future__ import annotations

import threading

import pytest

from hermes_kanban import kernel as kb
from tests.support.boards import ABoard


def running(board: ABoard, **fields: object) -> tuple[str, int, str]:
    """A task at work; its id, its run and its lock."""
    task = board.create(**fields)
    claimed = kb.claim_task(board.conn, task, claimer="outside")
    assert claimed is not None
    assert claimed.current_run_id is not None
    assert claimed.claim_lock is not None
    return task, claimed.current_run_id, claimed.claim_lock


def texts(inbox: kb.Inbox) -> list[tuple[str, str]]:
    return [(news.kind, news.text) for news in inbox.news]


def test_what_was_said_before_the_claim_is_no_news(board: ABoard) -> None:
    task = board.create()
    kb.add_comment(board.conn, task, "in the context anyway", actor="person:ada")
    claimed = kb.claim_task(board.conn, task, claimer="outside")
    assert claimed is not None
    assert kb.take_inbox(board.conn, claimed.current_run_id or 0) == kb.Inbox()


def test_a_comment_is_told_once(board: ABoard) -> None:
    task, run, _ = running(board)
    kb.add_comment(board.conn, task, "use the other table", actor="person:ada")
    first = kb.take_inbox(board.conn, run)
    assert texts(first) == [("commented", "use the other table")]
    assert first.news[0].author == "person:ada"
    assert kb.take_inbox(board.conn, run).news == []


def test_its_own_words_are_no_news(board: ABoard) -> None:
    task, run, lock = running(board)
    kb.add_comment(board.conn, task, "half way", run_id=run, claim_lock=lock)
    assert kb.take_inbox(board.conn, run).news == []


def test_an_edit_says_what_changed(board: ABoard) -> None:
    task, run, _ = running(board)
    kb.edit_task(board.conn, task, title="Count the lines", body="not the words")
    assert texts(kb.take_inbox(board.conn, run)) == [
        ("edited", "title: Count the lines\nbody: not the words")
    ]


def test_a_new_parent_is_told(board: ABoard) -> None:
    task, run, _ = running(board)
    parent = board.create()
    kb.link_tasks(board.conn, parent, task)
    assert texts(kb.take_inbox(board.conn, run)) == [("linked", f"parent {parent}")]


def test_another_tasks_news_stay_there(board: ABoard) -> None:
    _, run, _ = running(board)
    kb.add_comment(board.conn, board.create(), "elsewhere", actor="person:ada")
    assert kb.take_inbox(board.conn, run).news == []


def test_what_does_not_fit_comes_with_the_next_call(board: ABoard) -> None:
    task, run, _ = running(board)
    said = [f"{number:02} " + "x" * 400 for number in range(30)]
    for text in said:
        kb.add_comment(board.conn, task, text, actor="person:ada")
    heard: list[str] = []
    while inbox := kb.take_inbox(board.conn, run):
        assert inbox.more == len(said) - len(heard) - len(inbox.news)
        heard += [news.text for news in inbox.news]
        assert sum(len(news.text) for news in inbox.news) <= 3_000
        if not inbox.more:
            break
    assert heard == said


def test_a_long_comment_is_cut_and_says_so(board: ABoard) -> None:
    task, run, _ = running(board)
    kb.add_comment(board.conn, task, "ä" * 5_000, actor="person:ada")
    (news,) = kb.take_inbox(board.conn, run).news
    assert len(news.text.encode()) < 1_600
    assert news.text.endswith("[cut: 8500 bytes more]")


def test_a_stop_is_told_with_its_reason_however_often(board: ABoard) -> None:
    task, run, _ = running(board)
    kb.register_worker(board.conn, run, pid=4_000_000, identity=None, log_path=None)
    kb.cancel_task(board.conn, task, actor="person:ada")
    for _ in range(2):
        assert kb.take_inbox(board.conn, run).stop == "person:ada asked this run to stop: cancelled"


@pytest.mark.parametrize("limit", [600])
def test_the_time_left_is_that_of_the_max_runtime(board: ABoard, limit: int) -> None:
    _, run, _ = running(board, max_runtime_seconds=limit)
    board.clock.advance(100)
    assert kb.take_inbox(board.conn, run).seconds_left == limit - 100
    board.clock.advance(limit)
    assert kb.take_inbox(board.conn, run).seconds_left == 0


def test_nothing_new_writes_nothing(board: ABoard) -> None:
    task, run, _ = running(board)
    kb.add_comment(board.conn, task, "once", actor="person:ada")
    kb.take_inbox(board.conn, run)
    before = board.conn.execute("SELECT inbox_cursor FROM task_runs").fetchall()
    events = kb.newest_event_id(board.conn)
    kb.take_inbox(board.conn, run)
    assert board.conn.execute("SELECT inbox_cursor FROM task_runs").fetchall() == before
    assert kb.newest_event_id(board.conn) == events


def test_peeking_leaves_it_there(board: ABoard) -> None:
    task, run, _ = running(board)
    kb.add_comment(board.conn, task, "still here", actor="person:ada")
    assert texts(kb.peek_inbox(board.conn, run)) == [("commented", "still here")]
    assert texts(kb.take_inbox(board.conn, run)) == [("commented", "still here")]


def test_calls_at_once_share_the_news_out(board: ABoard) -> None:
    task, run, _ = running(board)
    said = [f"comment {number}" for number in range(40)]
    for text in said:
        kb.add_comment(board.conn, task, text, actor="person:ada")
    heard: list[str] = []
    start = threading.Barrier(4)

    def take() -> None:
        conn = kb.connect()
        start.wait()
        for _ in range(5):
            heard.extend(news.text for news in kb.take_inbox(conn, run).news)
        conn.close()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(heard) == sorted(said)


def test_no_such_run(board: ABoard) -> None:
    with pytest.raises(kb.NotFound, match="no run 99"):
        kb.take_inbox(board.conn, 99)
