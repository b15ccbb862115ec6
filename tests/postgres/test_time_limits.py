"""What takes too long: a statement, a writer that stands still, a server that is away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import clocks, hosts
from hermes_kanban.model.errors import FateUnknown, NotNow
from hermes_kanban.store import pgfate, pgflow, pgsession
from hermes_kanban.store.pgclock import ServerClock
from hermes_kanban.store.protocol import fetch_all, takes_long
from hermes_kanban.workers.process import SystemProcesses
from tests.support import stores
from tests.support.boards import ABoard

pytestmark = pytest.mark.stores("postgres")

STANDS_STILL = """
import sys
from hermes_kanban import kernel as kb
from hermes_kanban.store import pgsession

pgsession.IDLE_IN_TRANSACTION_SECONDS = 1
conn = kb.connect()
try:
    with kb.batch(conn):
        kb.create_task(conn, title="held back")
        print("holding", flush=True)
        sys.stdin.readline()
        kb.create_task(conn, title="nor this")
except kb.KanbanError as error:
    print(type(error).__name__, error, flush=True)
kb.create_task(conn, title="goes on")
"""
SLEEP = "SELECT pg_sleep(1.5)"


def test_a_writer_that_stands_still_lets_others_in_and_is_told(board: ABoard) -> None:
    frozen = subprocess.Popen(
        [sys.executable, "-c", STANDS_STILL],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    try:
        assert frozen.stdout is not None
        assert frozen.stdout.readline() == "holding\n"
        frozen.send_signal(signal.SIGSTOP)
        board.create("by another")
        frozen.send_signal(signal.SIGCONT)
        told, _ = frozen.communicate("\n", timeout=60)
    finally:
        frozen.kill()
        frozen.wait()
    assert told.startswith("BoardUnreachable this program stood still in the midst of a change")
    titles = [task.title for task in kb.list_tasks(board.conn)]
    assert sorted(titles) == ["by another", "goes on"]


def test_a_statement_is_ended_unless_its_verb_takes_long(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgsession, "STATEMENT_SECONDS", 1)
    conn = board.connect()
    with pytest.raises(NotNow, match="statement timeout"):
        fetch_all(conn, SLEEP)
    with pytest.raises(NotNow, match="nothing of it was kept"), kb.batch(conn):
        kb.create_task(conn, title="undone")
        fetch_all(conn, SLEEP)
    assert len(takes_long(fetch_all)(conn, SLEEP)) == 1
    with pytest.raises(NotNow):
        fetch_all(conn, SLEEP)
    assert kb.list_tasks(conn) == []
    conn.close()


def test_a_time_that_the_server_told_long_ago_is_no_jump_of_its_clock(board: ABoard) -> None:
    """The host stood still between the answer and hearing it, so it hears what was then."""
    conn = kb.connect()
    here = SystemProcesses().identity()
    assert clocks.follow_clock(conn, here) is None
    kb.claim_task(conn, board.create(), ttl_seconds=900)
    assert isinstance(conn.clock, ServerClock)
    conn.clock.hear(conn.clock.now() - 60)
    assert clocks.follow_clock(conn, here) is None
    assert clocks.follow_clock(conn, here) is None
    conn.close()


def test_a_host_that_writes_nothing_else_hears_the_time_with_its_heartbeat(board: ABoard) -> None:
    conn = kb.connect()
    host = hosts.describe(conn.config, "one", gateway_pid=7, version="1", started_at=1)
    kb.join_host(conn, host, "boot")
    assert isinstance(conn.clock, ServerClock)
    right = conn.clock.now()
    conn.clock.hear(right - 500)
    assert hosts.heartbeat(conn, host)
    (listed,) = kb.list_hosts(conn)
    assert min(listed.last_seen_at or 0, conn.clock.now()) >= right
    conn.close()


def test_whoever_asks_a_server_that_is_away_gives_up_in_time_with_one_line(
    board: ABoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del board
    monkeypatch.setenv("HERMES_KANBAN_DATABASE", f"postgresql://me@/board?host={tmp_path}")
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "hermes_kanban.surfaces.cli.main", "list"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert time.monotonic() - began >= 0.5 * pgsession.PATIENCE_SECONDS, "it did not try again"
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "cannot connect to PostgreSQL" in done.stderr


@contextmanager
def nobody_let_in_for(seconds: float) -> Iterator[None]:
    """Begins once nobody is let in, and all sessions are ended."""
    shut = threading.Event()

    def keep_shut() -> None:
        with stores.database().shut():
            shut.set()
            time.sleep(seconds)

    thread = threading.Thread(target=keep_shut)
    thread.start()
    assert shut.wait(30)
    yield
    thread.join(30)


def test_a_server_that_is_back_in_time_is_not_missed(board: ABoard) -> None:
    """A connection, a read and a write that come while nobody is let in, as at a restart."""
    conn = board.connect()
    task_id = kb.create_task(conn, title="before")
    for use in (
        lambda: board.connect().close(),
        lambda: kb.get_task(conn, task_id),
        lambda: kb.add_comment(conn, task_id, "after"),
    ):
        with nobody_let_in_for(0.5):
            use()
    conn.close()
    assert len(kb.list_comments(board.conn, task_id)) == 1


def test_a_server_that_stands_still_is_left(board: ABoard, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked over another session; of a write nobody knows what became."""
    monkeypatch.setattr(pgflow, "SILENCE_SECONDS", 0.3)
    monkeypatch.setattr(pgfate, "FATE_SECONDS", 0.1)
    task_id, conn = board.create(), board.connect()
    for ask in (kb.list_tasks, kb.create_task):
        serves = conn.execute("SELECT pg_backend_pid()").fetchone()[0]
        os.kill(serves, signal.SIGSTOP)
        try:
            if ask is kb.list_tasks:
                assert [task.id for task in kb.list_tasks(conn)] == [task_id]
            else:
                with pytest.raises(FateUnknown):
                    kb.create_task(conn, title="perhaps")
        finally:
            os.kill(serves, signal.SIGCONT)
    conn.close()


def test_who_reads_all_of_a_board_waits_for_it(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgflow, "SILENCE_SECONDS", 0.3)
    slow = "SELECT pg_sleep(0.6)::text"
    with pytest.raises(psycopg.OperationalError, match="said nothing"):
        board.conn.execute(slow)
    before = board.conn.hurry(False)
    assert board.conn.execute(slow).fetchall()
    board.conn.hurry(before)
