"""Looking at deliveries: how a subscription fares, and what was asked in a message."""

from __future__ import annotations

from typing import Final

import msgspec

from hermes_kanban.kernel.digests import COLUMNS
from hermes_kanban.model.records import Delivery
from hermes_kanban.store.protocol import BoardConnection, fetch_all, fetch_one


def with_receipt(conn: BoardConnection, receipt: str) -> list[Delivery]:
    """What was sent in the messages to which destinations gave that id, the oldest first."""
    sql = f"SELECT {COLUMNS} FROM deliveries d WHERE d.receipt = :receipt ORDER BY d.id"
    return [Delivery(*row) for row in fetch_all(conn, sql, {"receipt": receipt})]


class Owing(msgspec.Struct, frozen=True):
    """How a subscription fares: its deliveries by state, when the next is due, and how it went.

    ``attempts`` and ``reason`` are those of the delivery that is next, if it has been tried.
    """

    waiting: int
    delivered: int
    dead: int
    next_at: int | None
    attempts: int
    reason: str | None
    delivered_at: int | None


def owing(conn: BoardConnection, sub_id: int) -> Owing:
    """What a subscription is owed and has got; reads every delivery of it."""
    counts = {row[0]: row[1] for row in fetch_all(conn, _BY_STATE, {"sub": sub_id})}
    head = fetch_one(conn, _HEAD, {"sub": sub_id})
    newest = fetch_one(conn, _LAST_DELIVERED, {"sub": sub_id})
    return Owing(
        waiting=counts.get("waiting", 0),
        delivered=counts.get("delivered", 0),
        dead=counts.get("dead", 0),
        next_at=None if head is None else head["next_attempt_at"],
        attempts=0 if head is None else head["attempts"],
        reason=None if head is None else head["reason"],
        delivered_at=None if newest is None else newest[0],
    )


_BY_STATE: Final = "SELECT state, count(*) FROM deliveries WHERE sub_id = :sub GROUP BY state"
_LAST_DELIVERED: Final = "SELECT max(delivered_at) FROM deliveries WHERE sub_id = :sub"
_HEAD: Final = (
    "SELECT next_attempt_at, attempts, reason FROM deliveries"
    " WHERE state = 'waiting' AND sub_id = :sub ORDER BY event_id LIMIT 1"
)
