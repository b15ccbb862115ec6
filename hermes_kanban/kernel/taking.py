"""The next task for a worker that no gateway starts: it takes what is there, in dispatch order.

Due time and dependencies hold it as they hold the dispatcher, and so does a live process; caps and
profiles are for what the dispatcher starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from hermes_kanban.kernel import claim, eligibility, limits, queue, reads
from hermes_kanban.model.records import Task
from hermes_kanban.store.protocol import BoardConnection, NotWorth, reading, write

LIMIT_MAX: Final = 1_000
# What a look can still take for free and a claim refuses is rare: a folder's name in another form.
_TRIED: Final = 16


def ready_tasks(
    conn: BoardConnection,
    *,
    assignees: Sequence[str | None] | None = None,
    limit: int = 100,
) -> list[Task]:
    """What could be claimed now, in the order in which it would be.

    Of these ``assignees`` only (None among them: of nobody), else of all. Empty on a paused board.
    """
    most = limits.whole("limit", limit, 1, LIMIT_MAX) or 1
    with reading(conn):
        found = _found(conn, assignees, most)
        return [reads.get_task(conn, task_id) for task_id in found]


def claim_next(
    conn: BoardConnection,
    *,
    assignees: Sequence[str | None] | None = None,
    claimer: str | None = None,
    ttl_seconds: int | None = None,
) -> Task | None:
    """Take the first of ``ready_tasks`` and open its run, all at once; None if there is none.

    Of several that ask at once each gets another task. ``ttl_seconds`` is the lease (default
    ``kanban.lease_seconds``).
    """
    who = claim.claimer_of(claimer)
    ttl = claim.lease_seconds(conn, ttl_seconds)
    # Whoever finds nothing does not queue for the writer lock.
    taken = None
    with suppress(NotWorth), write(conn, "claim", queue.any_due(conn, assignees)) as tx:
        for task_id in _found(conn, assignees, _TRIED):
            found = claim.load_to_claim(tx, task_id)
            if found is not None and found[1] is None:
                taken = found[0]
                claim.claim_in(tx, taken, claimer=who, ttl_seconds=ttl, identity=None)
                break
    return None if taken is None else claim.claimed(conn, taken)


def _found(conn: BoardConnection, assignees: Sequence[str | None] | None, limit: int) -> list[str]:
    groups = queue.ask_groups(conn)
    world = eligibility.survey(conn)
    if world.paused_at is not None:
        return []
    return [row["id"] for row in queue.unheld(conn, world, assignees, limit, groups)]
