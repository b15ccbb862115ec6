"""The commands that look after a board: what they ask, say, keep and return."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.store import replace


@pytest.fixture
def archived(board: Any) -> str:
    task: str = board.task(title="put away")
    kb.complete_task(board.conn, task)
    kb.archive_task(board.conn, task)
    return task


def on_a_terminal(answer: str, *words: str) -> tuple[int, str]:
    """The command as a process whose input is a terminal on which a person types ``answer``."""
    program = Path(sys.executable).with_name("hermes-kanban")
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [str(program), *words],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        os.write(ours, f"{answer}\n".encode())
        said, _ = process.communicate(timeout=60)
    finally:
        os.close(ours)
        os.close(theirs)
    return process.returncode, said


@pytest.mark.parametrize(("answer", "gone"), [("y", True), ("n", False), ("", False)])
def test_a_purge_asks_on_a_terminal(board: Any, archived: str, answer: str, gone: bool) -> None:
    code, said = on_a_terminal(answer, "purge", archived)
    assert f"Delete {archived} for good?" in said
    assert (code == 0) == gone
    assert kb.replay(board.conn).tasks == [] if gone else board.status(archived) == "archived"


@pytest.mark.parametrize("words", [("purge", "t_abc234"), ("restore", "file.db")])
def test_without_a_terminal_only_yes_will_do(cli: Any, board: Any, words: tuple[str, ...]) -> None:
    done = cli(*words)
    assert done.code == 2
    assert "add --yes to do it" in done.error


def test_a_purge_is_of_all_or_none(cli: Any, board: Any, archived: str) -> None:
    other = board.task()
    done = cli("purge", archived, other, "--yes")
    assert done.code == 4
    assert other in done.error
    assert board.status(archived) == "archived"
    kb.archive_task(board.conn, other)
    assert cli("purge", archived, other, "--yes").code == 0
    assert kb.replay(board.conn).tasks == []


def test_a_purge_clears_runs_and_the_workspace_at_once(cli: Any, board: Any) -> None:
    task = board.claimed()
    paths = board.conn.paths
    for folder in (paths.run_dir(task.current_run_id), paths.workspaces / task.id):
        folder.mkdir(parents=True)
        (folder / "file").write_text("x")
    kb.archive_task(board.conn, task.id)
    assert cli("purge", task.id, "--yes").code == 0
    assert os.listdir(paths.runs) == []
    assert os.listdir(paths.workspaces) == []


def test_a_purge_of_what_may_live_is_a_conflict(cli: Any, board: Any) -> None:
    task = board.claimed()
    kb.register_worker(board.conn, task.current_run_id, pid=1, identity=None, log_path=None)
    kb.archive_task(board.conn, task.id)
    done = cli("purge", task.id, "--yes")
    assert done.code == 4
    assert "may still live" in done.error


@pytest.mark.stores("sqlite")
def test_a_backup_can_be_restored(cli: Any, board: Any, tmp_path: Path) -> None:
    kept = board.task(title="kept")
    made = cli("backup", str(tmp_path / "mine.db"), "--json").json["backup"]
    assert made == {"file": str(tmp_path / "mine.db"), "size": os.stat(made["file"]).st_size}
    lost = board.task(title="lost")
    done = cli("restore", made["file"], "--yes", "--json").json["restored"]
    assert Path(done["kept"]).exists()
    assert [task.id for task in kb.list_tasks(board.conn)] == [kept]
    assert cli("restore", done["kept"], "--yes").code == 0
    assert [task.id for task in kb.list_tasks(board.conn)] == [kept, lost]


@pytest.mark.stores("sqlite")
def test_a_backup_never_replaces_a_file(cli: Any, board: Any, tmp_path: Path) -> None:
    mine = tmp_path / "mine.db"
    mine.write_text("mine")
    assert cli("backup", str(mine)).code == 2
    assert cli("backup", str(tmp_path / "none" / "mine.db")).code == 1
    assert cli("backup", str(mine), "--keep", "3").code == 2
    assert mine.read_text() == "mine"


@pytest.mark.stores("sqlite")
def test_a_restore_makes_a_board_of_another_name(cli: Any, board: Any) -> None:
    board.task(title="copied")
    made = cli("backup", "--json").json["backup"]["file"]
    assert cli("restore", made, "--board", "copy", "--yes").code == 0
    listed = cli("list", "--board", "copy", "--json").json["tasks"]
    assert [task["title"] for task in listed] == ["copied"]


@pytest.mark.stores("sqlite")
def test_a_restore_says_what_it_reclaimed_and_set_aside(cli: Any, board: Any) -> None:
    task = board.claimed()
    made = kb.backup(board.conn)
    later = board.conn.paths.run_dir(board.claimed().current_run_id)
    later.mkdir(parents=True)
    said = cli("restore", str(made), "--yes").out.splitlines()
    assert [line.split()[0] for line in said] == ["restored", "kept", "reclaimed", "set"]
    assert said[2] == f"reclaimed run {task.current_run_id}"


@pytest.mark.stores("sqlite")
@pytest.mark.parametrize(("what", "code"), [("missing", 3), ("no board", 1), ("served", 4)])
def test_a_restore_that_cannot_be_says_why(
    cli: Any, board: Any, tmp_path: Path, what: str, code: int
) -> None:
    file = tmp_path / "given.db"
    if what == "no board":
        file.write_bytes(b"no database" * 1_000)
    if what == "served":
        file = kb.backup(board.conn)
        with replace.held(board.conn.paths.dispatcher_lock, ""):
            done = cli("restore", str(file), "--yes")
    else:
        done = cli("restore", str(file), "--yes")
    assert done.code == code
    assert done.error


@pytest.mark.stores("sqlite")
def test_a_damaged_board_says_how_to_restore_and_can_be(cli: Any, board: Any) -> None:
    board.task(title="kept")
    made, file = kb.backup(board.conn), board.conn.paths.database
    board.conn.close()
    for part in (file, *file.parent.glob("board.db-*")):
        part.unlink()
    file.write_bytes(b"no database" * 1_000)
    done = cli("list")
    assert done.code == 1
    assert "restore a backup from" in done.error
    assert cli("restore", str(made), "--yes").code == 0
    assert "kept" in cli("list").out


@pytest.mark.stores("sqlite")
def test_check_fix_mends_after_a_backup(cli: Any, board: Any) -> None:
    task = board.task()
    board.conn.execute("UPDATE tasks SET title = 'changed' WHERE id = ?", [task])
    broken = cli("check")
    assert broken.code == 1
    assert cli("replay", "--verify").code == 1
    fixed = cli("check", "--fix")
    assert fixed.code == 0
    backup, mended, sound = fixed.out.splitlines()
    assert re.fullmatch(r"backup .*/backups/before-mending-\d{8}T\d{6}Z\.db", backup)
    assert mended == f"mended task {task}: its row's title is told"
    assert sound == "the board is sound"
    assert cli("check", "--deep").code == 0
    assert cli("replay", "--verify").code == 0


@pytest.mark.stores("sqlite")
def test_check_fix_names_what_is_left_and_what_to_do(cli: Any, board: Any) -> None:
    one, other = board.task(), board.task()
    kb.link_tasks(board.conn, one, other)
    board.conn.execute(
        "INSERT INTO task_links (parent_id, child_id, created_at) VALUES (?, ?, 1)", [other, one]
    )
    fixed = cli("check", "--fix", "--no-backup")
    assert fixed.code == 1
    assert "remove the link with: hermes-kanban unlink" in fixed.out
    assert "backup " not in fixed.out
    answer = cli("check", "--fix", "--json").json
    assert [left["noun"] for left in answer["violations"]] == ["link"]
    assert answer["advice"][0]["advice"].startswith("remove the link")
    assert cli("check", "--no-backup").code == 2


def test_replay_shows_rows_without_locks(cli: Any, board: Any) -> None:
    task = board.claimed()
    until = board.events()
    board.task()
    shown = cli("replay", "--until", str(until), "--json").json["replay"]
    assert [row["id"] for row in shown["tasks"]] == [task.id]
    assert shown["runs"][0]["id"] == task.current_run_id
    assert task.claim_lock not in cli("replay", "--json").out
    assert cli("replay", "--verify", "--until", "3").code == 2


def test_gc_says_what_would_go_and_then_removes_it(cli: Any, board: Any) -> None:
    old = board.conn.paths.runs / "901"
    old.mkdir(parents=True)
    (old / "log").write_text("x" * 2_048)
    os.utime(old, (1, 1))
    said = cli("gc", "--dry-run")
    assert "would remove runs/901 (no run of this board, and old)" in said.out
    assert old.exists()
    assert "1 files and folders, 2 KiB" in cli("gc").out
    assert not old.exists()
