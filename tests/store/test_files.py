"""Files that are no intact board of ours: refused with what to do, and left untouched."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.store.schema import SCHEMA_VERSION
from hermes_kanban.store.sqlite import APPLICATION_ID

MAKE_MANY = "from hermes_kanban import kernel as kb; kb.init_db(); kb.connect().close()"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(tmp_path))
    monkeypatch.delenv("HERMES_KANBAN_DB", raising=False)
    monkeypatch.delenv("HERMES_KANBAN_BOARD", raising=False)
    return tmp_path


@pytest.fixture
def database(home: Path) -> Path:
    """A board with something in it, closed."""
    conn = kb.connect()
    for number in range(50):
        kb.create_task(conn, title=f"task {number}", body="x" * 2000)
    file = conn.paths.database
    conn.close()
    return file


def fingerprint(file: Path) -> tuple[str, int]:
    return hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns


def be_text(file: Path) -> None:
    file.write_text("this is a letter, not a database\n" * 400)


def be_foreign(file: Path) -> None:
    file.unlink()
    conn = sqlite3.connect(file)
    conn.execute("CREATE TABLE bookmarks (id INTEGER PRIMARY KEY, url TEXT)")
    conn.commit()
    conn.close()


def be_truncated(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def be_headless(file: Path) -> None:
    os.truncate(file, 60)


def be_empty(file: Path) -> None:
    os.truncate(file, 0)


DAMAGES = [be_text, be_foreign, be_truncated, be_headless, be_empty]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_no_intact_board_is_refused_and_left_alone(
    database: Path, damage: Callable[[Path], None]
) -> None:
    damage(database)
    before = fingerprint(database)
    for _ in range(3):
        with pytest.raises(kb.BoardDamaged, match="left untouched"):
            kb.connect()
    assert fingerprint(database) == before
    assert not list((database.parent).glob("backups/*"))


def test_a_missing_database_in_a_board_folder_is_damage(database: Path) -> None:
    database.unlink()
    with pytest.raises(kb.BoardDamaged, match="missing"):
        kb.connect()
    with pytest.raises(kb.BoardDamaged, match="missing"):
        kb.init_db()
    assert not database.exists()


def test_damage_deeper_down_is_told_by_the_verb_that_meets_it(database: Path) -> None:
    with database.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * (database.stat().st_size - 4096))
    with pytest.raises(kb.BoardDamaged, match="left untouched"):
        kb.list_tasks(kb.connect())


def set_version(file: Path, version: int, min_reader: int) -> None:
    conn = sqlite3.connect(file)
    conn.execute("UPDATE boards SET min_reader = ?", (min_reader,))
    conn.execute(f"PRAGMA user_version = {version}")
    conn.commit()
    conn.close()


def test_a_newer_board_that_we_may_not_read_is_refused(database: Path) -> None:
    set_version(database, SCHEMA_VERSION + 7, SCHEMA_VERSION + 7)
    before = fingerprint(database)
    with pytest.raises(kb.BoardTooNew, match="upgrade"):
        kb.connect()
    assert fingerprint(database) == before


def test_a_newer_board_that_we_may_read_is_read_and_not_written(database: Path) -> None:
    set_version(database, SCHEMA_VERSION + 1, SCHEMA_VERSION)
    conn = kb.connect()
    assert len(kb.list_tasks(conn)) == 50
    with pytest.raises(kb.BoardTooNew):
        kb.create_task(conn, title="one more")
    assert len(kb.list_tasks(conn)) == 50
    conn.close()


def test_a_board_that_was_upgraded_meanwhile_is_not_written(database: Path) -> None:
    conn = kb.connect()
    set_version(database, SCHEMA_VERSION + 1, SCHEMA_VERSION + 1)
    with pytest.raises(kb.BoardTooNew):
        kb.create_task(conn, title="one more")
    conn.close()


def test_a_board_says_what_it_is(database: Path) -> None:
    conn = sqlite3.connect(database)
    assert conn.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    assert conn.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
    assert conn.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert (
        conn.execute("SELECT max(version) FROM schema_migrations").fetchone()[0] == SCHEMA_VERSION
    )
    conn.close()
    assert database.stat().st_mode & 0o777 == 0o600
    assert database.parent.stat().st_mode & 0o777 == 0o700


def test_many_processes_that_create_the_board_at_once_make_one(home: Path) -> None:
    makers = [
        subprocess.Popen([sys.executable, "-c", MAKE_MANY], stderr=subprocess.PIPE, text=True)
        for _ in range(12)
    ]
    for maker in makers:
        _, errors = maker.communicate(timeout=60)
        assert maker.returncode == 0, errors
    conn = kb.connect()
    assert conn.execute("SELECT count(*) FROM boards").fetchone()[0] == 1
    assert [folder.name for folder in (home / "boards").iterdir()] == ["default"]
    conn.close()


def test_a_creation_that_was_killed_stands_in_nobodys_way(home: Path) -> None:
    kill = "import os; os.rename = lambda *_: os.kill(os.getpid(), 9); "
    killed = subprocess.run([sys.executable, "-c", kill + MAKE_MANY], check=False)
    assert killed.returncode == -9
    assert len(list((home / "boards").iterdir())) == 1
    conn = kb.connect()
    assert kb.check(conn, deep=True) == []
    conn.close()


def test_a_full_database_refuses_and_changes_nothing(database: Path) -> None:
    conn = kb.connect()
    pages = conn.execute("PRAGMA page_count").fetchone()[0]
    conn.execute(f"PRAGMA max_page_count = {pages}")
    before = kb.newest_event_id(conn)
    with pytest.raises(kb.DiskFull, match="nothing was changed"):
        for _ in range(50):
            before = kb.newest_event_id(conn)
            kb.create_task(conn, title="too much", body="y" * 200_000)
    assert kb.newest_event_id(conn) == before
    conn.execute("PRAGMA max_page_count = 1000000")
    kb.create_task(conn, title="room again")
    assert kb.check(conn, deep=True) == []
    conn.close()


def test_a_file_size_limit_refuses_and_changes_nothing(database: Path) -> None:
    """In a process of its own: the limit holds for every file that it writes."""
    script = (
        "import resource, signal, sys\n"
        "from hermes_kanban import kernel as kb\n"
        "conn = kb.connect()\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "soft = 300_000\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    for number in range(200):\n"
        "        newest = kb.newest_event_id(conn)\n"
        "        kb.create_task(conn, title='x', body='y' * 50_000)\n"
        "except kb.DiskFull as error:\n"
        "    assert kb.newest_event_id(conn) == newest\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"
        "    kb.create_task(conn, title='room again')\n"
        "    print('full', len(kb.check(conn, deep=True)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "full 0\n", done.stdout + done.stderr
