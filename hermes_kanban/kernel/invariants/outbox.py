"""Every subscriber is owed exactly what it asked for, as far as its cursor has come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from hermes_kanban.kernel.invariants.violation import Violation
from hermes_kanban.kernel.matching import matching_event_ids, rule_of
from hermes_kanban.kernel.reads import newest_event_id
from hermes_kanban.kernel.subscriptions import SUBSCRIPTION_COLUMNS, subscription_of
from hermes_kanban.model.records import Subscription
from hermes_kanban.store.protocol import BoardConnection, fetch_all


def broken_subscriptions(conn: BoardConnection) -> Iterator[Violation]:
    """Live subscriptions whose deliveries are not the matching events up to the cursor."""
    newest = newest_event_id(conn)
    for row in fetch_all(conn, _LIVE):
        sub = subscription_of(row)
        yield from _judge_cursor(sub, newest)
        yield from _judge_deliveries(conn, sub)


_LIVE: Final = (
    f"SELECT {SUBSCRIPTION_COLUMNS} FROM kanban_notify_subs s"
    " WHERE s.ended_at IS NULL ORDER BY s.id"
)


def _judge_cursor(sub: Subscription, newest: int) -> Iterator[Violation]:
    if rule_of(sub) is None:
        yield Violation(13, "subscription", str(sub.id), "has a filter that cannot be understood")
    if not sub.start_event_id <= sub.cursor <= newest:
        why = f"its cursor {sub.cursor} is not between {sub.start_event_id} and {newest}"
        yield Violation(13, "subscription", str(sub.id), why)


def _judge_deliveries(conn: BoardConnection, sub: Subscription) -> Iterator[Violation]:
    wanted = matching_event_ids(conn, sub, sub.start_event_id, sub.cursor)
    rows = conn.execute(
        "SELECT event_id, id FROM deliveries WHERE sub_id = :sub ORDER BY event_id",
        {"sub": sub.id},
    )
    event_id, owed = _next(wanted), _next(rows)
    while event_id is not None or owed is not None:
        if owed is None or (event_id is not None and event_id < owed[0]):
            why = f"the matching event {event_id} has no delivery"
            yield Violation(13, "subscription", str(sub.id), why)
            event_id = _next(wanted)
        elif event_id is None or owed[0] < event_id:
            why = f"is owed to subscription {sub.id}, which event {owed[0]} does not match"
            yield Violation(13, "delivery", str(owed[1]), why)
            owed = _next(rows)
        else:
            event_id, owed = _next(wanted), _next(rows)


def _next(rows: Iterator[Any]) -> Any:
    return next(rows, None)
