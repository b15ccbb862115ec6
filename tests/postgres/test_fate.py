"""What becomes of a commit during which the line breaks: all of it or nothing, and once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model.errors import FateUnknown
from hermes_kanban.store import pgfate
from hermes_kanban.store.postgres import PostgresConnection
from hermes_kanban.store.protocol import write
from tests.support import server, stores
from tests.support.boards import ABoard, isolate
from tests.support.relay import Relay
from tests.support.waiting import wait_until

pytestmark = pytest.mark.stores("postgres")

EVENT = "SELECT kind, actor, payload, created_at AS at, task_id, run_id FROM task_events"
ONCE = b"pg_notify("
"""In the request with which a verb that reads nothing begins, writes and commits."""
SERVES = "SELECT count(*) FROM pg_stat_activity WHERE pid = :pid"
ROLES = (
    "CREATE ROLE hk_owner",
    "CREATE ROLE hk_host LOGIN IN ROLE hk_owner",
    "GRANT USAGE ON SCHEMA kanban_default TO hk_owner",
    "GRANT SELECT ON ALL TABLES IN SCHEMA kanban_default TO hk_owner",
)


def pg(conn: kb.BoardConnection) -> PostgresConnection:
    assert isinstance(conn, PostgresConnection)
    return conn


def thaw(process: int) -> None:
    """Let a process that was stopped go on, if there still is one."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGCONT)


@pytest.mark.parametrize("kept", [True, False])
def test_a_connection_that_ends_during_the_commit_is_asked_about(
    board: ABoard, line: Relay, kept: bool
) -> None:
    """Whether it was kept is what the server says, not a guess."""
    task_id, conn = board.create(), board.connect()
    line.cut_at(b"COMMIT\0", delivered=kept)
    if kept:
        kb.add_comment(conn, task_id, "kept")
    else:
        with pytest.raises(kb.BoardUnreachable):
            kb.add_comment(conn, task_id, "not kept")
    assert [one.body for one in kb.list_comments(conn, task_id)] == (["kept"] if kept else [])
    conn.close()


@pytest.mark.parametrize("kept", [True, False])
def test_a_task_whose_making_broke_off_is_made_once(board: ABoard, line: Relay, kept: bool) -> None:
    conn = board.connect()
    line.cut_at(ONCE, delivered=kept)
    task_id = kb.create_task(conn, title='"seq":-1')
    assert line.has_cut
    (task,) = kb.list_tasks(board.conn)
    assert (task.id, task.title) == (task_id, '"seq":-1')
    (event,) = kb.list_events(board.conn)
    assert event.payload["task"]["seq"] == task.seq
    conn.close()


@pytest.mark.parametrize("again", ["breaks", "is done"])
def test_what_broke_off_is_looked_for_only_once_it_is_over(
    board: ABoard, line: Relay, again: str
) -> None:
    """What serves the old session may still have to read what it was sent."""
    conn = pg(board.connect())
    late, told, before = conn.session.info.backend_pid, [], line.round_trips

    def make() -> None:
        try:
            told.append(kb.create_task(conn, title="once"))
        except kb.BoardUnreachable:
            told.append("")

    thread = threading.Thread(target=make)
    os.kill(late, signal.SIGSTOP)
    try:
        line.cut_at(ONCE, delivered=True)
        thread.start()
        wait_until(lambda: line.has_cut)
        if again == "breaks":
            line.cut_at(ONCE, delivered=False)
        wait_until(lambda: told or line.round_trips > before + 8)
    finally:
        thaw(late)
    thread.join()
    wait_until(lambda: not board.conn.execute(SERVES, {"pid": late}).fetchone()[0])
    assert [task.id for task in kb.list_tasks(board.conn)] == [one for one in told if one]
    assert (told == [""]) == (again == "breaks")


def test_what_a_pooler_sent_on_late_is_found_by_the_second_try(
    board: ABoard, line: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows numbers of its own, so that nobody can end the old session."""
    monkeypatch.setattr(pgfate, "_END", "SELECT 0, 0 WHERE NOT (%s = 0 AND %s = 0)")
    conn = pg(board.connect())
    late, has = conn.session.info.backend_pid, pgfate._has

    def has_not_yet(session: psycopg.Connection[Any], event: dict[str, Any] | None) -> bool:
        found = has(session, event)
        thaw(late)
        wait_until(lambda: kb.list_tasks(board.conn))
        return found

    monkeypatch.setattr(pgfate, "_has", has_not_yet)
    os.kill(late, signal.SIGSTOP)
    try:
        line.cut_at(ONCE, delivered=True)
        task_id = kb.create_task(conn, title="once")
    finally:
        thaw(late)
    assert [task.id for task in kb.list_tasks(board.conn)] == [task_id]


def test_what_broke_off_is_found_behind_much_that_came_later(board: ABoard) -> None:
    board.create("ours")
    ours = dict(board.conn.execute(EVENT).fetchone())
    board.conn.raise_counters({"task_events": 100_000})
    board.create("another's")
    of = pgfate.Broken((0, 0.0), "", ours, 1)
    assert pgfate.was_kept(lambda: pg(board.conn).session, of, "here")


def test_a_batch_is_not_known_by_the_event_of_a_verb_that_it_undid(
    board: ABoard, line: Relay
) -> None:
    conn = board.connect()
    line.cut_at(b"COMMIT\0", delivered=True)
    with kb.batch(conn):
        kb.create_task(conn, title="kept")
        with contextlib.suppress(RuntimeError), kb.batch(conn):
            kb.create_task(conn, title="undone")
            raise RuntimeError
    assert line.has_cut
    assert [task.title for task in kb.list_tasks(board.conn)] == ["kept"]


def test_a_number_that_was_given_out_again_is_not_taken_for_ours(board: ABoard) -> None:
    """A server that crashed may have lost a transaction, and committed another by its number."""
    with write(board.conn, "test") as tx:
        xid = tx.value("SELECT pg_current_xact_id()::text")
        kb.create_task(board.conn, title="another's")
    event = dict(board.conn.execute(EVENT).fetchone())
    ours = event | {"payload": '{"task":{"id":"t_lost"}}'}

    def kept(event: dict[str, object] | None) -> bool:
        of = pgfate.Broken((0, 0.0), xid, event, 1)
        return pgfate.was_kept(lambda: pg(board.conn).session, of, "here")

    assert [kept(event), kept(ours), kept(None)] == [True, False, True]


def test_a_session_that_may_not_be_ended_is_waited_for(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that acts as a role of which its own is a member is not shown to itself."""
    stores.database().spoiled = True
    monkeypatch.setattr(pgfate, "FATE_SECONDS", 0.1)
    for statement in ROLES:
        board.conn.execute(statement)
    board.create("another's")
    event = dict(board.conn.execute(EVENT).fetchone()) | {"actor": "person:ours"}
    options = "-c role=hk_owner -c search_path=kanban_default"

    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(stores.address(), user="hk_host", options=options, autocommit=True)

    try:
        with connect() as old:
            of = pgfate.Broken((old.info.backend_pid, 4e9), "", event, 1)
            with pytest.raises(FateUnknown):
                pgfate.was_kept(connect, of, "here")
        monkeypatch.undo()
        assert not pgfate.was_kept(connect, of, "here")
    finally:
        for statement in ("DROP OWNED BY hk_owner", "DROP ROLE hk_owner, hk_host"):
            board.conn.execute(statement)


@pytest.mark.parametrize("xid", ["", "9999999"])
def test_a_standby_is_not_asked(
    database: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, xid: str
) -> None:
    """It may still have to hear of what was kept."""
    folder, address = database
    isolate(tmp_path, monkeypatch)
    monkeypatch.setenv("HERMES_KANBAN_DATABASE", address)
    monkeypatch.setattr(pgfate, "FATE_SECONDS", 0.1)
    with contextlib.closing(pg(kb.connect())) as conn:
        kb.create_task(conn, title="another's")
        event = dict(conn.execute(EVENT).fetchone()) | {"actor": "person:ours"}
        of = pgfate.Broken((0, 0.0), xid, event, 1)
        server.kill(folder)
        (folder / "data" / "standby.signal").touch()
        server.start_again(folder)
        with pytest.raises(FateUnknown):
            pgfate.was_kept(conn._connect, of, "here")
        conn.session.execute("SELECT pg_promote()")
        assert not pgfate.was_kept(conn._connect, of, "here")
