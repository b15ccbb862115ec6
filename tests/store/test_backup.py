"""Backups: online, of one moment, verified, private, and never half there."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.store import backup as backups
from tests.kernel.scenes import dump
from tests.support.boards import ABoard
from tests.support.rich import rich_board

pytestmark = pytest.mark.stores("sqlite")  # a file, and what lies beside it

TOO_LARGE = """
import resource, signal, sys
from pathlib import Path
from hermes_kanban import kernel as kb

conn = kb.connect()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
try:
    kb.backup(conn)
except kb.DiskFull as error:
    print("disk full", error)
"""


def content(file: Path) -> str:
    """The whole of a database as text."""
    conn = sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        return dump(conn)
    finally:
        conn.close()


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder)) if folder.exists() else []


def test_a_backup_holds_what_the_board_holds(board: ABoard) -> None:
    rich_board(board)
    made = kb.backup(board.conn)
    assert content(made) == dump(board.conn)
    assert made.parent == board.conn.paths.backups
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert names(made.parent) == [made.name, kb.files_of_backup(made).name]


def test_it_is_named_by_its_moment_and_never_replaces_another(board: ABoard) -> None:
    first, second = kb.backup(board.conn), kb.backup(board.conn)
    assert [first.name, second.name] == [
        "backup-20300317T174640Z.db",
        "backup-20300317T174640Z-2.db",
    ]


@pytest.mark.parametrize("taken", ["a file", "a link", "the board itself"])
def test_a_name_that_is_taken_is_refused(board: ABoard, tmp_path: Path, taken: str) -> None:
    target, other = tmp_path / "copy.db", tmp_path / "other"
    if taken == "a file":
        target.write_text("mine")
    elif taken == "a link":
        target.symlink_to(other)
    else:
        target = board.conn.paths.database
    with pytest.raises(kb.InvalidInput, match="exists"):
        kb.backup(board.conn, target)
    assert not other.exists()
    assert taken != "a file" or target.read_text() == "mine"
    assert kb.check(board.conn) == []


def test_writers_go_on_and_the_copy_is_of_one_moment(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(20):
        board.create(body="word " * 2_000)
    before = dump(board.conn)
    steps = []

    def copy_into(source: sqlite3.Connection, target: Path, told: object) -> None:
        assert told is None

        def write_between(status: int, remaining: int, total: int) -> None:
            del status, total
            steps.append(remaining)
            assert len(steps) < 10_000, "the copy starts again at every commit"
            board.create("written meanwhile")

        copy = sqlite3.connect(target)
        source.backup(copy, pages=5, progress=write_between)
        copy.close()

    monkeypatch.setattr(backups, "copy_into", copy_into)
    made = kb.backup(board.conn)
    assert len(steps) > 10
    assert content(made) == before
    assert len(kb.list_tasks(board.conn)) == 20 + len(steps)


def test_it_takes_no_writer_lock(board: ABoard) -> None:
    other = board.connect()
    with kb.batch(other):
        kb.create_task(other, title="not committed yet")
        made = kb.backup(board.conn)
    other.close()
    assert "not committed yet" not in content(made)


def test_only_the_newest_of_a_kind_are_kept(board: ABoard) -> None:
    mine = board.conn.paths.backups
    mine.mkdir()
    (mine / "by-hand.db").write_text("a person's")
    kept = []
    for kind in ("backup", "before-restore", "backup", "backup"):
        kept.append(kb.backup(board.conn, kind=kind, keep=2).name)
        board.clock.advance(1)
    assert names(mine) == sorted([*kept[1:], "by-hand.db"])


def test_a_board_that_is_damaged_gives_no_backup(board: ABoard) -> None:
    for _ in range(20):
        board.create(body="word " * 2_000)
    board.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage_pages(board.conn.paths.database)
    with pytest.raises(kb.BoardDamaged, match="is damaged"):
        kb.backup(board.connect())
    assert names(board.conn.paths.backups) == []


def damage_pages(database: Path) -> None:
    """Overwrite the middle of the file, in another process: this one may have it open."""
    script = (
        "import sys; f = open(sys.argv[1], 'r+b'); f.seek(0, 2); size = f.tell();"
        "[(f.seek(at), f.write(b'x' * 2000)) for at in range(4096 * 80, size - 4096, 4096)]"
    )
    subprocess.run([sys.executable, "-c", script, str(database)], check=True)


def test_a_full_disk_leaves_no_backup_and_says_so(board: ABoard) -> None:
    for _ in range(20):
        board.create(body="word " * 2_000)
    limit = str(200 * 1024)
    done = subprocess.run(
        [sys.executable, "-c", TOO_LARGE, limit], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("disk full"), done.stderr
    assert names(board.conn.paths.backups) == []


@pytest.mark.parametrize(
    ("what", "spoil"),
    [
        ("no intact board", lambda data: b"not a database at all" * 400),
        ("another program", lambda data: data[:68] + b"\0\0\0\0" + data[72:]),
        ("cut off|is damaged|no intact board", lambda data: data[: len(data) // 2]),
        ("is damaged|no intact board", lambda data: data[:20_000] + b"x" * 8_000 + data[28_000:]),
    ],
)
def test_what_is_no_intact_board_is_told(
    board: ABoard, tmp_path: Path, what: str, spoil: object
) -> None:
    rich_board(board)
    spoiled = tmp_path / "spoiled.db"
    spoiled.write_bytes(spoil(kb.backup(board.conn).read_bytes()))  # type: ignore[operator]
    before = spoiled.read_bytes()
    with pytest.raises(kb.BoardDamaged, match=what):
        backups.verify(spoiled)
    assert spoiled.read_bytes() == before
    assert "spoiled.db" in names(tmp_path)
    assert not [name for name in names(tmp_path) if name.startswith("spoiled.db-")]


@pytest.mark.stores("postgres")
def test_a_board_in_postgresql_names_its_own_tool(board: ABoard) -> None:
    with pytest.raises(kb.KanbanError, match="pg_dump"):
        kb.backup(board.conn)
