"""Attached files lie beside the rows: a home that never saw one has all of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.gc import DRAFT_SECONDS
from hermes_kanban.store.protocol import write
from tests.kernel.scenes import proof
from tests.support import stores
from tests.support.boards import ABoard

pytestmark = pytest.mark.stores("postgres")

LARGEST = os.urandom(25 * 1024 * 1024)


Elsewhere = Callable[[ABoard], kb.BoardConnection]


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    """Opens a board from the home of another host, which has no file yet."""
    conns: list[kb.BoardConnection] = []

    def connect(board: ABoard) -> kb.BoardConnection:
        monkeypatch.setenv("HERMES_KANBAN_HOME", str(board.home.with_name("elsewhere")))
        conns.append(kb.connect(clock=board.clock, randomness=board.randomness))
        monkeypatch.setenv("HERMES_KANBAN_HOME", str(board.home))
        return conns[-1]

    yield connect
    for conn in conns:
        conn.close()


def attach(board: ABoard, data: bytes, name: str = "x") -> kb.Attachment:
    return kb.add_attachment(board.conn, board.create(), name=name, data=data)


def beside_rows(board: ABoard) -> list[str]:
    return [one.sha256 for one in board.conn.files.listed()]


def cached(conn: kb.BoardConnection) -> list[str]:
    folder = conn.paths.root / "attachments"
    return sorted(os.listdir(folder)) if folder.is_dir() else []


def test_a_home_that_never_saw_a_file_has_all_of_it(
    board: ABoard, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    made = [attach(board, data) for data in (b"", b"of the first host", LARGEST)]
    conn = elsewhere(board)
    assert kb.check(conn, deep=True) == []
    assert cached(conn) == [], "to check is to fetch nothing"
    for one, data in zip(made, (b"", b"of the first host", LARGEST), strict=True):
        with kb.open_attachment(conn, one) as file:
            assert file.read() == data
        assert kb.save_attachment(conn, one, tmp_path / str(one.id)).read_bytes() == data
    assert cached(conn) == sorted(one.sha256 for one in made)
    assert kb.attachment_path(conn, made[1]).is_relative_to(conn.paths.root)
    # What is cached is asked of nobody.
    board.conn.execute("DELETE FROM attachment_contents")
    with kb.open_attachment(conn, made[1]) as file:
        assert file.read() == b"of the first host"
    assert len(kb.check(conn)) == 3


def test_an_export_from_another_home_has_the_files_and_so_has_what_is_loaded(
    board: ABoard, elsewhere: Elsewhere
) -> None:
    attach(board, b"told")
    out: list[bytes] = []
    told = kb.export_board(elsewhere(board), out.append)
    assert (told.files, told.missing) == (1, [])
    kb.create_board("copy")
    copy = kb.connect("copy")
    kb.load_board(copy, iter(out), "memory")
    assert copy.files.listed() == board.conn.files.listed()
    copy.close()


def test_what_came_too_late_is_adopted_on_another_host(board: ABoard, elsewhere: Elsewhere) -> None:
    task = board.create()
    run = board.claim(task)
    workspace = board.conn.paths.workspaces / task
    workspace.mkdir(parents=True)
    (workspace / "report").write_text("late")
    kb.reclaim_task(board.conn, task)
    assert not kb.complete_task(board.conn, task, artifacts=["report"], **proof(run))
    conn = elsewhere(board)
    kb.adopt_result(conn, task, run_id=run.id)
    (adopted,) = kb.list_attachments(conn, task)
    with kb.open_attachment(conn, adopted) as file:
        assert file.read() == b"late"


def test_it_goes_with_the_last_that_names_it(board: ABoard, elsewhere: Elsewhere) -> None:
    first, second = attach(board, b"shared"), attach(board, b"shared", "y")
    assert beside_rows(board) == [first.sha256]
    conn = elsewhere(board)
    kb.attachment_path(conn, first)
    for one, left in ((first, [first.sha256]), (second, [])):
        kb.archive_task(board.conn, one.task_id)
        kb.purge_task(board.conn, one.task_id)
        assert beside_rows(board) == left
    assert (cached(board.conn), cached(conn)) == ([], [first.sha256])
    # The other home's copy is garbage of its own.
    os.utime(conn.paths.root / "attachments" / first.sha256, (1, 1))
    assert [one.path for one in kb.gc(conn).removed] == [f"attachments/{first.sha256}"]
    assert cached(conn) == []


def test_what_no_row_names_is_garbage(board: ABoard) -> None:
    made = attach(board, b"named")
    insert = "INSERT INTO attachment_contents (sha256, size, data) VALUES (:name, 1, :data)"
    board.conn.execute(insert, {"name": "0" * 64, "data": b"x"})
    (told,) = kb.gc(board.conn, dry_run=True).removed
    assert (told.path, told.size) == (f"attachments/{'0' * 64}", 1)
    assert len(beside_rows(board)) == 2
    assert [one.path for one in kb.gc(board.conn).removed] == [told.path]
    assert beside_rows(board) == [made.sha256]


def test_a_missing_or_altered_one_is_found_and_attaching_it_again_mends_it(
    board: ABoard, elsewhere: Elsewhere
) -> None:
    missing, altered = attach(board, b"missing"), attach(board, b"altered")
    conn = elsewhere(board)
    board.conn.execute("DELETE FROM attachment_contents WHERE sha256 = :s", {"s": missing.sha256})
    change = "UPDATE attachment_contents SET data = :data WHERE sha256 = :s"
    board.conn.execute(change, {"data": b"alterex", "s": altered.sha256})
    assert [one.row_id for one in kb.check(conn)] == [str(missing.id)]
    found = {one.row_id: one.text for one in kb.check(conn, deep=True)}
    assert found.keys() == {str(missing.id), str(altered.id)}
    assert "holds something else" in found[str(altered.id)]
    for one in (missing, altered):
        with pytest.raises(kb.NotFound, match="removed from outside"):
            kb.open_attachment(conn, one)
    again = kb.add_attachment(conn, missing.task_id, name="x", data=b"missing")
    assert again == missing
    assert [one.row_id for one in kb.check(conn, deep=True)] == [str(altered.id)]


def test_an_altered_copy_in_the_folder_is_fetched_again(board: ABoard, tmp_path: Path) -> None:
    made = attach(board, b"forty-two")
    file = kb.attachment_path(board.conn, made)
    file.write_bytes(b"forty-one")
    saved = kb.save_attachment(board.conn, made, tmp_path / "saved")
    assert saved.read_bytes() == file.read_bytes() == b"forty-two"


def as_before(board: ABoard, one: kb.Attachment) -> None:
    """As a board of before had it: the file in the home where it was attached, named whole."""
    path = str(board.conn.paths.root / one.path)
    with write(board.conn, "test") as tx:
        tx.run("DELETE FROM attachment_contents")
        tx.run("UPDATE task_attachments SET path = :path", {"path": path})
        told = {"old": f'"{one.path}"', "new": f'"{path}"'}
        tx.run("UPDATE task_events SET payload = replace(payload, :old, :new)", told)


def test_files_of_before_are_read_and_put_beside_the_rows(
    board: ABoard, elsewhere: Elsewhere
) -> None:
    made = attach(board, b"of before")
    as_before(board, made)
    conn = elsewhere(board)
    (seen,) = kb.list_attachments(conn, made.task_id)
    with kb.open_attachment(conn, seen) as file:
        assert file.read() == b"of before"
    assert kb.check(conn) == []
    assert kb.gc(conn, dry_run=True).brought == []
    assert kb.gc(conn).brought == [made.sha256]
    assert kb.gc(conn).brought == []
    os.unlink(seen.path)
    with kb.open_attachment(conn, seen) as file:
        assert file.read() == b"of before"


def test_a_migration_puts_the_files_of_its_host_beside_the_rows(
    board: ABoard, elsewhere: Elsewhere
) -> None:
    made = attach(board, b"of before")
    as_before(board, made)
    stores.database().spoiled = True
    for undo in (
        "DROP TABLE attachment_contents",
        "DROP TABLE hosts",
        "DELETE FROM schema_migrations WHERE version > 7",
    ):
        board.conn.execute(undo)
    assert elsewhere(board).files.listed() == board.conn.files.listed()
    assert beside_rows(board) == [made.sha256]


def test_a_young_file_of_the_folder_stays(board: ABoard) -> None:
    made = attach(board, b"x")
    kb.archive_task(board.conn, made.task_id)
    with kb.batch(board.conn):
        kb.purge_task(board.conn, made.task_id)
    assert (beside_rows(board), cached(board.conn)) == ([], [made.sha256])
    os.utime(board.conn.paths.root / made.path, (board.clock.now(), board.clock.now()))
    assert kb.gc(board.conn).removed == []
    board.clock.advance(DRAFT_SECONDS + 1)
    assert [one.what for one in kb.gc(board.conn).removed] == ["attachment"]
