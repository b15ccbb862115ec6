"""A board on its way: exported and loaded it is the same, and so is one that was compressed."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import sqlite3
import stat
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import outbox, subscriptions
from hermes_kanban.kernel.fingerprint import TABLES
from hermes_kanban.store.protocol import write
from hermes_kanban.store.schema import SCHEMA_VERSION
from tests.porting import hermes_boards
from tests.porting.conftest import SOURCES, Board, Cli

BOARDS = Path(__file__).parents[1] / "store" / "boards"


@pytest.fixture
def rich(board: Board, cli: Cli, tmp_path: Path) -> Board:
    """A board with something in every table, at rest."""
    subscriptions.subscribe(board.conn, destination="log", filter={"kinds": "all"})
    parent, child = board.task("Parent"), board.task("Child")
    kb.link_tasks(board.conn, parent, child)
    task = kb.claim_task(board.conn, parent)
    assert task is not None
    kb.add_comment(board.conn, parent, "half way")
    kb.add_attachment(board.conn, parent, data=b"", name="empty")
    kb.add_attachment(board.conn, parent, data=os.urandom(1_000_000), name="large")
    kb.complete_task(
        board.conn, parent, summary="ünïcödé", run_id=task.current_run_id, metadata={"n": 1}
    )
    kb.archive_task(board.conn, gone := board.task("Gone"))
    kb.purge_task(board.conn, gone)
    assert cli("import", "csv", str(SOURCES / "tasks.csv")).code == 0
    outbox.advance_cursors(board.conn)
    with write(board.conn, "test") as tx:
        tx.run("INSERT INTO said (key, answer, created_at) VALUES ('k', 'a', 1)")
    kb.pause(board.conn)
    return board


def hash_of(cli: Cli, slug: str) -> str:
    found = cli("check", "--hash", "--deep", "--board", slug, "--json")
    assert found.code == 0, found.out
    return str(found.json["hash"])


@pytest.mark.parametrize("name", ["board.jsonl", "board.jsonl.gz"])
def test_exported_and_loaded_it_holds_the_same(
    cli: Cli, rich: Board, tmp_path: Path, name: str
) -> None:
    file = tmp_path / name
    done = cli("export", str(file), "--json")
    assert done.code == 0, done.err
    assert set(done.json["export"]["tables"]) == {table.name for table in TABLES}
    assert done.json["export"]["files"] == 2
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert cli("boards", "create", "copy").code == 0
    loaded = cli("import", "jsonl", str(file), "--board", "copy", "--json")
    assert loaded.code == 0, loaded.err
    assert hash_of(cli, "copy") == hash_of(cli, "default") == done.json["export"]["fingerprint"]
    conn = kb.connect("copy")
    assert conn.counters() == rich.conn.counters()
    assert kb.get_board(conn).paused_at is not None
    assert kb.replay_differences(conn) == []
    newest = kb.create_task(conn, title="goes on")
    assert kb.get_task(conn, newest).seq == rich.conn.counters()["tasks"] + 1
    conn.close()


@pytest.mark.stores("sqlite")
def test_every_table_and_every_column_is_told(board: Board) -> None:
    rows = board.conn.execute(
        "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c"
        " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name <> 'schema_migrations'"
    ).fetchall()
    of_the_place = {"board_id", "slug", "writer_host", "writer_seen_at", "min_reader"}
    of_the_place |= {"clock_boot", "clock_offset", "clock_suspended"}
    apart = ("hosts", "attachment_contents")
    wanted = {(t, c) for t, c in map(tuple, rows) if t != "boards" or c not in of_the_place}
    wanted = {(t, c) for t, c in wanted if t not in apart}
    assert wanted == {(table.name, column) for table in TABLES for column in table.columns}


def test_through_a_pipe_and_without_files(cli: Cli, rich: Board) -> None:
    assert cli("boards", "create", "copy").code == 0
    program = [sys.executable, "-m", "hermes_kanban.surfaces.cli.main"]
    told = subprocess.run([*program, "export", "-"], capture_output=True, check=True, timeout=60)
    loaded = subprocess.run(
        [*program, "import", "jsonl", "-", "--board", "copy"],
        input=told.stdout,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert b"2 files" in loaded.stdout
    assert hash_of(cli, "copy") == hash_of(cli, "default")


def test_what_was_running_is_reclaimed_and_its_process_left_alone(
    cli: Cli, board: Board, tmp_path: Path
) -> None:
    task = board.claimed()
    assert task.current_run_id is not None
    identity = {"host": "h", "boot": "b", "pidns": 1, "pid": 4, "start_ticks": 5}
    assert kb.register_worker(
        board.conn, task.current_run_id, pid=4, identity=kb.Identity(**identity), log_path="/x"
    )
    out: list[bytes] = []
    kb.export_board(board.conn, out.append)
    kb.create_board("copy")
    copy = kb.connect("copy")
    loaded = kb.load_board(copy, iter(out), "memory")
    assert loaded.reclaimed == [task.current_run_id]
    assert kb.get_task(copy, task.id).status == "ready"
    run = kb.get_run(copy, task.current_run_id)
    assert (run.outcome, run.exited_at is not None) == ("reclaimed", True)
    assert kb.get_task(board.conn, task.id).status == "running"
    assert kb.check(copy, deep=True) == []
    copy.close()


def lines_of(board: Board) -> list[bytes]:
    out: list[bytes] = []
    kb.export_board(board.conn, out.append)
    return out


def changed(lines: list[bytes], old: bytes, new: bytes) -> list[bytes]:
    assert any(old in line for line in lines)
    return [line.replace(old, new) for line in lines]


def newer(lines: list[bytes]) -> list[bytes]:
    head = json.loads(lines[0])
    return [json.dumps(head | {"schema": SCHEMA_VERSION + 1}).encode() + b"\n", *lines[1:]]


DAMAGE: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "cut off between lines": (lambda x: x[:20], "ends after line 20: cut off"),
    "cut off in a line": (lambda x: [*x[:9], x[9][:30]], "line 10, is no JSON"),
    "a line lost": (lambda x: [*x[:12], *x[13:]], "was changed since, or lost some lines"),
    "a word changed": (lambda x: changed(x, b"Child", b"Chilt"), "was changed since"),
    "garbage": (lambda x: [*x[:5], b"\x00\xff\n", *x[5:]], "line 6, is no JSON"),
    "another table": (lambda x: changed(x, b'"task_links"', b'"tasks_old"'), "a known table"),
    "a number for a text": (
        lambda x: changed(x, b'"title":"Child"', b'"title":{"a":1}'),
        "cannot be stored",
    ),
    "of something else": (lambda _: [b'{"id": "bd-1"}\n'], "is none; allowed"),
    "nothing": (lambda _: [], "is none; allowed"),
    "of a newer version": (newer, "is an export of a newer hermes-kanban"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_what_is_not_as_it_was_written_is_refused_whole(
    cli: Cli, rich: Board, tmp_path: Path, name: str
) -> None:
    damage, told = DAMAGE[name]
    file = tmp_path / "board.jsonl"
    file.write_bytes(b"".join(damage(lines_of(rich))))
    cli("boards", "create", "copy")
    before = hash_of(cli, "copy")
    refused = cli("import", "jsonl", str(file), "--board", "copy")
    assert refused.code == 2
    assert told in refused.error
    assert hash_of(cli, "copy") == before


def test_a_compressed_export_that_was_cut_off_is_refused(
    cli: Cli, rich: Board, tmp_path: Path
) -> None:
    file = tmp_path / "board.jsonl.gz"
    file.write_bytes(gzip.compress(b"".join(lines_of(rich)))[:-2_000])
    cli("boards", "create", "copy")
    refused = cli("import", "jsonl", str(file), "--board", "copy")
    assert (refused.code, "was cut off or damaged" in refused.error) == (2, True)


def test_only_an_empty_board_takes_it_and_no_file_is_replaced(
    cli: Cli, rich: Board, tmp_path: Path
) -> None:
    file = tmp_path / "board.jsonl"
    assert cli("export", str(file)).code == 0
    again = cli("export", str(file))
    assert (again.code, "a name that is not taken yet" in again.error) == (2, True)
    refused = cli("import", "jsonl", str(file))
    assert (refused.code, "holds something already" in refused.error) == (2, True)
    nowhere = cli("export", str(tmp_path / "absent" / "board.jsonl"))
    assert (nowhere.code, "no folder" in nowhere.error) == (3, True)
    assert sorted(one.name for one in tmp_path.iterdir() if one.is_file()) == ["board.jsonl"]


@pytest.mark.stores("sqlite")
def test_memory_does_not_grow_with_the_board(cli: Cli, board: Board, tmp_path: Path) -> None:
    hermes_boards.large(tmp_path / "kanban.db", 300)
    assert cli("import", "hermes", str(tmp_path / "kanban.db")).code == 0
    kb.create_board("copy")
    copy = kb.connect("copy")
    # What is loaded at the first use is not the board's.
    kb.export_board(copy, lambda _: None)
    tracemalloc.start()
    with open(tmp_path / "board.jsonl", "wb") as file:
        kb.export_board(board.conn, file.write)
    with open(tmp_path / "board.jsonl", "rb") as file:
        kb.load_board(copy, iter(file), "board.jsonl")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "board.jsonl").stat().st_size > 1_500_000
    assert peak < 1_000_000
    assert kb.fingerprint(copy) == kb.fingerprint(board.conn)
    copy.close()


@pytest.mark.stores("sqlite")
def test_a_compressed_backup_is_smaller_verified_and_restored(cli: Cli, rich: Board) -> None:
    plain = Path(cli("backup", "--json").json["backup"]["file"])
    made = cli("backup", "--compress", "--json").json["backup"]
    packed = Path(made["file"])
    assert packed.name.endswith(".db.gz")
    assert packed.stat().st_size < plain.stat().st_size / 2
    assert len(list(Path(made["attachments"]).iterdir())) == 2
    restored = cli("restore", str(packed), "--board", "copy", "--yes", "--json")
    assert restored.code == 0, restored.err
    assert restored.json["restored"]["source"] == str(packed)
    conn = kb.connect("copy")
    assert [kb.get_task(conn, one.id).title for one in kb.list_tasks(conn)]
    assert kb.check(conn, deep=True) == []
    conn.close()
    assert not list(packed.parent.parent.parent.glob(".restore*"))


@pytest.mark.stores("sqlite")
@pytest.mark.parametrize("cut", [100, 5_000])
def test_a_compressed_backup_that_was_cut_off_is_refused(cli: Cli, rich: Board, cut: int) -> None:
    packed = Path(cli("backup", "--compress", "--json").json["backup"]["file"])
    packed.write_bytes(packed.read_bytes()[:-cut])
    refused = cli("restore", str(packed), "--board", "copy", "--yes")
    assert refused.code == 1
    assert "is no whole compressed backup" in refused.error


@pytest.mark.stores("sqlite")
@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_migrate_brings_an_earlier_board_along_after_a_backup(
    cli: Cli, home: Path, version: int
) -> None:
    database = home / "boards" / "old" / "board.db"
    database.parent.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(database)) as conn:
        conn.executescript((BOARDS / f"schema-{version}.sql").read_text())
    looked = cli("migrate", "--all", "--dry-run", "--json").json["boards"]
    assert looked == [{"board": "old", "before": version, "after": version, "backups": []}]
    (done,) = cli("migrate", "--board", "old", "--json").json["boards"]
    assert (done["before"], done["after"]) == (version, SCHEMA_VERSION)
    assert [Path(one).name for one in done["backups"]] == [
        f"before-migration-{later}.db" for later in range(version + 1, SCHEMA_VERSION + 1)
    ]
    assert cli("check", "--deep", "--board", "old").code == 0
    again = cli("migrate", "--board", "old")
    assert again.out == f"old has schema {SCHEMA_VERSION}, the newest\n"
    # What was before can be had back, and goes the same way.
    assert cli("restore", done["backups"][0], "--board", "old", "--yes").code == 0
    assert cli("check", "--deep", "--board", "old").code == 0


@pytest.mark.stores("sqlite")
def test_migrate_tells_of_the_boards_that_it_cannot_bring_along(cli: Cli, home: Path) -> None:
    cli("init")
    broken = home / "boards" / "broken" / "board.db"
    broken.parent.mkdir()
    broken.write_text("no database, but long enough to be one" * 20)
    done = cli("migrate", "--all")
    assert done.code == 1
    assert "default has schema" in done.out
    assert "broken: " in done.out and "is not an intact board" in done.out


def test_an_export_of_an_earlier_schema_is_taken(board: Board) -> None:
    """Columns that came later are empty in it, as a migration leaves them."""
    board.task("Old")
    told = [json.loads(line) for line in lines_of(board)]
    from hermes_kanban.kernel.exporting import _Lines
    from hermes_kanban.kernel.fingerprint import Fingerprint

    later = {"provider", "resume"}
    out: list[bytes] = []
    lines, print_ = _Lines(out.append, lambda _: None), Fingerprint()
    for line in told[:-1]:
        if "row" in line:
            line["row"] = {c: v for c, v in line["row"].items() if c not in later}
            print_.add(line["table"], list(line["row"].values()))
        lines.write(line | ({"schema": 2} if "schema" in line else {}))
    lines.end(print_.value())
    kb.create_board("copy")
    copy = kb.connect("copy")
    kb.load_board(copy, iter(out), "memory")
    assert kb.fingerprint(copy) == kb.fingerprint(board.conn)
    copy.close()
