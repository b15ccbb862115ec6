"""Garbage: what nothing needs goes, what anybody may need stays, and no row is touched."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.gc import DRAFT_SECONDS, LOG_DAYS
from hermes_kanban.workers.housekeeping import clear_workspaces, sweep_workspaces
from tests.kernel.scenes import dump, end
from tests.support.boards import ABoard

DAY = 86_400


def gone(report: kb.GcReport) -> list[tuple[str, str]]:
    return [(one.what, one.path) for one in report.removed]


def lay(board: ABoard, *names: str, age: int = 0, text: str = "x") -> Path:
    """A file below the board's folder that was last written ``age`` seconds ago."""
    file = board.conn.paths.root.joinpath(*names)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    make_old(board, file, age)
    make_old(board, file.parent, age)
    return file


def make_old(board: ABoard, file: Path, age: int) -> None:
    at = board.clock.now() - age
    os.utime(file, (at, at))


@pytest.mark.stores("sqlite")
def test_a_board_in_use_loses_nothing(board: ABoard) -> None:
    run = board.start(board.create("runs", assignee="worker"))
    lay(board, "runs", str(run.id), "log")
    lay(board, "attachments", "just-written")
    kb.backup(board.conn)
    before = dump(board.conn)
    report = kb.gc(board.conn, workspaces=clear_workspaces)
    assert (report.removed, report.failed) == ([], [])
    assert dump(board.conn) == before


def test_the_folder_of_a_run_goes_some_days_after_its_end(board: ABoard) -> None:
    task = board.create("runs", assignee="worker")
    run = board.start(task)
    log = lay(board, "runs", str(run.id), "log", text="said")
    kb.complete_task(board.conn, task)
    board.clock.advance((LOG_DAYS + 1) * DAY)
    assert gone(kb.gc(board.conn)) == [], "its process may still live"
    end(board, run, exit_code=0)
    assert gone(kb.gc(board.conn)) == [], "it ended now"
    board.clock.advance(LOG_DAYS * DAY)
    assert gone(kb.gc(board.conn)) == []
    board.clock.advance(1)
    report = kb.gc(board.conn)
    assert gone(report) == [("run", f"runs/{run.id}")]
    assert report.removed[0].size == 4
    assert not log.parent.exists()
    assert kb.get_run(board.conn, run.id).outcome == "completed"


def test_an_open_run_keeps_its_folder_for_ever(board: ABoard) -> None:
    run = board.claim(board.create("by hand"))
    lay(board, "runs", str(run.id), "log")
    board.clock.advance(400 * DAY)
    assert gone(kb.gc(board.conn, log_days=0)) == []


def test_a_folder_without_a_run_goes_when_it_is_old(board: ABoard) -> None:
    lay(board, "runs", "901", "log", age=(LOG_DAYS + 1) * DAY)
    lay(board, "runs", "902", "log")
    lay(board, "runs", "before-restore-20200101T000000Z", "7", age=(LOG_DAYS + 1) * DAY)
    lay(board, "runs", "before-restore-20300101T000000Z", "7")
    lay(board, "runs", "notes", "mine", age=900 * DAY)
    assert gone(kb.gc(board.conn)) == [
        ("run", "runs/901"),
        ("run", "runs/before-restore-20200101T000000Z"),
    ]


def test_attachments_without_a_row_go_when_their_row_cannot_come_any_more(board: ABoard) -> None:
    task = board.create("has one")
    board.conn.execute(
        "INSERT INTO task_attachments (task_id, name, size, media_type, sha256, path, created_at)"
        " VALUES (:task, 'a', 1, 'text/plain', '', :path, 1900000000)",
        {"task": task, "path": f"attachments/{task}/known"},
    )
    lay(board, "attachments", task, "known", age=9 * DAY)
    lay(board, "attachments", task, "orphan", age=DRAFT_SECONDS + 1)
    lay(board, "attachments", task, "young", age=DRAFT_SECONDS - 1)
    assert gone(kb.gc(board.conn)) == [("attachment", f"attachments/{task}/orphan")]


def test_what_a_crash_left_goes_when_it_is_old(board: ABoard) -> None:
    old = DRAFT_SECONDS + 1
    for names in (
        (".restore-1234.tmp", "board.db"),
        ("backups", ".backup-20300101T000000Z.db.1234.tmp"),
        ("backups", "before-migration-2.tmp"),
        (".board.db.1234.tmp",),
    ):
        lay(board, *names, age=old)
    lay(board, ".health.json.77.tmp")
    lay(board, "backups", "mine.tmp", age=old)
    assert gone(kb.gc(board.conn)) == [
        ("draft", ".board.db.1234.tmp"),
        ("draft", ".restore-1234.tmp"),
        ("draft", "backups/.backup-20300101T000000Z.db.1234.tmp"),
        ("draft", "backups/before-migration-2.tmp"),
    ]


@pytest.mark.stores("sqlite")
def test_backups_beyond_a_number_go_by_kind(board: ABoard) -> None:
    made = []
    for kind in ("backup", "before-restore", "backup", "backup"):
        made.append(kb.backup(board.conn, kind=kind))
        board.clock.advance(1)
    lay(board, "backups", "by-hand.db", age=900 * DAY)
    lay(board, "backups", "damaged-20200101T000000Z", "board.db", age=900 * DAY)
    lay(board, "backups", "before-migration-2.db", age=900 * DAY)
    assert gone(kb.gc(board.conn, keep_backups=2)) == [("backup", f"backups/{made[0].name}")]


def test_a_dry_run_says_the_same_and_removes_nothing(board: ABoard) -> None:
    lay(board, "runs", "901", "log", age=(LOG_DAYS + 1) * DAY, text="12345")
    done = board.create("done")
    kb.complete_task(board.conn, done)
    lay(board, "workspaces", done, "file", text="123")
    first = kb.gc(board.conn, dry_run=True, workspaces=clear_workspaces)
    assert gone(first) == [("run", "runs/901"), ("workspace", f"workspaces/{done}")]
    assert [one.size for one in first.removed] == [5, 3]
    second = kb.gc(board.conn, workspaces=clear_workspaces)
    assert (first.removed, first.dry_run) == (second.removed, True)
    assert gone(kb.gc(board.conn, workspaces=clear_workspaces)) == []


def test_a_purged_tasks_workspace_goes_and_an_unknown_ones_stays(board: ABoard) -> None:
    task = board.create("purged")
    kb.archive_task(board.conn, task)
    kb.purge_task(board.conn, task)
    mine = lay(board, "workspaces", task, "file")
    unknown = lay(board, "workspaces", "t_unknown", "file")
    assert sweep_workspaces(board.conn).removed == [task]
    assert not mine.parent.exists()
    assert unknown.exists()


def test_a_purged_worktree_with_uncommitted_work_is_set_aside(
    board: ABoard, tmp_path: Path
) -> None:
    repository = tmp_path / "repository"
    git("init", "-q", str(repository))
    git("-C", str(repository), "commit", "-q", "--allow-empty", "-m", "first")
    task = board.create("purged", workspace=f"worktree:{repository}")
    kb.archive_task(board.conn, task)
    kb.purge_task(board.conn, task)
    worktree = board.conn.paths.workspaces / task
    git("-C", str(repository), "worktree", "add", "-q", "-b", "work", str(worktree))
    (worktree / "unsaved").write_text("work")
    report = kb.gc(board.conn, workspaces=clear_workspaces)
    assert [one.why for one in report.removed] == ["holds uncommitted work: moved to quarantine"]
    (kept,) = (board.conn.paths.workspaces / "quarantine").iterdir()
    assert (kept / "unsaved").read_text() == "work"


def git(*words: str) -> None:
    names = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", *names, *words], check=True)


@pytest.mark.parametrize(
    "trap", ["runs", "attachments", "backups", "workspaces", "a run", "an attachment", "a draft"]
)
def test_a_link_is_never_followed(board: ABoard, tmp_path: Path, trap: str) -> None:
    root, outside = board.conn.paths.root, tmp_path / "outside"
    done = board.create("done")
    kb.complete_task(board.conn, done)
    for names in (("901", "log"), (done, "file"), ("backup-20200101T000000Z.db",), ("x.tmp",)):
        file = outside.joinpath(*names)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("mine")
        make_old(board, file, 900 * DAY)
        make_old(board, file.parent, 900 * DAY)
    place = {
        "a run": root / "runs" / "901",
        "an attachment": root / "attachments" / "t_x",
        "a draft": root / ".restore-1234.tmp",
    }.get(trap, root / trap)
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(outside)
    os.utime(place, (1, 1), follow_symlinks=False)
    kb.gc(board.conn, log_days=0, keep_backups=1, workspaces=clear_workspaces)
    assert len([file for file in outside.rglob("*") if file.is_file()]) == 4


def test_what_cannot_go_is_told(board: ABoard, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(board, "runs", "901", "log", age=(LOG_DAYS + 1) * DAY)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("shutil.rmtree", refuse)
    report = kb.gc(board.conn)
    assert report.removed == []
    assert [(one.path, one.why) for one in report.failed] == [("runs/901", "Permission denied")]
