"""The one rule that decides which events a subscription asks for.

Whether an event matches is read off the event stream alone, so the answer is the same whenever it
is asked: the event itself, and what the task's earlier events say of its assignee, tenant and
completion at that moment. A filter has these keys, joined by "and", each a list joined by "or":

- ``kinds``: event kinds, ``all``, or ``attention`` (the default): what needs a person or ends a
  task. That is gave_up, review_requested, completed and approved; triaged by the system; blocked,
  when a person has to lift it; archived, when the task had not been done.
- ``tasks``: task ids.
- ``assignee``, ``tenant``: as they were when the event happened, its own change included.

A board event (paused, say) has no task and matches a subscription that names neither task,
assignee nor tenant. What an import tells of the past matches nothing. A filter never changes, and
neither may the meaning of ``attention``: another meaning gets another word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from hermes_kanban.kernel.limits import IMPORTER
from hermes_kanban.kernel.subscriptions import (
    ALL,
    ATTENTION,
    SUBSCRIPTION_COLUMNS,
    WAKE,
    WAKING,
    check_filter,
    subscription_of,
)
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.model.records import Event, Subscription
from hermes_kanban.store.protocol import BoardConnection, Row, fetch_all

HISTORIES_KEPT: Final = 1_000
_ATTENTION_ALWAYS: Final = frozenset({"gave_up", "review_requested", "completed", "approved"})
_LIFTED_BY_A_PERSON: Final = ("needs_input", "capability")


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
        # What an import tells happened elsewhere, long ago: it is news to nobody.
        if seen.actor == IMPORTER:
            return False
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


def hears_of_everything(conn: BoardConnection, destination: str) -> bool:
    """Whether the destination is told what needs people on the whole board."""
    rows = fetch_all(conn, _WIDE_AT, {"at": destination})
    rules = (rule_of(subscription_of(row)) for row in rows)
    return any(
        rule is not None
        and not rule.kinds.isdisjoint((ALL, ATTENTION))
        and rule.tasks is rule.assignees is rule.tenants is None
        for rule in rules
    )


_WIDE_AT: Final = (
    f"SELECT {SUBSCRIPTION_COLUMNS} FROM kanban_notify_subs s WHERE s.ended_at IS NULL"
    f" AND s.task_id IS NULL AND s.destination = :at AND s.mode <> '{WAKE}' ORDER BY s.id"
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
