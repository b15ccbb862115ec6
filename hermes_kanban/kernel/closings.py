"""Messages whose question is decided: each is edited to say so, where its destination can."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from hermes_kanban.kernel import decisions, digests
from hermes_kanban.kernel.messages import Unwritable, closed_text, write_message
from hermes_kanban.model.records import Decision, Delivery
from hermes_kanban.notify.message import Message
from hermes_kanban.store.protocol import BoardConnection, fetch_all, write

AT_ONCE: Final = 100


class Closing(msgspec.Struct, frozen=True):
    """A message to edit: which of a destination, what it is to say, and what is decided by that.

    ``digest`` is all that a message about several things says by now. Without a text it cannot be
    edited.
    """

    destination: str
    receipt: str
    text: str
    delivery_ids: list[int]
    digest: Message | None = None


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
    """Messages that ask what is decided by now; a digest is among them for each new decision.

    Only those are looked at that were sent since then (Unix seconds), or whose task has an event
    after ``since_event``: of the others nothing has changed.
    """
    found: dict[tuple[str, str], Closing] = {}
    parameters = {"event": since_event, "since": since, "after": after, "limit": limit}
    rows = fetch_all(conn, _OPEN, parameters)
    for *columns, task_id, destination in rows:
        delivery = Delivery(*columns)
        decision = decisions.decision_of(conn, task_id, delivery.event_id)
        if decision is None or delivery.receipt is None:
            continue
        place = (destination, delivery.receipt)
        if place not in found:
            found[place] = _closing(conn, delivery, destination, decision)
        found[place].delivery_ids.append(delivery.id)
    return Page(list(found.values()), rows[-1]["id"] if len(rows) == limit else None)


def _closing(
    conn: BoardConnection, delivery: Delivery, destination: str, decision: Decision
) -> Closing:
    receipt = delivery.receipt or ""
    together = digests.members(conn, delivery)
    if len(together) > 1:
        digest = write_message(conn, together, delivery.batch or delivery.dedup_key)
        return Closing(destination, receipt, digest.text, [], digest)
    try:
        text = closed_text(conn, delivery, decision)
    except Unwritable:
        text = ""
    return Closing(destination, receipt, text, [])


_OPEN: Final = f"""
SELECT {digests.COLUMNS}, e.task_id, s.destination FROM deliveries d
JOIN task_events e ON e.id = d.event_id JOIN kanban_notify_subs s ON s.id = d.sub_id
WHERE d.receipt IS NOT NULL AND d.closed_at IS NULL AND d.id > :after
    AND (d.delivered_at >= :since OR EXISTS (
        SELECT 1 FROM task_events n WHERE n.task_id = e.task_id AND n.id > :event))
ORDER BY d.id LIMIT :limit
"""


def mark_closed(conn: BoardConnection, delivery_ids: Iterable[int]) -> None:
    """Their message says what was decided about them, or cannot be made to."""
    with write(conn, "mark-closed") as tx:
        for delivery_id in delivery_ids:
            tx.run(CLOSE, {"id": delivery_id, "now": tx.now})


CLOSE: Final = "UPDATE deliveries SET closed_at = :now WHERE id = :id AND closed_at IS NULL"
