"""Many processes race for the tasks of one board: none is claimed twice, none is completed twice.

Each process loops find-ready, claim, a short sleep, complete, with a connection opened and closed
each time. No gateway holds the board open, so the last connection to close removes the log and
the next one to open makes it again. By itself it prints what it saw:

    python tests/stress/test_concurrency.py [--processes 16] [--tasks 400] [--rounds 10]

on SQLite, or in the database that HERMES_KANBAN_DATABASE names.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hermes_kanban import kernel as kb

FIND_READY = "SELECT id FROM tasks WHERE status='ready' AND claim_lock IS NULL LIMIT 1"
WORK_SECONDS = 0.004
RACE_TIMEOUT_SECONDS = 240


class Race(NamedTuple):
    """What one race came to; ``completions`` has one number a process."""

    seconds: float
    claims: int
    lost: int
    completions: list[int]
    longest_write: float

    def __str__(self) -> str:
        done = sum(self.completions)
        return (
            f"{self.claims} claims, {done} completions, {self.lost} lost races, "
            f"{done / self.seconds:.0f} tasks/s, longest write {self.longest_write * 1000:.0f} ms, "
            f"completions per worker {self.completions}"
        )


def race(home: Path, *, processes: int, tasks: int) -> Race:
    """Let that many processes do that many tasks; AssertionError with the traceback of one."""
    environment = board_environment(home)
    file_tasks(home, tasks)
    racers = [start_racer(environment) for _ in range(processes)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n", racer.communicate()[1]
    began = time.monotonic()
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    told = [result_of(racer) for racer in racers]
    return Race(
        seconds=time.monotonic() - began,
        claims=sum(one["claims"] for one in told),
        lost=sum(one["lost"] for one in told),
        completions=[one["completions"] for one in told],
        longest_write=max(one["longest_write"] for one in told),
    )


def board_environment(home: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if "HERMES" not in name or name == "HERMES_KANBAN_DATABASE"
    }
    return kept | {"HERMES_KANBAN_HOME": str(home)}


def file_tasks(home: Path, count: int) -> None:
    with as_environment(home):
        conn = kb.connect()
        with kb.batch(conn):
            for number in range(count):
                kb.create_task(conn, title=f"task {number}")
        conn.close()


class as_environment:
    """This process's own view of the home, for as long as the block lasts."""

    def __init__(self, home: Path) -> None:
        self._wanted = board_environment(home)

    def __enter__(self) -> None:
        self._before = dict(os.environ)
        os.environ.clear()
        os.environ.update(self._wanted)

    def __exit__(self, *_: object) -> None:
        os.environ.clear()
        os.environ.update(self._before)


def start_racer(environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, __file__, "--racer"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def result_of(racer: subprocess.Popen[str]) -> dict[str, Any]:
    out, errors = racer.communicate(timeout=RACE_TIMEOUT_SECONDS)
    assert racer.returncode == 0, errors
    assert errors == "", errors
    result: dict[str, Any] = json.loads(out)
    return result


def run_racer() -> dict[str, Any]:
    """The loop of one process; whatever it raises ends it with a traceback."""
    told: Counter[str] = Counter(claims=0, lost=0, completions=0)
    longest = 0.0
    while True:
        conn = kb.connect()
        try:
            row = conn.execute(FIND_READY).fetchone()
            if row is None:
                return {**told, "longest_write": longest}
            task_id = row["id"]
            began = time.monotonic()
            claimed = kb.claim_task(conn, task_id)
            longest = max(longest, time.monotonic() - began)
            if claimed is None:
                told["lost"] += 1
                continue
            told["claims"] += 1
            run = kb.latest_run(conn, task_id)
            time.sleep(random.uniform(0, WORK_SECONDS))
            began = time.monotonic()
            done = kb.complete_task(conn, task_id, result="ok", run_id=run.id)
            longest = max(longest, time.monotonic() - began)
            if not done:
                raise AssertionError(f"{task_id} was refused: {done}")
            told["completions"] += 1
        finally:
            conn.close()


def judge(home: Path, raced: Race, *, tasks: int) -> None:
    """Every task was claimed once, run once and completed once, and the board is sound."""
    with as_environment(home):
        conn = kb.connect()
        runs = per_task(conn, "SELECT task_id FROM task_runs WHERE outcome = 'completed'")
        all_runs = conn.execute("SELECT count(*) FROM task_runs").fetchone()[0]
        claimed = per_task(conn, "SELECT task_id FROM task_events WHERE kind = 'claimed'")
        completed = per_task(conn, "SELECT task_id FROM task_events WHERE kind = 'completed'")
        closed = per_task(conn, "SELECT run_id FROM task_events WHERE kind = 'completed'")
        done = per_task(conn, "SELECT id FROM tasks WHERE status = 'done'")
        violations = kb.check(conn, deep=True)
        conn.close()
    once_each = dict.fromkeys(done, 1)
    assert len(done) == tasks
    assert runs == once_each
    assert all_runs == tasks
    assert claimed == once_each
    assert completed == once_each
    assert set(closed.values()) == {1}
    assert raced.claims == sum(raced.completions) == tasks
    assert violations == []


def per_task(conn: kb.BoardConnection, sql: str) -> dict[str, int]:
    return dict(Counter(row[0] for row in conn.execute(sql)))


RACES = pytest.mark.parametrize(("processes", "tasks"), [(5, 100), (16, 400)])


@RACES
def test_no_task_is_claimed_or_completed_twice(processes: int, tasks: int, tmp_path: Path) -> None:
    raced = race(tmp_path, processes=processes, tasks=tasks)
    print(f"\n{processes} x {tasks}: {raced}")
    judge(tmp_path, raced, tasks=tasks)
    assert min(raced.completions) > 0, raced


@pytest.mark.stores("postgres")
@pytest.mark.usefixtures("store")
def test_nor_on_postgres(tmp_path: Path) -> None:
    """With fewer tasks, since each of many more lost races begins with a new connection."""
    raced = race(tmp_path, processes=8, tasks=60)
    print(f"\n8 x 60 on PostgreSQL: {raced}")
    judge(tmp_path, raced, tasks=60)


@pytest.mark.torture
@RACES
@pytest.mark.parametrize("again", range(10))
def test_ten_times_in_a_row(processes: int, tasks: int, again: int, tmp_path: Path) -> None:
    raced = race(tmp_path, processes=processes, tasks=tasks)
    print(f"\n{again + 1}. {processes} x {tasks}: {raced}")
    judge(tmp_path, raced, tasks=tasks)
    assert min(raced.completions) > 0, raced


def main() -> None:
    parser = argparse.ArgumentParser(description="Let processes race for the tasks of one board.")
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--tasks", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--racer", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.racer:
        print("ready", flush=True)
        sys.stdin.readline()
        print(json.dumps(run_racer()))
        return
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory() as folder:
            raced = race(Path(folder), processes=given.processes, tasks=given.tasks)
            judge(Path(folder), raced, tasks=given.tasks)
            print(f"{given.processes} processes, {given.tasks} tasks: {raced}")


if __name__ == "__main__":
    main()
