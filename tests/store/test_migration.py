"""Migrating a board: once, whole, with one backup, whoever else is at it.

A program of its own brings the version after ours along; ``boards/`` holds what earlier versions
of this program made.
"""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.store.schema import SCHEMA_VERSION
from tests.support.waiting import wait_until

NEXT_VERSION = SCHEMA_VERSION + 1
NEXT = """
import sys
from hermes_kanban import kernel as kb
from hermes_kanban.store import schema

known = schema.migrations()
schema.SCHEMA_VERSION += 1
schema.migrations = lambda: known | {schema.SCHEMA_VERSION: ("labels", sys.argv[1])}
"""
MIGRATE = NEXT + "conn = kb.connect()\nkb.create_task(conn, title='by the next version')\n"
ADDS = f"""
ALTER TABLE tasks ADD COLUMN label TEXT;
CREATE TABLE labels (name TEXT PRIMARY KEY) STRICT;
UPDATE boards SET min_reader = {NEXT_VERSION};
"""
BREAKS = "ALTER TABLE tasks ADD COLUMN label TEXT;\nCREATE TABLE tasks (twice TEXT);\n"
LOOPS = """
import sys
from hermes_kanban import kernel as kb

print("ready", flush=True)
sys.stdin.readline()
try:
    while True:
        conn = kb.connect()
        kb.create_task(conn, title="by this version")
        conn.close()
        print("created", flush=True)
except kb.BoardTooNew:
    print("too new", flush=True)
"""


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A board of this version with something in it, closed."""
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(tmp_path))
    conn = kb.connect()
    for number in range(20):
        kb.create_task(conn, title=f"task {number}")
    conn.close()
    return conn.paths.database


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def rows(database: Path, sql: str) -> list[tuple[object, ...]]:
    conn = sqlite3.connect(database)
    found = conn.execute(sql).fetchall()
    conn.close()
    return found


def backups(database: Path) -> list[Path]:
    return list((database.parent / "backups").glob("*"))


def test_many_processes_that_migrate_at_once_do_it_once(database: Path) -> None:
    movers = [start(MIGRATE, ADDS) for _ in range(8)]
    for mover in movers:
        _, errors = mover.communicate(timeout=60)
        assert mover.returncode == 0, errors
    applied = rows(database, "SELECT version, name FROM schema_migrations ORDER BY version")
    assert [version for version, _ in applied] == list(range(1, NEXT_VERSION + 1))
    assert applied[-1] == (NEXT_VERSION, "labels")
    assert rows(database, "PRAGMA user_version") == [(NEXT_VERSION,)]
    assert rows(database, "SELECT count(*), count(label) FROM tasks") == [(28, 0)]
    assert rows(database, "PRAGMA integrity_check") == [("ok",)]


def test_there_is_one_backup_of_what_was_before(database: Path) -> None:
    for _ in range(3):
        _, errors = (mover := start(MIGRATE, ADDS)).communicate(timeout=60)
        assert mover.returncode == 0, errors
    (backup,) = backups(database)
    assert rows(backup, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert rows(backup, "SELECT count(*) FROM tasks") == [(20,)]
    assert backup.stat().st_mode & 0o777 == 0o600


def test_a_migration_that_fails_leaves_the_board_as_it_was(database: Path) -> None:
    before = list(dump(database))
    for _ in range(3):
        _, errors = (mover := start(MIGRATE, BREAKS)).communicate(timeout=60)
        assert mover.returncode == 1
        assert "already exists" in errors
    assert list(dump(database)) == before
    assert len(backups(database)) == 1
    conn = kb.connect()
    kb.create_task(conn, title="this version goes on")
    assert kb.check(conn, deep=True) == []
    conn.close()


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_a_board_of_every_earlier_version_is_taken_over(
    version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(tmp_path))
    database = tmp_path / "boards" / "default" / "board.db"
    database.parent.mkdir(parents=True)
    as_it_was = Path(__file__).with_name("boards") / f"schema-{version}.sql"
    with contextlib.closing(sqlite3.connect(database)) as conn:
        conn.executescript(as_it_was.read_text())
    assert rows(database, "PRAGMA user_version") == [(version,)]
    tables = ("tasks", "task_runs", "task_events", "task_links", "task_comments")
    columns = {
        table: ", ".join(
            str(row[0]) for row in rows(database, f"SELECT name FROM pragma_table_info('{table}')")
        )
        for table in tables
    }
    before = {table: rows(database, f"SELECT {columns[table]} FROM {table}") for table in tables}
    conn = kb.connect()
    after = {table: rows(database, f"SELECT {columns[table]} FROM {table}") for table in tables}
    assert after == before
    assert schema(database) == schema(kb.init_db("fresh").database)
    assert [file.name for file in sorted(backups(database))] == [
        f"before-migration-{later}.db" for later in range(version + 1, NEXT_VERSION)
    ]
    kb.create_task(conn, title="by this version", assignee="coder")
    assert kb.check(conn, deep=True) == []
    conn.close()


def schema(database: Path) -> set[tuple[object, ...]]:
    """Tables with their columns, and indexes; how a statement was spelt does not matter."""
    columns = rows(
        database,
        'SELECT t.name, c.name, c.type, c."notnull", c.dflt_value, c.pk'
        " FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'",
    )
    return {*columns, *rows(database, "SELECT name, sql FROM sqlite_master WHERE type = 'index'")}


def dump(database: Path) -> list[str]:
    conn = sqlite3.connect(database)
    found = list(conn.iterdump())
    conn.close()
    return found


def test_a_writer_of_the_old_version_stops_at_the_migration(database: Path) -> None:
    old = [start(LOOPS) for _ in range(3)]
    for one in old:
        assert one.stdout is not None and one.stdin is not None
        assert one.stdout.readline() == "ready\n"
        one.stdin.write("go\n")
        one.stdin.flush()
    count = "SELECT count(*) FROM tasks"
    wait_until(lambda: rows(database, count)[0][0] > 30)
    _, errors = (mover := start(MIGRATE, ADDS)).communicate(timeout=60)
    assert mover.returncode == 0, errors
    created = 0
    for one in old:
        told, errors = one.communicate(timeout=60)
        assert told.splitlines()[-1] == "too new", errors
        created += told.count("created")
    assert rows(database, count) == [(20 + created + 1,)]
    assert rows(database, "PRAGMA integrity_check") == [("ok",)]
