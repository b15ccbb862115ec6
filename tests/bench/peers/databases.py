"""Where a side on PostgreSQL has its rows: a database for each folder, on the bench's server."""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path
from typing import Final

import psycopg

PATTERN: Final = "BENCH_POSTGRES"
"""The variable that names the server: an address with ``{database}`` in it."""


def address_for(folder: Path) -> str:
    """The address of the folder's database, which is made when it is first asked for."""
    pattern = os.environ[PATTERN]
    name = f"peer_{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
    with (folder / "database").open("a+") as note:
        fcntl.flock(note, fcntl.LOCK_EX)
        note.seek(0)
        if not note.read():
            with psycopg.connect(pattern.format(database="postgres"), autocommit=True) as admin:
                admin.execute(f'CREATE DATABASE "{name}"'.encode())
            note.write(name)
    return pattern.format(database=name)
