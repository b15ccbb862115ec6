"""The shortest history that still breaks the same invariant.

Dropping steps is all it does: a step is data, and what is left of a schedule is a schedule. So
halves are tried first, then ever smaller pieces (delta debugging, Zeller and Hildebrandt 2002), and
at last whether each step may simply run to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from tests.simulation import history
from tests.simulation.boards import Home
from tests.simulation.history import Outcome
from tests.simulation.steps import Step

TRIES: Final = 300


def shrink(home: Home, outcome: Outcome, steps: Sequence[Step]) -> list[Step]:
    """The steps without those that the violation does not need."""
    tries = 0

    def breaks(kept: list[Step]) -> bool:
        nonlocal tries
        tries += 1
        return history.run(home, outcome.seed, kept).broken == outcome.broken

    kept = [step for step in steps if step.serial <= outcome.at]
    if not breaks(kept):
        kept = list(steps)
    kept = _without_pieces(kept, breaks, lambda: tries < TRIES)
    return _run_through(kept, breaks, lambda: tries < TRIES)


def _without_pieces(
    kept: list[Step], breaks: Callable[[list[Step]], bool], go_on: Callable[[], bool]
) -> list[Step]:
    size = len(kept) // 2
    while size and go_on():
        at, dropped = len(kept) - size, False
        while at > -size and go_on():
            start = max(at, 0)
            shorter = kept[:start] + kept[at + size :]
            if len(shorter) < len(kept) and breaks(shorter):
                kept, dropped = shorter, True
            at -= size
        if not dropped or size > 1:
            size //= 2
    return kept


def _run_through(
    kept: list[Step], breaks: Callable[[list[Step]], bool], go_on: Callable[[], bool]
) -> list[Step]:
    for at, step in enumerate(kept):
        if step.fate != "run" and go_on():
            simpler = [*kept[:at], step._replace(fate="run"), *kept[at + 1 :]]
            if breaks(simpler):
                kept = simpler
    return kept


def explain(home: Home, outcome: Outcome, *, shorten: bool = True) -> str:
    """Everything that a person needs to see what went wrong, the shortest way there."""
    steps = history.schedule(outcome.seed, outcome.steps)
    if shorten:
        steps = shrink(home, outcome, steps)
    log: list[str] = []
    again = history.run(home, outcome.seed, steps, log=log)
    lines = [line if len(line) <= 400 else f"{line[:400]}…" for line in log]
    return "\n".join(
        [
            f"seed {outcome.seed} breaks invariant {outcome.broken}: {outcome.text}",
            f"the shortest history found has {len(steps)} steps:",
            *lines,
            f"seed {again.seed}: invariant {again.broken}: {again.text}",
        ]
    )
