"""The PostgreSQL store: one writer, nothing half done, broken connections, rows like SQLite's."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban import lifecycle
from hermes_kanban.kernel import limits
from hermes_kanban.model.errors import NotNow
from hermes_kanban.store import moved, pgboards, pgerrors, pgsession, schema
from hermes_kanban.store.pgerrors import ConstraintFailed
from hermes_kanban.store.pgnames import schema_of
from hermes_kanban.store.postgres import PostgresConnection
from hermes_kanban.store.protocol import write
from tests.kernel.scenes import dump
from tests.support import stores
from tests.support.boards import ABoard, isolate
from tests.support.relay import Relay
from tests.support.waiting import wait_until

pytestmark = pytest.mark.stores("postgres")

HOLDS = """
import sys
from hermes_kanban import kernel as kb

conn = kb.connect()
with kb.batch(conn):
    kb.create_task(conn, title="held back")
    print("holding", flush=True)
    sys.stdin.readline()
"""


def pg(board: ABoard) -> PostgresConnection:
    assert isinstance(board.conn, PostgresConnection)
    return board.conn


def backend(board: ABoard) -> int:
    """The server process of the board's connection."""
    pid: int = pg(board).session.info.backend_pid
    return pid


def test_a_row_is_like_that_of_sqlite(board: ABoard) -> None:
    task = board.create("one", priority=4)
    row = board.conn.execute("SELECT id, priority AS p, NULL AS n FROM tasks").fetchone()
    assert (row["id"], row[1], row["p"], row["n"]) == (task, 4, 4, None)
    assert row.keys() == ["id", "p", "n"]
    assert dict(row) == {"id": task, "p": 4, "n": None}
    assert tuple(row) == (task, 4, None)
    first, *_ = row
    assert first == task
    with pytest.raises(IndexError, match="nosuch"):
        row["nosuch"]


def test_numbers_are_whole_and_truths_are_numbers(board: ABoard) -> None:
    board.create(priority=4)
    row = board.conn.execute(
        "SELECT sum(priority), EXISTS (SELECT 1 FROM tasks), count(*), :n FROM tasks",
        {"n": 2**62},
    ).fetchone()
    assert [repr(value) for value in row] == ["4", "1", "1", str(2**62)]
    with pytest.raises(OverflowError):
        board.conn.execute("SELECT 1 FROM tasks WHERE seq = :n", {"n": 2**63})


def test_a_busy_board_names_the_process_and_the_verb_that_hold_it(board: ABoard) -> None:
    holder = start(HOLDS)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "holding\n"
        board.conn.wait_seconds = 0.2
        with pytest.raises(kb.BoardBusy, match=rf"process {holder.pid} \(batch\)"):
            board.create()
        assert not board.conn.in_transaction
        holder.communicate("\n", timeout=30)
        assert [task.title for task in kb.list_tasks(board.conn)] == ["held back"]
        board.create()
    finally:
        holder.kill()
        holder.communicate()


def test_a_writer_that_dies_leaves_nothing_and_lets_go(board: ABoard) -> None:
    holder = start(HOLDS)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "holding\n"
    holder.kill()
    holder.communicate()
    board.create("next")
    assert [task.title for task in kb.list_tasks(board.conn)] == ["next"]


def test_event_ids_rise_with_the_order_of_commits(board: ABoard) -> None:
    """A cursor that follows the newest id must never pass one that is committed later."""
    seen: list[int] = []
    stop = threading.Event()

    def follow() -> None:
        conn, cursor = board.connect(), 0
        while not stop.is_set():
            for event in kb.list_events(conn, after=cursor):
                seen.append(event.id)
                cursor = event.id
        seen.extend(event.id for event in kb.list_events(conn, after=cursor, limit=1_000))
        conn.close()

    def file_tasks() -> None:
        conn = board.connect()
        for number in range(40):
            with kb.batch(conn):
                for _ in range(number % 3 + 1):
                    kb.create_task(conn, title="x")
        conn.close()

    follower = threading.Thread(target=follow)
    writers = [threading.Thread(target=file_tasks) for _ in range(4)]
    for thread in (follower, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    follower.join()
    assert seen == [event.id for event in kb.list_events(board.conn, limit=1_000)]
    assert len(seen) == 4 * sum(number % 3 + 1 for number in range(40))


def test_links_that_would_close_a_cycle_together_are_not_both_made(board: ABoard) -> None:
    one, two = board.create("one"), board.create("two")
    barrier = threading.Barrier(2)
    refused: list[Exception] = []

    def link(parent: str, child: str) -> None:
        conn = board.connect()
        barrier.wait()
        try:
            kb.link_tasks(conn, parent, child)
        except kb.InvalidInput as error:
            refused.append(error)
        conn.close()

    threads = [threading.Thread(target=link, args=pair) for pair in ((one, two), (two, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert kb.check(board.conn) == []


def test_a_parent_that_is_completed_and_a_link_to_it_leave_no_child_waiting(board: ABoard) -> None:
    for _ in range(10):
        parent, child = board.create("parent"), board.create("child")
        barrier = threading.Barrier(2)

        def complete(parent: str = parent, barrier: threading.Barrier = barrier) -> None:
            conn = board.connect()
            barrier.wait()
            kb.complete_task(conn, parent)
            conn.close()

        thread = threading.Thread(target=complete)
        thread.start()
        barrier.wait()
        kb.link_tasks(board.conn, parent, child)
        thread.join()
        assert board.task(child).status == "ready"
    assert kb.check(board.conn) == []


def test_a_connection_that_was_ended_is_opened_again_at_the_next_use(board: ABoard) -> None:
    task = board.create()
    for use in (
        lambda: kb.get_task(board.conn, task),
        lambda: kb.why(board.conn, task),
        lambda: kb.add_comment(board.conn, task, "written"),
        lambda: kb.create_task(board.conn, title="made"),
        lambda: kb.create_task(board.conn, title="made at length", body="x" * limits.BODY_BYTES),
    ):
        stores.database().kill(backend(board))
        use()
    assert len(kb.list_tasks(board.conn)) == 3
    assert kb.check(board.conn) == []


def test_a_connection_that_ends_in_a_batch_undoes_all_of_it(board: ABoard) -> None:
    before = dump(board.conn)
    with pytest.raises(kb.BoardUnreachable, match="not kept"), kb.batch(board.conn):
        board.create("one")
        stores.database().kill(backend(board))
        with pytest.raises(kb.BoardUnreachable):
            board.create("two")
        board.create("nor what comes after")
    assert dump(board.conn) == before
    board.create("goes on")


@pytest.mark.parametrize("delivered", [True, False])
def test_a_connection_that_ends_before_its_first_answer_begins_again(
    board: ABoard, line: Relay, delivered: bool
) -> None:
    conn = board.connect()
    line.cut_at(b"BEGIN ", delivered=delivered)
    task_id = kb.create_task(conn, title="kept")
    assert [task.id for task in kb.list_tasks(board.conn)] == [task_id]
    line.cut_at(b"BEGIN ", delivered=delivered)
    assert kb.claim_task(conn, task_id) is not None
    assert kb.check(board.conn) == []
    conn.close()


def test_a_statement_that_is_refused_undoes_the_verb_and_the_batch_may_go_on(
    board: ABoard,
) -> None:
    task = board.create("before")
    with kb.batch(board.conn):
        with pytest.raises(ConstraintFailed), write(board.conn, "test") as tx:
            tx.run("UPDATE tasks SET title = 'changed' WHERE id = :id", {"id": task})
            tx.run("UPDATE tasks SET status = 'unheard of' WHERE id = :id", {"id": task})
        after = board.create("after")
    assert [one.id for one in kb.list_tasks(board.conn)] == [task, after]
    assert board.task(task).title == "before"


def test_a_swallowed_error_is_no_commit_of_nothing(board: ABoard) -> None:
    """PostgreSQL answers COMMIT of a failed transaction with a quiet rollback."""
    nothing_kept = pytest.raises(kb.KanbanError, match="nothing of it was kept")
    with nothing_kept, write(board.conn, "test") as tx:
        tx.run("UPDATE boards SET icon = 'x'")
        with pytest.raises(psycopg.Error):
            tx.one("SELECT 1 FROM nowhere")
    assert kb.get_board(board.conn).icon is None


def test_a_verb_that_swallows_a_busy_board_commits_nothing(board: ABoard) -> None:
    holder = start(HOLDS)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "holding\n"
        board.conn.wait_seconds = 0.2
        with pytest.raises(kb.BoardBusy), write(board.conn, "test") as tx:
            with contextlib.suppress(kb.BoardBusy):
                tx.value("SELECT 1")
            holder.communicate("\n", timeout=30)
            lifecycle.append_event(tx, None, "imported", "person:ann", {})
        assert [event.kind for event in kb.list_events(board.conn)] == ["created"]
    finally:
        holder.kill()
        holder.communicate()


def test_the_listeners_hear_of_a_commit_that_wrote_events(board: ABoard) -> None:
    with psycopg.connect(stores.address(), autocommit=True) as listener:
        listener.execute("LISTEN kanban_default")

        def rings() -> int:
            return len(list(listener.notifies(timeout=0.3)))

        with kb.batch(board.conn):
            task = board.create()
            board.create()
            assert rings() == 0
        assert rings() == 1
        kb.claim_task(board.conn, task)
        assert rings() == 1
        kb.heartbeat_claim(board.conn, task)  # writes no event
        with pytest.raises(kb.NotFound):
            kb.complete_task(board.conn, "t_none")
        assert rings() == 0


def test_boards_are_schemas_of_one_database(store: str, home: Path) -> None:
    del store
    long = "a-board-with-a-name-of-sixty-four-characters-which-is-the-limit1"
    for slug in ("work", "play-time", long):
        assert kb.create_board(slug, name=slug.title())
    assert [slug for slug, _ in kb.list_boards()] == sorted(["work", "play-time", long])
    conn = kb.connect("play-time")
    kb.create_task(conn, title="here")
    conn.close()
    other = kb.connect(long)
    assert kb.list_tasks(other) == []
    assert kb.get_board(other).name == long.title()
    assert other.paths.root == home / "boards" / long
    other.close()


def test_the_schema_of_a_long_slug_fits_and_is_its_own() -> None:
    slugs = ["default", "a-b", *(f"{'x' * 60}-{n}" for n in range(9)), "x" * 64, "x" * 56]
    names = [schema_of(slug) for slug in slugs]
    assert len({name.encode()[:63] for name in names}) == len(slugs)
    assert names[:2] == ["kanban_default", "kanban_a_b"]


def test_two_that_create_the_same_board_at_once_create_it_once(store: str, home: Path) -> None:
    del store, home
    program = "from hermes_kanban import kernel as kb; print(kb.create_board('race'))"
    told = [one.communicate(timeout=60) for one in [start(program) for _ in range(4)]]
    assert sorted(out for out, _ in told) == ["False\n"] * 3 + ["True\n"], told


def test_a_schema_that_holds_no_board_is_refused_and_left_alone(store: str, home: Path) -> None:
    del store, home
    with psycopg.connect(stores.address(), autocommit=True) as server:
        server.execute("CREATE SCHEMA kanban_default")
    with pytest.raises(kb.BoardDamaged, match="no board"):
        kb.connect()


def test_a_board_of_a_newer_version_takes_no_more_writes(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in a process that has it open for days."""
    newer = board.connect()
    with monkeypatch.context() as patch:
        migrate_to_the_next(patch)
        assert pgboards.migrate(pg_of(newer)) == schema.SCHEMA_VERSION - 1
        kb.create_task(newer, title="by the next version")
    stores.database().spoiled = True
    before = dump(board.conn)
    with pytest.raises(kb.BoardTooNew, match="upgrade"):
        board.create()
    assert dump(board.conn) == before
    newer.close()


def test_a_board_that_came_back_meanwhile_is_tried_again(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A move that is taken back ends between the refusal and the look at what it was for."""
    board.conn.execute(moved.WRITE, moved.Mark("m", 0, "elsewhere").row(moved.AWAY))
    leave = PostgresConnection._leave

    def meanwhile(conn: PostgresConnection) -> None:
        leave(conn)
        with psycopg.connect(stores.address(), autocommit=True) as other:
            other.execute(f"SET search_path = {schema_of('default')}".encode())
            other.execute(moved.ERASE.encode())

    monkeypatch.setattr(PostgresConnection, "_leave", meanwhile)
    with pytest.raises(NotNow, match="try again"):
        board.create()
    board.create()


def test_many_that_migrate_at_once_do_it_once(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    conns = [board.connect() for _ in range(5)]
    stores.database().spoiled = True
    migrate_to_the_next(monkeypatch)
    threads = [threading.Thread(target=pgboards.migrate, args=[conn]) for conn in conns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for conn in conns:
        kb.create_task(conn, title="goes on")
        conn.close()
    versions = board.conn.execute("SELECT version FROM schema_migrations ORDER BY 1").fetchall()
    assert [row[0] for row in versions] == list(range(1, schema.SCHEMA_VERSION + 1))


def test_a_migration_that_fails_leaves_the_board_as_it_was(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dump(board.conn)
    with monkeypatch.context() as patch:
        migrate_to_the_next(
            patch, "ALTER TABLE tasks ADD COLUMN a TEXT;\nCREATE TABLE tasks (b TEXT);"
        )
        with pytest.raises(kb.KanbanError, match="already exists"):
            pgboards.migrate(pg(board))
    assert dump(board.conn) == before
    board.create("this version goes on")


def test_a_server_that_is_not_there_is_told_without_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(tmp_path, monkeypatch)
    monkeypatch.setattr(pgsession, "PATIENCE_SECONDS", 0.2)
    for address in (
        f"postgresql://me:secret@/board?host={tmp_path}",
        "postgresql://me:secret@127.0.0.1:1/board",
        "postgresql://me:secret@127.0.0.1:port/board",
        "postgresql://me:secret@[::1/board",
    ):
        monkeypatch.setenv("HERMES_KANBAN_DATABASE", address)
        with pytest.raises(kb.BoardUnreachable, match=r"kanban\.database") as told:
            kb.connect()
        assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (psycopg.errors.DiskFull("x"), kb.DiskFull),
        (psycopg.errors.DataCorrupted("x"), kb.BoardDamaged),
        (psycopg.errors.IndexCorrupted("x"), kb.BoardDamaged),
        (psycopg.errors.LockNotAvailable("x"), kb.BoardBusy),
        (psycopg.errors.AdminShutdown("x"), kb.BoardUnreachable),
        (psycopg.errors.TooManyConnections("x"), kb.BoardUnreachable),
        (psycopg.OperationalError("the connection is lost"), kb.BoardUnreachable),
        (psycopg.errors.InsufficientPrivilege("x"), NotNow),
        (psycopg.errors.OutOfMemory("x"), NotNow),
        (psycopg.errors.CheckViolation("x"), ConstraintFailed),
        (psycopg.errors.SyntaxError("x"), pgerrors.StatementFailed),
    ],
)
def test_an_error_of_the_server_is_one_of_the_boards_own(
    error: psycopg.Error, kind: type[Exception]
) -> None:
    assert type(pgerrors.translated(error, "here")) is kind


def test_a_deep_check_finds_an_index_that_is_not_whole(board: ABoard) -> None:
    board.create("in the index")
    assert kb.check(board.conn, deep=True) == []
    stores.database().spoiled = True
    board.conn.execute("SET allow_system_table_mods = on")
    ready = "UPDATE pg_index SET indisready = {} WHERE indexrelid = 'tasks_by_status'::regclass"
    board.conn.execute(ready.format("false"))
    board.create("not in the index")
    board.conn.execute(ready.format("true"))
    found = [one.text for one in kb.check(board.conn, deep=True)]
    assert found == ["tasks, the index tasks_by_status: it has 1 rows and the table has 2"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose database has no board."""
    stores.database().clear(pristine=True)
    isolate(tmp_path / "home", monkeypatch)
    return tmp_path / "home"


def pg_of(conn: kb.BoardConnection) -> PostgresConnection:
    assert isinstance(conn, PostgresConnection)
    return conn


def migrate_to_the_next(
    patch: pytest.MonkeyPatch, script: str = "ALTER TABLE tasks ADD COLUMN label TEXT;"
) -> None:
    """From now on this process knows one version more."""
    known = schema.migrations()
    following = schema.SCHEMA_VERSION + 1
    patch.setattr(schema, "SCHEMA_VERSION", following)
    patch.setattr(schema, "migrations", lambda: known | {following: ("labels", script)})


def start(program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )


def test_no_session_outlives_its_connection(board: ABoard) -> None:
    extra = board.connect()
    assert len(stores.database().sessions()) == 2
    extra.close()
    wait_until(lambda: len(stores.database().sessions()) == 1)
