"""Attachments: real files are kept with a task, whole, once, and only what may be kept."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import limits
from hermes_kanban.kernel.gc import DRAFT_SECONDS
from hermes_kanban.store import contents
from tests.kernel.scenes import dump, proof
from tests.support.boards import ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")

MakeFile = Callable[..., Path]
NOBODY = 65_534


@pytest.fixture
def make_file(tmp_path: Path) -> MakeFile:
    """Writes a file outside the board."""

    def make(name: str = "report.txt", data: bytes = b"forty-two") -> Path:
        file = tmp_path / "given" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return file

    return make


def attach(board: ABoard, task: str, **given: Any) -> kb.Attachment:
    return kb.add_attachment(board.conn, task, **given)


def kept(board: ABoard) -> list[str]:
    folder = board.conn.paths.root / "attachments"
    return sorted(os.listdir(folder)) if folder.is_dir() else []


def read(board: ABoard, attachment: kb.Attachment) -> bytes:
    with kb.open_attachment(board.conn, attachment) as file:
        return file.read()


def test_a_file_is_kept_with_its_row_and_its_event(board: ABoard, make_file: MakeFile) -> None:
    task = board.create()
    board.clock.advance(5)
    given = make_file()
    made = attach(board, task, path=given, actor="person:ann")
    given.unlink()
    sha256 = hashlib.sha256(b"forty-two").hexdigest()
    assert (made.name, made.size, made.media_type, made.sha256) == (
        "report.txt", 9, "text/plain", sha256,
    )  # fmt: skip
    assert (made.task_id, made.run_id, made.created_at) == (task, None, board.clock.now())
    assert kb.list_attachments(board.conn, task) == [made]
    assert read(board, made) == b"forty-two"
    file = kb.attachment_path(board.conn, made)
    assert file == board.conn.paths.root / "attachments" / sha256
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    event = kb.list_events(board.conn, task)[-1]
    assert (event.kind, event.actor) == ("attached", "person:ann")
    told = {name: getattr(made, name) for name in event.payload["attachment"]}
    assert event.payload == {"attachment": told}
    assert told.keys() == {"id", "name", "size", "media_type", "sha256", "path"}


def test_a_path_is_below_the_boards_folder_so_that_both_can_be_moved(board: ABoard) -> None:
    made = attach(board, board.create(), name="x", data=b"x")
    assert made.path == f"attachments/{made.sha256}"


def test_a_repeat_costs_nothing(board: ABoard, make_file: MakeFile) -> None:
    task, other = board.create(), board.create()
    first = attach(board, task, path=make_file())
    events = kb.newest_event_id(board.conn)
    inode = kb.attachment_path(board.conn, first).stat().st_ino
    assert attach(board, task, path=make_file()) == first
    assert attach(board, task, name="report.txt", data=b"forty-two") == first
    assert kb.newest_event_id(board.conn) == events
    elsewhere = attach(board, other, path=make_file())
    renamed = attach(board, task, path=make_file(), name="answer.txt")
    changed = attach(board, task, path=make_file(data=b"43"))
    assert len({first.id, elsewhere.id, renamed.id, changed.id}) == 4
    assert kept(board) == sorted({first.sha256, changed.sha256})
    assert kb.attachment_path(board.conn, first).stat().st_ino == inode
    assert kb.find_attachment(board.conn, task, "report.txt") == changed
    assert kb.find_attachment(board.conn, task, str(first.id)) == first


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.txt", "text/plain"), ("a.md", "text/markdown"), ("a.PNG", "image/png"),
        ("a.tar.gz", "application/gzip"), ("a.json", "application/json"),
        ("a", "application/octet-stream"), ("a.nobody", "application/octet-stream"),
    ],
)  # fmt: skip
def test_the_media_type_follows_the_name(board: ABoard, name: str, media_type: str) -> None:
    task = board.create()
    assert attach(board, task, name=name, data=b"x").media_type == media_type
    given = attach(board, task, name=name, data=b"y", media_type="x-test/any+thing")
    assert given.media_type == "x-test/any+thing"


@pytest.mark.parametrize("name", ["a b ü.txt", ".hidden", "x" * 255, "-rf", "日本"])
def test_names_that_can_be_kept(board: ABoard, name: str) -> None:
    assert attach(board, board.create(), name=name, data=b"x").name == name


@pytest.mark.parametrize(
    "name",
    [
        "", " ", ".", "..", "a/b", "/a", "a\nb", "a\x1b[31m", "a\x00", "x" * 256, "\ud800",
        "a\u202etxt.exe", "a\x7f", "a\u2028b",
    ],
)  # fmt: skip
def test_names_that_cannot(board: ABoard, name: str) -> None:
    task = board.create()
    before = dump(board.conn)
    with pytest.raises(kb.InvalidInput, match="name"):
        attach(board, task, name=name, data=b"x")
    assert (dump(board.conn), kept(board)) == (before, [])


@pytest.mark.parametrize("media_type", ["", "text", "text/plain; x=y", "TEXT/plain", "a/b\n"])
def test_a_media_type_is_two_words(board: ABoard, media_type: str) -> None:
    with pytest.raises(kb.InvalidInput, match="media_type"):
        attach(board, board.create(), name="a", data=b"x", media_type=media_type)


def test_at_most_25_mib(board: ABoard, make_file: MakeFile) -> None:
    task = board.create()
    most = b"x" * limits.ATTACHMENT_BYTES
    assert limits.ATTACHMENT_BYTES == 25 * 1024 * 1024
    made = attach(board, task, path=make_file(data=most))
    assert (made.size, attach(board, task, name="report.txt", data=most)) == (len(most), made)
    for given in ({"path": make_file(data=most + b"x")}, {"name": "x", "data": most + b"x"}):
        with pytest.raises(kb.InvalidInput, match="26,214,400 bytes"):
            attach(board, task, **given)
    assert kept(board) == [made.sha256]
    assert attach(board, task, name="nothing", data=b"").size == 0


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("a link", "is a link; name the file"), ("a dangling link", "is a link"),
        ("a folder", "is a folder"), ("a folder with a slash", "is a folder"),
        ("a pipe", "device, pipe or socket"), ("a socket", "device, pipe or socket"),
        ("a device", "device, pipe or socket"), ("nothing", "is missing"),
        ("below a file", "cannot be read"),
        ("an empty path", "is no path"), ("a NUL", "is no path"), ("the board", "is the database"),
        ("the board by another name", "is the database"),
    ],
)  # fmt: skip
def test_only_plain_files(
    board: ABoard, make_file: MakeFile, tmp_path: Path, kind: str, why: str
) -> None:
    path = odd_file(board, make_file, tmp_path / "odd", kind)
    task = board.create()
    before = dump(board.conn)
    with pytest.raises(kb.InvalidInput, match=why):
        attach(board, task, path=path)
    assert (dump(board.conn), kept(board)) == (before, [])


def odd_file(board: ABoard, make_file: MakeFile, file: Path, kind: str) -> Any:
    path: Any = file
    if kind == "a link":
        file.symlink_to(make_file())
    elif kind == "a dangling link":
        file.symlink_to("nowhere")
    elif kind.startswith("a folder"):
        file.mkdir()
        path = f"{file}/" if "slash" in kind else file
    elif kind == "a pipe":
        os.mkfifo(file)
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(file))
    elif kind == "a device":
        path = "/dev/null"
    elif kind == "below a file":
        path = make_file() / "x"
    elif kind == "an empty path":
        path = ""
    elif kind == "a NUL":
        path = "a\0b"
    elif kind.startswith("the board"):
        path = a_database(board)
        if "another" in kind:
            os.link(path, file)
            path = file
    return path


def test_a_file_that_may_not_be_read(board: ABoard, make_file: MakeFile) -> None:
    task = board.create()
    before = dump(board.conn)
    file = make_file()
    file.chmod(0)
    with without_rights(), pytest.raises(kb.InvalidInput, match="cannot be read"):
        attach(board, task, path=file)
    assert (dump(board.conn), kept(board)) == (before, [])


@contextlib.contextmanager
def without_rights() -> Iterator[None]:
    """Root reads everything: for so long it is somebody else."""
    if os.getuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def a_database(board: ABoard) -> Path:
    """That of the board, or on another store one that lies where a board would."""
    file = board.conn.paths.database
    if not file.exists():
        file.write_bytes(b"SQLite format 3\0")
    return file


@pytest.mark.stores("sqlite")
def test_refusing_the_board_itself_leaves_sqlites_locks_in_force(board: ABoard) -> None:
    """To open and close it would drop them: another process could then write in between."""
    task = board.create()
    board.conn.execute("BEGIN IMMEDIATE")
    held = locks_of(board.conn.paths.database)
    for suffix in ("", "-wal", "-shm"):
        with pytest.raises(kb.InvalidInput, match="database of a board"):
            kb.add_attachment(board.conn, task, path=f"{board.conn.paths.database}{suffix}")
    assert held and locks_of(board.conn.paths.database) == held
    board.conn.execute("COMMIT")


def locks_of(database: Path) -> set[str]:
    """The POSIX locks that the kernel knows on the files of a board."""
    inodes = {os.stat(f"{database}{suffix}").st_ino for suffix in ("", "-shm")}
    lines = Path("/proc/locks").read_text().splitlines()
    found = [line.split(maxsplit=1)[1] for line in lines if " POSIX " in line]
    return {line for line in found if int(line.split()[4].rsplit(":", 1)[1]) in inodes}


def test_a_path_or_data_but_not_both_or_neither(board: ABoard, make_file: MakeFile) -> None:
    task = board.create()
    for given in ({}, {"path": make_file(), "data": b"x", "name": "x"}):
        with pytest.raises(kb.InvalidInput, match="either a path or data"):
            attach(board, task, **given)
    with pytest.raises(kb.InvalidInput, match="name"):
        attach(board, task, data=b"x")


def test_a_name_that_is_no_text_must_be_given_another(board: ABoard, tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"caf\xe9")
    file.write_text("x")
    task = board.create()
    made = attach(board, task, path=file, name="café")
    assert made.name == "café"
    with pytest.raises(kb.InvalidInput, match="name"):
        attach(board, task, path=file)


@pytest.mark.parametrize("status", ["archived", "unknown"])
def test_an_archived_or_unknown_task_takes_none(board: ABoard, status: str) -> None:
    task = board.create() if status == "archived" else "t_nobody"
    if status == "archived":
        kb.archive_task(board.conn, task)
    error = kb.IllegalTransition if status == "archived" else kb.NotFound
    with pytest.raises(error):
        attach(board, task, name="x", data=b"x")


def test_a_file_that_changes_while_it_is_copied_is_never_half_kept(
    board: ABoard, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between being measured and being copied it is written to: once, and then every time."""
    task, given = board.create(), make_file(data=b"old" * 1_000)
    keep, times = contents.keep, [1]

    def meddled(root: Path, read_it: contents.Read, content: contents.Content) -> int:
        if times[0]:
            times[0] -= 1
            given.write_bytes(b"new" * (1_000 + times[0]))
        return keep(root, read_it, content)

    monkeypatch.setattr(contents, "keep", meddled)
    made = attach(board, task, path=given)
    assert read(board, made) == b"new" * 1_000
    assert made.sha256 == hashlib.sha256(b"new" * 1_000).hexdigest()
    given.write_bytes(b"not yet known")
    times[0] = 100
    with pytest.raises(kb.InvalidInput, match="changed while it was read"):
        attach(board, task, path=given)
    assert kept(board) == [made.sha256]
    assert kb.check(board.conn, deep=True) == []


def test_a_copy_that_is_cleared_away_before_it_has_its_name_is_made_again(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by ``gc``, for one that took an hour."""
    task, rename, cleared = board.create(), os.rename, []

    def late(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        if not cleared:
            os.unlink(source, dir_fd=src_dir_fd)
            cleared.append(source)
        rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "rename", late)
    made = attach(board, task, name="file", data=b"whole")
    assert cleared
    assert read(board, made) == b"whole"


def test_two_who_attach_the_same_file_at_once_have_one(board: ABoard) -> None:
    task, data = board.create(), b"the same" * 100_000
    start, found = threading.Barrier(6), []

    def one() -> None:
        conn = board.connect()
        start.wait()
        found.append(kb.add_attachment(conn, task, name="same", data=data))
        conn.close()

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [kb.list_attachments(board.conn, task)[0]] * 6
    assert kept(board) == [found[0].sha256]
    assert board.kinds(task) == ["created", "attached"]


def test_a_file_that_is_removed_before_its_row_is_written_is_kept_again(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a purge does that gets the lock first: the last other row of the content goes."""
    task, other = board.create(), board.create()
    attach(board, other, name="x", data=b"shared")
    kb.archive_task(board.conn, other)
    keep = contents.keep

    def then_purged(root: Path, read_it: contents.Read, content: contents.Content) -> int:
        file = keep(root, read_it, content)
        if board.conn.transaction is None:
            kb.purge_task(board.conn, other)
            assert kept(board) == []
        return file

    monkeypatch.setattr(contents, "keep", then_purged)
    made = attach(board, task, name="x", data=b"shared")
    assert kept(board) == [made.sha256]
    assert read(board, made) == b"shared"
    assert kb.check(board.conn, deep=True) == []


def test_a_purge_leaves_the_file_that_another_attachment_has(board: ABoard) -> None:
    tasks = [board.create(), board.create()]
    made = [attach(board, task, name="x", data=b"shared") for task in tasks]
    own = attach(board, tasks[0], name="y", data=b"alone")
    for task in tasks:
        kb.archive_task(board.conn, task)
    purged = kb.purge_task(board.conn, tasks[0])
    files = [f"attachments/{sha256}" for sha256 in sorted({made[0].sha256, own.sha256})]
    assert purged.attachments == files
    assert kept(board) == [made[1].sha256]
    kb.purge_task(board.conn, tasks[1])
    assert kept(board) == []


def test_gc_takes_only_old_files_without_a_row(board: ABoard) -> None:
    task = board.create()
    known = attach(board, task, name="x", data=b"known")
    with pytest.raises(kb.InvalidInput), kb.batch(board.conn):
        attach(board, task, name="y", data=b"undone")
        kb.edit_task(board.conn, task, title="")
    folder = board.conn.paths.root / "attachments"
    (folder / ".0123456789abcdef.0123.tmp").write_text("a draft of a crash")
    assert len(kept(board)) == 3
    old = board.clock.now() - DRAFT_SECONDS
    for at, left in ((old, 3), (old - 1, 1)):
        for name in kept(board):
            os.utime(folder / name, (at, at))
        kb.gc(board.conn)
        assert len(kept(board)) == left
    assert kept(board) == [known.sha256]


def test_gc_leaves_a_file_that_was_attached_since_it_looked(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, folder = board.create(), board.conn.paths.root / "attachments"
    made = attach(board, task, name="x", data=b"x")
    os.utime(folder / made.sha256, (1, 1))
    from hermes_kanban.kernel import leftovers

    in_use, looks = leftovers.files_in_use, [0]

    def at_first_none(conn: kb.BoardConnection) -> set[tuple[str, ...]]:
        looks[0] += 1
        return set() if looks[0] == 1 else in_use(conn)

    monkeypatch.setattr(leftovers, "files_in_use", at_first_none)
    assert kb.gc(board.conn).removed == []
    assert looks[0] >= 2
    assert read(board, made) == b"x"


@pytest.mark.stores("sqlite")
def test_a_missing_cut_off_or_altered_file_is_found(board: ABoard) -> None:
    task = board.create()
    made = [attach(board, task, name=f"{n}", data=b"x" * n) for n in (1, 2, 3, 4)]
    files = [kb.attachment_path(board.conn, one) for one in made]
    files[0].unlink()
    files[1].write_bytes(b"x")
    files[2].write_bytes(b"abc")
    found = [(one.invariant, one.row_id, one.text) for one in kb.check(board.conn)]
    assert found == [
        (14, str(made[0].id), f"has no file of 1 bytes at {made[0].path}"),
        (14, str(made[1].id), f"has no file of 2 bytes at {made[1].path}"),
    ]
    deep = {one.row_id: one.text for one in kb.check(board.conn, deep=True)}
    assert deep.keys() == {str(one.id) for one in made[:3]}
    assert "holds something else" in deep[str(made[2].id)]
    left = kb.mend(board.conn).left
    assert {one.advice for one in left} == {
        "attach the same file again, or restore a backup that has it"
    }
    for one in made[:2]:
        assert attach(board, task, name=one.name, data=b"x" * one.size) == one
    files[2].write_bytes(b"xxx")
    assert kb.check(board.conn, deep=True) == []


@pytest.mark.stores("sqlite")
def test_what_is_saved_is_compared_and_replaces_nothing(board: ABoard, tmp_path: Path) -> None:
    task = board.create()
    made = attach(board, task, name="report.txt", data=b"forty-two")
    assert kb.save_attachment(board.conn, made, tmp_path) == tmp_path / "report.txt"
    assert (tmp_path / "report.txt").read_bytes() == b"forty-two"
    with pytest.raises(kb.InvalidInput, match="exists"):
        kb.save_attachment(board.conn, made, tmp_path)
    with pytest.raises(kb.KanbanError, match="cannot write"):
        kb.save_attachment(board.conn, made, tmp_path / "none" / "x")
    kb.attachment_path(board.conn, made).write_bytes(b"forty-one")
    with pytest.raises(kb.KanbanError, match="damaged"):
        kb.save_attachment(board.conn, made, tmp_path / "other")
    assert not (tmp_path / "other").exists()
    kb.attachment_path(board.conn, made).write_bytes(b"forty-two")


def test_pages_of_attachments(board: ABoard) -> None:
    task = board.create()
    made = [attach(board, task, name=f"{n}", data=b"x") for n in range(5)]
    first = kb.list_attachments(board.conn, task, limit=2)
    assert first == made[:2]
    assert kb.list_attachments(board.conn, task, after=first[-1].id) == made[2:]
    assert kept(board) == [made[0].sha256]
    for wanted in ("none", "77", "9" * 30):
        with pytest.raises(kb.NotFound, match="attachment"):
            kb.find_attachment(board.conn, task, wanted)
    with pytest.raises(kb.NotFound, match="task"):
        kb.find_attachment(board.conn, "t_nobody", "none")


def test_a_folder_of_contents_that_is_a_link_takes_nothing(board: ABoard, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (board.conn.paths.root / "attachments").symlink_to(outside)
    with pytest.raises(kb.KanbanError, match="cannot write"):
        attach(board, board.create(), name="x", data=b"x")
    assert list(outside.iterdir()) == []


def test_a_run_has_a_share(board: ABoard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ATTACHMENTS_PER_RUN", 3)
    task = board.create()
    run = board.claim(task)
    for number in range(3):
        attach(board, task, name=f"{number}", data=b"x", **proof(run))
    assert attach(board, task, name="0", data=b"x", **proof(run)).name == "0", "a repeat is free"
    with pytest.raises(kb.InvalidInput, match="used up; allowed: 3 of one run"):
        attach(board, task, name="3", data=b"x", **proof(run))
    attach(board, task, name="3", data=b"x")


def test_a_purge_forgets_the_run_that_attached_to_another_task(board: ABoard) -> None:
    task, other = board.create(), board.create()
    run = board.claim(other)
    made = attach(board, task, name="x", data=b"x", **proof(run))
    assert made.run_id == run.id
    kb.complete_task(board.conn, other, **proof(run))
    kb.archive_task(board.conn, other)
    kb.purge_task(board.conn, other)
    (left,) = kb.list_attachments(board.conn, task)
    assert left.run_id is None
    assert kb.check(board.conn) == []


def test_history_tells_of_attachments(board: ABoard) -> None:
    task = board.create()
    before = kb.moment(board.conn)
    made = attach(board, task, name="x", data=b"x")
    after = kb.moment(board.conn)
    assert kb.task_at(board.conn, task, before).attachments == []
    assert kb.task_at(board.conn, task, after).attachments == [made]
    (change,) = kb.diff(board.conn, before, after).tasks
    assert change.attachments == [made]
    (row,) = kb.replay(board.conn).attachments
    assert kb.Attachment(**row) == made
    with pytest.raises(kb.KanbanError, match="an attachment stays"):
        kb.undo(board.conn, task)
