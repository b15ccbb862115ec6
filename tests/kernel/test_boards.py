"""Boards: which one is opened, when one is made, pausing and resuming."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model import BoardDamaged, InvalidInput, NotFound
from tests.conftest import MakeBoard
from tests.kernel.scenes import events_after
from tests.support.boards import ABoard, isolate

# Here boards are made, so none may be there.
pytestmark = pytest.mark.pristine


@pytest.fixture
def home(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home."""
    del store
    isolate(tmp_path / "home", monkeypatch)
    return tmp_path / "home"


def _slug_of_connection(board: str | None = None) -> str:
    conn = kb.connect(board)
    try:
        return kb.get_board(conn).slug
    finally:
        conn.close()


def test_an_empty_home_gets_the_board_default(home: Path) -> None:
    assert _slug_of_connection() == "default"
    assert (home / "boards" / "default").is_dir()
    assert [slug for slug, _ in kb.list_boards()] == ["default"]


def test_connecting_by_that_name_makes_it_too_and_no_other(home: Path) -> None:
    with pytest.raises(NotFound, match="other"):
        kb.connect("other")
    assert not (home / "boards" / "other").exists()
    assert _slug_of_connection("default") == "default"


def test_a_home_with_another_board_gets_no_default(home: Path) -> None:
    kb.create_board("work")
    with pytest.raises(NotFound, match="boards create default"):
        kb.connect()
    assert not (home / "boards" / "default").exists()
    assert _slug_of_connection("work") == "work"


def test_the_environment_names_the_board(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kb.create_board("work")
    kb.create_board("play")
    monkeypatch.setenv("HERMES_KANBAN_BOARD", "work")
    assert _slug_of_connection() == "work"
    assert _slug_of_connection("play") == "play"
    monkeypatch.setenv("HERMES_KANBAN_BOARD", "nosuch")
    with pytest.raises(NotFound, match="nosuch"):
        kb.connect()


@pytest.mark.stores("sqlite")
def test_a_file_in_the_environment_comes_before_a_name(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kb.create_board("work")
    file = tmp_path / "elsewhere" / "mine.db"
    monkeypatch.setenv("HERMES_KANBAN_BOARD", "work")
    monkeypatch.setenv("HERMES_KANBAN_DB", str(file))
    conn = kb.connect()
    task = kb.create_task(conn, title="in the file")
    conn.close()
    assert file.is_file()
    with sqlite3.connect(file) as plain:
        assert plain.execute("SELECT id FROM tasks").fetchone() == (task,)
    assert _slug_of_connection("work") == "work"
    work = kb.connect("work")
    assert kb.list_tasks(work) == []
    work.close()


@pytest.mark.parametrize(
    "slug", ["", "Work", "a b", "../up", ".hidden", "-x", "a" * 65, "a/b", "default.tmp"]
)
def test_a_boards_name_is_fit_for_a_folder(home: Path, slug: str) -> None:
    with pytest.raises(InvalidInput, match="board"):
        kb.create_board(slug)
    assert not (home / "boards").exists()


def test_creating_a_board_twice_creates_it_once(home: Path) -> None:
    assert kb.create_board("work", name="At work", icon="🔨", default_workdir=str(home)) is True
    assert kb.create_board("work", name="Another") is False
    conn = kb.connect("work")
    board = kb.get_board(conn)
    conn.close()
    assert (board.slug, board.name, board.icon, board.default_workdir) == (
        "work",
        "At work",
        "🔨",
        str(home),
    )


def test_each_board_has_an_id_of_its_own_and_sees_only_its_tasks(make_board: MakeBoard) -> None:
    one, two = make_board(), make_board("two")
    one.create("on one")
    assert kb.list_tasks(two.conn) == []
    assert one.board.board_id != two.board.board_id


def test_a_relative_default_folder_is_refused(home: Path) -> None:
    with pytest.raises(InvalidInput, match="default_workdir"):
        kb.create_board("work", default_workdir="src")
    assert kb.list_boards() == []


@pytest.mark.stores("sqlite")
def test_the_files_of_a_board_are_for_its_owner_alone(board: ABoard) -> None:
    board.create()
    root = board.conn.paths.root
    assert root.stat().st_mode & 0o777 == 0o700
    assert board.conn.paths.database.stat().st_mode & 0o777 == 0o600


@pytest.mark.stores("sqlite")
def test_the_list_names_the_boards_that_cannot_be_opened(home: Path) -> None:
    kb.create_board("good")
    kb.create_board("bad")
    (home / "boards" / "bad" / "board.db").write_bytes(b"")
    listed = dict(kb.list_boards())
    assert isinstance(listed["good"], kb.Board)
    assert isinstance(listed["bad"], BoardDamaged)


@pytest.mark.stores("sqlite")
def test_a_database_that_is_missing_is_damage_and_not_a_fresh_start(home: Path) -> None:
    conn = kb.connect()
    kb.create_task(conn, title="precious")
    conn.close()
    file = home / "boards" / "default" / "board.db"
    file.unlink()
    with pytest.raises(BoardDamaged, match="missing"):
        kb.connect()
    with pytest.raises(BoardDamaged, match="missing"):
        kb.create_board("default")
    assert not file.exists()


def test_init_makes_the_board_that_connect_would_open(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kb.create_board("work")
    paths = kb.init_db()
    assert paths.slug == "default"
    assert paths.root.is_dir()
    assert _slug_of_connection() == "default"


def test_pausing_and_resuming_are_events_of_the_board(board: ABoard) -> None:
    newest = kb.newest_event_id(board.conn)
    board.clock.advance(5)
    assert kb.pause(board.conn, reason="lunch", actor="person:ada") is True
    paused = kb.get_board(board.conn)
    assert (paused.paused_at, paused.paused_by) == (board.clock.now(), "person:ada")
    assert kb.pause(board.conn) is False
    assert kb.resume(board.conn, actor="person:bob") is True
    assert kb.resume(board.conn) is False
    resumed = kb.get_board(board.conn)
    assert (resumed.paused_at, resumed.paused_by) == (None, None)
    events = events_after(board, newest)
    assert [(e.kind, e.actor, e.task_id, e.run_id) for e in events] == [
        ("paused", "person:ada", None, None),
        ("resumed", "person:bob", None, None),
    ]
    assert events[0].payload["reason"] == "lunch"
    assert kb.check(board.conn) == []


def test_a_task_is_made_in_the_boards_default_folder(home: Path, tmp_path: Path) -> None:
    plain, repository = tmp_path / "plain", tmp_path / "repository"
    plain.mkdir()
    (repository / ".git").mkdir(parents=True)
    kinds = {}
    for slug, folder in (("plain", plain), ("code", repository)):
        kb.create_board(slug, default_workdir=str(folder.resolve()))
        conn = kb.connect(slug)
        task = kb.get_task(conn, kb.create_task(conn, title="here"))
        scratch = kb.get_task(conn, kb.create_task(conn, title="there", workspace="scratch"))
        conn.close()
        kinds[slug] = (task.workspace_kind, task.workspace_path)
        assert scratch.workspace_kind == "scratch"
    assert kinds == {
        "plain": ("dir", str(plain.resolve())),
        "code": ("worktree", str(repository.resolve())),
    }


@pytest.mark.stores("sqlite")
def test_a_connection_is_a_plain_sqlite_connection_with_rows(board: ABoard) -> None:
    task = board.create()
    assert isinstance(board.conn, sqlite3.Connection)
    row = board.conn.execute(
        "SELECT id FROM tasks WHERE status='ready' AND claim_lock IS NULL LIMIT 1"
    ).fetchone()
    assert row["id"] == task
    assert board.conn.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert board.conn.execute("PRAGMA foreign_keys").fetchone()[0] == 1


@pytest.mark.stores("sqlite")
def test_full_durability_is_the_default(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HERMES_KANBAN_DURABILITY")
    conn = kb.connect()
    assert conn.execute("PRAGMA synchronous").fetchone()[0] == 2
    conn.close()


def test_a_board_named_by_its_file_has_the_configuration_of_its_own_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a worker sees it: it knows the file and not the home."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.yaml").write_text("kanban: {max_retries: 7}")
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(home))
    database = kb.init_db().database
    elsewhere = tmp_path / "elsewhere" / "hermes-kanban"
    elsewhere.mkdir(parents=True)
    (elsewhere / "config.yaml").write_text("kanban: [no mapping]")
    monkeypatch.delenv("HERMES_KANBAN_HOME")
    monkeypatch.setenv("HERMES_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("HERMES_KANBAN_DB", str(database))
    conn = kb.connect()
    assert conn.config.kanban.max_retries == 7
    conn.close()
