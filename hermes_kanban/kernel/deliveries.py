"""Looking at deliveries: how a subscription fares, and what was asked in a message."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from hermes_kanban.kernel.digests import COLUMNS
from hermes_kanban.model.records import Delivery
from hermes_kanban.store.protocol import BoardConnection, Row, fetch_all, fetch_one


def with_receipt(conn: BoardConnection, receipt: str) -> list[Delivery]:
    """What was sent in the messages to which destinations gave that id, the oldest first."""
    sql = f"SELECT {COLUMNS} FROM deliveries d WHERE d.receipt = :receipt ORDER BY d.id"
    return [Delivery(*row) for row in fetch_all(conn, sql, {"receipt": receipt})]


class Owing(msgspec.Struct, frozen=True):
    """How a subscription fares: its deliveries by state, when the next is due, and how it went.

    What was dropped is not counted.

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
    return _owing(counts, head, None if newest is None else newest[0])


_BY_STATE: Final = (
    "SELECT state, count(*) FROM deliveries WHERE sub_id = :sub AND dropped_at IS NULL"
    " GROUP BY state"
)
_LAST_DELIVERED: Final = "SELECT max(delivered_at) FROM deliveries WHERE sub_id = :sub"
_HEAD: Final = (
    "SELECT next_attempt_at, attempts, reason FROM deliveries"
    " WHERE state = 'waiting' AND sub_id = :sub ORDER BY event_id LIMIT 1"
)


def owing_each(conn: BoardConnection, sub_ids: Iterable[int]) -> dict[int, Owing]:
    """How each of the subscriptions fares, those that it handed down a tree counted with it.

    Of what waits, ``attempts`` and ``reason`` are those of the head that was tried most.
    """
    wanted = [int(one) for one in sub_ids]
    ids = ", ".join(map(str, wanted)) or "NULL"
    rows = fetch_all(conn, _EACH_BY_STATE.format(ids=ids))
    heads = {row["sub"]: row for row in fetch_all(conn, _EACH_HEAD.format(ids=ids))}
    states: dict[int, dict[str, int]] = {}
    newest: dict[int, int] = {}
    for sub, state, count, delivered_at in rows:
        states.setdefault(sub, {})[state] = count
        if delivered_at is not None:
            newest[sub] = max(newest.get(sub, 0), delivered_at)
    return {sub: _owing(states.get(sub, {}), heads.get(sub), newest.get(sub)) for sub in wanted}


def _owing(counts: dict[str, int], head: Row | None, delivered_at: int | None) -> Owing:
    return Owing(
        waiting=counts.get("waiting", 0),
        delivered=counts.get("delivered", 0),
        dead=counts.get("dead", 0),
        next_at=None if head is None else head["next_attempt_at"],
        attempts=0 if head is None else head["attempts"],
        reason=None if head is None else head["reason"],
        delivered_at=delivered_at,
    )


_FAMILIES: Final = (
    "SELECT id AS sub, id FROM kanban_notify_subs WHERE id IN ({ids})"
    " UNION ALL SELECT root_id AS sub, id FROM kanban_notify_subs WHERE root_id IN ({ids})"
)
_EACH_BY_STATE: Final = (
    f"SELECT f.sub, d.state, count(*), max(d.delivered_at) FROM ({_FAMILIES}) f"
    " JOIN deliveries d ON d.sub_id = f.id WHERE d.dropped_at IS NULL GROUP BY f.sub, d.state"
)
_EACH_HEAD: Final = f"""
SELECT f.sub, d.next_attempt_at, d.attempts, d.reason FROM ({_FAMILIES}) f
JOIN deliveries d ON d.id = (
    SELECT h.id FROM deliveries h WHERE h.state = 'waiting' AND h.sub_id = f.id
    ORDER BY h.event_id LIMIT 1)
ORDER BY d.attempts, d.next_attempt_at DESC
"""


def count_owed(conn: BoardConnection) -> dict[str, int]:
    """How many deliveries are ``waiting``, and ``dead`` without having been dropped.

    A state without any is left out.
    """
    return dict(fetch_all(conn, _OWED))


_OWED: Final = (
    "SELECT state, count(*) FROM deliveries WHERE state = 'waiting' GROUP BY state"
    " UNION ALL SELECT state, count(*) FROM deliveries"
    " WHERE state = 'dead' AND dropped_at IS NULL GROUP BY state"
)


class Matter(msgspec.Struct, frozen=True):
    """What a delivery is about and where it goes; None where its event or task is gone."""

    destination: str
    kind: str | None
    task_id: str | None
    title: str | None


def matters(conn: BoardConnection, delivery_ids: Iterable[int]) -> dict[int, Matter]:
    """What each of the deliveries is about."""
    ids = ", ".join(str(int(one)) for one in delivery_ids) or "NULL"
    return {row[0]: Matter(*row[1:]) for row in fetch_all(conn, _MATTERS.format(ids=ids))}


_MATTERS: Final = """
SELECT d.id, s.destination, e.kind, e.task_id, t.title FROM deliveries d
JOIN kanban_notify_subs s ON s.id = d.sub_id
LEFT JOIN task_events e ON e.id = d.event_id
LEFT JOIN tasks t ON t.id = e.task_id
WHERE d.id IN ({ids})
"""
