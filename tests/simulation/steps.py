"""The schedule as data: what happens next, drawn from a seed, and nothing that cannot be left out.

A step holds only small numbers; what they mean is decided when it is taken, by what there is then.
So any step may be dropped and the rest still is a history, which is what shrinking lives on.
"""

from __future__ import annotations

import random
from typing import Final, NamedTuple

from tests.simulation.crew import Aim, Place

_AIMS: Final = 6  # of the third number these bits
_PLACES: Final[tuple[Place | None, ...]] = (None, "window", None, "lock")


class Step(NamedTuple):
    """One entry of a schedule; ``serial`` seeds what is drawn while it is taken."""

    serial: int
    op: str
    a: int
    b: int
    c: int
    fate: str
    after: int

    @property
    def aim(self) -> Aim | None:
        """Where half of those who are set aside, or die, are to be so; None: anywhere."""
        place = _PLACES[self.c >> _AIMS & 3]
        return None if place is None else Aim(place, 1 + self.after % 4)

    def until(self, place: Place, nth: int = 1) -> Step:
        """The same, set aside there."""
        c = self.c & ~(3 << _AIMS) | _PLACES.index(place) << _AIMS
        return self._replace(fate="pause", after=nth - 1, c=c)

    def __str__(self) -> str:
        fate = "" if self.fate == "run" else f" [{self.fate} after {self.after}]"
        return f"{self.serial:3} {self.op} {self.a} {self.b} {self.c}{fate}"


WEIGHTS: Final = {
    "create": 3,
    "person": 17,
    "again": 4,
    "decide": 4,
    "meddle": 4,
    "batch": 2,
    "subscribe": 4,
    "claim": 4,
    "outside": 6,
    "late": 4,
    "agent": 15,
    "exit": 9,
    "supervisor": 16,
    "tick": 20,
    "notify": 7,
    "send": 8,
    "outbox": 1,
    "gateway": 8,
    "kill": 2,
    "settle": 3,
    "resume": 13,
    "wait": 14,
    "jump": 1,
    "reboot": 1,
    "disk": 1,
    "pause": 1,
    "drain": 2,
}
HABITS: Final = (0.1, 1, 1, 1, 3)
FATES: Final = {"run": 62, "pause": 24, "crash": 7, "busy": 3, "full": 3, "squeeze": 2}
FIRST: Final = 9
MOST_POINTS: Final = 22


def schedule(seed: int, steps: int) -> list[Step]:
    """The steps of a history."""
    rng = random.Random(f"schedule {seed}")
    weights = [weight * rng.choice(HABITS) for weight in WEIGHTS.values()]
    ops = rng.choices(list(WEIGHTS), weights, k=steps)
    fates = rng.choices(list(FATES), list(FATES.values()), k=steps)
    # A board with something on it first; then whatever comes.
    ops[:FIRST] = ["gateway", "subscribe"] + ["create"] * (FIRST - 2)
    return [
        Step(
            serial,
            op,
            rng.randrange(1 << 12),
            rng.randrange(1 << 12),
            rng.randrange(1 << 12),
            fate if serial >= FIRST else "run",
            min(rng.choice((1, 2, 3, MOST_POINTS, MOST_POINTS)), rng.randrange(1, MOST_POINTS)),
        )
        for serial, (op, fate) in enumerate(zip(ops, fates, strict=True))
    ]
