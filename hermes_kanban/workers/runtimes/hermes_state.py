"""Where a Hermes profile lies, and what it keeps of its conversations (``state.db``, only read)."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Final, cast

from hermes_kanban.model import Usage

# Compression goes on in a new session whose parent is the old one.
_SPENT: Final = """
WITH RECURSIVE line(id) AS (
    SELECT :id
    UNION
    SELECT s.parent_session_id FROM sessions s JOIN line ON s.id = line.id
    WHERE s.parent_session_id IS NOT NULL
)
SELECT sum(input_tokens), sum(cache_read_tokens), sum(cache_write_tokens), sum(output_tokens),
       sum(coalesce(actual_cost_usd, estimated_cost_usd)), sum(api_call_count)
FROM sessions JOIN line USING (id)
"""
# For a run that was stopped before it named its conversation.
_NEWEST: Final = """
SELECT id FROM sessions WHERE cwd = :cwd AND started_at >= :since ORDER BY started_at DESC LIMIT 1
"""


def profile_folder(root: Path, name: str) -> Path:
    """The folder of the profile called ``name``; ``root`` is Hermes' home, or a profile's."""
    if root.parent.name == "profiles":
        root = root.parent.parent
    return root if name == "default" else root / "profiles" / name.lower()


def spent_on(profile: Path, session: str) -> Usage | None:
    """What the conversation has cost so far; None if it is not known."""
    row = _ask(profile, _SPENT, {"id": session})
    if row is None or row[5] is None:
        return None
    read, cached, written, output, cost, turns = row
    counted = {"cached": cached or 0, "output": output or 0, "turns": turns}
    # Without a price for the model it counts nothing.
    return Usage(
        input=(read or 0) + (cached or 0) + (written or 0), cost_usd=cost or None, **counted
    )


def has_session(profile: Path, session: str) -> bool:
    """Whether the profile has a conversation of that name; True where that cannot be told."""
    row = _ask(profile, "SELECT count(*) FROM sessions WHERE id = :id", {"id": session})
    return row is None or row[0] > 0


def newest(profile: Path, folder: Path, cwd: str) -> str | None:
    """The conversation that the run in ``folder`` began in ``cwd``, None if there is none."""
    since = (folder / "spec.json").stat().st_mtime
    row = _ask(profile, _NEWEST, {"cwd": cwd, "since": since})
    return None if row is None else str(row[0])


def _ask(profile: Path, query: str, values: dict[str, Any]) -> tuple[Any, ...] | None:
    """One row of Hermes' own database, which is only read; None where it cannot be."""
    file = profile / "state.db"
    # SQLite would wait for the other end of a pipe.
    if not file.is_file():
        return None
    try:
        conn = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=0.5)
    except sqlite3.Error:
        return None
    try:
        return cast("tuple[Any, ...] | None", conn.execute(query, values).fetchone())
    except sqlite3.Error:
        return None
    finally:
        conn.close()
