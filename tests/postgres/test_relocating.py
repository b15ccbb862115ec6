"""A board moves to PostgreSQL and back: all of it or nothing, whatever stands in the way."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.config import load
from hermes_kanban.kernel import relocating
from hermes_kanban.kernel.fingerprint import TABLES
from hermes_kanban.kernel.live import live_runs
from hermes_kanban.machine import machine
from hermes_kanban.model.errors import InUse
from hermes_kanban.paths import board_paths
from hermes_kanban.store import file_place, pgboards
from hermes_kanban.store.database_place import DatabasePlace
from hermes_kanban.store.file_place import FilePlace
from hermes_kanban.store.places import Place
from hermes_kanban.store.role_lock import RoleLock
from hermes_kanban.store.schema import SCHEMA_VERSION
from hermes_kanban.workers.process import SystemProcesses
from tests.cli.conftest import Cli, cli, shell
from tests.support import stores
from tests.support.boards import ABoard
from tests.support.dying import KILLED, Killing, running
from tests.support.rich import rich_board
from tests.support.several_hosts import sit_at

__all__ = ["cli", "shell"]
pytestmark = [pytest.mark.stores("postgres"), pytest.mark.pristine]

BOARDS = Path(__file__).parents[1] / "store" / "boards"
ENOUGH = 60


class Home(NamedTuple):
    """A home with a board in a file, and a database without boards."""

    board: ABoard
    address: str

    @property
    def file(self) -> FilePlace:
        return FilePlace(board_paths("default"))

    @property
    def database(self) -> DatabasePlace:
        return DatabasePlace(self.address, board_paths("default"))

    def move(self, source: Place, target: Place, **given: Any) -> kb.Relocated:
        given = {"processes": self.board.processes} | given
        return kb.relocate(board_paths("default"), source, target, **given)

    @contextlib.contextmanager
    def opened(self, address: str = "") -> Iterator[kb.BoardConnection]:
        """The board in its file, or in the database of that address."""
        before = os.environ.pop("HERMES_KANBAN_DATABASE", None)
        os.environ["HERMES_KANBAN_DATABASE"] = address
        try:
            with contextlib.closing(kb.connect("default", moved_too=True)) as conn:
                yield conn
        finally:
            os.environ["HERMES_KANBAN_DATABASE"] = before or ""

    def create(self, address: str = "") -> str:
        with self.opened(address) as conn:
            return kb.create_task(conn, title="goes on")


@pytest.fixture
def home(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """With a task, and a file attached to it."""
    del store
    with stores.aside() as address:
        board = ABoard(tmp_path / "home", monkeypatch)
        monkeypatch.setenv("HERMES_KANBAN_DATABASE", "")
        task = board.create("one")
        kb.add_attachment(board.conn, task, name="x", data=b"attached")
        yield Home(board, address)
        board.close()


def end_runs(board: ABoard) -> None:
    """Every run ends, and its process too."""
    for run in live_runs(board.conn):
        if run.open:
            kb.reclaim_task(board.conn, run.task_id)
        if run.worker_pid is not None:
            board.processes.vanish(run.worker_pid)


def everything(conn: kb.BoardConnection) -> dict[str, Any]:
    """All rows, the numbers that come next, and what attached files hold."""
    with kb.reading(conn):
        rows = {table.name: [tuple(row) for row in conn.stream(table.rows)] for table in TABLES}
        board = tuple(conn.execute("SELECT board_id, slug, min_reader FROM boards").fetchone())
        counters = {name: number for name, number in conn.counters().items() if number}
        files = {}
        for (task,) in conn.execute("SELECT DISTINCT task_id FROM task_attachments").fetchall():
            for one in kb.list_attachments(conn, task):
                with kb.open_attachment(conn, one) as file:
                    files[one.id] = file.read()
    return {"rows": rows, "board": board, "counters": counters, "files": files}


def test_there_and_back_nothing_is_different(home: Home) -> None:
    board = home.board
    rich_board(board)
    kb.archive_task(board.conn, gone := board.create("gone"))
    kb.purge_task(board.conn, gone)
    kb.pause(board.conn)
    end_runs(board)
    drained = ("h", "far", "draining", 1_900_000_000, "person:ann")
    board.conn.execute(
        "INSERT INTO hosts (host_id, name, state, drained_at, drained_by) VALUES (?, ?, ?, ?, ?)",
        drained,
    )
    before = everything(board.conn)
    there = home.move(home.file, home.database)
    assert (there.done, there.rows["tasks"]) == ("moved", len(before["rows"]["tasks"]))
    assert there.hash == kb.fingerprint(board.conn)
    with home.opened(home.address) as conn:
        assert everything(conn) == before
        assert kb.check(conn, deep=True) == kb.replay_differences(conn) == []
        row = conn.execute("SELECT host_id, name, state, drained_at, drained_by FROM hosts")
        assert tuple(row.fetchone()) == drained
        assert len(conn.files.listed()) == there.files
    # No number comes twice, and whoever looks at the file sees what it was.
    assert kb.fingerprint(board.conn) == there.hash
    back = home.move(home.database, home.file)
    assert (back.hash, back.rows, back.files) == (there.hash, there.rows, there.files)
    with home.opened() as conn:
        assert everything(conn) == before
        newest = kb.get_task(conn, home.create())
        assert newest.seq == before["counters"]["tasks"] + 1
    # The connection that was open all the while goes on with what came back.
    kb.add_comment(board.conn, newest.id, "here again")
    again = home.move(home.file, home.database)
    assert again.rows["task_comments"] == there.rows["task_comments"] + 1


def test_what_was_moved_is_not_written_any_more_and_says_where_it_is(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.move(home.file, home.database)
    for conn in (home.board.conn, None):
        with pytest.raises(kb.BoardMoved, match=r"was moved to postgresql://.*set kanban.database"):
            if conn is None:
                kb.connect("default")
            else:
                kb.create_task(conn, title="too late")
    with pytest.raises(kb.BoardMoved, match=r"--to sqlite"):
        kb.restore(kb.backup(home.board.conn), "copy")
    with home.opened(home.address) as there:
        home.move(home.database, home.file)
        with pytest.raises(kb.BoardMoved, match=r"take kanban\.database out"):
            kb.create_task(there, title="too late")
        with pytest.raises(kb.BoardMoved):
            kb.pause(there)
        assert kb.list_tasks(there) != []
        # On another host there is no such file, and one made anew would be another board.
        with monkeypatch.context() as patch:
            sit_at("another", patch)
            with pytest.raises(
                kb.BoardMoved, match=rf"of host {os.uname().nodename} on .*one host"
            ):
                kb.pause(there)
        machine.cache_clear()
    with pytest.raises(kb.BoardMoved):
        pgboards.connect(home.address, board_paths("default"))
    assert home.create().startswith("t_")


def test_a_move_is_refused_while_anything_lives(home: Home) -> None:
    board = home.board
    task = board.create("busy")
    run = board.start(task)
    said = rf"run {run.id} of {task} \(process {run.worker_pid}\)"
    with pytest.raises(InUse, match=said):
        home.move(home.file, home.database)
    with pytest.raises(InUse, match="run"):
        home.move(home.file, home.database, wait_seconds=0.1)
    kb.reclaim_task(board.conn, task)
    with pytest.raises(InUse, match=said):
        home.move(home.file, home.database)
    board.processes.vanish(run.worker_pid or 0)
    held = board.create("held by hand")
    board.claim(held)
    with pytest.raises(InUse, match=f"of {held} .claimed by"):
        home.move(home.file, home.database)
    kb.reclaim_task(board.conn, held)
    for lock in (board.conn.paths.dispatcher_lock, board.conn.paths.notifier_lock):
        role = RoleLock(lock)
        assert role.try_take()
        with pytest.raises(InUse, match=f"a gateway serves this board: process {os.getpid()}"):
            home.move(home.file, home.database)
        role.release()
    assert home.database.look().state == "absent"
    # A process that is dead is no hindrance, though nobody wrote its end down yet.
    assert home.move(home.file, home.database).done == "moved"
    with home.opened(home.address) as conn:
        assert [one.id for one in live_runs(conn)] == [run.id]


def test_what_is_waited_for_may_end(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    task = home.board.create("busy")
    home.board.claim(task)
    rested = []

    def meanwhile(seconds: float) -> None:
        rested.append(seconds)
        kb.complete_task(home.board.conn, task)

    monkeypatch.setattr("hermes_kanban.kernel.relocating.time.sleep", meanwhile)
    assert home.move(home.file, home.database, wait_seconds=ENOUGH).done == "moved"
    assert len(rested) == 1


def test_a_gateway_of_another_host_is_seen(home: Home) -> None:
    home.move(home.file, home.database)
    with home.opened(home.address) as conn:
        now = conn.clock.now()
        conn.execute(
            "INSERT INTO hosts (host_id, name, gateway_pid, started_at, last_seen_at)"
            " VALUES ('far', 'far', 77, :now, :now)",
            {"now": now},
        )
        with pytest.raises(InUse, match=r"process 77 on far, seen . s ago"):
            home.move(home.database, home.file)
        conn.execute("UPDATE hosts SET last_seen_at = :then", {"then": now - 3_600})
    assert home.move(home.database, home.file).done == "moved"


def test_a_board_that_is_not_sound_stays_where_it_is(home: Home) -> None:
    home.board.damage("UPDATE tasks SET title = 'other'")
    with pytest.raises(kb.KanbanError, match=r"1 invariants are broken.*check --fix"):
        home.move(home.file, home.database)
    assert home.database.look().state == "absent"
    assert home.create()


def test_a_lost_attachment_is_told_before_anything_is_moved(home: Home) -> None:
    (file,) = (home.board.conn.paths.root / "attachments").iterdir()
    file.unlink()
    with pytest.raises(kb.KanbanError, match="has no file"):
        home.move(home.file, home.database)
    assert home.database.look().state == "absent"


def test_another_board_is_not_replaced_and_one_that_was_never_used_is(home: Home) -> None:
    with home.opened(home.address):
        assert home.database.look().state == "unused", "made by whoever looked there first"
    home.move(home.file, home.database)
    shutil.rmtree(home.board.conn.paths.root)
    kb.create_board("default")
    other = home.create()
    with pytest.raises(
        InUse, match=r"there is a board default already: postgresql://.*DROP SCHEMA"
    ):
        home.move(home.file, home.database)
    with pytest.raises(InUse, match=r"there is a board default already: /.*move the folder"):
        home.move(home.database, home.file)
    with home.opened() as conn:
        assert [task.id for task in kb.list_tasks(conn)] == [other]


def test_a_board_is_not_moved_onto_itself_by_another_address(home: Home) -> None:
    home.move(home.file, home.database)
    again = DatabasePlace(f"{home.address}&application_name=other", board_paths("default"))
    with pytest.raises(InUse, match=r"the board default is there already") as found:
        home.move(home.database, again)
    assert "DROP" not in str(found.value)
    assert home.create(home.address)


def test_a_board_of_an_earlier_version_is_migrated_before_it_is_looked_at(home: Home) -> None:
    paths = board_paths("old")
    paths.root.mkdir()
    with contextlib.closing(sqlite3.connect(paths.database)) as conn:
        conn.executescript((BOARDS / f"schema-{SCHEMA_VERSION - 1}.sql").read_text())
    with pytest.raises(InUse, match="claimed by"):
        kb.relocate(paths, FilePlace(paths), DatabasePlace(home.address, paths))
    assert list(paths.backups.glob("before-migration-*.db"))
    with contextlib.closing(kb.connect("old")) as there:
        assert there.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION


def test_a_board_of_a_later_version_is_left_alone(home: Home) -> None:
    home.move(home.file, home.database)
    with psycopg.connect(home.address, autocommit=True) as session:
        session.execute("UPDATE kanban_default.boards SET min_reader = 99")
        session.execute("INSERT INTO kanban_default.schema_migrations VALUES (99, 'later', 1)")
    for source, target in ((home.file, home.database), (home.database, home.file)):
        with pytest.raises(kb.BoardTooNew, match="schema version 99"):
            home.move(source, target)


def test_a_user_who_may_not_create_is_told_what_to_ask_for(home: Home) -> None:
    with psycopg.connect(home.address, autocommit=True) as session:
        session.execute("DROP ROLE IF EXISTS guest")
        session.execute("CREATE ROLE guest LOGIN")
    address = home.address.replace("//postgres:", "//guest:")
    assert address != home.address
    with pytest.raises(kb.KanbanError, match=r"guest may not create schemas.*GRANT CREATE"):
        home.move(home.file, DatabasePlace(address, board_paths("default")))


def test_a_text_that_postgresql_cannot_hold_is_named(home: Home) -> None:
    home.board.conn.execute("UPDATE tasks SET title = 'a' || char(0) || 'b'")
    home.board.conn.execute(
        "UPDATE task_events SET payload = replace(payload, '\"one\"', '\"a\\u0000b\"')"
    )
    with pytest.raises(kb.KanbanError, match="a row of tasks cannot be stored in PostgreSQL"):
        home.move(home.file, home.database)
    assert home.database.look().state == "absent"
    assert home.create()


def test_a_home_that_never_had_it_gets_the_board_and_its_files(home: Home) -> None:
    before = everything(home.board.conn)
    home.board.close()
    home.move(home.file, home.database)
    shutil.rmtree(home.board.home / "boards")
    assert home.move(home.database, home.file).files == 1
    with home.opened() as conn:
        assert everything(conn) == before
        assert kb.check(conn, deep=True) == []


def test_from_one_database_to_another(home: Home) -> None:
    home.move(home.file, home.database)
    name = f"other_{os.getpid()}"
    with psycopg.connect(home.address, autocommit=True) as session:
        session.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        session.execute(f"CREATE DATABASE {name}".encode())
        other = home.address.replace(f"/{session.info.dbname}?", f"/{name}?")
    place = DatabasePlace(other, board_paths("default"))
    try:
        home.move(home.database, place)
        with home.opened(other) as conn:
            assert kb.check(conn, deep=True) == []
        with pytest.raises(kb.BoardMoved, match=f"/{name}"):
            home.create(home.address)
    finally:
        with psycopg.connect(home.address, autocommit=True) as session:
            session.execute(f"DROP DATABASE {name} (FORCE)".encode())


@pytest.mark.parametrize("way", ["to", "back"])
def test_a_board_that_is_used_meanwhile_is_not_replaced(
    home: Home, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target, address = home.file, home.database, home.address
    if way == "back":
        home.move(home.file, home.database)
        shutil.rmtree(home.board.conn.paths.root)
        source, target, address = target, source, ""  # type: ignore[assignment]
    with home.opened(address):
        assert target.look().state == "unused"
    check = relocating.check

    def somebody_comes(*given: Any, **more: Any) -> list[kb.Violation]:
        monkeypatch.setattr(relocating, "check", check)
        with home.opened(address) as conn:
            kb.create_task(conn, title="another")
        return check(*given, **more)

    monkeypatch.setattr(relocating, "check", somebody_comes)
    with pytest.raises(InUse, match=r"a board came to .* meanwhile"):
        home.move(source, target)
    with home.opened(address) as conn:
        assert [task.title for task in kb.list_tasks(conn)] == ["another"]
    assert source.look().state == "board"


# Killed.


def _steps() -> dict[str, tuple[Any, str]]:
    from hermes_kanban.store import database_place, replace

    return {
        "look": (relocating, "_done_before"),
        "rest": (relocating, "_must_be_sound"),
        "load-database": (database_place._DatabaseDraft, "load"),
        "load-file": (file_place._FileDraft, "load"),
        "compare": (relocating, "fingerprint"),
        "keep-database": (database_place._DatabaseDraft, "keep"),
        "keep-file": (file_place._FileDraft, "keep"),
        "overwrite": (replace, "overwrite"),
        "put": (replace, "put"),
        "place": (FilePlace, "_place"),
        "leave-file": (FilePlace, "leave"),
        "leave-database": (DatabasePlace, "leave"),
        "let-in-file": (FilePlace, "let_in"),
        "let-in-database": (DatabasePlace, "let_in"),
    }


TO = (
    "before-look:1", "after-rest:1", "after-load-database:1", "before-load-database:9",
    "after-compare:1", "before-keep-database:1", "after-keep-database:1",
    "before-leave-file:1", "after-leave-file:1", "before-let-in-database:1",
    "after-let-in-database:1",
)  # fmt: skip
BACK = (
    "after-rest:1", "before-load-file:1", "after-load-file:5", "after-keep-file:1",
    "before-overwrite:1", "after-overwrite:1", "after-place:1", "before-leave-database:1",
    "after-leave-database:1", "before-let-in-file:1", "after-let-in-file:1",
)  # fmt: skip
MISSING = ("before-put:1", "after-put:1", "before-let-in-file:1")
# A way, and whether the file of before is there when the board comes back to it.
KILLS = [
    ("to", True, ("after-keep-database:1", "after-leave-file:1", "before-let-in-database:1")),
    ("back", True, ("after-overwrite:1", "before-let-in-file:1")),
    pytest.param("to", True, TO, marks=pytest.mark.torture),
    pytest.param("back", True, BACK, marks=pytest.mark.torture),
    pytest.param("back", False, MISSING, marks=pytest.mark.torture),
]


def mover() -> None:
    """A process that moves the board, and kills itself where ``KILL_AT`` says."""
    Killing(os.environ["KILL_AT"]).surround(_steps())
    paths = board_paths("default")
    places = FilePlace(paths), DatabasePlace(os.environ["MOVE_TO"], paths)
    source, target = places if os.environ["WAY"] == "to" else places[::-1]
    kb.relocate(paths, source, target, processes=SystemProcesses())


@pytest.mark.parametrize(("way", "there", "points"), KILLS)
def test_killed_anywhere_the_board_is_in_one_place_and_the_move_can_be_repeated(
    home: Home, way: str, there: bool, points: tuple[str, ...], tmp_path: Path
) -> None:
    wanted = kb.fingerprint(home.board.conn)
    home.board.close()
    for point in points:
        if way != "to" and home.file.look().state == "board":
            home.move(home.file, home.database)
        if way == "to" and home.database.look().state == "board":
            home.move(home.database, home.file)
        if not there:
            for file in home.board.conn.paths.root.glob("board.db*"):
                file.unlink()
        source: Place = home.file
        target: Place = home.database
        if way != "to":
            source, target = target, source
        variables = {"MOVE_TO": home.address, "WAY": way}
        with running(mover, point, errors=tmp_path / "errors", **variables) as process:
            process.join(ENOUGH)
            assert process.exitcode == KILLED, f"{point}: {(tmp_path / 'errors').read_text()}"
        states = source.look().state, target.look().state
        assert states.count("board") == 1 or states == ("away", "coming"), f"{point}: {states}"
        done = home.move(source, target)
        assert done.done in ("moved", "finished", "already"), point
        assert (source.look().state, target.look().state) == ("away", "board"), point
        with home.opened(home.address if way == "to" else "") as conn:
            assert kb.fingerprint(conn) == wanted, point
            assert kb.check(conn, deep=True) == [], point


def test_no_room_for_the_file_leaves_the_board_where_it_is(home: Home, shell: Cli) -> None:
    home.move(home.file, home.database)
    before = home.database.look()

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    program = [sys.executable, "-m", "hermes_kanban.surfaces.cli.main", "move"]
    done = subprocess.run(
        [*program, "--from", home.address, "--to", "sqlite"],
        capture_output=True,
        text=True,
        check=False,
        timeout=ENOUGH,
        preexec_fn=small,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1
    assert (home.database.look(), home.file.look().state) == (before, "away")
    assert home.create(home.address)
    assert not list(home.board.conn.paths.root.glob(".move*"))
    assert home.move(home.database, home.file).done == "moved"


# The command.


def test_the_command_moves_writes_the_configuration_and_comes_back(home: Home, cli: Cli) -> None:
    config = home.board.home / "config.yaml"
    config.write_text("# mine\nkanban:\n  max_spawn: 3  # few\n")
    os.environ.pop("HERMES_KANBAN_DATABASE")
    kb.create_board("second")
    looked = cli("move", "--to", home.address, "--dry-run")
    assert (looked.code, "default can be moved to" in looked.out) == (0, True)
    assert home.database.look().state == "absent"
    one = cli("move", "--to", home.address)
    assert one.code == 0
    assert "kanban:\n    database: postgresql://" in one.out
    all_ = cli("move", "--to", home.address, "--all", "--write-config", "--json")
    assert [board["done"] for board in all_.json["boards"]] == ["already", "moved"]
    assert config.read_text().startswith("# mine\nkanban:\n  max_spawn: 3  # few\n")
    assert load(home.board.home).kanban.database == all_.json["database"]
    assert cli("boards", "list", "--json").json["boards"][1]["slug"] == "second"
    back = cli("move", "--to", "sqlite", "--all", "--write-config")
    assert back.code == 0, back.err
    assert load(home.board.home).kanban.database == ""
    assert cli("check", "--deep").code == 0


def test_a_configuration_is_not_changed_while_boards_would_be_out_of_sight(
    home: Home, cli: Cli
) -> None:
    os.environ.pop("HERMES_KANBAN_DATABASE")
    kb.create_board("second")
    conn = kb.connect("second")
    kb.create_task(conn, title="left behind")
    conn.close()
    done = cli("move", "--to", home.address, "--write-config")
    assert (done.code, "second was not moved yet" in done.err) == (0, True)
    assert "move second too" in done.out
    assert not (home.board.home / "config.yaml").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "say where with --to"),
        (["--to", "sqlite"], 2, "kanban.database is not set"),
        (["--to", "sqlite", "--from", "sqlite"], 2, "the same place"),
        (["--to", "postgresql://u@h/d", "--from", "postgresql://u@h/d"], 2, "the same place"),
        (["--to", "mysql://u:secret@h/d"], 2, "--to names no place"),
        (["--to", "postgresql://u:secret@[h/d"], 2, "cannot be understood"),
        (["--to", "postgresql://u:secret@127.0.0.1:1/d"], 1, "Connection refused"),
        (["--to", "postgresql://u@h/d?password=secret", "--write-config"], 2, "no password"),
        (["--to", "postgresql://u@h/d", "--all", "--board", "x"], 2, "exclude each other"),
        (["--to", "postgresql://u@h/d", "--wait", "-1"], 2, "--wait"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_a_line_and_no_password(
    home: Home, cli: Cli, words: list[str], code: int, said: str
) -> None:
    os.environ.pop("HERMES_KANBAN_DATABASE")
    done = cli("move", *words)
    assert (done.code, said in done.error) == (code, True), done.err
    assert "secret" not in done.out + done.err
    assert home.create()
