"""Attached files are part of a backup, take no room beside the board, and come back with it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.gc import DRAFT_SECONDS
from tests.support.boards import ABoard

pytestmark = pytest.mark.stores("sqlite")  # a file, and what lies beside it


def attach(board: ABoard, task: str, name: str, data: bytes) -> kb.Attachment:
    return kb.add_attachment(board.conn, task, name=name, data=data)


def read(conn: kb.BoardConnection, attachment: kb.Attachment) -> bytes:
    with kb.open_attachment(conn, attachment) as file:
        return file.read()


def restore(board: ABoard, file: Path, slug: str | None = None) -> kb.Restored:
    given: dict[str, Any] = {"processes": board.processes, "clock": board.clock}
    return kb.restore(file, slug or board.slug, **given)


def files_of(backup: Path) -> list[str]:
    folder = kb.files_of_backup(backup)
    return sorted(os.listdir(folder)) if folder.is_dir() else []


def beside(board: ABoard) -> list[str]:
    return sorted(os.listdir(board.conn.paths.backups))


@pytest.fixture
def saved(board: ABoard) -> tuple[Path, str, list[kb.Attachment]]:
    """A backup of a board with two files on one task, one of them named twice."""
    task = board.create("with files")
    made = [
        attach(board, task, "one", b"first"),
        attach(board, task, "two", b"second"),
        attach(board, task, "again", b"first"),
    ]
    return kb.backup(board.conn), task, made


def test_a_board_without_files_has_a_backup_without_a_folder(board: ABoard) -> None:
    board.create()
    assert not kb.files_of_backup(kb.backup(board.conn)).exists()


def test_a_backup_beside_the_board_links_the_files(
    board: ABoard, saved: tuple[Path, str, list[kb.Attachment]]
) -> None:
    file, _, made = saved
    assert files_of(file) == sorted({one.sha256 for one in made})
    for one in made:
        own = kb.attachment_path(board.conn, one)
        assert os.path.samefile(own, kb.files_of_backup(file) / one.sha256)
    assert kb.files_of_backup(file).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("links", [True, False])
def test_what_was_purged_comes_back(
    board: ABoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        monkeypatch.setattr("os.link", no_links)
    task = board.create()
    made = attach(board, task, "one", b"first" * 500_000)
    file = kb.backup(board.conn, tmp_path / "mine.db")
    assert files_of(file) == [made.sha256]
    kb.archive_task(board.conn, task)
    kb.purge_task(board.conn, task)
    assert os.listdir(board.conn.paths.root / "attachments") == []
    done = restore(board, file)
    assert done.violations == []
    assert read(board.conn, kb.list_attachments(board.conn, task)[0]) == b"first" * 500_000
    assert kb.check(board.conn, deep=True) == []


def no_links(*names: Any, **keys: Any) -> None:
    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))


def test_a_board_of_another_name_gets_the_files(
    board: ABoard, saved: tuple[Path, str, list[kb.Attachment]]
) -> None:
    file, task, made = saved
    done = restore(board, file, "copy")
    assert done.violations == []
    conn = kb.connect("copy")
    assert kb.list_attachments(conn, task) == made
    assert [read(conn, one) for one in made] == [b"first", b"second", b"first"]
    assert kb.attachment_path(conn, made[0]).is_relative_to(conn.paths.root)
    kb.archive_task(conn, task)
    kb.purge_task(conn, task)
    assert kb.check(conn, deep=True) == []
    conn.close()
    assert read(board.conn, made[0]) == b"first", "the other board has its own"


def test_a_board_named_by_its_file_gets_the_files(
    board: ABoard,
    saved: tuple[Path, str, list[kb.Attachment]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file, task, made = saved
    monkeypatch.setenv("HERMES_KANBAN_DB", str(tmp_path / "work.db"))
    assert kb.restore(file, clock=board.clock).violations == []
    conn = kb.connect()
    assert read(conn, kb.list_attachments(conn, task)[0]) == b"first"
    assert (tmp_path / "work.db.d" / "attachments" / made[0].sha256).is_file()
    conn.close()


def test_what_the_board_held_before_keeps_its_files(
    board: ABoard, saved: tuple[Path, str, list[kb.Attachment]]
) -> None:
    file, task, _ = saved
    later = attach(board, task, "later", b"of after the backup")
    done = restore(board, file)
    assert done.kept is not None
    assert later.sha256 in files_of(Path(done.kept))
    for name in os.listdir(board.conn.paths.root / "attachments"):
        os.utime(board.conn.paths.root / "attachments" / name, (1, 1))
    board.clock.advance(2 * DRAFT_SECONDS)
    removed = [one.path for one in kb.gc(board.conn).removed]
    assert removed == [f"attachments/{later.sha256}"]
    assert restore(board, Path(done.kept)).violations == []
    assert read(board.conn, later) == b"of after the backup"


@pytest.mark.parametrize("how", ["missing", "altered", "a link", "no folder"])
def test_a_file_that_the_backup_lacks_is_told(
    board: ABoard, saved: tuple[Path, str, list[kb.Attachment]], tmp_path: Path, how: str
) -> None:
    _, task, made = saved
    file = kb.backup(board.conn, tmp_path / "mine.db")
    lost = kb.files_of_backup(file) / made[1].sha256
    kb.archive_task(board.conn, task)
    kb.purge_task(board.conn, task)
    lost.unlink()
    if how == "altered":
        lost.write_bytes(b"seconds")
    elif how == "a link":
        (tmp_path / "second").write_bytes(b"second")
        lost.symlink_to(tmp_path / "second")
    elif how == "no folder":
        kb.files_of_backup(file).rename(tmp_path / "elsewhere")
    told = {(one.invariant, one.noun, one.row_id) for one in restore(board, file).violations}
    gone = made if how == "no folder" else made[1:2]
    assert told == {(14, "attachment", str(one.id)) for one in gone}
    assert not (board.conn.paths.root / "attachments" / lost.name).exists()


def test_superseded_backups_go_with_their_files(board: ABoard) -> None:
    task = board.create()
    attach(board, task, "one", b"first")
    made = []
    for _ in range(4):
        made.append(kb.backup(board.conn))
        board.clock.advance(1)
    newest = kb.backup(board.conn, keep=3)
    assert beside(board) == sorted(
        name for one in (*made[2:], newest) for name in (one.name, kb.files_of_backup(one).name)
    )
    kb.gc(board.conn, keep_backups=1)
    assert beside(board) == [newest.name, kb.files_of_backup(newest).name]
    assert kb.check(board.conn, deep=True) == []


def test_what_a_crash_left_of_a_backup_goes_when_it_is_old(board: ABoard) -> None:
    task = board.create()
    attach(board, task, "one", b"first")
    file = kb.backup(board.conn)
    file.unlink()
    draft = kb.files_of_backup(file).with_name(f".{kb.files_of_backup(file).name}.1234.tmp")
    draft.mkdir()
    (draft / "one").write_text("first")
    for age, left in ((DRAFT_SECONDS, 2), (DRAFT_SECONDS + 1, 0)):
        at = board.clock.now() - age
        for folder in (draft, kb.files_of_backup(file)):
            os.utime(folder, (at, at))
        kb.gc(board.conn)
        assert len(beside(board)) == left


def test_a_backup_takes_no_name_whose_folder_is_taken(board: ABoard, tmp_path: Path) -> None:
    attach(board, board.create(), "one", b"first")
    kb.files_of_backup(tmp_path / "mine.db").mkdir()
    with pytest.raises(kb.InvalidInput, match=r"mine\.db\.attachments exists"):
        kb.backup(board.conn, tmp_path / "mine.db")
    first = kb.backup(board.conn)
    first.unlink()
    second = kb.backup(board.conn)
    assert second.name != first.name
    assert len(files_of(second)) == 1


def test_a_backup_that_fails_leaves_no_folder(
    board: ABoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach(board, board.create(), "one", b"first")
    rename = os.rename

    def full(source: Any, target: Any, **keys: Any) -> None:
        if str(target).endswith("mine.db"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rename(source, target, **keys)

    monkeypatch.setattr("os.rename", full)
    with pytest.raises(kb.DiskFull):
        kb.backup(board.conn, tmp_path / "mine.db")
    assert [one for one in os.listdir(tmp_path) if "mine" in one] == []


def test_refused_work_is_in_the_backup_too(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    workspace = board.conn.paths.workspaces / task
    workspace.mkdir(parents=True)
    (workspace / "late").write_text("late")
    kb.reclaim_task(board.conn, task)
    assert not kb.complete_task(board.conn, task, artifacts=["late"], run_id=run.id)
    file = kb.backup(board.conn)
    (name,) = files_of(file)
    restore(board, file, "copy")
    conn = kb.connect("copy")
    kb.adopt_result(conn, task, run_id=run.id)
    (made,) = kb.list_attachments(conn, task)
    assert (made.sha256, read(conn, made)) == (name, b"late")
    conn.close()


def test_a_damaged_board_that_is_replaced_keeps_all_of_its_files(
    board: ABoard, saved: tuple[Path, str, list[kb.Attachment]]
) -> None:
    file, task, _ = saved
    later = attach(board, task, "later", b"of after the backup")
    database = board.conn.paths.database
    board.close()
    board._opened.clear()
    database.write_bytes(b"damaged" * 1_000)
    for suffix in ("-wal", "-shm"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)
    done = restore(board, file)
    assert done.kept is not None and done.violations == []
    assert later.sha256 in files_of(Path(done.kept))
    board.conn = board.connect()
