"""The outbox: what is owed to whom, made from events in one transaction with the cursor.

A delivery is ``waiting`` with the time of its next attempt, ``delivered``, or ``dead`` with the
reason. Per subscription they go out in event order: a later one waits for the earlier. Delivery to
the outside is at least once; ``dedup_key`` tells a repeat.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from hermes_kanban.kernel import limits
from hermes_kanban.kernel.reads import PAGE, PAGE_LIMIT
from hermes_kanban.kernel.subscriptions import Histories, Subscribers, look
from hermes_kanban.model.errors import InvalidInput, NotFound
from hermes_kanban.model.records import Delivery
from hermes_kanban.model.words import DELIVERY_STATES
from hermes_kanban.store.sqlite import (
    BoardConnection,
    Transaction,
    fetch_all,
    fetch_one,
    fetch_value,
    write,
)

EVENTS_AT_ONCE: Final = 500
DELIVERIES_AT_ONCE: Final = 20
ATTEMPTS: Final = 12
RETRY_SECONDS: Final = 5
RETRY_SECONDS_MAX: Final = 3600

_COLUMNS: Final = ", ".join(f"d.{name}" for name in Delivery.__struct_fields__)
_LAGGING: Final = "SELECT min(cursor) FROM kanban_notify_subs WHERE ended_at IS NULL"
_NEWEST: Final = "SELECT max(id) FROM task_events"
_EVENTS: Final = (
    "SELECT id, task_id, kind, actor FROM task_events WHERE id > :after ORDER BY id LIMIT :limit"
)
_OWE: Final = (
    "INSERT INTO deliveries (sub_id, event_id, dedup_key, state, next_attempt_at)"
    " VALUES (:sub_id, :event_id, :dedup_key, 'waiting', :now)"
    " ON CONFLICT (sub_id, event_id) DO NOTHING"
)
_MOVE_CURSORS: Final = (
    "UPDATE kanban_notify_subs SET cursor = :upto WHERE ended_at IS NULL AND cursor < :upto"
)


def advance_cursors(conn: BoardConnection, *, limit: int = EVENTS_AT_ONCE) -> int:
    """Owe every live subscription what matches of its next events; return how many were read.

    Looks first and writes only when some subscription lags. At most ``limit`` events a call, so
    that a night's backlog takes several short transactions.
    """
    lagging = fetch_value(conn, _LAGGING)
    if lagging is None or lagging >= (fetch_value(conn, _NEWEST) or 0):
        return 0
    with write(conn, "advance-cursors") as tx:
        after = tx.value(_LAGGING)
        events = [] if after is None else tx.all(_EVENTS, {"after": after, "limit": limit})
        if events:
            _owe(tx, events)
            tx.run(_MOVE_CURSORS, {"upto": events[-1]["id"]})
        return len(events)


def _owe(tx: Transaction, events: list[Any]) -> None:
    subscribers, histories = Subscribers(tx.conn), Histories(tx.conn)
    for event in events:
        seen = look(tx.conn, histories, event)
        for sub, rule in subscribers.of(event["task_id"]):
            if sub.cursor < event["id"] and rule.matches(seen):
                key = f"{tx.conn.board_id}:{sub.id}:{event['id']}"
                owed = {"sub_id": sub.id, "event_id": event["id"], "dedup_key": key}
                tx.run(_OWE, owed | {"now": tx.now})


_NEXT_SUB: Final = (
    "SELECT sub_id FROM deliveries WHERE state = 'waiting' AND sub_id > :after"
    " ORDER BY sub_id LIMIT 1"
)
_HEAD: Final = (
    f"SELECT {_COLUMNS} FROM deliveries d WHERE d.state = 'waiting' AND d.sub_id = :sub_id"
    " ORDER BY d.event_id LIMIT :limit"
)


def waiting_heads(conn: BoardConnection) -> Iterator[Delivery]:
    """The next delivery of each subscription that is owed one, due or not."""
    after = 0
    while (sub_id := fetch_value(conn, _NEXT_SUB, {"after": after})) is not None:
        yield from _head(conn, sub_id, 1)
        after = sub_id


def due_deliveries(
    conn: BoardConnection, sub_id: int, *, limit: int = DELIVERIES_AT_ONCE
) -> list[Delivery]:
    """What may be sent to one subscription now, in event order; nothing overtakes what waits."""
    now = conn.clock.now()
    due = []
    for delivery in _head(conn, sub_id, limit):
        if (delivery.next_attempt_at or 0) > now:
            break
        due.append(delivery)
    return due


def _head(conn: BoardConnection, sub_id: int, limit: int) -> list[Delivery]:
    rows = fetch_all(conn, _HEAD, {"sub_id": sub_id, "limit": limit})
    return [Delivery(*row) for row in rows]


def mark_delivered(conn: BoardConnection, delivery_id: int) -> bool:
    """waiting → delivered; False if it was not waiting any more."""
    with write(conn, "mark-delivered") as tx:
        changes = "state = 'delivered', delivered_at = :now, next_attempt_at = NULL, reason = NULL"
        return _mark(tx, delivery_id, f"{changes}, attempts = attempts + 1", {"now": tx.now})


def mark_failed(
    conn: BoardConnection, delivery: Delivery, reason: str, *, retry_after: float | None = None
) -> int | None:
    """It did not arrive: wait and try again, or dead after the last attempt.

    ``retry_after`` are the seconds that the destination asked for. Returns the seconds until the
    next attempt, None if there is none.
    """
    attempts = delivery.attempts + 1
    if attempts >= ATTEMPTS:
        mark_dead(conn, delivery.id, f"gave up after {attempts} attempts; the last: {reason}")
        return None
    delay = min(RETRY_SECONDS * (1 << min(attempts - 1, 20)), RETRY_SECONDS_MAX)
    if retry_after is not None:
        delay = max(1, min(round(retry_after), RETRY_SECONDS_MAX))
    with write(conn, "mark-failed") as tx:
        parameters = {"due": tx.now + delay, "reason": _reason(reason)}
        changes = "attempts = attempts + 1, next_attempt_at = :due, reason = :reason"
        _mark(tx, delivery.id, changes, parameters)
    return delay


def mark_dead(conn: BoardConnection, delivery_id: int, reason: str) -> bool:
    """waiting → dead, after an attempt that cannot succeed."""
    with write(conn, "mark-dead") as tx:
        changes = (
            "state = 'dead', attempts = attempts + 1, next_attempt_at = NULL, reason = :reason"
        )
        return _mark(tx, delivery_id, changes, {"reason": _reason(reason)})


def _mark(tx: Transaction, delivery_id: int, assignments: str, parameters: dict[str, Any]) -> bool:
    cursor = tx.run(
        f"UPDATE deliveries SET {assignments} WHERE id = :id AND state = 'waiting'",
        parameters | {"id": delivery_id},
    )
    return cursor.rowcount > 0


def _reason(reason: str) -> str:
    return reason[: limits.REASON_BYTES // 4] or "no reason was given"


def get_delivery(conn: BoardConnection, delivery_id: int) -> Delivery:
    """The delivery, or NotFound."""
    row = fetch_one(
        conn, f"SELECT {_COLUMNS} FROM deliveries d WHERE d.id = :id", {"id": delivery_id}
    )
    if row is None:
        raise NotFound("delivery", delivery_id, "see the ids with: hermes-kanban notify outbox")
    return Delivery(*row)


def list_outbox(
    conn: BoardConnection,
    *,
    state: str | None = None,
    after: int = 0,
    limit: int = PAGE,
) -> list[Delivery]:
    """One page of deliveries by id."""
    limits.whole("limit", limit, 1, PAGE_LIMIT)
    condition = ""
    if state is not None:
        limits.word("state", state, DELIVERY_STATES)
        condition = "d.state = :state AND"
    sql = f"SELECT {_COLUMNS} FROM deliveries d WHERE {condition} d.id > :after ORDER BY d.id"
    rows = fetch_all(conn, f"{sql} LIMIT :limit", {"state": state, "after": after, "limit": limit})
    return [Delivery(*row) for row in rows]


def retry_delivery(conn: BoardConnection, delivery_id: int) -> bool:
    """Send it as soon as its turn comes, with its attempts counted anew; not if it arrived."""
    with write(conn, "retry-delivery") as tx:
        delivery = get_delivery(conn, delivery_id)
        if delivery.state == "delivered":
            raise InvalidInput("delivery", "one that waits or is dead", "has been delivered")
        tx.run(
            "UPDATE deliveries SET state = 'waiting', attempts = 0, next_attempt_at = :now"
            " WHERE id = :id",
            {"id": delivery_id, "now": tx.now},
        )
    return True


def drop_delivery(
    conn: BoardConnection, delivery_id: int, reason: str = "dropped by a person"
) -> bool:
    """waiting → dead by a person; False if it does not wait."""
    reason = limits.required("reason", reason, limits.REASON_BYTES)
    with write(conn, "drop-delivery") as tx:
        get_delivery(conn, delivery_id)
        changes = "state = 'dead', next_attempt_at = NULL, reason = :reason"
        return _mark(tx, delivery_id, changes, {"reason": reason})
