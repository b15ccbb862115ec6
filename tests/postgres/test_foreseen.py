"""Verbs that decide on what was seen: one round trip, and what becomes of it when that fails."""

from __future__ import annotations

import threading
from typing import Any

import msgspec
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model import Refused, Task
from hermes_kanban.store import pgflow, pgsession
from hermes_kanban.store.pgclock import ServerClock
from hermes_kanban.store.postgres import PostgresConnection
from hermes_kanban.store.protocol import Unforeseen, write
from tests.support import stores
from tests.support.boards import ABoard, held
from tests.support.relay import Relay

pytestmark = pytest.mark.stores("postgres")

ONCE = b"pg_notify("
"""In the request with which such a verb begins, writes and commits."""


def proof(task: Task | None) -> dict[str, Any]:
    assert task is not None
    return {"run_id": task.current_run_id, "claim_lock": task.claim_lock}


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("verb", ["claim", "complete"])
def test_what_broke_off_is_done_once_and_its_run_is_known(
    board: ABoard, line: Relay, verb: str, kept: bool
) -> None:
    conn, seen = board.connect(), board.task(board.create(assignee="worker"))
    if verb == "claim":
        line.cut_at(ONCE, delivered=kept)
    claimed = kb.claim_task(conn, seen.id, claimer="robot", seen=seen)
    if verb == "complete":
        line.cut_at(ONCE, delivered=kept)
    assert claimed == board.task(seen.id)
    assert kb.complete_task(conn, seen.id, **proof(claimed), result="4,711") is True
    assert line.has_cut
    assert board.kinds(seen.id) == ["created", "claimed", "completed"]
    assert [run.outcome for run in kb.list_runs(board.conn, seen.id)] == ["completed"]
    assert kb.check(board.conn, deep=True) == []
    conn.close()


def test_of_several_who_saw_the_same_one_has_the_task(board: ABoard) -> None:
    seen = [board.task(board.create()) for _ in range(20)]
    start, taken = threading.Barrier(4), []

    def claim_all() -> None:
        conn = board.connect()
        start.wait()
        taken.extend(kb.claim_task(conn, task.id, seen=task) for task in seen)
        conn.close()

    threads = [threading.Thread(target=claim_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(task.id for task in taken if task) == sorted(task.id for task in seen)
    assert all(board.kinds(task.id) == ["created", "claimed"] for task in seen)
    assert kb.check(board.conn, deep=True) == []


def server_time(board: ABoard) -> float:
    return float(board.conn.execute(pgsession.TIME).fetchone()[0])


def test_a_lease_does_not_run_while_its_claim_waits_for_the_lock(
    board: ABoard, line: Relay
) -> None:
    """What was decided on before a long wait is decided on anew."""
    conn = kb.connect()  # with the server's clock
    seen = kb.get_task(conn, kb.create_task(conn, title="Count the words"))
    taken: list[Task | None] = []
    thread = threading.Thread(
        target=lambda: taken.append(kb.claim_task(conn, seen.id, seen=seen, ttl_seconds=60))
    )
    before = line.round_trips
    with held(board.conn):
        thread.start()
        board.conn.execute("SELECT pg_sleep(2.2)").fetchall()
        let_in_at = server_time(board)
    thread.join()
    assert taken == [board.task(seen.id)]
    assert (board.task(seen.id).claim_expires or 0) >= int(let_in_at) + 60
    assert line.round_trips - before == 3
    conn.close()


@pytest.mark.parametrize("befalls", ["broke before", "broke as it is sent", "a clock set back"])
def test_a_lease_is_as_long_as_it_was_asked_for(
    board: ABoard, line: Relay, monkeypatch: pytest.MonkeyPatch, befalls: str
) -> None:
    """Whatever comes between the time by which a claim decided and the claim."""
    conn = kb.connect()  # with the server's clock
    seen = kb.get_task(conn, kb.create_task(conn, title="Count the words"))
    assert isinstance(conn, PostgresConnection)
    assert isinstance(conn.clock, ServerClock)
    connect = conn._connect

    def connect_slowly() -> Any:
        session = connect()
        session.execute("SELECT pg_sleep(2.2)")
        return session

    monkeypatch.setattr(conn, "_connect", connect_slowly)
    if befalls == "broke before":
        conn.session.close()
    elif befalls == "broke as it is sent":
        line.cut_at(ONCE, delivered=False)
    else:
        conn.clock.hear(server_time(board) + 3_600)
    assert kb.claim_task(conn, seen.id, seen=seen, ttl_seconds=60) == board.task(seen.id)
    assert line.has_cut
    left = (board.task(seen.id).claim_expires or 0) - server_time(board)
    assert 57 < left <= 60
    conn.close()


def test_a_verb_that_asks_all_the_same_takes_no_less_for_given(board: ABoard) -> None:
    """A summary that names a task is looked up."""
    other, conn = board.create("other"), board.connect()
    tasks = [kb.claim_task(conn, board.create()) for _ in range(2)]
    first, second = (task.id for task in tasks if task)
    kb.create_task(board.conn, title="child", parents=[second])
    for task in tasks:
        assert task is not None
        assert kb.complete_task(conn, task.id, **proof(task), summary=f"as {other} and t_aaaaaa")
    assert [board.task(one).status for one in (first, second)] == ["done", "done"]
    assert board.kinds(first) == board.kinds(second) == [
        "created", "claimed", "completed", "warned",
    ]  # fmt: skip
    assert kb.check(board.conn, deep=True) == []
    conn.close()


def test_a_commit_without_a_commit_fails_as_any_other(board: ABoard) -> None:
    """What PostgreSQL finds only at the end of the transaction."""
    board.conn.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RAISE EXCEPTION ''not at last'' USING ERRCODE = ''disk_full''; END'"
    )
    board.conn.execute(
        "CREATE CONSTRAINT TRIGGER refuses AFTER INSERT ON tasks DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    conn = board.connect()
    (serves,) = conn.execute("SELECT pg_backend_pid()").fetchone()
    with pytest.raises(kb.DiskFull):
        kb.create_task(conn, title="refused")
    assert conn.execute("SELECT pg_backend_pid()").fetchone() == (serves,)
    board.conn.execute("DROP TRIGGER refuses ON tasks")
    board.conn.execute("DROP FUNCTION refuse")
    assert kb.list_tasks(conn) == []
    task_id = kb.create_task(conn, title="taken")
    assert [task.id for task in kb.list_tasks(board.conn)] == [task_id]
    conn.close()


def test_a_flow_without_a_begin_sees_what_was_committed_while_it_waited(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a database, or a role, begins transactions that see one moment."""
    monkeypatch.setenv("PGOPTIONS", "-c default_transaction_isolation=serializable")
    conn = board.connect()
    assert conn.execute("SHOW transaction_isolation").fetchone()[0] == "read committed"
    conn.close()


def test_only_what_must_be_so_is_kept_with_the_writes(board: ABoard) -> None:
    with write(board.conn, "test") as tx:
        tx.foresee("SELECT :one = 1", {"one": 1})
        tx.put("UPDATE boards SET icon = :icon", {"icon": "x"})
    assert kb.get_board(board.conn).icon == "x"
    for unmet in ("SELECT :one = 1", "SELECT CAST(NULL AS boolean) OR :one = 1"):
        with pytest.raises(Unforeseen), write(board.conn, "test") as tx:
            tx.foresee(unmet, {"one": 2})
            tx.put("UPDATE boards SET icon = :icon", {"icon": "y"})
    assert kb.get_board(board.conn).icon == "x"


def test_a_session_keeps_no_more_statements_for_what_was_never_so(board: ABoard) -> None:
    """A statement that was prepared in a transaction which then failed is prepared all the same."""
    conn, seen = board.connect(), board.task(board.create())
    kb.edit_task(board.conn, seen.id, title="another")
    kb.pause(board.conn)
    for _ in range(60):
        assert kb.claim_task(conn, seen.id, seen=seen) is None
    (prepared,) = conn.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()
    assert prepared < 12
    conn.close()


def test_a_session_lets_old_statements_go_also_where_it_fails(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgflow, "PREPARED_STATEMENTS", 10)
    conn = board.connect()
    for number in range(40):
        for _ in range(pgflow.PREPARE_AFTER + 1):
            with pytest.raises(Unforeseen), write(conn, "test") as tx:
                tx.foresee(f"SELECT {number} < 0", {})
    (prepared,) = conn.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()
    assert prepared <= 10
    conn.close()


def test_what_is_taken_for_given_is_asked_before_what_is_written(
    board: ABoard, line: Relay
) -> None:
    """Also by a verb that reads after its writes, and where the schema would refuse those."""
    for blocked in (True, False):
        conn, task = board.connect(), board.create()
        claimed = kb.claim_task(conn, task)
        if blocked:
            kb.block_task(board.conn, task, reason="which?")
        before = line.round_trips
        done = kb.complete_task(conn, task, **proof(claimed), summary="as t_aaaaaa")
        assert isinstance(done, Refused) is blocked
        assert board.task(task).status == ("blocked" if blocked else "done")
        assert line.round_trips - before == (6 if blocked else 2)
        conn.close()


def test_a_value_that_cannot_be_sent_costs_no_connection(board: ABoard) -> None:
    conn, seen = board.connect(), board.task(board.create())
    (serves,) = conn.execute("SELECT pg_backend_pid()").fetchone()
    for column, value in (("priority", 1 << 70), ("title", "\ud800"), ("title", "\0")):
        with pytest.raises((OverflowError, ValueError, kb.KanbanError)):
            wrong = msgspec.structs.replace(seen, **{column: value})
            kb.claim_task(conn, seen.id, seen=wrong)
    assert conn.execute("SELECT pg_backend_pid()").fetchone() == (serves,)
    assert kb.claim_task(conn, seen.id, seen=seen) == board.task(seen.id)
    conn.close()


NEWER = {
    "says so": "SELECT 1",
    "has no such column": "ALTER TABLE tasks RENAME title TO heading",
    "asks for more": "ALTER TABLE task_events ADD seen_by text NOT NULL",
}


@pytest.mark.parametrize("newer", NEWER)
def test_a_board_that_is_newer_by_now_is_told_to_be(board: ABoard, newer: str) -> None:
    """What writes all at once looks at the version in the same statement."""
    stores.database().spoiled = True
    conn, seen = board.connect(), board.task(board.create())
    claimed = kb.claim_task(conn, board.create())
    assert claimed is not None
    board.conn.execute("DELETE FROM task_events")
    board.conn.execute(NEWER[newer])
    board.conn.execute(
        "INSERT INTO schema_migrations (version, name, applied_at) VALUES (9999, 'newer', 1)"
    )
    calls = (
        lambda: kb.create_task(conn, title="refused"),
        lambda: kb.claim_task(conn, seen.id, seen=seen),
        lambda: kb.complete_task(conn, claimed.id, **proof(claimed)),
    )
    for call in calls:
        with pytest.raises(kb.BoardTooNew):
            call()
    rows = "SELECT (SELECT count(*) FROM tasks), (SELECT count(*) FROM task_events)"
    assert tuple(board.conn.execute(rows).fetchone()) == (2, 0)
    conn.close()
