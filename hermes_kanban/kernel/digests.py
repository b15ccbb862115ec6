"""Digests: which deliveries go in one message is written down before it is sent.

So whoever sends it again sends the same, under the same key. A delivery belongs to one digest for
good, and is retried and dropped with it.
"""

from __future__ import annotations

from typing import Final

from hermes_kanban.kernel.due import decode_options
from hermes_kanban.model.records import Delivery
from hermes_kanban.store.protocol import BoardConnection, fetch_all, fetch_one, write

IN_ONE: Final = 50
COLUMNS: Final = ", ".join(f"d.{name}" for name in Delivery.__struct_fields__)


def collect(conn: BoardConnection, sub_id: int) -> None:
    """Write down what the next digest of a subscription holds, if it is due and not yet known."""
    if not _has_one_to_collect(conn, sub_id):
        return
    with write(conn, "collect-digest") as tx:
        # Somebody else may have been first.
        if not _has_one_to_collect(conn, sub_id):
            return
        members = tx.all(_WAITING, {"sub": sub_id, "limit": IN_ONE})
        first, last = members[0], members[-1]
        key = f"{conn.board_id}:{sub_id}:{first['event_id']}+{len(members)}"
        tx.run(_WRITE_DOWN, {"key": key, "sub": sub_id, "last": last["event_id"]})


def _has_one_to_collect(conn: BoardConnection, sub_id: int) -> bool:
    row = fetch_one(conn, _HEAD, {"sub": sub_id})
    if row is None or row["batch"] is not None or (row["next_attempt_at"] or 0) > conn.clock.now():
        return False
    return decode_options(row["options"]).digest_seconds is not None


_HEAD: Final = (
    "SELECT d.batch, d.next_attempt_at, s.options FROM deliveries d"
    " JOIN kanban_notify_subs s ON s.id = d.sub_id"
    " WHERE d.state = 'waiting' AND d.sub_id = :sub ORDER BY d.event_id LIMIT 1"
)
_WAITING: Final = (
    "SELECT d.event_id FROM deliveries d WHERE d.state = 'waiting' AND d.sub_id = :sub"
    " AND d.batch IS NULL ORDER BY d.event_id LIMIT :limit"
)
_WRITE_DOWN: Final = (
    "UPDATE deliveries SET batch = :key WHERE state = 'waiting' AND sub_id = :sub"
    " AND batch IS NULL AND event_id <= :last"
)


def members(conn: BoardConnection, delivery: Delivery) -> list[Delivery]:
    """Everything that goes in one message with a delivery, in order; itself, without a digest."""
    if delivery.batch is None:
        return [delivery]
    sql = f"SELECT {COLUMNS} FROM deliveries d WHERE d.batch = :batch ORDER BY d.event_id"
    rows = fetch_all(conn, sql, {"batch": delivery.batch})
    return [Delivery(*row) for row in rows] or [delivery]
