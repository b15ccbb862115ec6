"""Messages whose question is decided: each is edited to say so, where its destination can."""

from __future__ import annotations

from typing import Final

import msgspec

from hermes_kanban.kernel import decisions, digests
from hermes_kanban.kernel.messages import Unwritable, closed_text
from hermes_kanban.model.records import Delivery
from hermes_kanban.store.protocol import BoardConnection, fetch_all, write

AT_ONCE: Final = 100


class Closing(msgspec.Struct, frozen=True):
    """A message to edit: which of a destination, and what it is to say."""

    delivery_id: int
    destination: str
    receipt: str
    text: str


class Page(msgspec.Struct, frozen=True):
    """Messages to edit; ``after`` asks for the next page, None on the last."""

    closings: list[Closing]
    after: int | None


def to_close(
    conn: BoardConnection,
    *,
    since_event: int = 0,
    since: int = 0,
    after: int = 0,
    limit: int = AT_ONCE,
) -> Page:
    """Messages that ask what is decided by now.

    Only those are looked at that were sent since then (Unix seconds), or whose task has an event
    after ``since_event``: of the others nothing has changed.
    """
    found: list[Closing] = []
    parameters = {"event": since_event, "since": since, "after": after, "limit": limit}
    rows = fetch_all(conn, _OPEN, parameters)
    for *columns, task_id, destination in rows:
        delivery = Delivery(*columns)
        decision = decisions.decision_of(conn, task_id, delivery.event_id)
        if decision is None or delivery.receipt is None:
            continue
        try:
            text = closed_text(conn, delivery, decision)
        except Unwritable:
            text = ""
        found.append(Closing(delivery.id, destination, delivery.receipt, text))
    return Page(found, rows[-1]["id"] if len(rows) == limit else None)


_OPEN: Final = f"""
SELECT {digests.COLUMNS}, e.task_id, s.destination FROM deliveries d
JOIN task_events e ON e.id = d.event_id JOIN kanban_notify_subs s ON s.id = d.sub_id
WHERE d.receipt IS NOT NULL AND d.closed_at IS NULL AND d.id > :after
    AND (d.delivered_at >= :since OR EXISTS (
        SELECT 1 FROM task_events n WHERE n.task_id = e.task_id AND n.id > :event))
ORDER BY d.id LIMIT :limit
"""


def mark_closed(conn: BoardConnection, delivery_id: int) -> None:
    """Its message says what was decided, or cannot be made to."""
    with write(conn, "mark-closed") as tx:
        parameters = {"id": delivery_id, "now": tx.now}
        tx.run(
            "UPDATE deliveries SET closed_at = :now WHERE id = :id AND closed_at IS NULL",
            parameters,
        )
