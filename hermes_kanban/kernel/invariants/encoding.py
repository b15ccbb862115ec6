"""JSON columns that parse into what readers expect, and foreign keys that hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from hermes_kanban.kernel.invariants.violation import Violation
from hermes_kanban.model.records import Identity
from hermes_kanban.store.protocol import BoardConnection


class JsonColumn(NamedTuple):
    """A column that holds JSON of one type."""

    noun: str
    table: str
    column: str
    decode: Callable[[str], Any]


_object = msgspec.json.Decoder(dict[str, Any]).decode
_identity = msgspec.json.Decoder(Identity).decode
_words = msgspec.json.Decoder(list[str]).decode

# Payloads of events are read where their histories are.
JSON_COLUMNS: Final = (
    JsonColumn("task", "tasks", "skills", _words),
    JsonColumn("run", "task_runs", "metadata", _object),
    JsonColumn("run", "task_runs", "claimer_identity", _identity),
    JsonColumn("run", "task_runs", "worker_identity", _identity),
    JsonColumn("subscription", "kanban_notify_subs", "filter", _object),
    JsonColumn("subscription", "kanban_notify_subs", "options", _object),
)


def broken_json(conn: BoardConnection) -> Iterator[Violation]:
    """JSON columns that cannot be read."""
    for noun, table, column, decode in JSON_COLUMNS:
        rows = conn.execute(
            f"SELECT id, {column} FROM {table} WHERE {column} IS NOT NULL AND {column} <> '[]'"
        )
        for row_id, text in rows:
            try:
                decode(text)
            except (msgspec.DecodeError, UnicodeError) as error:
                yield Violation(14, noun, str(row_id), f"has an unreadable {column} ({error})")


_NOUNS: Final = {
    "tasks": "task",
    "task_runs": "run",
    "task_events": "event",
    "task_links": "link",
    "task_comments": "comment",
    "task_attachments": "attachment",
    "kanban_notify_subs": "subscription",
    "deliveries": "delivery",
}


def broken_references(conn: BoardConnection) -> Iterator[Violation]:
    """Rows that name a row which does not exist."""
    for table, row_id, named in conn.broken_references():
        why = f"names a row of {named} that does not exist"
        yield Violation(14, _NOUNS.get(table, table), row_id, why)


def broken_pages(conn: BoardConnection) -> Iterator[Violation]:
    """What the database finds wrong with its own files."""
    for found in conn.broken_pages():
        yield Violation(14, "board", conn.paths.slug, found)
