"""A block of seeds: what one process runs at a time."""

from __future__ import annotations

import time

import msgspec

from tests.simulation import history
from tests.simulation.boards import Home
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


def run_block(job: tuple[str, int, int, int]) -> Block:
    """Run the histories of a block of seeds."""
    code, steps, first, count = job
    home, began = Home(), time.process_time()
    try:
        outcomes = [
            history.run(home, seed, schedule(seed, steps)) for seed in range(first, first + count)
        ]
    finally:
        home.close()
    parts = {
        part: dict(history.total(outcomes, part)) for part in ("edges", "kinds", "verbs", "figures")
    }
    broken = [outcome for outcome in outcomes if outcome.broken]
    seconds = time.process_time() - began
    return Block(code, steps, first, len(outcomes), seconds, broken, **parts)
