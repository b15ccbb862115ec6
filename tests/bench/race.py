"""Sixteen processes racing for tasks: nobody without work, no wait much longer than the floor's.

Each loops: connect, find a ready task, claim it, complete it, close; until none is left. The floor
does the same by hand, with the same look before the lock. Rounds of ours and of the floor's
alternate; a round's longest wait is the longest that any of its write verbs took.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

from hermes_kanban import kernel as kb
from tests.bench.floor import Floor
from tests.bench.measure import Figure, at_least, at_most, fresh_home, plain
from tests.bench.verbs import RESULT, _new, _rehearse

RACERS = 16
TASKS = 400
ROUNDS = 7
READY = "SELECT id FROM tasks WHERE status = 'ready' AND claim_lock IS NULL LIMIT 1"
Payloads = dict[str, str]


class Racer(NamedTuple):
    """What one process saw: tasks completed, its longest write verb, and when it ran."""

    done: int
    longest: float
    started: float
    ended: float


class Round(NamedTuple):
    """What one round of all the processes came to."""

    least: int
    longest: float
    per_second: float


def measure() -> list[Figure]:
    with fresh_home():
        ours, floor, intact = [], [], []
        for number in range(ROUNDS):
            board = f"round-{number}"
            ours.append(_race(_race_ours, f"{board}-ours", intact))
            floor.append(_race(_race_floor, f"{board}-floor", intact))
    longest = statistics.median(one.longest for one in ours)
    floor_longest = statistics.median(one.longest for one in floor)
    speed = statistics.median(one.per_second for one in ours)
    floor_speed = statistics.median(one.per_second for one in floor)
    return [
        at_least("fewest tasks that any racer completed", min(one.least for one in ours), 1, ""),
        at_most("longest wait in a write verb, beside the floor's", longest / floor_longest, 1.5),
        plain("longest wait in a write verb", longest * 1e3, "ms"),
        plain("longest wait in a write verb, the floor's", floor_longest * 1e3, "ms"),
        plain("claims completed, beside the floor", speed / floor_speed, "×"),
        plain("claims completed", speed, "/s"),
        at_least("boards intact afterwards", sum(intact) / len(intact), 1, "of all"),
    ]


def _race(racer: Callable[[str, Payloads], Racer], board: str, intact: list[bool]) -> Round:
    payloads = _fill(board)
    # Forked from a server that never opened a board, so that no connection crosses a fork.
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["tests.bench.race"])
    gate, results = server.Barrier(RACERS), server.Queue()
    racers = [
        server.Process(target=_run, args=(racer, board, payloads, gate, results))
        for _ in range(RACERS)
    ]
    for process in racers:
        process.start()
    seen = [results.get(timeout=120) for _ in racers]
    for process in racers:
        process.join()
    intact.append(_is_intact(board))
    span = max(one.ended for one in seen) - min(one.started for one in seen)
    return Round(min(one.done for one in seen), max(one.longest for one in seen), TASKS / span)


def _fill(board: str) -> Payloads:
    """A board with only the race's tasks ready; returns payloads of the true size."""
    kb.create_board(board)
    conn = kb.connect(board)
    payloads = _rehearse(conn)
    with kb.batch(conn):
        for _ in range(TASKS):
            _new(conn)
    conn.close()
    return payloads


def _is_intact(board: str) -> bool:
    conn = kb.connect(board)
    sound = conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    done = conn.execute("SELECT count(*) FROM tasks WHERE status = 'done'").fetchone()[0]
    conn.close()
    return sound and done == TASKS + 1


def _run(racer, board, payloads, gate, results) -> None:  # type: ignore[no-untyped-def]
    """In a process of its own: race once everybody is there."""
    kb.connect(board).close()  # what only the first connection of a process costs
    gate.wait()
    results.put(racer(board, payloads))


def _race_ours(board: str, _: Payloads) -> Racer:
    done, longest, started = 0, 0.0, time.monotonic()
    while True:
        conn = kb.connect(board)
        row = conn.execute(READY).fetchone()
        if row is None:
            conn.close()
            return Racer(done, longest, started, time.monotonic())
        before = time.monotonic()
        task = kb.claim_task(conn, row[0], claimer="bench")
        longest = max(longest, time.monotonic() - before)
        if task is not None:
            run = kb.latest_run(conn, row[0])
            assert run is not None
            before = time.monotonic()
            assert kb.complete_task(
                conn, row[0], result=RESULT, summary="done", run_id=run.id,
                claim_lock=run.claim_lock,
            )  # fmt: skip
            longest = max(longest, time.monotonic() - before)
            done += 1
        conn.close()


def _race_floor(board: str, payloads: Payloads) -> Racer:
    conn = kb.connect(board)
    database = conn.paths.database
    conn.close()
    done, longest, started = 0, 0.0, time.monotonic()
    while True:
        floor = Floor(database)
        row = floor.conn.execute(READY).fetchone()
        if row is None:
            floor.close()
            return Racer(done, longest, started, time.monotonic())
        before, now = time.monotonic(), int(time.time())
        run_id = _claim_by_hand(floor, row[0], payloads, now)
        longest = max(longest, time.monotonic() - before)
        if run_id is not None:
            floor.conn.execute("SELECT * FROM task_runs WHERE id = ?", (run_id,)).fetchone()
            before = time.monotonic()
            floor.complete(row[0], run_id, RESULT, payloads["completed"], now)
            longest = max(longest, time.monotonic() - before)
            done += 1
        floor.close()


def _claim_by_hand(floor: Floor, task_id: str, payloads: Payloads, now: int) -> int | None:
    """Losers look before they queue for the lock, as ours do."""
    found = floor.conn.execute("SELECT status FROM tasks WHERE id = ?", (task_id,)).fetchone()
    return floor.claim(task_id, payloads["claimed"], now) if found[0] == "ready" else None
