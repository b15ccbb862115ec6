"""The outbox: cursors within the events, and exactly the deliveries that a subscription is owed."""

from __future__ import annotations

from typing import Any, Final

from hermes_kanban.kernel.matching import Histories, look, matching_event_ids, rule_of, wakes
from hermes_kanban.kernel.mends.mending import Mending
from hermes_kanban.kernel.outbox import Owed, owe
from hermes_kanban.kernel.reads import newest_event_id
from hermes_kanban.kernel.subscriptions import SUBSCRIPTION_COLUMNS, subscription_of
from hermes_kanban.model.records import Subscription

_LIVE: Final = (
    f"SELECT {SUBSCRIPTION_COLUMNS} FROM kanban_notify_subs s"
    " WHERE s.ended_at IS NULL ORDER BY s.id"
)
_INCOMPLETE: Final = """
SELECT id, state FROM deliveries WHERE (state = 'waiting' AND next_attempt_at IS NULL)
    OR (state = 'dead' AND reason IS NULL) OR (state = 'delivered' AND delivered_at IS NULL)
"""


def mend_outbox(mending: Mending) -> None:
    """Owe what was missed, at once; take back what nobody asked for; complete what is not."""
    for row in mending.tx.all(_LIVE):
        sub = subscription_of(row)
        if rule_of(sub) is not None:
            _mend_deliveries(mending, sub, _mend_cursor(mending, sub))
    for delivery_id, state in mending.tx.all(_INCOMPLETE):
        _complete(mending, delivery_id, state)


def _mend_cursor(mending: Mending, sub: Subscription) -> tuple[int, int]:
    """(start, cursor) of the subscription as they should be."""
    newest = newest_event_id(mending.tx.conn)
    owed = mending.tx.value(
        "SELECT max(event_id) FROM deliveries WHERE sub_id = :sub AND event_id <= :newest",
        {"sub": sub.id, "newest": newest},
    )
    start = min(sub.start_event_id, newest)
    # What has been owed beyond a cursor shows how far it had come.
    cursor = min(max(sub.cursor, start, owed or 0), newest)
    if (start, cursor) != (sub.start_event_id, sub.cursor):
        columns = {"start_event_id": start, "cursor": cursor}
        mending.tx.run(
            "UPDATE kanban_notify_subs SET start_event_id = :start_event_id, cursor = :cursor"
            " WHERE id = :sub",
            columns | {"sub": sub.id},
        )
        was = {"start_event_id": sub.start_event_id, "cursor": sub.cursor}
        text = f"has its cursor at {cursor}, not {sub.cursor}"
        mending.tell_board("subscription", str(sub.id), text, {"subscription": columns, "was": was})
    return start, cursor


def _mend_deliveries(mending: Mending, sub: Subscription, bounds: tuple[int, int]) -> None:
    wanted = set(matching_event_ids(mending.tx.conn, sub, *bounds))
    rows = mending.tx.all("SELECT * FROM deliveries WHERE sub_id = :sub", {"sub": sub.id})
    known = {row["event_id"]: row for row in rows}
    for event_id in sorted(wanted - known.keys()):
        owe(mending.tx, Owed(sub, event_id, _wakes(mending, sub, event_id)))
        text = f"is owed event {event_id}, which it had missed"
        facts = {"event_id": event_id}
        mending.tell_board("subscription", str(sub.id), text, facts)
    for event_id in sorted(known.keys() - wanted):
        row = known[event_id]
        mending.tx.run("DELETE FROM deliveries WHERE id = :id", {"id": row["id"]})
        text = f"was owed to subscription {sub.id}, which did not ask for event {event_id}"
        was = dict(zip(row.keys(), row, strict=True))
        mending.tell_board("delivery", str(row["id"]), text, {"was": was})


def _wakes(mending: Mending, sub: Subscription, event_id: int) -> bool:
    row = mending.tx.one(
        "SELECT id, task_id, kind, actor FROM task_events WHERE id = :id", {"id": event_id}
    )
    conn = mending.tx.conn
    return row is not None and wakes(sub, look(conn, Histories(conn), row))


def _complete(mending: Mending, delivery_id: int, state: str) -> None:
    column, value = {
        "waiting": ("next_attempt_at", mending.tx.now),
        "dead": ("reason", "no reason was given"),
        "delivered": ("delivered_at", mending.tx.now),
    }[state]
    parameters: dict[str, Any] = {"id": delivery_id, "value": value}
    mending.tx.run(f"UPDATE deliveries SET {column} = :value WHERE id = :id", parameters)
    text = f"is {state} and has its {column} again"
    mending.tell_board("delivery", str(delivery_id), text, {"delivery": {column: value}})
