"""The schema's version and the numbered SQL files that lead to it, the same for every store."""

from __future__ import annotations

import sqlite3

SCHEMA_VERSION = 8
MIN_READER = 1


def migrations() -> dict[int, tuple[str, str]]:
    """Version → (name, SQL) of every migration, in order."""
    from importlib import resources

    folder = resources.files("hermes_kanban.store") / "migrations"
    found = {}
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".sql"):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            found[int(number)] = (name, file.read_text("utf-8"))
    return found


def statements(script: str) -> list[str]:
    """The statements of a migration, split where SQLite says that one is complete."""
    found, pending = [], ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            found.append(pending.strip())
            pending = ""
    return found
