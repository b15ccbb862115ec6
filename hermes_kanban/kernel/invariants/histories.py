"""One task after the other: its rows beside everything that its events say.

Tasks, runs, links, attachments and events are read as five streams in the order of task ids, so
memory is that of one task, however large the board is.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import msgspec

from hermes_kanban.kernel.invariants.violation import Violation
from hermes_kanban.kernel.replay import (
    ATTACHMENT_COLUMNS,
    RUN_COLUMNS,
    TASK_COLUMNS,
    Columns,
    Folded,
    Payload,
    read_payload,
)
from hermes_kanban.model.words import BOARD_EVENTS, CLOSING_EVENTS, EVENT_KINDS, FAILURES
from hermes_kanban.store.protocol import BoardConnection

_TOLD_EACH: Final = 50
_CLOSES_AS: Final = {"review": "review_requested"}
_LIFTED_BY_ITSELF: Final = ("transient", "dependency")


class Told(msgspec.Struct, frozen=True):
    """One event of a task; ``problem`` says what is wrong with its payload."""

    id: int
    run_id: int | None
    kind: str
    at: int
    payload: Payload
    problem: str | None


class History(msgspec.Struct):
    """Everything the board holds of one task; ``task`` is None when its row is missing.

    Rows are tuples in the order of ``TASK_COLUMNS``, ``RUN_COLUMNS`` and ``ATTACHMENT_COLUMNS``; a
    link is (parent, child, created, released).
    """

    id: str
    task: tuple[Any, ...] | None
    runs: list[tuple[Any, ...]]
    links: list[tuple[Any, ...]]
    attachments: list[tuple[Any, ...]]
    events: list[Told]

    def column(self, name: str) -> Any:
        """A column of the task's row, None without a row."""
        return None if self.task is None else self.task[_AT[name]]


_AT: Final = {name: at for at, name in enumerate(TASK_COLUMNS)}
_RUN_AT: Final = {name: at for at, name in enumerate(RUN_COLUMNS)}
_TASK, _RUN, _LINK, _ATTACHMENT, _EVENT = range(5)


def broken_histories(
    conn: BoardConnection, told: Callable[[int], None] | None = None
) -> Iterator[Violation]:
    """Every way in which a task, its runs and its links differ from what events tell.

    ``told`` is called with the number of tasks that were gone through.
    """
    yield from _board_events(conn)
    for number, history in enumerate(histories(conn), 1):
        if told is not None and number % _TOLD_EACH == 0:
            told(number)
        for rule in RULES:
            yield from rule(history)


def unfolded(conn: BoardConnection) -> Iterator[Violation]:
    """Where the events of a task do not add up to its rows, or cannot be read."""
    for history in histories(conn):
        yield from _events_are_readable(history)
        yield from _rows_are_folded(history)


def _board_events(conn: BoardConnection) -> Iterator[Violation]:
    for row in conn.execute(
        "SELECT id, run_id, kind, created_at, payload FROM task_events"
        " WHERE task_id IS NULL ORDER BY id"
    ):
        event = _told(row)
        if event.problem:
            yield Violation(14, "event", str(event.id), event.problem)
        elif event.kind not in BOARD_EVENTS:
            yield Violation(14, "event", str(event.id), f"is {event.kind!r} and names no task")


def histories(conn: BoardConnection) -> Iterator[History]:
    """The history of every task id that any of the five tables names, in order of ids."""
    streams = heapq.merge(*(_stream(conn, source) for source in _SOURCES), key=itemgetter(0, 1))
    for task_id, entries in groupby(streams, key=itemgetter(0)):
        history = History(task_id, None, [], [], [], [])
        for _, source, row in entries:
            if source == _EVENT:
                history.events.append(_told(row))
            elif source == _RUN:
                history.runs.append(row)
            elif source == _TASK:
                history.task = row
            elif source == _ATTACHMENT:
                history.attachments.append(row)
            else:
                history.links.append(row)
        yield history


_SOURCES: Final = {
    _TASK: f"SELECT id, {', '.join(TASK_COLUMNS)} FROM tasks ORDER BY id",
    _RUN: f"SELECT task_id, {', '.join(RUN_COLUMNS)} FROM task_runs ORDER BY task_id, id",
    _LINK: (
        "SELECT child_id, parent_id, child_id, created_at, released_at FROM task_links"
        " ORDER BY child_id, parent_id"
    ),
    _ATTACHMENT: (
        f"SELECT task_id, {', '.join(ATTACHMENT_COLUMNS)} FROM task_attachments"
        " ORDER BY task_id, id"
    ),
    _EVENT: (
        "SELECT task_id, id, run_id, kind, created_at, payload FROM task_events"
        " WHERE task_id IS NOT NULL ORDER BY task_id, id"
    ),
}


def _stream(conn: BoardConnection, source: int) -> Iterator[tuple[str, int, tuple[Any, ...]]]:
    for row in conn.stream(_SOURCES[source]):
        yield row[0], source, row[1:]


def _told(row: Any) -> Told:
    event_id, run_id, kind, at, text = row
    try:
        return Told(event_id, run_id, kind, at, read_payload(text), None)
    except (msgspec.DecodeError, UnicodeError) as error:
        return Told(event_id, run_id, kind, at, Payload(), f"has an unreadable payload ({error})")


def _events_are_readable(history: History) -> Iterator[Violation]:
    for event in history.events:
        if event.problem:
            yield Violation(14, "event", str(event.id), event.problem)
        if event.kind not in EVENT_KINDS:
            yield Violation(14, "event", str(event.id), f"has the unknown kind {event.kind!r}")


def _times_never_fall(history: History) -> Iterator[Violation]:
    newest: int | None = None
    for event in history.events:
        if newest is not None and event.at < newest:
            why = f"happened at {event.at}, before an earlier event of {history.id} at {newest}"
            yield Violation(4, "event", str(event.id), why)
        newest = event.at if newest is None else max(newest, event.at)


def _runs_are_told(history: History) -> Iterator[Violation]:
    claimed: Counter[int | None] = Counter()
    closing: dict[int, list[str]] = {}
    for event in history.events:
        if event.kind == "claimed":
            claimed[event.run_id] += 1
        elif event.run_id is not None and event.kind in CLOSING_EVENTS:
            closing.setdefault(event.run_id, []).append(event.kind)
    for row in history.runs:
        run_id, outcome = row[_RUN_AT["id"]], row[_RUN_AT["outcome"]]
        expected = 0 if row[_RUN_AT["claim_lock"]] is None else 1
        if (found := claimed.pop(run_id, 0)) != expected:
            why = f"has {found} claimed events and should have {expected}"
            yield Violation(6, "run", str(run_id), why)
        ends = closing.pop(run_id, [])
        should = [] if row[_RUN_AT["ended_at"]] is None else [_CLOSES_AS.get(outcome, outcome)]
        if ends != should:
            why = f"was closed by {_list(ends)} and should have been by {_list(should)}"
            yield Violation(6, "run", str(run_id), why)
    for stray in claimed.keys() | closing.keys():
        why = f"has events of the run {stray}, which is none of its runs"
        yield Violation(6, "task", history.id, why)


def _list(words: Sequence[str | None]) -> str:
    return ", ".join(str(word) for word in words) or "nothing"


def _begins_and_ends(history: History) -> Iterator[Violation]:
    first = history.events[0].kind if history.events else None
    if first != "created":
        why = "has no event" if first is None else f"begins with the event {first}"
        yield Violation(10, "task", history.id, why)
    if history.column("status") == "archived":
        last = [e.kind for e in history.events if e.kind in ("archived", "reopened")][-1:]
        if last != ["archived"]:
            yield Violation(10, "task", history.id, "is archived and no event says so")


def failures_told(history: History) -> int:
    """How many failures in a row the events tell."""
    count = 0
    for event in history.events:
        if event.payload.task.get("consecutive_failures") == 0:
            count = 0
        elif event.kind in FAILURES:
            count += 1
    return count


def _failures_are_counted(history: History) -> Iterator[Violation]:
    found, count = history.column("consecutive_failures"), failures_told(history)
    if history.task is not None and found != count:
        why = f"counts {found} failures in a row and its events tell {count}"
        yield Violation(12, "task", history.id, why)


def unexplained_block(history: History) -> str:
    """What is wrong with a block that a person has to lift and that does not say so, or nothing."""
    kind = history.column("block_kind")
    if history.column("status") != "blocked" or kind in _LIFTED_BY_ITSELF:
        return ""
    for event in reversed(history.events):
        if event.payload.task.get("status") == "blocked":
            if event.payload.lifted_by:
                return ""
            return f"is blocked by event {event.id}, which does not say what lifts it"
    return "is blocked and no event says so"


def _block_is_explained(history: History) -> Iterator[Violation]:
    if why := unexplained_block(history):
        yield Violation(17, "task", history.id, why)


def folded_history(history: History) -> Folded:
    """What the task's events add up to."""
    folded = Folded()
    for event in history.events:
        folded.apply(history.id, event.payload, event.at, event.run_id)
    return folded


def _rows_are_folded(history: History) -> Iterator[Violation]:
    folded = folded_history(history)
    tasks = {} if history.task is None else {history.id: history.task}
    runs = {row[_RUN_AT["id"]]: row for row in history.runs}
    links = {(row[0], row[1]): row[2:] for row in history.links}
    yield from _compare("task", TASK_COLUMNS, tasks, folded.tasks, str)
    yield from _compare("run", RUN_COLUMNS, runs, folded.runs, str)
    yield from _compare("link", ("created_at", "released_at"), links, folded.links, "→".join)
    attachments = {row[0]: row for row in history.attachments}
    yield from _compare("attachment", ATTACHMENT_COLUMNS, attachments, folded.attachments, str)


def _compare(
    noun: str,
    columns: tuple[str, ...],
    rows: dict[Any, tuple[Any, ...]],
    folded: dict[Any, Columns],
    name: Callable[[Any], str],
) -> Iterator[Violation]:
    """The rows that are not as their events tell, and those that only one side has."""
    for key in folded.keys() - rows.keys():
        yield Violation(16, noun, name(key), "is told of by events and has no row")
    for key, row in rows.items():
        told = folded.get(key)
        if told is None:
            yield Violation(16, noun, name(key), "has a row and no event tells of it")
        elif row != (expected := tuple(map(told.get, columns))):
            yield Violation(16, noun, name(key), _difference(columns, row, expected))


def _difference(columns: tuple[str, ...], row: tuple[Any, ...], told: tuple[Any, ...]) -> str:
    wrong = [
        f"{column} is {_short(found)} and its events tell {_short(expected)}"
        for column, found, expected in zip(columns, row, told, strict=True)
        if found != expected
    ]
    return "; ".join(wrong)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


RULES: Final[tuple[Callable[[History], Iterator[Violation]], ...]] = (
    _events_are_readable,
    _times_never_fall,
    _runs_are_told,
    _begins_and_ends,
    _failures_are_counted,
    _block_is_explained,
    _rows_are_folded,
)
