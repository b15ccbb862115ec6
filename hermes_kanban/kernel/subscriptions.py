"""Subscriptions: who wants to hear of which events, and the one rule that decides it.

Whether an event matches is read off the event stream alone, so the answer is the same whenever it
is asked: the event itself, and what the task's earlier events say of its assignee, tenant and
completion at that moment. A filter has these keys, joined by "and", each a list joined by "or":

- ``kinds``: event kinds, ``all``, or ``attention`` (the default): what needs a person or ends a
  task. That is gave_up, review_requested, completed and approved; triaged by the system; blocked,
  when a person has to lift it; archived, when the task had not been done.
- ``tasks``: task ids.
- ``assignee``, ``tenant``: as they were when the event happened, its own change included.

A board event (paused, say) has no task and matches a subscription that names neither task,
assignee nor tenant. A filter never changes, and neither may the meaning of ``attention``: another
meaning gets another word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from hermes_kanban import notify
from hermes_kanban.kernel import inherit, limits
from hermes_kanban.kernel.due import Options, check_options, encode_options
from hermes_kanban.kernel.reads import PAGE, PAGE_LIMIT, must_exist, newest_event_id
from hermes_kanban.model.errors import InvalidInput, NotFound
from hermes_kanban.model.records import Event, Subscription
from hermes_kanban.model.words import EVENT_KINDS
from hermes_kanban.notify import chat
from hermes_kanban.store.protocol import (
    BoardConnection,
    Row,
    Transaction,
    fetch_all,
    fetch_one,
    write,
)

MODES: Final = ("notify", "wake", "notify_and_wake")
WAKE: Final = "wake"
WAKING: Final = ("wake", "notify_and_wake")
ALL: Final = "all"
ATTENTION: Final = "attention"
FILTER_KEYS: Final = ("kinds", "tasks", "assignee", "tenant")
FILTER_VALUES: Final = 100
HISTORIES_KEPT: Final = 1_000
SUBSCRIPTION_COLUMNS: Final = ", ".join(f"s.{name}" for name in Subscription.__struct_fields__)

_ENDED_BY_SUBSCRIBER: Final = "its subscription ended"
_ATTENTION_ALWAYS: Final = frozenset({"gave_up", "review_requested", "completed", "approved"})
_LIFTED_BY_A_PERSON: Final = ("needs_input", "capability")
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
        raise InvalidInput("options.inherit", "only with a task, whose tree it is", "is of a board")
    columns: dict[str, Any] = {
        "task_id": limits.text("task", task_id, limits.NAME_CHARACTERS),
        "filter": _encode_filter(check_filter(filter)),
        "mode": limits.word("mode", mode, MODES),
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

    What they still wait for is given up.
    """
    limits.actor(actor)
    with write(conn, "unsubscribe") as tx:
        if get_subscription(conn, sub_id).ended_at is not None:
            return False
        parameters = {"id": sub_id, "now": tx.now, "reason": _ENDED_BY_SUBSCRIBER}
        for (one,) in [(sub_id,), *tx.all(_INHERITED, parameters)]:
            parameters["id"] = one
            tx.run("UPDATE kanban_notify_subs SET ended_at = :now WHERE id = :id", parameters)
            tx.run(_GIVE_UP_WAITING, parameters)
        return True


_INHERITED: Final = (
    "SELECT id FROM kanban_notify_subs WHERE root_id = :id AND ended_at IS NULL ORDER BY id"
)
_GIVE_UP_WAITING: Final = (
    "UPDATE deliveries SET state = 'dead', reason = :reason, next_attempt_at = NULL"
    " WHERE sub_id = :id AND state = 'waiting'"
)


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


# Matching.


class TaskFacts(msgspec.Struct, frozen=True):
    """What a task's events up to one of them say.

    ``done`` means that it had been completed, ``woken`` that a wake made it, or a run of such one.
    """

    assignee: str | None = None
    tenant: str | None = None
    done: bool = False
    woken: bool = False


class Seen(msgspec.Struct, frozen=True):
    """An event as a rule looks at it; the two costly looks are taken only when they decide."""

    kind: str
    task_id: str | None
    actor: str
    block_kind: Callable[[], str | None]
    facts: Callable[[], TaskFacts]


class Rule(msgspec.Struct, frozen=True):
    """A subscription's filter, ready to be asked; None means any."""

    kinds: frozenset[str]
    task_id: str | None
    tasks: frozenset[str] | None
    assignees: frozenset[str] | None
    tenants: frozenset[str] | None
    wakes_only: bool = False

    def matches(self, seen: Seen) -> bool:
        """True when the event is one that the subscriber asked for."""
        if not (self._is_in_scope(seen) and self._wants_kind(seen) and self._is_of_people(seen)):
            return False
        # What a wake made wakes nobody, or agents would keep one another awake.
        return not (self.wakes_only and seen.task_id is not None and seen.facts().woken)

    def _is_in_scope(self, seen: Seen) -> bool:
        if seen.task_id is None:
            return not (self.task_id or self.tasks or self.assignees or self.tenants)
        if self.task_id is not None and seen.task_id != self.task_id:
            return False
        return self.tasks is None or seen.task_id in self.tasks

    def _wants_kind(self, seen: Seen) -> bool:
        if seen.kind in self.kinds or ALL in self.kinds:
            return True
        return ATTENTION in self.kinds and _needs_attention(seen)

    def _is_of_people(self, seen: Seen) -> bool:
        if self.assignees is not None and seen.facts().assignee not in self.assignees:
            return False
        return self.tenants is None or seen.facts().tenant in self.tenants


def _needs_attention(seen: Seen) -> bool:
    if seen.kind == "triaged":
        return seen.actor == "system"
    if seen.kind == "blocked":
        return seen.block_kind() in _LIFTED_BY_A_PERSON
    if seen.kind == "archived":
        return not seen.facts().done
    return seen.kind in _ATTENTION_ALWAYS


def rule_of(sub: Subscription) -> Rule | None:
    """The rule of a subscription; None when its filter cannot be understood."""
    try:
        checked = check_filter(sub.filter)
    except InvalidInput:
        return None
    lists = {key: frozenset(values) for key, values in checked.items()}
    return Rule(
        lists["kinds"],
        sub.task_id,
        lists.get("tasks"),
        lists.get("assignee"),
        lists.get("tenant"),
        sub.mode == WAKE,
    )


def wakes(sub: Subscription, seen: Seen) -> bool:
    """Whether an event that matches wakes the agent of the subscription."""
    return sub.mode in WAKING and not (seen.task_id is not None and seen.facts().woken)


def matches(sub: Subscription, event: Event, task_facts: TaskFacts | None = None) -> bool:
    """Whether the event is one that ``sub`` asks for.

    ``task_facts`` are those of the event's task as of that event (``Histories.at``).
    """
    rule = rule_of(sub)
    part = event.payload.get("task")
    block_kind = part.get("block_kind") if isinstance(part, dict) else None
    facts = task_facts or TaskFacts()
    seen = Seen(event.kind, event.task_id, event.actor, lambda: block_kind, lambda: facts)
    return rule is not None and rule.matches(seen)


class _TaskPart(msgspec.Struct, frozen=True):
    assignee: str | msgspec.UnsetType | None = msgspec.UNSET
    tenant: str | msgspec.UnsetType | None = msgspec.UNSET
    completed_at: int | msgspec.UnsetType | None = msgspec.UNSET
    block_kind: str | msgspec.UnsetType | None = msgspec.UNSET


class _Payload(msgspec.Struct, frozen=True):
    task: _TaskPart = _TaskPart()
    woken: bool = False


_decode_payload = msgspec.json.Decoder(_Payload).decode


def _told(payload: str) -> _Payload:
    """What matching looks at; a damaged payload says nothing."""
    try:
        return _decode_payload(payload)
    except (msgspec.DecodeError, UnicodeError):
        return _Payload()


class Histories:
    """What the events of tasks said at each moment; each task is read once."""

    def __init__(self, conn: BoardConnection) -> None:
        self._conn = conn
        self._changes: dict[str, list[tuple[int, _Payload]]] = {}

    def at(self, task_id: str, event_id: int) -> TaskFacts:
        """The facts as of that event, its own change included."""
        facts = TaskFacts()
        for at, told in self._of(task_id):
            if at > event_id:
                break
            facts = _folded(facts, told)
        return facts

    def _of(self, task_id: str) -> list[tuple[int, _Payload]]:
        if task_id not in self._changes:
            if len(self._changes) >= HISTORIES_KEPT:
                self._changes.clear()
            self._changes[task_id] = self._read(task_id)
        return self._changes[task_id]

    def _read(self, task_id: str) -> list[tuple[int, _Payload]]:
        rows = self._conn.execute(_HISTORY, {"task_id": task_id})
        told = ((event_id, _told(payload)) for event_id, payload in rows)
        return [(event_id, one) for event_id, one in told if _tells(one)]


_HISTORY: Final = "SELECT id, payload FROM task_events WHERE task_id = :task_id ORDER BY id"


def _tells(told: _Payload) -> bool:
    part = told.task
    values = (part.assignee, part.tenant, part.completed_at)
    return told.woken or any(value is not msgspec.UNSET for value in values)


def _folded(facts: TaskFacts, told: _Payload) -> TaskFacts:
    part = told.task
    return TaskFacts(
        facts.assignee if part.assignee is msgspec.UNSET else part.assignee,
        facts.tenant if part.tenant is msgspec.UNSET else part.tenant,
        facts.done if part.completed_at is msgspec.UNSET else part.completed_at is not None,
        facts.woken or told.woken,
    )


def look(conn: BoardConnection, histories: Histories, row: Row) -> Seen:
    """An event from a row with id, task_id, kind and actor."""
    event_id, task_id = row["id"], row["task_id"]

    def block_kind() -> str | None:
        found = conn.execute(_PAYLOAD, {"id": event_id}).fetchone()
        kind = _told(found[0]).task.block_kind if found else None
        return None if kind is msgspec.UNSET else kind

    def facts() -> TaskFacts:
        return histories.at(task_id, event_id)

    return Seen(row["kind"], task_id, row["actor"], block_kind, facts)


_PAYLOAD: Final = "SELECT payload FROM task_events WHERE id = :id"


def matching_event_ids(
    conn: BoardConnection, sub: Subscription, after: int, upto: int
) -> Iterator[int]:
    """The ids in (after, upto] that match, rising; nothing is kept, so any range will do."""
    rule = rule_of(sub)
    if rule is None:
        return
    condition = "" if sub.task_id is None else "task_id = :task_id AND"
    sql = (
        f"SELECT id, task_id, kind, actor FROM task_events WHERE {condition} id > :after"
        " AND id <= :upto ORDER BY id"
    )
    parameters = {"task_id": sub.task_id, "after": after, "upto": upto}
    histories = Histories(conn)
    try:
        for row in conn.execute(sql, parameters):
            if rule.matches(look(conn, histories, row)):
                yield row["id"]
    except conn.Error as error:
        raise conn.translated(error) from error


class Subscribers:
    """The live subscriptions, found by what an event is about; each is read once."""

    def __init__(self, conn: BoardConnection) -> None:
        self._conn = conn
        self._wide = self._read(_LIVE_WIDE, {})
        self._by_task: dict[str, list[tuple[Subscription, Rule]]] = {}

    def of(self, task_id: str | None) -> Iterable[tuple[Subscription, Rule]]:
        """Those that an event of that task (None: of the board) may concern."""
        if task_id is None:
            return self._wide
        if task_id not in self._by_task:
            self._by_task[task_id] = self._read(_LIVE_OF_TASK, {"task_id": task_id})
        return (*self._wide, *self._by_task[task_id])

    def _read(self, sql: str, parameters: dict[str, Any]) -> list[tuple[Subscription, Rule]]:
        subs = map(subscription_of, self._conn.execute(sql, parameters).fetchall())
        return [(sub, rule) for sub in subs if (rule := rule_of(sub)) is not None]


_LIVE_WIDE: Final = (
    f"SELECT {SUBSCRIPTION_COLUMNS} FROM kanban_notify_subs s"
    " WHERE s.ended_at IS NULL AND s.task_id IS NULL ORDER BY s.id"
)
_LIVE_OF_TASK: Final = (
    f"SELECT {SUBSCRIPTION_COLUMNS} FROM kanban_notify_subs s"
    " WHERE s.ended_at IS NULL AND s.task_id = :task_id ORDER BY s.id"
)
