"""Programs to be recorded: each does its work on a real board and tells what it has seen return.

python -m tests.stress.recorded PROGRAM

A told line is JSON: ``state``, a digest of all that the board holds.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import outbox, subscriptions
from tests.support import acts

CHECKPOINT_PAGES = 40
ACTS_A_CONNECTION = 9


def state_of(conn: sqlite3.Connection) -> str:
    """A digest of every row of every table, but when it was migrated."""
    names = [
        row[0]
        for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
        if row[0] != "schema_migrations"
    ]
    digest = hashlib.sha256()
    for name in names:
        for row in conn.execute(f"SELECT * FROM {name} ORDER BY 1, 2"):
            digest.update(repr((name, *row)).encode())
    return digest.hexdigest()


def tell(conn: sqlite3.Connection, **more: str) -> None:
    """Say to whoever listens that what was done so far has returned."""
    os.write(1, json.dumps({"state": state_of(conn)} | more).encode() + b"\n")


class Telling:
    """A module whose functions tell when they have returned."""

    def __init__(self, module: ModuleType, conn: Callable[[], kb.BoardConnection]) -> None:
        self._module, self._conn = module, conn

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._module, name)
        if name == "batch":
            return function

        def called(*given: Any, **keys: Any) -> Any:
            returned = function(*given, **keys)
            if not self._conn().in_transaction:
                tell(self._conn())
            return returned

        return called


def let_acts_tell(conn: Callable[[], kb.BoardConnection]) -> None:
    """From here on whatever an act or its preparation calls is told of."""
    for module, name in ((kb, "kb"), (outbox, "outbox"), (subscriptions, "subscriptions")):
        setattr(acts, name, Telling(module, conn))


def verbs(conn: kb.BoardConnection) -> None:
    """Every verb, with checkpoints, and with connections that are closed and opened again."""
    now = [conn]
    let_acts_tell(lambda: now[0])
    for number, name in enumerate(acts.NAMES):
        if number % ACTS_A_CONNECTION == 0:
            now[0].close()
            now[0] = kb.connect()
            now[0].execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        acts.prepare(now[0], name)()
        tell(now[0])
    now[0].close()


def attached(conn: kb.BoardConnection) -> None:
    """Files are attached, again and with completions, and go with their tasks."""
    let_acts_tell(lambda: conn)
    # With durability normal only a checkpoint keeps what was done before it.
    conn.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    for name in ("attach", "hand_in", "attach_again", *["purge_attached"] * 4, "attach"):
        acts.prepare(conn, name)()
        tell(conn)
    conn.close()


def few(conn: kb.BoardConnection) -> None:
    """A board is opened, made where there is none, and something is done on it."""
    for number in range(3):
        task_id = kb.create_task(conn, title=f"task {number}")
        tell(conn)
    kb.complete_task(conn, task_id, result="x")
    tell(conn)
    conn.close()


def saved(conn: kb.BoardConnection) -> None:
    """Backups are made; each is told of with what the board held."""
    let_acts_tell(lambda: conn)
    for name in ("complete", "comment", "link"):
        acts.prepare(conn, name)()
        tell(conn)
        kb.add_attachment(conn, acts._new(conn), name="x", data=name.encode())
        tell(conn)
        file = kb.backup(conn)
        tell(conn, backup=str(file.relative_to(conn.paths.home)))
    conn.close()


def restored(conn: kb.BoardConnection) -> None:
    """The board is given the content of a backup, while it is open."""
    let_acts_tell(lambda: conn)
    for name in ("complete", "comment", "claim"):
        acts.prepare(conn, name)()
    acts.prepare(conn, "purge_attached")()
    file = kb.backup(conn)
    for name in ("create_child", "block", "comment"):
        acts.prepare(conn, name)()
    kb.restore(file)
    tell(conn)
    kb.create_task(conn, title="after it")
    tell(conn)
    conn.close()


PROGRAMS = {"verbs": verbs, "attached": attached, "few": few, "saved": saved, "restored": restored}


def main() -> None:
    conn = kb.connect()
    tell(conn)
    PROGRAMS[sys.argv[1]](conn)


if __name__ == "__main__":
    main()
