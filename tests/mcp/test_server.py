"""``hermes-kanban mcp`` as clients start it: what it takes, loads, survives, and who has it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from tests.mcp.conftest import PROGRAM, AtWork, Worker
from tests.mcp.lines import Client
from tests.mcp.messages import call, initialize, request
from tests.support.boards import held
from tests.support.gateways import Gateways

VERSION = "2025-11-25"
AGENT = Path(__file__).with_name("agent.py")

# What a server that has listed its tools must not have loaded.
HEAVY = (
    *("aiosqlite", "anyio", "asyncio", "concurrent.futures", "dataclasses", "email", "gateway"),
    *("hermes_kanban.kernel.dispatch", "hermes_kanban.kernel.create", "hermes_kanban.logs"),
    *("hermes_kanban.surfaces.mcp.http", "hermes_kanban.surfaces.mcp.texts", "http"),
    *("hermes_kanban.workers.spawn", "hermes_kanban.workers.supervisor", "importlib.metadata"),
    *("json", "logging", "mcp", "multiprocessing", "pydantic", "rich", "shutil", "socket"),
    *("starlette", "structlog", "subprocess", "tempfile", "uvicorn", "yaml"),
)
MOST_MODULES = 211


def text(answer: Any) -> str:
    return str(answer["result"]["content"][0]["text"])


def names(client: Client) -> list[str]:
    client.ask(initialize(VERSION))
    return [tool["name"] for tool in client.ask(request("tools/list"))["result"]["tools"]]


# How it is told who calls


def test_a_run_is_named_by_arguments_or_by_the_environment(coder: Worker) -> None:
    environment = {
        "HERMES_KANBAN_TASK": coder.task_id,
        "HERMES_KANBAN_RUN_ID": str(coder.run_id),
        "HERMES_KANBAN_CLAIM_LOCK": str(coder.lock),
        "HERMES_PROFILE": "coder",
    }
    with (
        Client(*coder.arguments) as by_arguments,
        Client(str(PROGRAM), "mcp", environment=environment) as by_environment,
    ):
        assert names(by_arguments) == names(by_environment) != []
        by_environment.ask(call(VERSION, "kanban_comment", body="here"))
    assert [one.body for one in kb.list_comments(coder.conn, coder.task_id)] == ["here"]


def test_what_a_client_left_unfilled_counts_as_none(coder: Worker) -> None:
    unfilled = {"HERMES_KANBAN_TASK": "${HERMES_KANBAN_TASK}", "HERMES_PROFILE": "${NOBODY}"}
    with Client(str(PROGRAM), "mcp", "--run", "${RUN}", environment=unfilled) as client:
        assert names(client) == []
    with Client(*coder.arguments, "--home", "${HOME_OF_BOARDS}", "--board", "${B}") as client:
        assert "kanban_show" in names(client)


def test_the_home_and_the_board_may_be_arguments(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kb.create_board("other")
    conn = kb.connect("other")
    task_id = kb.create_task(conn, title="Elsewhere", assignee="boss")
    monkeypatch.delenv("HERMES_KANBAN_HOME")
    monkeypatch.setenv("HERMES_KANBAN_DB", "/nowhere/board.db")
    command = [str(PROGRAM), "mcp", "--home", str(home), "--board", "other", "--profile", "boss"]
    with Client(*command) as client:
        assert "kanban_list" in names(client)
        assert task_id in text(client.ask(call(VERSION, "kanban_list")))
    conn.close()


def test_without_a_task_or_an_orchestrator_there_is_nothing(home: Path) -> None:
    for more in ([], ["--profile", "coder"], ["--profile", "nobody"]):
        with Client(str(PROGRAM), "mcp", *more) as client:
            greeting = client.ask(initialize(VERSION))["result"]
            assert "instructions" not in greeting
            assert client.ask(request("tools/list"))["result"]["tools"] == []
            refused = client.ask(call(VERSION, "kanban_show"))
            assert refused["error"]["code"] == -32602
    assert not (home / "boards").exists()


@pytest.mark.parametrize("run", [[], ["--run", "seven"], ["--run", "${RUN}"], ["--run", "-1"]])
def test_a_task_without_its_run_is_refused_at_once(home: Path, run: list[str]) -> None:
    done = subprocess.run(
        [str(PROGRAM), "mcp", "--task", "t_abc234", *run],
        input=b"",
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == b""
    assert len(done.stderr.splitlines()) == 1


# What it costs


@pytest.mark.stores("sqlite")
def test_listing_the_tools_loads_nothing_heavy(coder: Worker) -> None:
    time.sleep(0.1)  # a configuration as fresh as that is parsed, not taken from its cache
    subprocess.run([str(PROGRAM), "list"], check=True, capture_output=True)
    asked = "".join(json.dumps(one) + "\n" for one in (initialize(VERSION), request("tools/list")))
    code = (
        "import sys\n"
        "from hermes_kanban.surfaces.cli.root import run\n"
        f"code = run({coder.arguments[1:]!r})\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        # -S: the finder of an editable installation is no part of the command.
        [sys.executable, "-S", "-c", code],
        input=asked,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert len(done.stdout.splitlines()) == 2
    loaded = set(done.stderr.splitlines())
    assert {"msgspec", "click", "hermes_kanban.verbs"} <= loaded
    assert not loaded & set(HEAVY)
    assert len(loaded) <= MOST_MODULES


# What it survives


def test_a_gateway_that_is_killed_between_calls_is_not_missed(gateways: Gateways) -> None:
    gateways.configure({"coder": {"argv": ["/bin/true"]}})
    conn = gateways.open()
    task_id = kb.create_task(conn, title="Long work", assignee="coder")
    task = kb.claim_task(conn, task_id, claimer="profile:coder")
    assert task is not None
    worker = Worker(conn, task, "coder")
    first = gateways.start()
    with Client(*worker.arguments) as client:
        client.ask(initialize(VERSION))
        assert not client.ask(call(VERSION, "kanban_heartbeat"))["result"].get("isError")
        gateways.kill(first)
        assert "comment 1" in text(client.ask(call(VERSION, "kanban_comment", body="alone")))
        gateways.start()
        assert "comment 2" in text(client.ask(call(VERSION, "kanban_comment", body="again")))
        assert "is done" in text(client.ask(call(VERSION, "kanban_complete", summary="all")))
        assert client.hang_up() == 0
        assert client.rest() == []
    assert kb.check(conn) == []


def test_a_busy_board_keeps_no_other_call_waiting(
    at_work: AtWork, coder: Worker, server: Client
) -> None:
    server.ask(initialize(VERSION))
    with held(at_work.conn):
        write = call(VERSION, "kanban_comment", body="patient")
        server.send(write)
        read = call(VERSION, "kanban_show")
        assert server.ask(read)["id"] == read["id"]
    answer = server.answer()
    assert (answer["id"], text(answer)) == (write["id"], f"comment 1 is on {coder.task_id}")


def test_a_comment_sent_before_the_completion_is_written_before_it(
    coder: Worker, server: Client
) -> None:
    server.ask(initialize(VERSION))
    comments = [call(VERSION, "kanban_comment", body=f"note {number}") for number in range(3)]
    server.send(*comments, call(VERSION, "kanban_complete", summary="done"))
    answers = [server.answer() for _ in range(4)]
    assert not [one for one in answers if one["result"].get("isError")]
    bodies = [one.body for one in kb.list_comments(coder.conn, coder.task_id)]
    assert bodies == ["note 0", "note 1", "note 2"]
    assert coder.status == "done"


def test_a_server_that_is_killed_leaves_the_board_whole(coder: Worker) -> None:
    for _ in range(5):
        with Client(*coder.arguments) as client:
            client.ask(initialize(VERSION))
            client.send(*(call(VERSION, "kanban_comment", body="again") for _ in range(10)))
            client.answer()
            client.process.kill()
    assert kb.check(coder.conn, deep=True) == []
    assert 5 <= len(kb.list_comments(coder.conn, coder.task_id)) <= 50


# Whose run it is


def test_an_agent_below_the_runs_own_may_only_read(gateways: Gateways) -> None:
    agent = [sys.executable, str(AGENT), str(PROGRAM)]
    gateways.configure({"coder": {"argv": agent, "on_exit_zero": "protocol_violation"}})
    conn = gateways.open()
    task_id = kb.create_task(conn, title="Count the words", assignee="coder")
    gateways.start()
    gateways.wait_for(task_id, "done", "blocked")
    run = kb.latest_run(conn, task_id)
    assert run is not None
    assert (run.outcome, run.summary) == ("completed", "done over MCP"), run.error
    (comment,) = kb.list_comments(conn, task_id)
    said = json.loads(comment.body)
    assert "Count the words" in said["shown"]
    below = json.loads(said["below"])
    assert below["tools"] == ["kanban_show"]
    assert below["complete"]["error"]["code"] == -32602
    assert "belongs to the agent that started you" in below["told"]
