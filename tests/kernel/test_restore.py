"""Restoring: the old content comes back as a new board at rest, and nothing is half done."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import subscriptions
from hermes_kanban.store import replace, schema
from hermes_kanban.store.writer_lock import WriterLock
from tests.kernel.scenes import dump, in_status, proof
from tests.support.boards import ABoard
from tests.support.rich import rich_board

# Backups of PostgreSQL are PostgreSQL's.
pytestmark = pytest.mark.stores("sqlite")

HOLDER = """
import sys
from hermes_kanban import kernel as kb

conn = kb.connect()
print(len(kb.list_tasks(conn)), flush=True)
for line in sys.stdin:
    verb, _, word = line.strip().partition(" ")
    if verb == "read":
        conn.execute("BEGIN")
        print(conn.execute("SELECT count(*) FROM tasks").fetchone()[0], flush=True)
    elif verb == "end":
        print(conn.execute("SELECT count(*) FROM tasks").fetchone()[0], flush=True)
        conn.execute("COMMIT")
    elif verb == "titles":
        print(sorted(task.title for task in kb.list_tasks(conn)), flush=True)
    elif verb == "create":
        print(kb.create_task(conn, title=word), flush=True)
conn.close()
print("closed", flush=True)
"""


def titles(conn: kb.BoardConnection) -> list[str]:
    return sorted(task.title for task in kb.list_tasks(conn))


def restore(board: ABoard, file: Path, **settings: Any) -> kb.Restored:
    return kb.restore(
        file,
        board.slug,
        **({"processes": board.processes, "clock": board.clock} | settings),
    )


@pytest.fixture
def saved(board: ABoard) -> Path:
    """A backup that knows one task, of a board that then got another."""
    board.create("in the backup")
    made = kb.backup(board.conn)
    board.clock.advance(60)
    board.create("after the backup")
    return made


def test_the_content_comes_back_and_the_old_one_is_kept(board: ABoard, saved: Path) -> None:
    before = dump(board.conn)
    done = restore(board, saved)
    assert titles(board.conn) == ["in the backup"]
    assert kb.check(board.conn, deep=True) == []
    assert done.kept is not None
    assert content(Path(done.kept)) == before
    assert Path(done.kept).name == "before-restore-20300317T174740Z.db"
    again = restore(board, Path(done.kept))
    assert titles(board.conn) == ["after the backup", "in the backup"]
    assert again.violations == []


def content(file: Path) -> str:
    conn = sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        return dump(conn)
    finally:
        conn.close()


def test_it_is_another_board_and_says_so(board: ABoard, saved: Path) -> None:
    was = kb.get_board(board.conn).board_id
    done = restore(board, saved, actor="person:ann")
    now = kb.get_board(board.conn)
    assert now.board_id == done.board_id != was
    (event,) = [one for one in kb.list_events(board.conn) if one.kind == "restored"]
    assert (event.task_id, event.actor) == (None, "person:ann")
    assert event.payload == {
        "board_id": done.board_id,
        "from_board_id": was,
        "file": saved.name,
        "kept": Path(done.kept or "").name,
    }


def test_no_id_is_used_again(board: ABoard, saved: Path) -> None:
    late = board.claim(board.create("claimed after the backup"))
    newest = kb.newest_event_id(board.conn)
    restore(board, saved)
    first_new = board.create("new")
    assert board.claim(first_new).id > late.id
    assert min(e.id for e in kb.list_events(board.conn, first_new)) > newest
    assert board.task(first_new).seq > 3


@pytest.mark.parametrize("registered", [True, False])
def test_what_ran_is_reclaimed_and_waits_for_its_process(board: ABoard, registered: bool) -> None:
    task = board.create("running", assignee="worker")
    run = board.start(task) if registered else board.claim(task)
    saved = kb.backup(board.conn)
    done = restore(board, saved)
    assert done.reclaimed == [run.id]
    assert board.task(task).status == "ready"
    assert board.task(task).consecutive_failures == 0
    closed = kb.get_run(board.conn, run.id)
    assert (closed.outcome, closed.stop_reason) == (
        "reclaimed",
        "restored" if registered else None,
    )
    assert kb.claim_task(board.conn, task) is None if registered else True
    assert kb.check(board.conn) == []
    if registered:
        kb.advance_stops(board.conn, board.processes)
        assert kb.get_run(board.conn, run.id).exited_at is not None
        assert kb.claim_task(board.conn, task) is not None


def test_a_child_whose_parent_is_open_goes_back_to_todo(board: ABoard) -> None:
    parent = board.create("parent")
    child = board.create("child", parents=[parent])
    kb.complete_task(board.conn, parent)
    board.claim(child)
    kb.reopen_task(board.conn, parent)
    restore(board, kb.backup(board.conn))
    assert board.task(child).status == "todo"


def test_a_worker_of_before_is_refused(board: ABoard) -> None:
    task = board.create("running")
    run = board.claim(task)
    saved = kb.backup(board.conn)
    restore(board, saved)
    again = board.claim(task)
    assert not kb.complete_task(board.conn, task, result="late", **proof(run))
    assert kb.complete_task(board.conn, task, result="right", **proof(again))


def test_an_exit_record_of_before_is_not_applied(board: ABoard) -> None:
    run = board.start(board.create("running"))
    worker = board.worker(run)
    saved = kb.backup(board.conn)
    restore(board, saved)
    again = board.connect()
    board.processes.exit(worker, at=board.clock.now(), exit_code=0)
    assert again.board_id != worker.board_id
    kb.import_exit_records(again, board.processes)
    assert kb.get_run(again, run.id).outcome == "reclaimed"
    again.close()


def test_folders_of_runs_that_it_does_not_know_are_set_aside(board: ABoard) -> None:
    known = board.claim(board.create("known"))
    folder(board, known, known.claim_lock)
    saved = kb.backup(board.conn)
    unknown = board.claim(board.create("unknown"))
    folder(board, unknown, unknown.claim_lock)
    other = folder(board, known, "of another board's run 1", number=known.id + 40)
    done = restore(board, saved)
    assert done.set_aside is not None
    assert sorted(os.listdir(board.conn.paths.runs)) == [
        str(known.id),
        Path(done.set_aside).name,
    ]
    assert sorted(os.listdir(done.set_aside)) == sorted([str(unknown.id), other.name])
    assert (Path(done.set_aside) / str(unknown.id) / "log").read_text() == "said"
    assert board.claim(board.create("next")).id > int(other.name)


def folder(board: ABoard, run: Any, lock: str | None, number: int | None = None) -> Path:
    made = board.conn.paths.run_dir(number or run.id)
    made.mkdir(parents=True)
    (made / "spec.json").write_text(f'{{"claim_lock": "{lock}"}}')
    (made / "log").write_text("said")
    return made


def test_a_folder_with_another_runs_lock_is_set_aside(board: ABoard) -> None:
    run = board.claim(board.create("run 1"))
    folder(board, run, "another")
    done = restore(board, kb.backup(board.conn))
    assert done.set_aside is not None
    assert os.listdir(done.set_aside) == [str(run.id)]


def test_cursors_beyond_the_newest_event_are_clamped(board: ABoard) -> None:
    sub = subscriptions.subscribe(board.conn, destination="log")
    board.damage("UPDATE kanban_notify_subs SET cursor = 900, start_event_id = 800")
    restore(board, kb.backup(board.conn))
    clamped = subscriptions.get_subscription(board.conn, sub)
    assert clamped.cursor == clamped.start_event_id <= kb.newest_event_id(board.conn)
    assert kb.check(board.conn) == []


def test_every_state_survives(board: ABoard) -> None:
    tasks = rich_board(board)
    before = {name: board.task(one).status for name, one in tasks.items()}
    done = restore(board, kb.backup(board.conn))
    assert done.violations == []
    for name, one in tasks.items():
        now = board.task(one).status
        assert now == before[name] or (before[name], now) in {
            ("running", "ready"),
            ("running", "todo"),
        }


# Who has it open.


def start(program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )


def ask(process: subprocess.Popen[str], line: str = "") -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    if line:
        process.stdin.write(f"{line}\n")
    return process.stdout.readline().strip()


def test_a_process_that_has_it_open_goes_on_with_the_new_content(
    board: ABoard, saved: Path
) -> None:
    inode = board.conn.paths.database.stat().st_ino
    with start(HOLDER) as holder:
        assert ask(holder) == "2"
        assert ask(holder, "read") == "2"
        restore(board, saved)
        assert ask(holder, "end") == "2"  # what it read from then on was of one moment
        assert ask(holder, "titles") == "['in the backup']"
        ask(holder, "create by the other")
        board.create("by this one")
        assert holder.stdin is not None
        holder.stdin.close()
        assert ask(holder) == "closed"
        holder.wait()
    assert board.conn.paths.database.stat().st_ino == inode
    assert titles(board.conn) == ["by the other", "by this one", "in the backup"]
    board.conn.close()
    board.conn = board.connect()
    assert titles(board.conn) == ["by the other", "by this one", "in the backup"]
    assert kb.check(board.conn, deep=True) == []


@pytest.mark.parametrize("role", ["dispatcher", "notifier"])
def test_a_board_that_a_gateway_serves_is_refused(board: ABoard, saved: Path, role: str) -> None:
    before = dump(board.conn)
    lock = getattr(board.conn.paths, f"{role}_lock")
    with replace.held(lock, "held"), pytest.raises(kb.InUse, match="a gateway serves this board"):
        restore(board, saved)
    assert dump(board.conn) == before
    assert os.listdir(board.conn.paths.backups) == [saved.name]


def test_a_writer_is_waited_for(board: ABoard, saved: Path) -> None:
    lock = WriterLock(board.conn.paths.writer_lock)
    lock.acquire("work", 1)
    with pytest.raises(kb.BoardBusy, match="work"):
        restore(board, saved, wait_seconds=0.05)
    lock.close()
    assert titles(board.conn) == ["after the backup", "in the backup"]
    assert not staged(board)


def test_a_program_that_writes_without_our_lock_is_waited_for(board: ABoard, saved: Path) -> None:
    other = sqlite3.connect(board.conn.paths.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(kb.BoardBusy):
        restore(board, saved, wait_seconds=0.2)
    other.execute("ROLLBACK")
    other.close()
    assert titles(board.conn) == ["after the backup", "in the backup"]


def staged(board: ABoard) -> list[str]:
    return [name for name in os.listdir(board.conn.paths.root) if name.startswith(".restore")]


def test_a_live_worker_that_the_backup_does_not_know_is_not_lost(
    board: ABoard, saved: Path
) -> None:
    task = board.create("started later")
    run = board.start(task)
    with pytest.raises(kb.InUse, match=rf"run {run.id} of {task}"):
        restore(board, saved)
    assert board.task(task).status == "running"
    board.processes.vanish(run.worker_pid or 0)
    restore(board, saved)
    assert titles(board.conn) == ["in the backup"]


def test_a_worker_that_was_registered_after_the_backup_is_not_lost(board: ABoard) -> None:
    run = board.claim(board.create("registered later"))
    saved = kb.backup(board.conn)
    board.register(run)
    with pytest.raises(kb.InUse, match="may live"):
        restore(board, saved)


# What may be restored, and onto what.


def spoil(saved: Path, how: str) -> bytes:
    data = saved.read_bytes()
    return {
        "foreign": lambda: data[:68] + b"\0\0\0\1" + data[72:],
        "garbage": lambda: b"no database" * 1_000,
        "cut off": lambda: data[: len(data) // 2],
        "newer": lambda: data[:60] + (schema.SCHEMA_VERSION + 1).to_bytes(4, "big") + data[64:],
        "empty": lambda: b"",
    }[how]()


@pytest.mark.parametrize("how", ["foreign", "garbage", "cut off", "newer", "empty"])
def test_what_is_no_backup_is_refused_and_nothing_touched(
    board: ABoard, saved: Path, tmp_path: Path, how: str
) -> None:
    file = tmp_path / "given.db"
    file.write_bytes(spoil(saved, how))
    before, given = dump(board.conn), file.read_bytes()
    with pytest.raises((kb.BoardDamaged, kb.BoardTooNew)):
        restore(board, file)
    assert dump(board.conn) == before
    assert file.read_bytes() == given
    assert os.listdir(board.conn.paths.backups) == [saved.name]


def test_a_file_that_is_in_use_is_refused(board: ABoard, make_board: Callable[..., ABoard]) -> None:
    other = make_board("other")
    other.create("in the log")
    with pytest.raises(kb.InvalidInput, match="has a log beside it"):
        restore(board, other.conn.paths.database)
    with pytest.raises(kb.InvalidInput, match="is the board itself"):
        restore(board, board.conn.paths.database)
    with pytest.raises(kb.NotFound, match="backups"):
        restore(board, board.home / "nothing.db")


def test_a_backup_of_an_earlier_schema_is_migrated(board: ABoard, tmp_path: Path) -> None:
    script = (
        "from hermes_kanban import kernel as kb; from hermes_kanban.store import schema;"
        "schema.SCHEMA_VERSION = 1; conn = kb.connect('older');"
        "kb.create_task(conn, title='from before'); conn.close()"
    )
    (board.home / "boards" / "older").mkdir(parents=True)
    os.rmdir(board.home / "boards" / "older")
    create = script.replace(
        "conn = kb.connect('older')", "kb.create_board('older'); conn = kb.connect('older')"
    )
    subprocess.run([sys.executable, "-c", create], check=True)
    file = board.home / "boards" / "older" / "board.db"
    before = file.read_bytes()
    done = restore(board, file)
    assert done.schema_before == 1
    assert titles(board.conn) == ["from before"]
    assert kb.check(board.conn, deep=True) == []
    assert file.read_bytes() == before


def test_pages_of_another_size_are_made_to_fit(board: ABoard, saved: Path) -> None:
    conn = sqlite3.connect(saved, isolation_level=None)
    conn.execute("PRAGMA journal_mode = DELETE")
    conn.execute("PRAGMA page_size = 8192")
    conn.execute("VACUUM")
    conn.close()
    restore(board, saved)
    assert titles(board.conn) == ["in the backup"]
    assert board.conn.execute("PRAGMA page_size").fetchone()[0] == 4096
    assert board.conn.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_boards_in_postgresql_have_a_tool_of_their_own(
    board: ABoard, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERMES_KANBAN_DATABASE", "postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(kb.KanbanError, match="pg_restore"):
        restore(board, saved)


def test_a_board_that_is_not_there_is_made(board: ABoard, saved: Path) -> None:
    done = kb.restore(saved, "copy")
    assert done.kept is None
    conn = kb.connect("copy")
    assert titles(conn) == ["in the backup"]
    assert kb.get_board(conn).slug == "copy"
    assert conn.paths.root.stat().st_mode & 0o777 == 0o700
    conn.close()
    assert titles(board.conn) == ["after the backup", "in the backup"]
    assert sorted(os.listdir(board.home / "boards")) == ["copy", "default"]


def test_a_board_named_by_its_file_is_restored(
    board: ABoard, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERMES_KANBAN_DB", str(tmp_path / "mine.db"))
    kb.restore(saved)
    conn = kb.connect()
    assert titles(conn) == ["in the backup"]
    conn.close()


DAMAGES = {
    "garbage": lambda file: file.write_bytes(b"no database" * 1_000),
    "empty": lambda file: file.write_bytes(b""),
    "cut off": lambda file: os.truncate(file, 8_192),
    "foreign": lambda file: file.write_bytes(
        file.read_bytes()[:68] + b"\0\0\0\1" + file.read_bytes()[72:]
    ),
}


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_board_is_kept_as_it_lies_and_replaced(
    board: ABoard, saved: Path, how: str
) -> None:
    file = board.conn.paths.database
    board.conn.close()
    DAMAGES[how](file)
    lies = file.read_bytes()
    with pytest.raises(kb.BoardDamaged):
        kb.connect()
    done = restore(board, saved)
    board.conn = board.connect()
    assert titles(board.conn) == ["in the backup"]
    assert kb.check(board.conn, deep=True) == []
    assert (Path(done.kept or "") / "board.db").read_bytes() == lies


def test_a_damaged_board_that_somebody_has_open_is_refused(board: ABoard, saved: Path) -> None:
    file = board.conn.paths.database
    with start(HOLDER) as holder:
        assert ask(holder) == "2"
        board.conn.close()
        subprocess.run(["truncate", "-s", "8192", str(file)], check=True)
        with pytest.raises(kb.InUse, match=f"process {holder.pid}"):
            restore(board, saved)
        assert file.stat().st_size == 8_192
        holder.kill()
    restore(board, saved)
    board.conn = board.connect()
    assert titles(board.conn) == ["in the backup"]


def test_a_missing_file_is_put_back_and_a_stray_log_kept(board: ABoard, saved: Path) -> None:
    file = board.conn.paths.database
    board.conn.close()
    file.unlink()
    (file.parent / "board.db-wal").write_bytes(b"of another")
    done = restore(board, saved)
    board.conn = board.connect()
    assert titles(board.conn) == ["in the backup"]
    assert (Path(done.kept or "") / "board.db-wal").read_bytes() == b"of another"


# Killed at any moment.

OURS = ("kernel.restore", "store.replace", "store.backup", "store.files")


def killed_at(board: ABoard, saved: Path, line: int) -> bool:
    """Restore in a process that is killed before the given line of ours; False if it ended."""
    pid = os.fork()
    if pid:
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        return os.WIFSIGNALED(status)
    try:
        watched = {import_module(f"hermes_kanban.{name}").__file__ for name in OURS}
        left = line

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal left
            # How long the process table is has nothing to do with us.
            if frame.f_code.co_filename not in watched or frame.f_code.co_name == "openers":
                return None
            if event == "line":
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        restore(board, saved)
        sys.settrace(None)
        os._exit(0)
    except BaseException:
        os._exit(1)


def crash_everywhere(board: ABoard, every: int, state: str) -> None:
    tasks = [in_status(board, status) for status in ("running", "done", "todo")]
    saved = kb.backup(board.conn)
    in_backup = titles(board.conn)
    board.create("after the backup")
    before = dump(board.conn)
    file = board.conn.paths.database
    board.conn.close()
    whole = file.parent.with_name("whole")
    shutil.copytree(file.parent, whole)
    line, outcomes = 1, set()
    while True:
        shutil.rmtree(file.parent)
        shutil.copytree(whole, file.parent)
        if state == "damaged":
            file.write_bytes(b"no database" * 1_000)
        ended = not killed_at(board, saved, line)
        outcomes.add(outcome(board, before, in_backup, state))
        restore(board, saved)
        assert outcome(board, before, in_backup, state) == "new"
        if ended:
            break
        line += every
    assert outcomes == {"old", "new"}
    assert tasks
    board.conn = board.connect()


def outcome(board: ABoard, before: str, in_backup: list[str], state: str) -> str:
    """Which of the two boards is there; nothing else will do."""
    try:
        conn = board.connect()
    except kb.BoardDamaged:
        assert state == "damaged"
        return "old"
    try:
        if dump(conn) == before:
            return "old"
        assert kb.check(conn, deep=True) == []
        assert titles(conn) == in_backup
        (event,) = [e for e in kb.list_events(conn, limit=1_000) if e.kind == "restored"][-1:]
        assert event.payload["board_id"] == conn.board_id
        assert not [task for task in kb.list_tasks(conn) if task.status == "running"]
        return "new"
    finally:
        conn.close()


@pytest.mark.parametrize(("state", "every"), [("sound", 19), ("damaged", 23)])
def test_killed_at_some_lines_it_leaves_the_old_board_or_the_new(
    board: ABoard, state: str, every: int
) -> None:
    crash_everywhere(board, every, state)


@pytest.mark.torture
@pytest.mark.parametrize("state", ["sound", "damaged"])
def test_killed_at_every_line_it_leaves_the_old_board_or_the_new(board: ABoard, state: str) -> None:
    crash_everywhere(board, 1, state)
