"""The outbox: what is owed to whom, made from events in one transaction with the cursor.

A delivery is a row before it is a message and is marked after it was sent, so none is missing and
a repeat carries the same ``dedup_key``. Of each subscription only the oldest waiting delivery, the
head, may be sent; a subscription that fails waits alone.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any, Final, NamedTuple

import msgspec

from hermes_kanban import notify
from hermes_kanban.kernel import limits
from hermes_kanban.kernel.closings import CLOSE
from hermes_kanban.kernel.digests import COLUMNS, collect, members
from hermes_kanban.kernel.due import decode_options, due_at, options_of
from hermes_kanban.kernel.hosts import names_of_hosts
from hermes_kanban.kernel.matching import Histories, Subscribers, look, wakes
from hermes_kanban.kernel.messages import Unwritable, asks, read_event, write_message
from hermes_kanban.kernel.reads import PAGE, PAGE_LIMIT, newest_event_id
from hermes_kanban.kernel.subscriptions import WAKE, get_subscription
from hermes_kanban.kernel.telling import key_at, pass_told
from hermes_kanban.model.errors import InvalidInput, NotFound
from hermes_kanban.model.records import Delivery, Subscription
from hermes_kanban.model.words import DELIVERY_STATES, LISTED_STATES
from hermes_kanban.notify import texts
from hermes_kanban.notify.message import Message, Outcome
from hermes_kanban.redact import one_line, redact
from hermes_kanban.store.protocol import (
    BoardConnection,
    Transaction,
    fetch_all,
    fetch_one,
    reading,
    write,
)

EVENTS_AT_ONCE: Final = 500
PAIRS_AT_ONCE: Final = 2_000
READ_SECONDS: Final = 0.25
QUIET_EVENTS: Final = 250
HEADS_AT_ONCE: Final = 1_000

MAX_ATTEMPTS: Final = 20  # with the delays below, about half a day
RETRY_SECONDS: Final = 5
RETRY_SECONDS_MAX: Final = 3_600
RETRY_AFTER_SECONDS_MAX: Final = 86_400
UNTRIED_SECONDS: Final = 30
RECEIPT_CHARACTERS: Final = 500
REASON_CHARACTERS: Final = 500
DROPPED: Final = "dropped by a person"

_JITTER_BITS: Final = 16


# Events become deliveries.


class Owed(NamedTuple):
    """An event that a subscription asked for, and whether it wakes an agent."""

    sub: Subscription
    event_id: int
    wakes: bool


class _Found(msgspec.Struct):
    """What one reading found: what is owed to whom, and how far it came."""

    pairs: list[Owed]
    events: int
    upto: int


def advance_cursors(conn: BoardConnection, *, limit: int = EVENTS_AT_ONCE) -> int:
    """Owe every live subscription what matches of its next events; how many the cursors passed.

    At most ``limit`` events a call, fewer when many match; 0 when there was nothing to do. Reading
    and matching hold no lock: cursors only move forward, and what is owed twice is owed once. Up
    to ``QUIET_EVENTS`` that nobody asked for are read again next time, which is cheaper than a
    commit for each of them.
    """
    with reading(conn):
        found = _read(conn, limit)
    if found is None or (not found.pairs and found.events < min(limit, QUIET_EVENTS)):
        return 0
    with write(conn, "advance-cursors") as tx:
        for owed in found.pairs:
            owe(tx, owed)
        tx.run(_MOVE_CURSORS, {"upto": found.upto})
    return found.events


def _read(conn: BoardConnection, limit: int) -> _Found | None:
    lowest = conn.execute(_LOWEST_CURSOR).fetchone()
    if lowest is None or lowest[0] >= newest_event_id(conn):
        return None
    found = _Found([], 0, lowest[0])
    subscribers, histories = Subscribers(conn), Histories(conn)
    deadline = conn.clock.monotonic() + READ_SECONDS
    for row in conn.execute(_EVENTS, {"after": lowest[0], "limit": limit}):
        seen = look(conn, histories, row)
        for sub, rule in subscribers.of(row["task_id"]):
            if sub.cursor < row["id"] and rule.matches(seen):
                found.pairs.append(Owed(sub, row["id"], wakes(sub, seen)))
        found.events += 1
        found.upto = row["id"]
        if len(found.pairs) >= PAIRS_AT_ONCE or conn.clock.monotonic() > deadline:
            break
    return found


_LOWEST_CURSOR: Final = (
    "SELECT cursor FROM kanban_notify_subs WHERE ended_at IS NULL ORDER BY cursor LIMIT 1"
)
_EVENTS: Final = (
    "SELECT id, task_id, kind, actor FROM task_events WHERE id > :after ORDER BY id LIMIT :limit"
)
_MOVE_CURSORS: Final = (
    "UPDATE kanban_notify_subs SET cursor = :upto WHERE ended_at IS NULL AND cursor < :upto"
)


def owe(tx: Transaction, owed: Owed) -> None:
    """Owe a live subscription an event; what is owed already stays as it is."""
    sub = owed.sub
    due = _first_due(tx, sub)
    parameters = {
        "sub": sub.id,
        "event": owed.event_id,
        "key": f"{tx.conn.board_id}:{sub.id}:{owed.event_id}",
        "due": due,
        "wake": due if owed.wakes else None,
    }
    tx.run(_INSERT, parameters)


def _first_due(tx: Transaction, sub: Subscription) -> int:
    """When what is owed now is due: with the digest that is being collected, or a new one."""
    options = options_of(sub)
    if options.digest_seconds is None:
        return due_at(options, tx.now)
    collecting: int | None = tx.value(_COLLECTING, {"sub": sub.id})
    return due_at(options, tx.now + options.digest_seconds) if collecting is None else collecting


_COLLECTING: Final = (
    "SELECT next_attempt_at FROM deliveries WHERE sub_id = :sub AND state = 'waiting'"
    " AND batch IS NULL ORDER BY event_id LIMIT 1"
)
# Since they were read the subscription may have ended, or the event may have gone with its task.
_INSERT: Final = """
INSERT INTO deliveries (sub_id, event_id, dedup_key, state, attempts, next_attempt_at, wake_at)
SELECT s.id, cast(:event AS integer), :key, 'waiting', 0, cast(:due AS integer),
    cast(:wake AS integer)
FROM kanban_notify_subs s
WHERE s.id = :sub AND s.ended_at IS NULL
    AND EXISTS (SELECT 1 FROM task_events e WHERE e.id = :event)
ON CONFLICT (sub_id, event_id) DO NOTHING
"""


# What is due.


class Head(msgspec.Struct, frozen=True):
    """The oldest waiting delivery of a subscription, and where it goes."""

    delivery: Delivery
    destination: str


class Due(msgspec.Struct, frozen=True):
    """The heads that are due, and when the next of the others is (Unix seconds)."""

    heads: list[Head]
    next_at: int | None


def survey_outbox(
    conn: BoardConnection,
    *,
    now: int | None = None,
    limit: int = HEADS_AT_ONCE,
    busy: Container[int] = (),
) -> Due:
    """The due heads, oldest first, at most ``limit``; ``busy`` subscriptions are left out.

    Costs what there are subscriptions with something waiting, however much each is owed.
    """
    now = conn.clock.now() if now is None else now
    heads: list[Head] = []
    later: list[int] = []
    for *columns, destination, mode, options in fetch_all(conn, _HEADS):
        delivery = Delivery(*columns)
        if delivery.sub_id in busy:
            continue
        # Also what has been due for long keeps quiet in the quiet hours.
        due = due_at(decode_options(options), max(delivery.next_attempt_at or 0, now))
        if due > now or len(heads) >= limit:
            later.append(due)
        elif mode != WAKE:
            heads.append(Head(delivery, destination))
    return Due(heads, min(later, default=None))


_HEADS: Final = f"""
WITH RECURSIVE waiting (sub_id) AS (
    SELECT (SELECT d.sub_id FROM deliveries d WHERE d.state = 'waiting'
            ORDER BY d.sub_id, d.event_id LIMIT 1)
    UNION
    SELECT (SELECT d.sub_id FROM deliveries d WHERE d.state = 'waiting' AND d.sub_id > w.sub_id
            ORDER BY d.sub_id, d.event_id LIMIT 1)
    FROM waiting w WHERE w.sub_id IS NOT NULL
)
SELECT {COLUMNS}, s.destination, s.mode, s.options FROM waiting w
JOIN kanban_notify_subs s ON s.id = w.sub_id
JOIN deliveries d ON d.id = (
    SELECT h.id FROM deliveries h WHERE h.state = 'waiting' AND h.sub_id = w.sub_id
    ORDER BY h.event_id LIMIT 1)
ORDER BY d.next_attempt_at, d.id
"""


class Outgoing(msgspec.Struct, frozen=True):
    """A due head with its message; without one, ``problem`` says why there can be none."""

    delivery: Delivery
    destination: str
    message: Message | None
    problem: str = ""


def next_outgoing(conn: BoardConnection, sub_id: int) -> Outgoing | None:
    """The subscription's head with its message, or None while none is due that is news there."""
    pass_told(conn, sub_id)
    collect(conn, sub_id)
    # As of one moment: a purge in between would take the event and leave the delivery.
    with reading(conn):
        return _outgoing(conn, sub_id)


def _outgoing(conn: BoardConnection, sub_id: int) -> Outgoing | None:
    row = fetch_one(conn, _HEAD_OF, {"sub": sub_id})
    if row is None:
        return None
    *columns, destination, options = row
    delivery, now = Delivery(*columns), conn.clock.now()
    if due_at(decode_options(options), max(delivery.next_attempt_at or 0, now)) > now:
        return None
    try:
        key = delivery.batch or key_at(conn, delivery, destination)
        program = notify.command_at(destination)
        message = write_message(conn, members(conn, delivery), key, program=program)
    except Unwritable as problem:
        return Outgoing(delivery, destination, None, str(problem))
    return Outgoing(delivery, destination, message)


_HEAD_OF: Final = f"""
SELECT {COLUMNS}, s.destination, s.options FROM deliveries d
JOIN kanban_notify_subs s ON s.id = d.sub_id
WHERE d.state = 'waiting' AND d.sub_id = :sub ORDER BY d.event_id LIMIT 1
"""


# What came of it.


def mark(conn: BoardConnection, delivery_id: int, outcome: Outcome) -> Delivery:
    """Write down what came of one attempt; the delivery as it is now."""
    if outcome.kind == "delivered":
        return mark_delivered(conn, delivery_id, receipt=outcome.receipt)
    reason = outcome.reason
    if names_of_hosts(conn):  # what one lacks, or cannot reach, another may
        reason = f"on {conn.config.host.name}: {reason}"
    if outcome.kind == "dead":
        return mark_dead(conn, delivery_id, reason=reason)
    return mark_retry(
        conn, delivery_id, reason=reason, retry_after=outcome.retry_after, counts=outcome.counts
    )


def mark_delivered(
    conn: BoardConnection, delivery_id: int, *, receipt: str | None = None
) -> Delivery:
    """It arrived; this holds also when it was given up while it was on its way.

    ``receipt`` is the destination's own id of the message.
    """
    receipt = limits.text("receipt", receipt, RECEIPT_CHARACTERS)

    def changes(tx: Transaction, delivery: Delivery) -> dict[str, Any]:
        arrived = {"state": "delivered", "delivered_at": tx.now, "next_attempt_at": None}
        arrived |= {"attempts": delivery.attempts + 1, "reason": None, "receipt": receipt}
        arrived |= {"dropped_at": None}
        if delivery.batch is None:
            return arrived | {"closed_at": None if _asks(conn, delivery) else tx.now}
        for one in members(conn, delivery):
            if not _asks(conn, one):
                tx.run(CLOSE, {"id": one.id, "now": tx.now})
        return arrived

    return _change(conn, "mark-delivered", delivery_id, ("waiting", "dead"), changes)


def _asks(conn: BoardConnection, delivery: Delivery) -> bool:
    event = read_event(conn, delivery.event_id)
    return event is not None and asks(event)


def mark_retry(
    conn: BoardConnection,
    delivery_id: int,
    *,
    reason: str,
    retry_after: float | None = None,
    counts: bool = True,
) -> Delivery:
    """It did not arrive: wait, longer each time and never less than ``retry_after`` seconds.

    After ``MAX_ATTEMPTS`` that count it is dead.
    """

    def changes(tx: Transaction, delivery: Delivery) -> dict[str, Any]:
        attempts = delivery.attempts + counts
        if attempts >= MAX_ATTEMPTS:
            return _dead(attempts, f"gave up after {attempts} attempts; the last: {reason}")
        backoff = _backoff_seconds(tx, attempts) if counts else UNTRIED_SECONDS
        wait = max(backoff, _asked_seconds(retry_after))
        options = options_of(get_subscription(conn, delivery.sub_id))
        due = {"attempts": attempts, "next_attempt_at": due_at(options, tx.now + wait)}
        return due | {"reason": tidy_reason(reason)}

    return _change(conn, "mark-retry", delivery_id, ("waiting",), changes)


def due_again(conn: BoardConnection, platform: str) -> None:
    """A chat platform can be reached again: what waited for that alone is due now."""
    reason = notify.unreached(platform)
    with write(conn, "due-again") as tx:
        until = tx.now + UNTRIED_SECONDS  # later than that it waits for something else, too
        # Perhaps of another host, which is named before it.
        tx.run(_DUE_AGAIN, {"reason": f"%{reason}", "now": tx.now, "until": until})


_DUE_AGAIN: Final = (
    "UPDATE deliveries SET next_attempt_at = :now WHERE state = 'waiting' AND reason LIKE :reason"
    " AND next_attempt_at > :now AND next_attempt_at <= :until"
)


def mark_dead(conn: BoardConnection, delivery_id: int, *, reason: str) -> Delivery:
    """It cannot arrive; ``retry_delivery`` tries again all the same."""

    def changes(_tx: Transaction, delivery: Delivery) -> dict[str, Any]:
        return _dead(delivery.attempts + 1, reason)

    return _change(conn, "mark-dead", delivery_id, ("waiting",), changes)


def retry_delivery(conn: BoardConnection, delivery_id: int) -> bool:
    """Send it as soon as its turn comes, with its attempts counted anew; not if it arrived."""

    def changes(tx: Transaction, delivery: Delivery) -> dict[str, Any]:
        if delivery.state == "delivered":
            raise InvalidInput("delivery", "one that waits or is dead", "has been delivered")
        sub = get_subscription(conn, delivery.sub_id)
        if sub.ended_at is not None:
            allowed = "one of a live subscription; subscribe again to hear of what comes"
            raise InvalidInput("delivery", allowed, "belongs to a subscription that has ended")
        again = {"state": "waiting", "attempts": 0, "next_attempt_at": tx.now, "reason": None}
        wakes = {"wake_at": tx.now} if sub.mode == WAKE else {}
        return again | wakes | {"dropped_at": None}

    _change(conn, "retry-delivery", delivery_id, DELIVERY_STATES, changes)
    return True


def drop_delivery(conn: BoardConnection, delivery_id: int, reason: str | None = None) -> bool:
    """A person gives it up, whether it waits or is dead; False if it arrived or was dropped before.

    Without a ``reason`` a dead one keeps why it could not arrive.
    """
    reason = limits.text("reason", reason, limits.REASON_BYTES)
    changed = []

    def changes(tx: Transaction, delivery: Delivery) -> dict[str, Any]:
        if delivery.dropped_at is not None:
            return {"dropped_at": delivery.dropped_at}
        changed.append(delivery.id)
        why = reason or delivery.reason if delivery.state == "dead" else reason
        dropped = {"dropped_at": tx.now, "wake_at": None}
        return _dead(delivery.attempts, why or DROPPED) | dropped

    _change(conn, "drop-delivery", delivery_id, ("waiting", "dead"), changes)
    return bool(changed)


def _change(
    conn: BoardConnection,
    verb: str,
    delivery_id: int,
    states: tuple[str, ...],
    changes: Callable[[Transaction, Delivery], dict[str, Any]],
) -> Delivery:
    """Write ``changes`` if the delivery is in one of ``states``; the delivery as it is then.

    With it go the others of its digest.
    """
    with write(conn, verb) as tx:
        delivery = get_delivery(conn, delivery_id)
        if delivery.state not in states:
            return delivery
        columns = changes(tx, delivery)
        assignments = ", ".join(f"{column} = :{column}" for column in columns)
        sql = f"UPDATE deliveries SET {assignments} WHERE id = :id"
        for one in members(conn, delivery):
            if one.state in states:
                tx.run(sql, columns | {"id": one.id})
        return msgspec.structs.replace(delivery, **columns)


def _dead(attempts: int, reason: str) -> dict[str, Any]:
    columns = {"state": "dead", "attempts": attempts, "next_attempt_at": None}
    return columns | {"reason": tidy_reason(reason)}


def tidy_reason(reason: str) -> str:
    """As it is stored: one line, without secrets, cut."""
    return texts.cut(redact(one_line(reason)), REASON_CHARACTERS) or "no reason was given"


def _backoff_seconds(tx: Transaction, attempts: int) -> int:
    """Half of the delay is certain and half is drawn, as for tasks (see ``retries``)."""
    ceiling = min(RETRY_SECONDS * (1 << min(attempts - 1, 30)), RETRY_SECONDS_MAX)
    drawn: float = tx.conn.randomness.randbits(_JITTER_BITS) / 2**_JITTER_BITS
    return max(1, round(ceiling / 2 + ceiling / 2 * drawn))


def _asked_seconds(retry_after: float | None) -> int:
    if retry_after is None or not retry_after > 0:  # what is not a number is not above 0 either
        return 0
    return int(min(retry_after, RETRY_AFTER_SECONDS_MAX)) + 1


# Looking.


def get_delivery(conn: BoardConnection, delivery_id: int) -> Delivery:
    """The delivery, or NotFound."""
    row = fetch_one(
        conn, f"SELECT {COLUMNS} FROM deliveries d WHERE d.id = :id", {"id": delivery_id}
    )
    if row is None:
        raise NotFound("delivery", delivery_id, "see the ids with: hermes-kanban notify outbox")
    return Delivery(*row)


def list_outbox(
    conn: BoardConnection,
    *,
    state: str | None = None,
    sub_id: int | None = None,
    after: int = 0,
    limit: int = PAGE,
    newest_first: bool = False,
) -> list[Delivery]:
    """One page of deliveries by id; ``sub_id`` leaves those of that subscription, and of its tree.

    ``state`` is one of ``LISTED_STATES``: those that were dropped are not among the dead.

    ``after`` is the last of the page before in either order; 0 asks for the first page.
    """
    limits.whole("limit", limit, 1, PAGE_LIMIT)
    condition = ""
    if state is not None:
        # As a literal: an index that holds one state serves no parameter.
        condition = f"d.{_LISTED[limits.word('state', state, LISTED_STATES) or '']} AND"
    if sub_id is not None:
        condition += f" d.sub_id IN ({_WITH_HANDED_DOWN}) AND"
    place, order = ("d.id > :after", "d.id")
    if newest_first:
        place, order = ("d.id < :after" if after else "d.id > :after", "d.id DESC")
    sql = f"SELECT {COLUMNS} FROM deliveries d WHERE {condition} {place} ORDER BY {order}"
    parameters = {"after": after, "limit": limit, "sub": sub_id}
    rows = fetch_all(conn, f"{sql} LIMIT :limit", parameters)
    return [Delivery(*row) for row in rows]


_LISTED: Final = {
    "waiting": "state = 'waiting'",
    "delivered": "state = 'delivered'",
    "dead": "state = 'dead' AND d.dropped_at IS NULL",
    "dropped": "dropped_at IS NOT NULL",
}
_WITH_HANDED_DOWN: Final = "SELECT id FROM kanban_notify_subs WHERE id = :sub OR root_id = :sub"
