"""How many commits a second one board takes, several boards of one server, and one far away.

Every process creates tasks as fast as it can, each a commit of its own that is synced.
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg

from hermes_kanban import kernel as kb
from tests.bench.measure import Section, Table, fresh_home, seconds
from tests.bench.postgres.server import Server, addressed
from tests.bench.verbs import _new
from tests.support.relay import relay

SECONDS: Final = 2.0
ROUNDS: Final = 3
FAR_SECONDS: Final = 0.001
TRIPS: Final = 200


class Crowd(NamedTuple):
    """Processes that write at the same time, and where."""

    words: str
    writers: int
    boards: int
    far: float = 0.0


ALONE: Final = Crowd("one process", 1, 1)
CROWD: Final = Crowd("sixteen processes", 16, 1)
FAR: Final = Crowd("one process, each request a millisecond on its way", 1, 1, FAR_SECONDS)
CROWDS: Final = (
    ALONE,
    Crowd("four processes", 4, 1),
    CROWD,
    Crowd("sixteen processes on four boards", 16, 4),
    FAR,
    Crowd("four processes, each request a millisecond on its way", 4, 1, FAR_SECONDS),
)


class Written(NamedTuple):
    """What one round of a crowd came to."""

    per_second: float
    longest: float


def measure(server: Server) -> Section:
    address = server.database("writers")
    with fresh_home(), addressed(address):
        trip = _trip(address)
        for number in range(max(crowd.boards for crowd in CROWDS)):
            kb.create_board(f"board-{number}")
        rounds = [[_round(crowd, address) for crowd in CROWDS] for _ in range(ROUNDS)]
    taken = {
        crowd: Written(
            statistics.median(one[at].per_second for one in rounds),
            statistics.median(one[at].longest for one in rounds),
        )
        for at, crowd in enumerate(CROWDS)
    }
    rows = [
        (crowd.words, f"{seen.per_second:,.0f} /s", f"{seen.longest * 1e3:.3g} ms")
        for crowd, seen in taken.items()
    ]
    return Section(
        tables=[Table(("who creates tasks", "commits", "longest wait of one"), rows)],
        facts={
            "writes": taken[CROWD].per_second,
            "writes_alone": taken[ALONE].per_second,
            "writes_far": taken[FAR].per_second,
            "far_trip": trip,
        },
    )


def _trip(address: str) -> float:
    """Seconds of a round trip to the server that is far."""
    with _distance(FAR_SECONDS, address) as far, psycopg.connect(far, autocommit=True) as conn:
        return statistics.median(seconds(lambda: conn.execute("SELECT 1")) for _ in range(TRIPS))


def _round(crowd: Crowd, address: str) -> Written:
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["tests.bench.postgres.writers"])
    gate, results = server.Barrier(crowd.writers), server.Queue()
    with _distance(crowd.far, address) as reached:
        writers = [
            server.Process(
                target=_write, args=(reached, f"board-{number % crowd.boards}", gate, results)
            )
            for number in range(crowd.writers)
        ]
        for process in writers:
            process.start()
        seen = [results.get(timeout=120) for _ in writers]
        for process in writers:
            process.join()
    return Written(sum(done for done, _ in seen) / SECONDS, max(longest for _, longest in seen))


@contextmanager
def _distance(seconds: float, address: str) -> Iterator[str]:
    if not seconds:
        yield address
        return
    with (
        tempfile.TemporaryDirectory(prefix="hk-rel-") as folder,
        relay(address, Path(folder), seconds) as far,
    ):
        yield far.address


def _write(address: str, board: str, gate: Any, results: Any) -> None:
    """In a process of its own: write once everybody is there."""
    with addressed(address):
        conn = kb.connect(board)
        _new(conn)
        gate.wait()
        done, longest, until = 0, 0.0, time.monotonic() + SECONDS
        while (before := time.monotonic()) < until:
            _new(conn)
            done, longest = done + 1, max(longest, time.monotonic() - before)
        conn.close()
    results.put((done, longest))
