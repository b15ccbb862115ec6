"""How many workers a second the dispatcher starts and sees done, and how long each step takes."""

from __future__ import annotations

import os
import signal
import statistics
import sys
import time
from pathlib import Path
from typing import NamedTuple

from hermes_kanban import kernel as kb
from hermes_kanban.workers.process import SystemProcesses
from hermes_kanban.workers.spawn import Spawner
from tests.bench import boards
from tests.bench.measure import Figure, at_least, at_most, fresh_home, percentile, plain
from tests.bench.service import await_condition, gateway

AT_ONCE = 8
RUNS = 120
ROUNDS = 5
BLOCKS = 5
LIVES = 60
PAUSE_SECONDS = 0.03
BARE = "import posix; posix.waitpid(posix.posix_spawn('/bin/true', ['true'], {}), 0)"
CONFIG = f"""\
kanban: {{max_in_progress: {AT_ONCE}, max_spawn: {AT_ONCE}}}
profiles:
  quick: {{argv: [/bin/true]}}
  bell: {{argv: [/bin/sh, -c, "echo > $BELL; read go < $GO; echo > $BELL"], env: {{ENV}}}}
"""


def measure() -> list[Figure]:
    return [*_rates(), *_latencies()]


def _rates() -> list[Figure]:
    """Runs a second of our two loops and of bare processes, taken in turn."""
    loop, served, bare = [], [], []
    with fresh_home() as home:
        boards.configure(home, CONFIG.replace("ENV", ""))
        conn = kb.connect()
        for _ in range(ROUNDS):
            loop.append(RUNS / _by_loop(conn))
            bare.append(RUNS / _by_nothing())
            with gateway():
                served.append(RUNS / _by_gateway(conn))
            bare.append(RUNS / _by_nothing())
        conn.close()
    median = statistics.median
    return [
        at_least("dispatches, beside bare processes", median(served) / median(bare), 0.35),
        at_least("dispatches without a gateway, beside", median(loop) / median(bare), 0.35),
        plain("dispatches", median(served), "/s"),
        plain("dispatches without a gateway", median(loop), "/s"),
        plain("bare processes", median(bare), "/s"),
    ]


def _by_nothing() -> float:
    """Seconds for as many interpreters that start /bin/true, as many at once."""
    started = time.monotonic()
    left, running = RUNS, 0
    while left or running:
        while left and running < AT_ONCE:
            os.posix_spawn(sys.executable, [sys.executable, "-I", "-S", "-c", BARE], {})
            left, running = left - 1, running + 1
        os.wait()
        running -= 1
    return time.monotonic() - started


def _by_gateway(conn: kb.BoardConnection) -> float:
    done = _file(conn)
    started = time.monotonic()
    await_condition(lambda: _done(conn) == done, "the gateway does not finish its tasks")
    return time.monotonic() - started


def _by_loop(conn: kb.BoardConnection) -> float:
    """The kernel and the workers in one loop, woken by the exit of a child."""
    processes, sweep, done = SystemProcesses(), kb.Sweep(), _file(conn)
    spawner = Spawner(
        paths=conn.paths,
        board=kb.get_board(conn),
        profiles=conn.config.profiles,
        prompt_for=lambda task, run: kb.build_worker_context(conn, task.id),
    )
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    started = time.monotonic()
    try:
        while _done(conn) < done:
            kb.dispatch_once(conn, spawn_fn=spawner, processes=processes, sweep=sweep)
            signal.sigtimedwait({signal.SIGCHLD}, 0.5)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return time.monotonic() - started


def _file(conn: kb.BoardConnection) -> int:
    """File the tasks of one round; returns how many are done once all of them are."""
    done = _done(conn) + RUNS
    with kb.batch(conn):
        for number in range(RUNS):
            kb.create_task(conn, title=f"Nothing {number}", assignee="quick")
    return done


def _done(conn: kb.BoardConnection) -> int:
    row = conn.execute("SELECT count(*) FROM tasks WHERE status = 'done'").fetchone()
    return int(row[0])


class Life(NamedTuple):
    """Seconds between the moments of one run."""

    to_spawn_call: float
    to_first_instruction: float
    exit_to_closed: float


def _latencies() -> list[Figure]:
    """One task at a time, filed from this process while a gateway in another is idle."""
    with fresh_home() as home:
        for pipe in ("bell", "go"):
            os.mkfifo(home / pipe)
        boards.configure(home, CONFIG.replace("ENV", f"BELL: {home}/bell, GO: {home}/go"))
        conn = kb.connect()
        notes = home / "spawn-calls"
        with gateway("-m", "tests.bench.probe", str(notes)):
            live_once(conn, home, notes)
            blocks = [[live_once(conn, home, notes) for _ in range(LIVES)] for _ in range(BLOCKS)]
        conn.close()
    return [
        best_block("commit to spawn call, p50", blocks, 0, 0.5, 5),
        best_block("commit to the agent's first instruction, p50", blocks, 1, 0.5, 60),
        best_block("exit to closed run, p99", blocks, 2, 0.99, 50),
        middle("commit to spawn call", blocks, 0),
        middle("commit to the agent's first instruction", blocks, 1),
        middle("exit to closed run", blocks, 2),
    ]


def live_once(conn: kb.BoardConnection, home: Path, notes: Path) -> Life:
    """File a task, hear its agent start, let it go on, hear its last act, see its run closed."""
    with (
        (home / "bell").open("r+b", buffering=0) as bell,
        (home / "go").open("r+b", buffering=0) as go,
    ):
        task_id = kb.create_task(conn, title="Ring twice", assignee="bell")
        committed = time.monotonic()
        bell.read(1)
        first = time.monotonic()
        time.sleep(PAUSE_SECONDS)
        go.write(b"\n")
        bell.read(1)
        last = time.monotonic()
        await_condition(lambda: _closed(conn, task_id), "the run is not closed", pause=0.0003)
        closed = time.monotonic()
    time.sleep(PAUSE_SECONDS)
    return Life(_spawn_called(notes, task_id) - committed, first - committed, closed - last)


def _closed(conn: kb.BoardConnection, task_id: str) -> bool:
    row = conn.execute(
        "SELECT 1 FROM task_runs WHERE task_id = ? AND ended_at IS NOT NULL", (task_id,)
    ).fetchone()
    return row is not None


def _spawn_called(notes: Path, task_id: str) -> float:
    words = notes.read_text().splitlines()[-1].split()
    assert words[0] == task_id
    return float(words[1])


def best_block(
    name: str, blocks: list[list[Life]], field: int, share: float, most: float
) -> Figure:
    """The share of a field in the block in which it was least."""
    shares = [percentile([life[field] for life in block], share) for block in blocks]
    return at_most(f"{name}, best of {BLOCKS} blocks", min(shares) * 1e3, most, "ms")


def middle(name: str, blocks: list[list[Life]], field: int) -> Figure:
    """Its median over all of them."""
    everything = [life[field] for block in blocks for life in block]
    return plain(f"{name}, p50 of all", percentile(everything, 0.5) * 1e3, "ms")
