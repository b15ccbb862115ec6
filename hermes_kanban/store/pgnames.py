"""What a board is called in a PostgreSQL database: its schema, its lock."""

from __future__ import annotations

import hashlib
from typing import Final

BOARDS_CHANNEL: Final = "kanban"
"""Notified once a board was made; each board's own channel is called as its schema."""
_NAME_BYTES: Final = 63  # longer names are cut by the server, and two might become one


def schema_of(slug: str) -> str:
    """The schema of a board: ``kanban_`` and its slug with ``_`` for ``-``.

    A slug too long for PostgreSQL is cut and told apart by a hash; ``$`` is in no slug.
    """
    name = "kanban_" + slug.replace("-", "_")
    if len(name) <= _NAME_BYTES:
        return name
    return f"{name[:46]}${hashlib.sha256(slug.encode()).hexdigest()[:16]}"


def lock_key(name: str) -> int:
    """The number of an advisory lock (64 bits, signed); a database has its own numbers."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
