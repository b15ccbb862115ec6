"""What 99,000 finished tasks and ten times the open ones add to the board's daily acts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, NoReturn

from hermes_kanban import kernel as kb
from hermes_kanban.model.words import STATUSES
from hermes_kanban.workers.process import SystemProcesses
from tests.bench import boards
from tests.bench.measure import (
    BLOCKS,
    Figure,
    at_most,
    best,
    fresh_home,
    plain,
    ratio_of_medians,
    seconds,
)

SMALL, LARGE = 1_000, 100_000
MOST = 1.5
OPEN = [status for status in STATUSES if status not in ("done", "archived")]
CALLS = 100
BEST_CALLS = 10
CLAIMS = 20
READY = "SELECT id FROM tasks WHERE status = 'ready' AND claim_lock IS NULL LIMIT 1"


# Two boards on which nothing may start: nobody waits, or all who wait are scheduled for later.
IDLE = {
    "tick, nothing ready": (
        "UPDATE tasks SET status = 'triage', branch = 'was ready' WHERE status = 'ready'",
        "UPDATE tasks SET status = 'ready', branch = NULL"
        " WHERE status = 'triage' AND branch = 'was ready'",
    ),
    "tick, all scheduled for later": (
        "UPDATE tasks SET scheduled_at = 4102444800 WHERE status = 'ready'",
        "UPDATE tasks SET scheduled_at = NULL WHERE status = 'ready'",
    ),
}
CAPPED = "tick, every profile at its cap"
PAGE = "first page of the open tasks"


class Rig(NamedTuple):
    """One board and what a dispatcher keeps between two looks at it."""

    conn: kb.BoardConnection
    total: int
    sweep: kb.Sweep
    processes: SystemProcesses


def measure() -> list[Figure]:
    with fresh_home() as home:
        boards.configure(home)
        small, large = rig("small", SMALL, boards.fill), rig("large", LARGE, boards.fill)
        figures = _verbs(small, large, MOST)
        for name in IDLE:
            with idle(name, small, large):
                figures += _compare(name, _idle_ticks, small, large, CALLS, MOST)
                figures += _best(name, large, _idle_tick, 200)
        occupy(small, large)
        figures += [
            *_compare(CAPPED, _capped_ticks, small, large, CALLS, MOST),
            *_best(CAPPED, large, _tick, 200),
            *_compare(PAGE, _pages, small, large, CALLS, MOST),
            *_best(PAGE, large, _page, 500),
        ]
        for one in (small, large):
            one.conn.close()
    return figures


def ratios(small: Rig, large: Rig, most: float, tidy: Callable[[Rig], object]) -> list[Figure]:
    """The same on boards that are there already, each beside the small one and nothing else.

    ``tidy`` does what the database does by itself, in time, after many rows were changed.
    """
    figures = _verbs(small, large, most)
    for name in IDLE:
        with idle(name, small, large):
            tidy(small)
            tidy(large)
            figures += _compare(name, _idle_ticks, small, large, CALLS, most)
    occupy(small, large)
    tidy(small)
    tidy(large)
    return [
        *figures,
        *_compare(CAPPED, _capped_ticks, small, large, CALLS, most),
        *_compare(PAGE, _pages, small, large, CALLS, most),
    ]


def _verbs(small: Rig, large: Rig, most: float) -> list[Figure]:
    return [
        *_compare("claim-next", _claims, small, large, CLAIMS, most),
        *_compare("complete and promote", _completions, small, large, CLAIMS, most),
    ]


@contextmanager
def idle(name: str, *rigs: Rig) -> Iterator[None]:
    """Boards on which nothing may start."""
    hide, show = IDLE[name]
    for one in rigs:
        one.conn.execute(hide)
    yield
    for one in rigs:
        one.conn.execute(show)


def rig(board: str, total: int, fill: Callable[[kb.BoardConnection, int], None]) -> Rig:
    """A new board of so many tasks, as ``fill`` makes them."""
    kb.create_board(board)
    conn = kb.connect(board)
    fill(conn, total)
    return Rig(conn, total, kb.Sweep(), SystemProcesses())


Block = Callable[[Rig], float]
"""Does one block on a board; the seconds of what counts of it."""


def _compare(
    name: str, block: Block, small: Rig, large: Rig, calls: int, most: float
) -> list[Figure]:
    """The ratio of the medians of blocks that alternate, and what one call costs on each board."""
    block(small)
    block(large)
    taken: dict[int, list[float]] = {0: [], 1: []}
    for number in range(BLOCKS):
        for which in (0, 1) if number % 2 else (1, 0):
            taken[which].append(block((small, large)[which]))
    ratio = ratio_of_medians(taken[1], taken[0])
    middle = sorted(taken[1])[BLOCKS // 2] / calls * 1e6
    return [
        at_most(f"{name}, at {large.total:,} beside {small.total:,}", ratio, most),
        plain(f"{name}, at {large.total:,}", middle, "µs"),
    ]


def _best(name: str, rig: Rig, call: Callable[[Rig], Any], microseconds: float) -> list[Figure]:
    value = best(lambda: call(rig), BEST_CALLS) * 1e6
    return [at_most(f"{name}, at {rig.total:,}, best of 5 blocks", value, microseconds, "µs")]


def _claims(rig: Rig) -> float:
    """Claims of whatever is ready first; given back outside the clock."""
    taken: list[str] = []

    def claim() -> None:
        for _ in range(CLAIMS):
            (task_id,) = rig.conn.execute(READY).fetchone()
            task = kb.claim_task(rig.conn, task_id, claimer="bench")
            assert task is not None
            taken.append(task_id)

    spent = seconds(claim)
    with kb.batch(rig.conn):
        for task_id in taken:
            kb.reclaim_task(rig.conn, task_id, reason="bench", actor="person:bench")
    return spent


def _completions(rig: Rig) -> float:
    """Completions that each let three children go; undone outside the clock."""
    conn = rig.conn
    parents = [
        row[0]
        for row in conn.execute(
            "SELECT DISTINCT l.parent_id FROM tasks t CROSS JOIN task_links l CROSS JOIN tasks p"
            " WHERE t.status = 'todo' AND l.child_id = t.id"
            " AND p.id = l.parent_id AND p.status = 'ready' LIMIT 10"
        )
    ]
    with kb.batch(conn):
        claimed = [kb.claim_task(conn, task_id, claimer="bench") for task_id in parents]

    def complete() -> None:
        for task in claimed:
            assert task is not None
            assert kb.complete_task(
                conn, task.id, summary="done", run_id=task.current_run_id,
                claim_lock=task.claim_lock,
            )  # fmt: skip

    spent = seconds(complete)
    with kb.batch(conn):
        for task_id in parents:
            kb.reopen_task(conn, task_id, reason="bench", actor="person:bench")
    return spent * CLAIMS / len(parents)


def occupy(*rigs: Rig) -> None:
    """Take two places of each profile, so that the cap holds back all that is ready."""
    for rig in rigs:
        with kb.batch(rig.conn):
            for profile in boards.PROFILES:
                ready = rig.conn.execute(
                    "SELECT id FROM tasks WHERE status = 'ready' AND assignee = ? LIMIT 2",
                    (profile,),
                ).fetchall()
                for (task_id,) in ready:
                    assert kb.claim_task(rig.conn, task_id, claimer="bench") is not None


def _idle_tick(rig: Rig) -> kb.DispatchReport:
    report = _dispatch(rig, max_spawn=None)
    assert not report.eligible
    return report


def _tick(rig: Rig) -> kb.DispatchReport:
    report = _dispatch(rig, max_spawn=None)
    assert not report.eligible
    assert "profile_cap" in report.held
    return report


def _dispatch(rig: Rig, max_spawn: int | None) -> kb.DispatchReport:
    return kb.dispatch_once(
        rig.conn,
        spawn_fn=_never,
        processes=rig.processes,
        max_spawn=max_spawn,
        sweep=rig.sweep,
        free_mib=_plenty,
    )


def _never(task: kb.Task, run: kb.Run) -> NoReturn:
    raise AssertionError(f"{task.id} must not start, run {run.id}")


def _plenty() -> int:
    return 1_000_000


def _page(rig: Rig) -> list[kb.Task]:
    page = kb.list_tasks(rig.conn, status=OPEN, limit=50)
    assert len(page) == 50
    return page


def _repeat(call: Callable[[Rig], Any]) -> Block:
    def block(rig: Rig) -> float:
        started = time.perf_counter()
        for _ in range(CALLS):
            call(rig)
        return time.perf_counter() - started

    return block


_idle_ticks = _repeat(_idle_tick)
_capped_ticks = _repeat(_tick)
_pages = _repeat(_page)
