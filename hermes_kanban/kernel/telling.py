"""One message per event and destination, whichever subscriptions ask for it.

Of the deliveries of an event that go to one place the first to arrive tells it; the others are
marked and send nothing. Until then each is ready to, under one key, so that none depends on
another: a subscription that waits for its digest, that fails or that ends keeps nothing from
anybody.
"""

from __future__ import annotations

from typing import Final

from hermes_kanban.kernel.digests import IN_ONE
from hermes_kanban.model.records import Delivery
from hermes_kanban.store.protocol import BoardConnection, fetch_one, fetch_value, write

AT_ONCE: Final = 1_000


def pass_told(conn: BoardConnection, sub_id: int) -> None:
    """Mark what a subscription is to tell next and its destination was told by another."""
    while _next_is_told(conn, sub_id):
        with write(conn, "pass-told") as tx:
            tx.run(_PASS, {"sub": sub_id, "now": tx.now})


def _next_is_told(conn: BoardConnection, sub_id: int) -> bool:
    return fetch_one(conn, _TOLD_NEXT, {"sub": sub_id}) is not None


def key_at(conn: BoardConnection, delivery: Delivery, destination: str) -> str:
    """The key of a message about that event alone, the same for all that go to the destination."""
    parameters = {"event": delivery.event_id, "destination": destination}
    found: str | None = fetch_value(conn, _FIRST_KEY, parameters)
    return delivery.dedup_key if found is None else found


_FIRST_KEY: Final = (
    "SELECT d.dedup_key FROM deliveries d JOIN kanban_notify_subs s ON s.id = d.sub_id"
    " WHERE d.event_id = :event AND s.destination = :destination ORDER BY d.id LIMIT 1"
)
# Nothing overtakes by this: what is marked is not sent.
_TOLD_OF: Final = """
SELECT n.id FROM (
    SELECT d.id, d.event_id, d.sub_id FROM deliveries d WHERE d.state = 'waiting'
        AND d.sub_id = :sub ORDER BY d.event_id LIMIT {limit}) n
JOIN kanban_notify_subs s ON s.id = n.sub_id
WHERE EXISTS (
    SELECT 1 FROM deliveries o JOIN kanban_notify_subs t ON t.id = o.sub_id
    WHERE o.event_id = n.event_id AND o.state = 'delivered' AND t.destination = s.destination)
"""
# Of a digest all that may be in it; of the others, and of one that was purged, what is next.
_TOLD_NEXT: Final = _TOLD_OF.format(
    limit="coalesce((SELECT CASE WHEN options LIKE '%\"digest_seconds\"%'"
    f" THEN {IN_ONE} ELSE 1 END FROM kanban_notify_subs WHERE id = :sub), 1)"
)
# A digest that is tried again goes without it.
_PASS: Final = f"""
UPDATE deliveries SET state = 'delivered', delivered_at = :now, closed_at = :now, batch = NULL,
    next_attempt_at = NULL, reason = 'told there by another subscription'
WHERE id IN ({_TOLD_OF.format(limit=AT_ONCE)})
"""
