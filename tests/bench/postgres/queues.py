"""Other queues on the same server, on the same work, and how soon each hears of a task."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg

from tests.bench.measure import Section, Table, percentile
from tests.bench.peers.bench import Missing, compare, players_of, title_of
from tests.bench.peers.databases import PATTERN
from tests.bench.peers.process import Failed, Player, Process
from tests.bench.postgres.server import Server
from tests.support.counting import Calls
from tests.support.relay import relay

WAITING: Final = ("procrastinate", "pgqueuer")
ROUNDS: Final = 60
PAUSE_SECONDS: Final = 0.05
SETTLE_SECONDS: Final = 2.0
_SYNCS: Final = """
SELECT coalesce(sum(fsyncs), 0)::bigint FROM pg_stat_io
WHERE object = 'wal' AND backend_type = 'client backend'
"""
_BUSY: Final = "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'peer%'"


def measure(server: Server) -> Section:
    with _environment(server.pattern):
        section = compare("postgres", _Counter(server), "round trips of both")
        missing: Missing = {}
        rows = [_row(player) for player in players_of(WAITING, missing)]
    head = ("side", "put to its worker's call, p50", "p99")
    return section._replace(tables=[*section.tables, Table(head, rows)])


@contextmanager
def _environment(pattern: str) -> Iterator[None]:
    before = os.environ.get(PATTERN)
    os.environ[PATTERN] = pattern
    try:
        yield
    finally:
        if before is None:
            del os.environ[PATTERN]
        else:
            os.environ[PATTERN] = before


class _Counter:
    """Counts of a program what the server syncs for it, and how often it waits for an answer."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def __call__(self, command: list[str]) -> Calls:
        before = self._syncs()
        with tempfile.TemporaryDirectory(prefix="hk-rel-") as folder, _relayed(
            self.server.pattern, Path(folder)
        ) as seen, _environment(seen.address):  # fmt: skip
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            trips = seen.round_trips
        if done.returncode:
            raise Failed((done.stderr.strip().splitlines() or ["no reason given"])[-1])
        return Calls(self._syncs() - before, trips, 0)

    def _syncs(self) -> int:
        """Of all sessions that have ended; theirs are counted at the end."""
        with psycopg.connect(self.server.pattern.format(database="postgres")) as conn:
            conn.autocommit = True
            while conn.execute(_BUSY).fetchone() != (0,):
                time.sleep(0.01)
            row = conn.execute(_SYNCS).fetchone()
        assert row is not None
        return int(row[0])


@contextmanager
def _relayed(pattern: str, folder: Path):  # type: ignore[no-untyped-def]
    # The relay parses an address, and a brace is none of its letters.
    with relay(pattern.format(database="DATABASE"), folder) as seen:
        seen.address = seen.address.replace("DATABASE", "{database}")
        yield seen


def _row(player: Player) -> tuple[str, ...]:
    try:
        taken = _latencies(player)
    except Failed as error:
        return title_of(player.name), f"failed: {error}", ""
    return (
        title_of(player.name),
        f"{statistics.median(taken) * 1e3:.3g} ms",
        f"{percentile(taken, 0.99) * 1e3:.3g} ms",
    )


def _latencies(player: Player) -> list[float]:
    """From the end of a put to the call of its body, by the worker that the library has."""
    with tempfile.TemporaryDirectory(prefix="hk-peers-") as name:
        folder = Path(name)
        with Process(player.command(folder, "ping")) as putter:
            putter.hear()  # by now there are tables
            with Process(player.command(folder, "wait")) as worker:
                worker.hear()
                time.sleep(SETTLE_SECONDS)
                return [_latency(putter, worker) for _ in range(ROUNDS)]


def _latency(putter: Process, worker: Process) -> float:
    time.sleep(PAUSE_SECONDS)
    putter.tell()
    put, called = putter.hear(), worker.hear()
    assert put["number"] == called["number"]
    return float(called["at"] - put["at"])
