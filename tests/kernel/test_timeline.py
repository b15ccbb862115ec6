"""Who did what when, and what it adds up to."""

from __future__ import annotations

import pytest

from hermes_kanban import kernel as kb
from tests.support.boards import START, ABoard

HOUR, DAY = 3600, 86_400


def worked(board: ABoard, seconds: int, **fields: object) -> str:
    task = board.create(**fields)
    run = board.claim(task)
    board.clock.advance(seconds)
    assert kb.complete_task(board.conn, task, run_id=run.id, claim_lock=run.claim_lock)
    return task


def test_runs_that_overlap_the_span_are_bars(board: ABoard) -> None:
    early = worked(board, HOUR, assignee="ada")
    middle = worked(board, HOUR, assignee="bob")
    late = board.create(assignee="ada")
    board.claim(late)
    span = {"start": START + HOUR, "end": START + 2 * HOUR}
    bars = kb.timeline(board.conn, **span).bars
    assert [bar.task_id for bar in bars] == [late, middle, early]
    assert [(bar.profile, bar.outcome) for bar in bars] == [
        ("ada", None),
        ("bob", "completed"),
        ("ada", "completed"),
    ]
    before = kb.timeline(board.conn, start=START, end=START + HOUR - 1)
    assert [bar.task_id for bar in before.bars] == [early]
    few = kb.timeline(board.conn, limit=2, **span)
    assert ([bar.task_id for bar in few.bars], few.cut) == ([late, middle], True)
    with pytest.raises(kb.InvalidInput, match="start"):
        kb.timeline(board.conn, start=5, end=4)


def test_days_times_reasons_and_costs_add_up(board: ABoard) -> None:
    first = worked(board, 100, assignee="ada")
    board.clock.advance(2 * DAY)
    worked(board, 300, assignee="ada")
    failed = board.create(assignee="bob")
    run = board.start(failed)
    board.clock.advance(40)
    board.processes.vanish(run.worker_pid or 0)
    kb.detect_crashed_workers(board.conn, board.processes)
    usage = '{"input":10,"output":2,"cost_usd":0.25}'
    first_run = kb.latest_run(board.conn, first)
    assert first_run is not None
    board.conn.execute(
        "UPDATE task_runs SET usage = :usage WHERE id = :id", {"usage": usage, "id": first_run.id}
    )
    found = kb.trends(board.conn, days=4)
    assert [(day.created, day.completed) for day in found.days] == [(0, 0), (1, 1), (0, 0), (2, 1)]
    assert found.cycle is not None
    assert (found.cycle.count, found.cycle.p50, found.cycle.p90) == (2, 100, 100)
    assert found.in_status["running"].count == 3
    assert found.reasons == {"completed": 2, "crashed": 1}
    ada, bob = found.profiles
    assert (ada.profile, ada.runs, ada.failures, ada.seconds) == ("ada", 2, 0, 400)
    assert (ada.cost_usd, ada.tokens) == (0.25, 12)
    assert (bob.runs, bob.failures, bob.cost_usd) == (1, 1, None)
    assert kb.trends(board.conn, days=1).reasons == {"completed": 1, "crashed": 1}


def test_days_begin_where_the_reader_is(board: ABoard) -> None:
    board.create()
    for offset in (0, 5 * HOUR, -11 * HOUR):
        (day,) = kb.trends(board.conn, days=1, utc_offset_seconds=offset).days
        assert (day.start + offset) % DAY == 0
        assert day.start <= START < day.start + DAY


def test_an_empty_board_has_trends_too(board: ABoard) -> None:
    found = kb.trends(board.conn)
    assert (found.cycle, found.reasons, found.profiles, len(found.days)) == (None, {}, [], 14)
    assert kb.timeline(board.conn).bars == []
