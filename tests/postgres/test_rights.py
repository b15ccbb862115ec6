"""What the server's user may not do, and what is said of it: a board of others, a server that is
only read, one that is away."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from hermes_kanban import doctor
from hermes_kanban import kernel as kb
from hermes_kanban.doctor import database
from hermes_kanban.paths import board_paths
from hermes_kanban.store import pgboards, pgsession
from hermes_kanban.surfaces.cli.root import run
from tests.support import stores
from tests.support.boards import ABoard
from tests.support.gateways import Gateways, shell

pytestmark = pytest.mark.stores("postgres")

OTHER = "kanban_of_others"
NOWHERE = "postgresql://kanban@127.0.0.1:1/kanban"


@pytest.fixture
def other(board: ABoard, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the board's database for a user that may make boards in it, and no more."""
    del board
    mine = stores.address()
    with psycopg.connect(mine, autocommit=True) as admin:
        name = admin.info.dbname
        if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (OTHER,)).fetchone() is None:
            admin.execute(f"CREATE ROLE {OTHER} LOGIN".encode())
        admin.execute(f'GRANT CREATE ON DATABASE "{name}" TO {OTHER}'.encode())
        address = mine.replace("//postgres:@", f"//{OTHER}@")
        assert address != mine
        monkeypatch.setenv("HERMES_KANBAN_DATABASE", address)
        yield address
        monkeypatch.setenv("HERMES_KANBAN_DATABASE", mine)
        admin.execute(f'REVOKE ALL ON DATABASE "{name}" FROM {OTHER}'.encode())


def test_a_board_of_others_is_called_that_and_not_damaged(
    other: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(kb.KanbanError, match=f"{OTHER} has no right to it") as found:
        pgboards.connect(other, board_paths("default"))
    assert not isinstance(found.value, kb.BoardDamaged)
    assert run(["list"]) == 1
    said = capsys.readouterr().err
    assert ("drop" in said, "let the user own the schema" in said) == (False, True)


def test_boards_of_others_in_the_same_database_hold_up_none(other: str) -> None:
    kb.create_board("ours")
    assert pgboards.slugs(other) == ["ours"]
    assert pgboards.slugs(stores.address()) == ["default", "ours"]
    conn = kb.connect("ours")
    assert kb.create_task(conn, title="ours")
    conn.close()


def test_doctor_finds_no_fault_in_boards_of_others(
    other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del other
    kb.create_board("ours")

    def found() -> list[tuple[str, str]]:
        seen = database.database(Path(os.environ["HERMES_KANBAN_HOME"]))
        return [(one.state, one.text) for one in seen if "fsync" not in one.text]

    passed_over = ("ok", "boards of other users are passed over: kanban_default of postgres")
    monkeypatch.setenv("HERMES_KANBAN_BOARD", "ours")
    assert found() == [passed_over]
    monkeypatch.delenv("HERMES_KANBAN_BOARD")
    closed = ("warning", f"the board default is postgres's, and closed to {OTHER}")
    assert found() == [passed_over, closed]
    # A board of which its owner shows it more than that it is there is one that it would serve.
    with psycopg.connect(stores.address(), autocommit=True) as admin:
        admin.execute(f"GRANT USAGE ON SCHEMA kanban_default TO {OTHER}".encode())
        fault = f"{OTHER} may not write the board in schema kanban_default"
        assert found() == [("fault", fault)]
        admin.execute(f"REVOKE USAGE ON SCHEMA kanban_default FROM {OTHER}".encode())


@pytest.fixture
def read_only(board: ABoard) -> Iterator[ABoard]:
    """A board whose database was set to be only read, as before it is moved to another server."""
    with psycopg.connect(stores.address(), autocommit=True) as admin:
        setting = f'ALTER DATABASE "{admin.info.dbname}" SET default_transaction_read_only'
        admin.execute(f"{setting} = on".encode())
        yield board
        admin.execute(f"{setting} = off".encode())


def test_nothing_is_written_where_the_database_is_to_be_only_read(read_only: ABoard) -> None:
    conn = kb.connect()
    with pytest.raises(kb.KanbanError, match=r"is read only now .*default_transaction_read_only"):
        kb.create_task(conn, title="too late")
    assert kb.list_tasks(conn) == kb.list_tasks(read_only.conn) == []
    conn.close()
    found = database.database(Path(os.environ["HERMES_KANBAN_HOME"]))
    (fault,) = [one.text for one in found if one.state == "fault"]
    assert "default_transaction_read_only is on" in fault


def test_who_is_troubled_by_an_outage_is_told_of_it_once(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    del board
    monkeypatch.setattr(pgsession, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setenv("HERMES_KANBAN_DATABASE", NOWHERE)
    found = {one.check: one for one in doctor.examine()}
    assert [name for name, one in found.items() if one.state == "fault"] == ["database"]
    assert "the database does not answer" in found["boards"].text


def test_the_gateway_of_a_home_is_seen_while_its_database_is_away(
    gateways: Gateways,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gateways.configure({"quick": shell("true")})
    gateways.open()
    gateway = gateways.start()
    monkeypatch.setattr(pgsession, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setenv("HERMES_KANBAN_DATABASE", NOWHERE)
    assert run(["gateway", "status"]) == 0
    out, err = capsys.readouterr()
    assert f"default: dispatching, pid {gateway.pid}" in out
    assert "Connection refused" in err
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(tmp_path / "another"))
    assert run(["gateway", "status"]) == 1


def test_what_a_board_has_in_a_home_is_its_owners_alone(
    board: ABoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del board
    home = tmp_path / "host" / "home"
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(home))
    kb.connect().close()
    kb.create_board("other")
    made = [home, *home.rglob("*")]
    assert {folder.name for folder in made} >= {"home", "boards", "default", "other"}
    assert [str(one) for one in made if one.stat().st_mode & 0o077] == []
