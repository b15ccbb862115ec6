"""A real gateway on PostgreSQL: woken by notifications, at home with broken connections."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.machine import machine
from hermes_kanban.store.pgnames import lock_key, schema_of
from tests.support import stores
from tests.support.gateways import Gateways, shell
from tests.support.waiting import wait_until

pytestmark = pytest.mark.stores("postgres")

# As a command's worker works: by the command line, with what its environment says.
BY_COMMANDS = (
    f"{sys.executable} -m hermes_kanban.surfaces.cli.main comment $HERMES_KANBAN_TASK hello &&"
    f" {sys.executable} -m hermes_kanban.surfaces.cli.main complete $HERMES_KANBAN_TASK"
    " --summary written"
)
QUICK = shell("true")
# It asks its server which boards there are each second, not each ten.
ASKS_OFTEN = """
import gateway.runner
from gateway.__main__ import main

gateway.runner.SCAN_SERVER_SECONDS = 1
main()
"""


def events(gateways: Gateways) -> list[str]:
    return [json.loads(line)["event"] for line in gateways.log_lines()]


def test_a_worker_finds_its_board_by_its_environment(gateways: Gateways) -> None:
    gateways.configure({"worker": shell(BY_COMMANDS)})
    conn = gateways.open()
    gateways.start()
    created = subprocess.run(
        [sys.executable, "-m", "hermes_kanban.surfaces.cli.main", "create", "x",
         "--assignee", "worker", "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    task_id = json.loads(created.stdout)["task"]["id"]
    assert gateways.wait_for(task_id, "done", "blocked").status == "done"
    run = kb.latest_run(conn, task_id)
    assert run is not None
    assert run.summary == "written"
    assert [comment.body for comment in kb.list_comments(conn, task_id)] == ["hello"]
    gateways.wait_for_exit(task_id)
    assert kb.check(conn, deep=True) == []


def test_it_goes_on_when_the_server_ends_its_connections(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK}, dispatch_interval_seconds=3600)
    conn = gateways.open()
    gateway = gateways.start()
    for _ in range(3):
        ours = conn.session.info.backend_pid  # type: ignore[attr-defined]
        for backend, _name in stores.database().sessions():
            if backend != ours:
                stores.database().kill(backend)
        task_id = kb.create_task(conn, title="now", assignee="quick")
        gateways.wait_for(task_id, "done")
        gateways.wait_for_exit(task_id)
    assert gateway.poll() is None
    assert "dispatch.took_over" not in events(gateways)
    gateway.terminate()
    assert gateway.wait(20) == 0
    assert "Traceback" not in gateways.errors()


def test_a_gateway_that_starts_before_its_database_waits_for_it(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK})
    with stores.database().shut():
        gateway = gateways.start(wait=False)
        wait_until(lambda: "board.refused" in events(gateways))
    wait_until(lambda: "board.opened" in events(gateways))
    task_id = kb.create_task(gateways.open(), title="now", assignee="quick")
    gateways.wait_for(task_id, "done")
    assert gateway.poll() is None


@pytest.mark.pristine
def test_a_gateway_that_starts_before_its_server_takes_writes_waits_for_that(
    gateways: Gateways,
) -> None:
    gateways.configure({"quick": QUICK})
    with psycopg.connect(stores.address(), autocommit=True) as session:
        setting = f'ALTER DATABASE "{session.info.dbname}" SET default_transaction_read_only'
        session.execute(f"{setting} = on".encode())
        try:
            gateway = gateways.start(wait=False)
            wait_until(lambda: "board.refused" in events(gateways) or gateway.poll() is not None)
        finally:
            session.execute(f"{setting} = off".encode())
    wait_until(lambda: "board.opened" in events(gateways), timeout=30)
    task_id = kb.create_task(gateways.open(), title="now", assignee="quick")
    gateways.wait_for(task_id, "done")
    assert gateway.poll() is None


def test_a_board_whose_folder_cannot_be_made_holds_up_no_other(
    gateways: Gateways, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateways.configure({"quick": QUICK})
    conn = gateways.open()
    gateway = gateways.start()
    (gateways.home / "boards" / "later").write_text("a file")
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("HERMES_KANBAN_HOME", str(tmp_path / "elsewhere"))
        kb.create_board("later")
    wait_until(
        lambda: "board.refused" in events(gateways) or gateway.poll() is not None, timeout=30
    )
    task_id = kb.create_task(conn, title="now", assignee="quick")
    gateways.wait_for(task_id, "done")
    (gateways.home / "boards" / "later").unlink()
    wait_until(lambda: events(gateways).count("board.opened") == 2, timeout=30)
    assert gateway.poll() is None


@pytest.mark.pristine
def test_the_boards_of_another_database_are_served_once_the_configuration_names_it(
    gateways: Gateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = stores.address()
    with psycopg.connect(here, autocommit=True) as session:
        name = session.info.dbname
        session.execute(f'DROP DATABASE IF EXISTS "{name}_next"'.encode())
        session.execute(f'CREATE DATABASE "{name}_next"'.encode())
    monkeypatch.delenv("HERMES_KANBAN_DATABASE")
    gateways.configure({"quick": QUICK}, database=here)
    gateways.open().close()
    gateways.start()
    gateways.configure({"quick": QUICK}, database=here.replace(name, f"{name}_next"))
    conn = gateways.open()
    task_id = kb.create_task(conn, title="now", assignee="quick")
    gateways.wait_for(task_id, "done")
    gateways.wait_for_exit(task_id)


@pytest.mark.parametrize("boards", [(), ("--board", "default")])
def test_a_board_that_is_gone_is_not_made_anew(gateways: Gateways, boards: tuple[str, ...]) -> None:
    gateways.configure({"quick": QUICK})
    conn = gateways.open()
    gateways.program = ("-c", ASKS_OFTEN, *boards)
    gateways.start()
    schema = schema_of("default")
    rename = 'ALTER SCHEMA "{}" RENAME TO "{}"'
    with psycopg.connect(stores.address(), autocommit=True) as session:
        session.execute(rename.format(schema, "elsewhere").encode())
        wait_until(lambda: "board.gone" in events(gateways))
        # It has looked since whether it is there again.
        looked = "board.refused" if boards else "the database has it no more"
        wait_until(lambda: any(looked in line for line in gateways.log_lines()))
        session.execute(rename.format("elsewhere", schema).encode())
    gateways.wait_for(kb.create_task(conn, title="now", assignee="quick"), "done")


def test_a_board_that_was_set_back_is_followed_from_where_it_is(gateways: Gateways) -> None:
    """As a standby that lags does when it takes over: ids that were seen are given away again."""
    gateways.configure({"quick": QUICK}, dispatch_interval_seconds=3600)
    conn = gateways.open()
    gateways.start()
    before = kb.newest_event_id(conn)
    gateways.wait_for(kb.create_task(conn, title="lost", assignee="quick"), "done")
    wait_until(lambda: events(gateways).count("worker.exited") == 1)
    with psycopg.connect(stores.address(), autocommit=True) as session:
        session.execute(f'SET search_path = "{schema_of("default")}"'.encode())
        session.execute(b"SET session_replication_role = replica")
        for table in (f"task_events WHERE id > {before}", "task_runs", "tasks"):
            session.execute(f"DELETE FROM {table}".encode())
        session.execute(
            f"SELECT setval(pg_get_serial_sequence('task_events', 'id'), {before})".encode()
        )
    wait_until(lambda: "board.gone" in events(gateways))
    gateways.wait_for(kb.create_task(conn, title="now", assignee="quick"), "done")
    assert gateways.processes[0].poll() is None


def test_a_gateway_whose_role_was_taken_meanwhile_stands_by(gateways: Gateways) -> None:
    """Two homes of one host share a database; the role is asked for again at every look."""
    gateways.configure({"quick": QUICK}, dispatch_interval_seconds=0.2)
    conn = gateways.open()
    gateways.start()
    (holder,) = [pid for pid, name in stores.database().sessions() if name.endswith("dispatcher")]
    with psycopg.connect(stores.address(), autocommit=True) as other:
        take = "SELECT pg_terminate_backend(%s, 5000), pg_advisory_lock(%s)"
        other.execute(take, (holder, dispatcher_key()))
        wait_until(lambda: "dispatch.standby" in events(gateways))
        task_id = kb.create_task(conn, title="later", assignee="quick")
        assert kb.get_task(conn, task_id).status == "ready"
    gateways.wait_for(task_id, "done")
    assert "dispatch.took_over" in events(gateways)
    told = [json.loads(line).get("error") for line in gateways.log_lines()]
    assert "another gateway of this host dispatches the board now" in told


def dispatcher_key() -> int:
    return lock_key(f"dispatcher {schema_of('default')} {machine().host}")


def test_a_board_made_while_it_runs_is_served(gateways: Gateways) -> None:
    gateways.configure({"quick": QUICK})
    gateways.open()
    gateways.start()
    kb.create_board("later")
    conn = kb.connect("later")
    task_id = kb.create_task(conn, title="now", assignee="quick")
    wait_until(lambda: kb.get_task(conn, task_id).status == "done", timeout=30)
    conn.close()
