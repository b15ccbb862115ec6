"""Rows whose key nobody has waited for: what names one by UNSEEN_KEY gets the key as it is written.

The row and all that names it are one statement, of which the row is the first part.
"""

from __future__ import annotations

import functools
import re
from typing import Final

from hermes_kanban.store import dialect
from hermes_kanban.store.protocol import UNSEEN_KEY

# By table: what stands before its key in the text of an event. In JSON no text holds any of it: it
# has its quotes escaped.
_BEFORE: Final = {"tasks": ('"seq":',), "task_runs": ('"current_run_id":', '"run":{"id":')}
# And by table that names it, the parameters in which.
_NAMED_IN: Final = {
    ("tasks", "task_events"): re.compile(r":(payload)\b"),
    ("task_runs", "task_events"): re.compile(r":(payload|run_id)\b"),
    ("task_runs", "tasks"): re.compile(r":(current_run_id)\b"),
}


@functools.lru_cache(maxsize=64)
def naming(sql: str, *, of: str) -> str:
    """An ``INSERT … VALUES`` or ``UPDATE … WHERE`` with the key of the new row of a table.

    It is in the place of UNSEEN_KEY, in the columns that hold it and in an event's text.
    """
    places = _NAMED_IN.get((of, dialect.table_of(sql)))
    if places is None:
        return sql
    key = _key(of)

    def with_key(found: re.Match[str]) -> str:
        return told(":payload", of, key) if found[1] == "payload" else key

    sql = sql.strip()
    if sql.startswith("UPDATE"):
        assignments, where = sql.rsplit(" WHERE ", 1)
        return f"{places.sub(with_key, assignments)} FROM {dialect.FIRST_PART} WHERE {where}"
    into, values = sql.removesuffix(")").rsplit("VALUES (", 1)
    return f"{into}SELECT {places.sub(with_key, values)} FROM {dialect.FIRST_PART}"


def giving(columns: list[bytes], table: str) -> bytes:
    """A SELECT of these and the row's ``key``, for the end of the statement."""
    key = f"{_key(table)} AS key FROM {dialect.FIRST_PART}"
    return b"SELECT " + b", ".join([*columns, key.encode()])


def _key(table: str) -> str:
    return f"{dialect.FIRST_PART}.{dialect.key_of(table)}"


def told(text: str, table: str, key: str) -> str:
    """SQL for an event's ``text`` with ``key``, which is SQL too, in the place of UNSEEN_KEY."""
    for before in _BEFORE[table]:
        text = f"replace({text}, '{before}{UNSEEN_KEY}', '{before}' || {key})"
    return text


def told_now(text: str, table: str, key: int) -> str:
    """The same for a text that is at hand."""
    for before in _BEFORE[table]:
        text = text.replace(f"{before}{UNSEEN_KEY}", f"{before}{key}")
    return text
