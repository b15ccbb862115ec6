"""What people look at all day is read off indexes, whatever the board's size."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from tests.support.boards import ABoard

DONE = kb.Filter(status=["done"])
LOOKS: dict[str, tuple[Callable[[kb.BoardConnection], Any], str]] = {
    "done by completion": (
        lambda conn: kb.cards(conn, DONE, order="completed", limit=2),
        "tasks_by_completion",
    ),
    "the next page of them": (
        lambda conn: kb.cards(conn, DONE, order="completed", limit=2, after="1700000000.9"),
        "tasks_by_completion",
    ),
    "runs of a span": (lambda conn: kb.timeline(conn, start=10, end=20), "task_runs_by_end"),
    "runs of the last days": (kb.trends, "task_runs_by_end"),
    "late results": (kb.attention, "task_events_late"),
    "who waits": (kb.attention, "tasks_by_status|tasks_open"),
    "one column": (lambda conn: kb.cards(conn, kb.Filter(status=["todo"])), "tasks_by_status"),
    "one assignee": (
        lambda conn: kb.cards(conn, kb.Filter(assignee=["ada"], status=["todo"])),
        "tasks_by_assignee",
    ),
}


def lived_in(board: ABoard) -> None:
    with kb.batch(board.conn):
        for number in range(60):
            task = board.create(assignee=f"p{number}")
            if number % 10:
                run = board.claim(task)
                kb.complete_task(board.conn, task, run_id=run.id, claim_lock=run.claim_lock)


@contextmanager
def heard(board: ABoard, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, Any]]]:
    """Every statement that is executed meanwhile, with its parameters."""
    conn = board.conn
    execute, seen = type(conn).execute, []

    def listening(self: Any, sql: str, parameters: Any = ()) -> Any:
        seen.append((sql, parameters))
        return execute(self, sql, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(type(conn), "execute", listening)
        yield seen


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_goes_by_its_index(
    board: ABoard, look: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived_in(board)
    call, index = LOOKS[look]
    with heard(board, monkeypatch) as seen:
        call(board.conn)
    plans = list(_plans(board.conn, [one for one in seen if "SELECT" in one[0]]))
    assert any(re.search(index, plan) for plan in plans), "\n\n".join(plans)


@pytest.mark.stores("sqlite")
def test_no_page_of_done_tasks_is_sorted(board: ABoard, monkeypatch: pytest.MonkeyPatch) -> None:
    lived_in(board)
    first = kb.cards(board.conn, DONE, order="completed", limit=2)
    with heard(board, monkeypatch) as seen:
        kb.cards(board.conn, DONE, order="completed", limit=2, after=first.after)
    (plan,) = _plans(board.conn, [one for one in seen if "AS place FROM tasks" in one[0]])
    assert "TEMP B-TREE" not in plan
    assert re.search(
        r"SEARCH t USING INDEX tasks_by_completion \(status=\? AND completed_at<\?\)", plan
    )


def _plans(conn: kb.BoardConnection, statements: list[tuple[str, Any]]) -> Iterator[str]:
    explain = "EXPLAIN QUERY PLAN " if hasattr(conn, "set_trace_callback") else "EXPLAIN "
    if explain == "EXPLAIN ":
        # So small a board is read as a whole, were it not forbidden.
        for way in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
            conn.execute(f"SET {way} = off")
    for sql, parameters in statements:
        rows = conn.execute(explain + sql, parameters).fetchall()
        yield "\n".join(str(row[-1]) for row in rows)
