"""Which SQLite a board needs, and which it is better off with."""

from __future__ import annotations

import sqlite3
from typing import Final

from hermes_kanban.model.errors import KanbanError

# STRICT tables: https://www.sqlite.org/stricttables.html
LEAST: Final = (3, 37, 0)
WAL_RESET_FIXED: Final = (3, 51, 3)


def refuse_old() -> None:
    """Raise KanbanError if this SQLite cannot hold a board."""
    if sqlite3.sqlite_version_info >= LEAST:
        return
    raise KanbanError(
        f"this Python has SQLite {sqlite3.sqlite_version}, and a board needs {_dotted(LEAST)};"
        " use another Python, or set kanban.database to a PostgreSQL address"
    )


def caution() -> str | None:
    """What a newer SQLite would do better; None if this one is new enough."""
    if sqlite3.sqlite_version_info >= WAL_RESET_FIXED:
        return None
    return (
        f"SQLite {sqlite3.sqlite_version} is older than {_dotted(WAL_RESET_FIXED)}, which mends a"
        " rare fault of write-ahead logs that several connections write at once; a board has one"
        " writer at a time, but a newer SQLite is better"
    )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
