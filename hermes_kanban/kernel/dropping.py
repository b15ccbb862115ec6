"""Dropping what is dead by destination."""

from __future__ import annotations

from typing import Final

from hermes_kanban.kernel.outbox import drop_delivery, get_delivery, tidy_reason
from hermes_kanban.kernel.subscriptions import get_subscription
from hermes_kanban.store.protocol import BoardConnection, write


def drop_all(conn: BoardConnection, delivery_id: int, reason: str | None = None) -> int:
    """Drop a delivery, and all dead ones that were to go where it goes; how many were dropped."""
    with write(conn, "drop-deliveries") as tx:
        dropped = int(drop_delivery(conn, delivery_id, reason))
        sub = get_subscription(conn, get_delivery(conn, delivery_id).sub_id)
        why = None if reason is None else tidy_reason(reason)
        return (
            dropped
            + tx.run(
                _DROP_DEAD, {"destination": sub.destination, "reason": why, "now": tx.now}
            ).rowcount
        )


_DROP_DEAD: Final = (
    "UPDATE deliveries SET dropped_at = :now, wake_at = NULL,"
    " reason = coalesce(cast(:reason AS TEXT), reason)"
    " WHERE state = 'dead' AND dropped_at IS NULL"
    " AND sub_id IN (SELECT id FROM kanban_notify_subs WHERE destination = :destination)"
)
