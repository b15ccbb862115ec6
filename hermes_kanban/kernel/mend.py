"""Mending a board: what can be put right safely is, each time with an event; the rest is named.

The rows are put right in rounds, since one mend may uncover the next: claims first, then what the
parents gate, then the stories that events tell, then the outbox. All of it is one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from hermes_kanban.kernel import limits
from hermes_kanban.kernel.check import Violation, check
from hermes_kanban.kernel.invariants.attached import FILE
from hermes_kanban.kernel.mends.attachments import mend_attachments
from hermes_kanban.kernel.mends.claims import mend_claims
from hermes_kanban.kernel.mends.gates import mend_blocks, mend_gates, mend_priorities
from hermes_kanban.kernel.mends.mending import Mended, Mending
from hermes_kanban.kernel.mends.outbox import mend_outbox
from hermes_kanban.kernel.mends.stories import mend_stories
from hermes_kanban.store.protocol import BoardConnection, takes_long, write

__all__ = ["Left", "MendReport", "Mended", "mend"]

# A chain of tasks hands priority on by one link a round.
ROUNDS: Final = 1_000
STEPS: Final[tuple[Callable[[Mending], None], ...]] = (
    mend_claims,
    mend_stories,
    mend_attachments,
    mend_gates,
    mend_priorities,
    mend_blocks,
    mend_outbox,
)


class Left(msgspec.Struct, frozen=True):
    """What could not be mended, and what a person may do."""

    violation: Violation
    advice: str


class MendReport(msgspec.Struct, frozen=True):
    """Every mend in the order of its event, and what is still wrong."""

    mended: list[Mended]
    left: list[Left]


@takes_long
def mend(conn: BoardConnection, *, actor: str | None = None) -> MendReport:
    """Put right what ``check`` finds, where that invents and loses nothing.

    On a sound board nothing is written. Events themselves are never changed: what they tell wrongly
    stays, and is listed with what to do. May take seconds; never part of a tick.
    """
    by = limits.actor(actor)
    with write(conn, "mend") as tx:
        mending = Mending(tx, by)
        for _ in range(ROUNDS):
            before = len(mending.done)
            for step in STEPS:
                step(mending)
            if len(mending.done) == before:
                break
        left = check(conn)
    return MendReport(mending.done, [Left(one, advice(one)) for one in left])


def advice(violation: Violation) -> str:
    """What a person may do about a violation that cannot be mended."""
    if violation.noun == "link":
        parent, _, child = violation.row_id.partition("→")
        return f"remove the link with: hermes-kanban unlink {parent} {child}"
    if violation.noun == "subscription":
        return f"end it with: hermes-kanban notify unsubscribe {violation.row_id}"
    if violation.noun == "attachment" and violation.invariant == FILE:
        return "attach the same file again, or restore a backup that has it"
    return _ADVICE.get(violation.invariant, _RESTORE)


_RESTORE: Final = "restore a backup of before with: hermes-kanban restore FILE"
_STORY: Final = (
    "its events were changed from outside: restore a backup, or archive and purge its task"
)
_ADVICE: Final = {
    4: _STORY,
    5: _STORY,
    6: _STORY,
    8: _STORY,
    10: _STORY,
    11: "archive all but one of the tasks with: hermes-kanban archive ID",
    15: "it mends itself once a gateway has written down the end of that process",
    16: _STORY,
}
