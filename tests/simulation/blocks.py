"""A block of seeds: what one process runs at a time."""

from __future__ import annotations

import time
from typing import NamedTuple

import msgspec

from tests.simulation import history
from tests.simulation.boards import a_home
from tests.simulation.history import Outcome
from tests.simulation.steps import schedule


class Block(msgspec.Struct):
    """What a block of seeds came to, as one line of the state file."""

    code: str
    steps: int
    first: int
    histories: int
    seconds: float
    broken: list[Outcome]
    edges: dict[str, int]
    kinds: dict[str, int]
    verbs: dict[str, int]
    figures: dict[str, int]


class Job(NamedTuple):
    """A block to be run; ``server`` is that of PostgreSQL, empty for SQLite."""

    code: str
    server: str
    steps: int
    first: int
    count: int


def run_block(job: Job) -> Block:
    """Run the histories of a block of seeds."""
    began = time.process_time()
    with a_home(job.server) as home:
        outcomes = [
            history.run(home, seed, schedule(seed, job.steps))
            for seed in range(job.first, job.first + job.count)
        ]
    parts = {
        part: dict(history.total(outcomes, part)) for part in ("edges", "kinds", "verbs", "figures")
    }
    broken = [outcome for outcome in outcomes if outcome.broken]
    seconds = time.process_time() - began
    return Block(job.code, job.steps, job.first, len(outcomes), seconds, broken, **parts)
