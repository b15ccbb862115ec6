"""A file that is refused keeps every byte; so do its log and its journal."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb

# Each ends as a killed program does: nothing is closed, so the log or the journal stays.
LEFT_A_LOG = """
import os, sqlite3, sys
conn = sqlite3.connect(sys.argv[1], isolation_level=None)
conn.execute("PRAGMA journal_mode = WAL")
conn.execute("CREATE TABLE bookmarks (url TEXT)")
conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
conn.execute("INSERT INTO bookmarks VALUES ('only in the log')")
os._exit(0)
"""
LEFT_A_JOURNAL = """
import os, sqlite3, sys
conn = sqlite3.connect(sys.argv[1], isolation_level=None)
conn.execute("CREATE TABLE bookmarks (url TEXT)")
conn.execute("BEGIN")
conn.executemany("INSERT INTO bookmarks VALUES (?)", [("x" * 500,)] * 2000)
conn.execute("COMMIT")
conn.execute("PRAGMA cache_size = 5")
conn.execute("BEGIN")
conn.execute("UPDATE bookmarks SET url = 'half done' || url")
os._exit(0)
"""
LEFT_A_NEWER_BOARD = """
import os, sqlite3, sys
conn = sqlite3.connect(sys.argv[1], isolation_level=None)
conn.execute("UPDATE boards SET min_reader = 99")
conn.execute("PRAGMA user_version = 99")
conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
conn.execute("UPDATE boards SET name = 'only in the log'")
os._exit(0)
"""


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the default board lies."""
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(tmp_path))
    return tmp_path / "boards" / "default" / "board.db"


def left_by(program: str, database: Path) -> None:
    subprocess.run([sys.executable, "-c", program, str(database)], check=True, timeout=60)


def every_byte(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        file.name: (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns)
        for file in folder.iterdir()
    }


@pytest.mark.parametrize(
    ("program", "beside"), [(LEFT_A_LOG, "board.db-wal"), (LEFT_A_JOURNAL, "board.db-journal")]
)
def test_another_programs_database_is_not_even_recovered(
    program: str, beside: str, database: Path
) -> None:
    database.parent.mkdir(parents=True)
    left_by(program, database)
    before = every_byte(database.parent)
    assert beside in before
    for _ in range(3):
        with pytest.raises(kb.BoardDamaged, match="another program made it"):
            kb.connect()
    assert every_byte(database.parent) == before


def test_a_newer_board_is_not_even_recovered(database: Path) -> None:
    kb.connect().close()
    left_by(LEFT_A_NEWER_BOARD, database)
    before = every_byte(database.parent)
    assert "board.db-wal" in before
    for _ in range(3):
        with pytest.raises(kb.BoardTooNew, match="schema version 99"):
            kb.connect()
    assert every_byte(database.parent) == before


def test_our_own_board_is_recovered_with_what_its_log_holds(database: Path) -> None:
    kb.connect().close()
    left_by(
        "import os, sys; from hermes_kanban import kernel as kb;"
        " kb.create_task(kb.connect(), title='only in the log'); os._exit(0)",
        database,
    )
    conn = kb.connect()
    assert [task.title for task in kb.list_tasks(conn)] == ["only in the log"]
    assert kb.check(conn, deep=True) == []
    conn.close()
