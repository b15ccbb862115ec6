"""What the command line knows of a gateway, and what it does without one."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.ports import plain
from hermes_kanban.workers.process import identity_of


def _write_health(board: Any, **changes: Any) -> None:
    now = int(time.time())
    identity = identity_of(os.getpid())
    assert identity is not None
    record = {
        "state": "dispatching",
        "pid": os.getpid(),
        "host": identity.host,
        "identity": plain(identity),
        "started_at": now - 90,
        "tick_at": now,
        "interval_seconds": 60.0,
        "version": "1",
        "in_progress": 2,
        "degraded": [],
        "stuck": {},
    }
    board.conn.paths.health.write_text(json.dumps(record | changes))


def _dead_pid() -> int:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


def test_a_gateway_that_runs_is_shown(cli: Any, board: Any) -> None:
    _write_health(board, degraded=["only 3 MiB are free"], stuck={"no_profile": ["t_abc234"]})
    done = cli("gateway", "status")
    assert done.code == 0
    assert "default: dispatching" in done.out
    assert "degraded: only 3 MiB are free" in done.out
    assert "stuck, no_profile: t_abc234" in done.out
    assert cli("gateway", "status", "--json").json["gateway"][0]["running"] is True
    assert cli("boards", "list", "--json").json["boards"][0]["gateway"]["running"] is True


def test_what_is_wrong_with_a_chat_is_said_once(cli: Any, board: Any) -> None:
    chats = {"matrix": "out of reach: nobody is there", "slack": "connected"}
    _write_health(board, degraded=[f"chat.matrix: {chats['matrix']}"], chat=chats)
    lines = cli("gateway", "status").out.splitlines()
    assert lines[1:] == [
        "  degraded: chat.matrix: out of reach: nobody is there",
        "  chat.slack: connected",
    ]


def test_with_a_gateway_and_a_profile_create_has_nothing_to_say(cli: Any, board: Any) -> None:
    _write_health(board)
    done = cli("create", "x", "--assignee", "writer", "--json")
    assert done.json["warnings"] == []
    assert done.err == ""


@pytest.mark.parametrize("what", ["dead", "stale", "unreadable", "missing"])
def test_without_one_create_says_so(cli: Any, board: Any, what: str) -> None:
    if what == "dead":
        _write_health(board, pid=_dead_pid())
    elif what == "stale":
        _write_health(board, tick_at=int(time.time()) - 200)
    elif what == "unreadable":
        board.conn.paths.health.write_text("{")
    done = cli("create", "x", "--assignee", "writer")
    assert done.code == 0
    assert "no gateway is running; start one with: hermes-kanban up" in done.error


def test_an_assignee_without_a_profile_is_told_with_the_nearest(cli: Any, board: Any) -> None:
    _write_health(board)
    done = cli("create", "x", "--assignee", "writter")
    assert done.code == 0
    assert "no profile is called writter" in done.error
    assert "assign it to writer" in done.error


def test_daemon_names_what_to_run_instead(cli: Any) -> None:
    done = cli("daemon")
    assert done.code == 2
    assert "hermes-kanban gateway run" in done.error


@pytest.mark.parametrize("words", [["daemon", "--force"], ["gateway", "run"]])
def test_the_gateway_is_run_by_its_own_package(
    cli: Any, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    called: list[Any] = []
    monkeypatch.setattr("gateway.__main__.run", lambda boards, quiet: called.append(boards) or 0)
    assert cli(*words).code == 0
    assert cli(*words, "--board", "website").code == 0
    assert called == [None, ["website"]]


def test_the_gateways_log_is_shown_without_secrets(cli: Any, home: Path) -> None:
    (home / "gateway.log").write_text("one\ntoken=abcdefgh12345\nthree\n")
    done = cli("gateway", "logs", "-n", "2")
    assert done.code == 0
    assert "abcdefgh12345" not in done.out
    assert done.out.splitlines()[-1] == "three"
    assert len(done.out.splitlines()) == 2


def test_dispatch_without_a_gateway_starts_a_worker_and_settles_it(cli: Any, board: Any) -> None:
    task_id = board.task()
    assert f"would start {task_id}" in cli("dispatch", "--dry-run").out
    assert board.status(task_id) == "ready"
    started = cli("dispatch", "--json").json
    assert started["dispatch"]["spawned"][0][0] == task_id
    deadline = time.monotonic() + 20
    while board.status(task_id) != "done" and time.monotonic() < deadline:
        time.sleep(0.1)
        assert cli("dispatch").code == 0
    assert board.status(task_id) == "done"
    assert "written" in cli("log", task_id).out
    run = kb.latest_run(board.conn, task_id)
    assert run is not None
    assert (run.outcome, run.exit_code) == ("completed", 0)


def test_dispatch_leaves_a_board_to_its_gateway(cli: Any, board: Any) -> None:
    from hermes_kanban.store.role_lock import RoleLock

    lock = RoleLock(board.conn.paths.dispatcher_lock)
    assert lock.try_take()
    task_id = board.task()
    done = cli("dispatch")
    lock.release()
    assert done.code == 4
    assert f"process {os.getpid()} dispatches this board" in done.error
    assert board.status(task_id) == "ready"


def test_pause_and_resume_reach_one_board_or_all(cli: Any, board: Any) -> None:
    kb.create_board("website")
    assert cli("pause", "--board", "website").code == 0
    assert kb.get_board(board.conn).paused_at is None
    done = cli("pause", "--all", "--json").json
    assert [(one["slug"], one["changed"]) for one in done["boards"]] == [
        ("default", True),
        ("website", False),
    ]
    assert "paused by person:ann" in cli("why", board.task()).out
    assert cli("resume", "--all").code == 0
    assert kb.get_board(board.conn).paused_at is None


def test_why_says_for_what_a_board_is_paused(cli: Any, board: Any) -> None:
    task = board.task()
    cli("pause", "--reason", "the disk is being changed")
    assert "paused by person:ann: the disk is being changed" in cli("why", task).out
    cli("resume")
    cli("pause")
    assert "disk" not in cli("why", task).out
