"""One whole history: its steps, the full check now and then, rest, and what it covered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from hermes_kanban import kernel as kb
from tests.simulation import liveness
from tests.simulation.boards import Home
from tests.simulation.judgement import Violation, demand
from tests.simulation.steps import Step, schedule
from tests.simulation.turns import Play

STEPS = 200
STEPS_BETWEEN_CHECKS = 20


class Outcome(msgspec.Struct):
    """What became of a history; ``broken`` is the invariant, ``at`` the serial of the step."""

    seed: int
    steps: int
    broken: str | None = None
    text: str = ""
    at: int = 0
    edges: dict[str, int] = {}
    kinds: dict[str, int] = {}
    verbs: dict[str, int] = {}
    figures: dict[str, int] = {}


def run(
    home: Home, seed: int, steps: Sequence[Step] | None = None, *, log: list[str] | None = None
) -> Outcome:
    """Run the history of a seed, or of the given steps of it; ``log`` is given its lines."""
    chosen = schedule(seed, STEPS) if steps is None else steps
    outcome = Outcome(seed, len(chosen))
    board = home.board()
    world = Play(seed, board)
    if log is not None:
        world.log = log
    try:
        _live(world, chosen)
    except Violation as violation:
        outcome.broken, outcome.text, outcome.at = violation.invariant, violation.text, world.serial
        world.tell(f"  {violation}")
    finally:
        world.close()
        board.remove()
    _count(outcome, world)
    return outcome


def _live(world: Play, steps: Sequence[Step]) -> None:
    for number, step in enumerate(steps, 1):
        world.step(step)
        if number % STEPS_BETWEEN_CHECKS == 0:
            check(world)
    check(world)
    liveness.come_to_rest(world)
    check(world)


def check(world: Play) -> None:
    """Everything that the board's own checker knows, and that events only ever come."""
    for found in kb.check(world.observer):
        demand(False, str(found.invariant), f"{found.noun} {found.row_id} {found.text}")
    world.check_memory()


def _count(outcome: Outcome, world: Play) -> None:
    outcome.edges = {" ".join(edge): n for edge, n in sorted(world.oracle.edges.items())}
    outcome.kinds = dict(sorted(world.oracle.kinds.items()))
    outcome.verbs = dict(sorted(world.counts.items()))
    outcome.figures = {
        "statements": world.crew.statements,
        "crashes": world.crew.crashes,
        "full disks": world.crew.full,
        "busy": world.crew.busy,
        "messages": world.mail.messages,
        "wakes": len(world.mail.wakes),
        "commits": world.commits,
        "rounds to rest": world.rounds_to_rest,
    }


def total(outcomes: Sequence[Outcome], part: str) -> Counter[str]:
    """One part of the outcomes, added up."""
    added: Counter[str] = Counter()
    for outcome in outcomes:
        added.update(getattr(outcome, part))
    return added
