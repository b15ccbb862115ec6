"""The next version of hermes-kanban, which opens a board and so migrates it; and a worker of this.

python -m tests.stress.upgrading next N      # kill -9 of itself at its N-th statement; 0: never
python -m tests.stress.upgrading check       # print what the next version finds wrong
python -m tests.stress.upgrading worker SEED ACKNOWLEDGEMENTS STOP
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hermes_kanban import kernel as kb
from hermes_kanban.store import schema, sqlite
from tests.stress.mixed_verbs import Worker

THIS_VERSION = schema.SCHEMA_VERSION
NEXT_VERSION = THIS_VERSION + 1
ADDS = f"""
ALTER TABLE tasks ADD COLUMN label TEXT;
CREATE TABLE labels (name TEXT PRIMARY KEY, task_id TEXT) STRICT;
INSERT INTO labels SELECT id, id FROM tasks;
CREATE INDEX labels_task ON labels (task_id);
UPDATE boards SET min_reader = {NEXT_VERSION};
"""


def become_the_next_version() -> None:
    """From here on this process knows one migration more."""
    known = schema.migrations()
    schema.SCHEMA_VERSION = NEXT_VERSION
    schema.migrations = lambda: known | {NEXT_VERSION: ("labels", ADDS)}


def die_at(statement: int) -> None:
    """Let every connection that is opened count what it runs."""
    count = [0]
    opened: Callable[..., sqlite.SqliteConnection] = sqlite.open_board

    def counted(sql: str) -> None:
        del sql
        count[0] += 1
        if count[0] == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    def open_board(*given: Any, **keys: Any) -> sqlite.SqliteConnection:
        conn = opened(*given, **keys)
        conn.set_trace_callback(counted)
        return conn

    sqlite.open_board = open_board


def work(seed: str, acknowledgements: Path, stop: Path) -> None:
    """Mixed verbs until the board is of the next version, which alone is a good end."""
    try:
        Worker(seed, acknowledgements).go_on(stop)
    except kb.BoardTooNew:
        return
    raise AssertionError("the board was never upgraded")


def main() -> None:
    if sys.argv[1] == "worker":
        work(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
        return
    become_the_next_version()
    if sys.argv[1] == "next":
        die_at(int(sys.argv[2]))
    conn = kb.connect()
    found = kb.check(conn, deep=True) if sys.argv[1] == "check" else []
    print([str(violation) for violation in found] or "sound")
    conn.close()


if __name__ == "__main__":
    main()
