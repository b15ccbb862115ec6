"""Subscriptions: who wants to hear of which events, and what becomes of them.

A filter never changes; ``matching`` says what it means.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from hermes_kanban import notify
from hermes_kanban.kernel import inherit, limits
from hermes_kanban.kernel.due import Options, check_options, encode_options
from hermes_kanban.kernel.reads import PAGE, PAGE_LIMIT, must_exist, newest_event_id
from hermes_kanban.model.errors import InvalidInput, NotFound
from hermes_kanban.model.records import Subscription
from hermes_kanban.model.words import EVENT_KINDS, NOTIFY_MODES
from hermes_kanban.notify import chat
from hermes_kanban.store.protocol import (
    BoardConnection,
    Transaction,
    fetch_all,
    fetch_one,
    write,
)

WAKE: Final = "wake"
WAKING: Final = ("wake", "notify_and_wake")
ALL: Final = "all"
ATTENTION: Final = "attention"
FILTER_KEYS: Final = ("kinds", "tasks", "assignee", "tenant")
FILTER_VALUES: Final = 100
SUBSCRIPTION_COLUMNS: Final = ", ".join(f"s.{name}" for name in Subscription.__struct_fields__)

_FILTER_AT: Final = Subscription.__struct_fields__.index("filter")
_OPTIONS_AT: Final = Subscription.__struct_fields__.index("options")


def subscribe(
    conn: BoardConnection,
    *,
    destination: str | None = None,
    task_id: str | None = None,
    filter: dict[str, Any] | None = None,
    mode: str = "notify",
    options: dict[str, Any] | None = None,
    actor: str | None = None,
) -> int:
    """Send what happens from now on to ``destination``; return the subscription's id.

    ``mode`` ``wake`` makes a task for the profile ``options["wake"]`` instead, and
    ``notify_and_wake`` does both; the other ``options`` are those of ``due``. A repeat returns the
    id of the live subscription that says the same. Subscriptions survive the end and the reopening
    of a task. Raises InvalidInput or NotFound, having written nothing.
    """
    checked = check_options(options)
    if checked.inherit and task_id is None:
        raise InvalidInput("options.inherit", "with a task, whose tree it is", "is without a task")
    columns: dict[str, Any] = {
        "task_id": limits.text("task", task_id, limits.NAME_CHARACTERS),
        "filter": _encode_filter(check_filter(filter)),
        "mode": limits.word("mode", mode, NOTIFY_MODES),
        "options": encode_options(checked),
        "created_by": limits.actor(actor),
    }
    columns["destination"] = _check_destination(conn, destination, mode, checked)
    with write(conn, "subscribe") as tx:
        _check_tasks(conn, columns)
        known = _same_live(tx, columns)
        sub_id = _insert(tx, columns) if known is None else known
        if checked.inherit and task_id is not None:
            inherit.give_below(tx, sub_id, task_id)
        return sub_id


def mode_of(destination: str | None, wake: str | None) -> str:
    """The mode that a subscription has by what is given: where to, and whom to wake."""
    if wake is None:
        return "notify"
    return "wake" if destination is None else "notify_and_wake"


def _check_destination(
    conn: BoardConnection, destination: str | None, mode: str, options: Options
) -> str:
    """Where it goes, as it is stored; InvalidInput where destination, mode and wake disagree."""
    if (mode == "notify") != (options.wake is None):
        allowed = "a profile with the modes wake and notify_and_wake, none with notify"
        raise InvalidInput("options.wake", allowed, f"is {options.wake!r} with {mode}")
    if mode != WAKE:
        if destination is None:
            raise InvalidInput("destination", notify.ALLOWED, "is missing")
        return notify.check_destination(destination, chat.homes(conn.config))
    agent = f"{WAKE}:{options.wake}"
    if destination not in (None, agent):
        raise InvalidInput("destination", "none: the mode wake makes a task", "is given")
    return agent


def list_subscriptions(
    conn: BoardConnection,
    *,
    live_only: bool = True,
    task_id: str | None = None,
    inherited: bool = True,
    after: int = 0,
    limit: int = PAGE,
) -> list[Subscription]:
    """One page by id; ``task_id`` leaves those of that task alone.

    Without ``inherited`` those are left out that a tree handed on.
    """
    conditions = ["s.id > :after"]
    if not inherited:
        conditions.append("s.root_id IS NULL")
    if live_only:
        conditions.append("s.ended_at IS NULL")
    if task_id is not None:
        conditions.append("s.task_id = :task_id")
    sql = (
        f"SELECT {SUBSCRIPTION_COLUMNS} FROM kanban_notify_subs s"
        f" WHERE {' AND '.join(conditions)} ORDER BY s.id LIMIT :limit"
    )
    limits.whole("limit", limit, 1, PAGE_LIMIT)
    rows = fetch_all(conn, sql, {"after": after, "task_id": task_id, "limit": limit})
    return [subscription_of(row) for row in rows]


def get_subscription(conn: BoardConnection, sub_id: int) -> Subscription:
    """The subscription, or NotFound."""
    row = fetch_one(conn, _BY_ID, {"id": sub_id})
    if row is None:
        raise NotFound("subscription", sub_id, "see the ids with: hermes-kanban notify list --all")
    return subscription_of(row)


_BY_ID: Final = f"SELECT {SUBSCRIPTION_COLUMNS} FROM kanban_notify_subs s WHERE s.id = :id"


def unsubscribe(conn: BoardConnection, sub_id: int, *, actor: str | None = None) -> bool:
    """End a subscription, and those that were inherited from it; False if it had ended already.

    What they still wait for is given up. What another tree hands down as well stays with that.
    """
    limits.actor(actor)
    with write(conn, "unsubscribe") as tx:
        if get_subscription(conn, sub_id).ended_at is not None:
            return False
        inherit.end(tx, sub_id)
        inherit.end_tree(tx, sub_id)
        return True


def check_filter(filter: dict[str, Any] | None) -> dict[str, list[str]]:
    """The filter as it is stored: every key a sorted list, ``kinds`` always there."""
    if filter is not None and not isinstance(filter, dict):
        raise InvalidInput("filter", "an object", f"is a {type(filter).__name__}")
    given = dict(filter or {})
    given = {"kinds": [ATTENTION]} | {k: v for k, v in given.items() if v is not None}
    if unknown := sorted(given.keys() - set(FILTER_KEYS)):
        raise InvalidInput("filter", ", ".join(FILTER_KEYS), f"has the key {unknown[0]!r}")
    return {key: _check_values(key, given[key]) for key in FILTER_KEYS if key in given}


def _check_values(key: str, value: Any) -> list[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list | tuple | set | frozenset) or not values:
        raise InvalidInput(f"filter.{key}", "a word, or a list of words", f"is {value!r}")
    if len(values) > FILTER_VALUES:
        raise InvalidInput(f"filter.{key}", f"{FILTER_VALUES} values", f"has {len(values)}")
    checked = {str(_check_value(key, one)) for one in values}
    return sorted(checked)


def _check_value(key: str, value: Any) -> str | None:
    field = f"filter.{key}"
    if not isinstance(value, str):
        raise InvalidInput(field, "a word, or a list of words", f"holds {value!r}")
    if key == "kinds":
        return limits.word(field, value, (ALL, ATTENTION, *sorted(EVENT_KINDS)))
    if key == "tasks":
        return limits.required(field, value, limits.NAME_CHARACTERS)
    return limits.name(field, value)


def _encode_filter(checked: dict[str, list[str]]) -> str:
    return msgspec.json.encode(checked, order="sorted").decode()


def _check_tasks(conn: BoardConnection, columns: dict[str, Any]) -> None:
    named = _decode_filter(columns["filter"]).get("tasks", [])
    for task_id in [*named, columns["task_id"]]:
        if task_id is not None:
            must_exist(conn, task_id)


_SAME_LIVE: Final = (
    "SELECT id FROM kanban_notify_subs WHERE ended_at IS NULL AND {scope}"
    " AND destination = :destination AND mode = :mode AND filter = :filter"
    " AND coalesce(options, '') = :options ORDER BY id LIMIT 1"
)


def _same_live(tx: Transaction, columns: dict[str, Any]) -> int | None:
    scope = "task_id IS NULL" if columns["task_id"] is None else "task_id = :task_id"
    parameters = columns | {"options": columns["options"] or ""}
    known: int | None = tx.value(_SAME_LIVE.format(scope=scope), parameters)
    return known


def _insert(tx: Transaction, columns: dict[str, Any]) -> int:
    newest = newest_event_id(tx.conn)
    columns = columns | {"cursor": newest, "start_event_id": newest, "created_at": tx.now}
    names, values = ", ".join(columns), ", ".join(f":{column}" for column in columns)
    sql = f"INSERT INTO kanban_notify_subs ({names}) VALUES ({values}) RETURNING id"
    sub_id: int = tx.run(sql, columns).fetchall()[0][0]
    return sub_id


def subscription_of(row: Any) -> Subscription:
    """A record from a row selected with ``SUBSCRIPTION_COLUMNS``."""
    values = list(row)
    if values[_FILTER_AT] is not None:
        values[_FILTER_AT] = _decode_filter(values[_FILTER_AT])
    if values[_OPTIONS_AT] is not None:
        values[_OPTIONS_AT] = _decode_filter(values[_OPTIONS_AT])
    return Subscription(*values)


def _decode_filter(encoded: str) -> dict[str, Any]:
    """The object; a damaged one is told by ``check``, matches nothing and holds up nobody."""
    try:
        return _decode_object(encoded)
    except (msgspec.DecodeError, UnicodeError):
        return {"unreadable": encoded}


_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
