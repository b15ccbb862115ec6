"""The gateway's HTTP server: tools for whoever bears the token of an open run, and nobody else."""

from __future__ import annotations

import http.client
import json
import socket
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from tests.support.gateways import Gateways
from tests.support.waiting import wait_until

CALL = """
import asyncio, os, sys
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
import httpx2

async def main():
    headers = {"Authorization": "Bearer " + os.environ["HERMES_KANBAN_TOKEN"]}
    async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
        transport = streamable_http_client(os.environ["HERMES_KANBAN_URL"], http_client=http)
        async with Client(transport) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            shown = await client.call_tool("kanban_show", {})
            await client.call_tool("kanban_comment", {"body": "tools: " + " ".join(names)})
            assert os.environ["HERMES_KANBAN_TASK"] in shown.content[0].text
            await client.call_tool("kanban_complete", {"summary": "over http"})

asyncio.run(main())
"""
WAIT = """
import os, pathlib, time
pathlib.Path(os.environ["HERMES_KANBAN_WORKSPACE"], "token").write_text(
    os.environ["HERMES_KANBAN_TOKEN"])
while not pathlib.Path("stop").exists():
    time.sleep(0.05)
"""


@pytest.fixture
def port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


def configure(gateways: Gateways, port: int, program: str, *, on: bool = True) -> None:
    profile = {
        "argv": [sys.executable, "-c", program],
        "transport": "http",
        "on_exit_zero": "protocol_violation",
    }
    gateways.configure({"remote": profile}, web={"in_gateway": on, "port": port})


def post(port: int, token: str | None, message: Any, **more: str) -> tuple[int, dict[str, Any]]:
    """POST one message with headers of its own; the status and what was answered."""
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-11-25",
    }
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as conn:
        conn.request("POST", "/mcp", json.dumps(message), headers | more)
        answer = conn.getresponse()
        body = answer.read()
        return answer.status, json.loads(body) if body else {}


LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    params = {"name": name, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params}


def listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_worker_reaches_its_tools_over_http(gateways: Gateways, port: int) -> None:
    configure(gateways, port, CALL)
    gateways.open()
    gateways.start()
    task = kb.create_task(gateways.conn, title="far away", assignee="remote")
    gateways.wait_for(task, "done", timeout=60)
    run = kb.latest_run(gateways.conn, task)
    assert run is not None
    assert run.summary == "over http"
    (comment,) = kb.list_comments(gateways.conn, task)
    assert comment.body.startswith("tools: kanban_show kanban_complete kanban_block")
    assert comment.run_id == run.id


def test_a_token_dies_with_its_run(gateways: Gateways, port: int) -> None:
    configure(gateways, port, WAIT)
    conn = gateways.open()
    gateways.start()
    task = kb.create_task(conn, title="is taken away", assignee="remote")
    file = conn.paths.workspaces / task / "token"
    wait_until(lambda: file.exists() and bool(file.read_text()), message=gateways.errors())
    token = file.read_text()
    assert token not in json.dumps([list(row) for row in conn.execute("SELECT * FROM task_runs")])
    assert post(port, token, LIST)[0] == 200
    assert kb.cancel_task(conn, task)
    status, answer = post(port, token, call("kanban_complete", summary="too late"))
    assert (status, "result" in answer) == (401, False)
    assert kb.get_task(conn, task).status == "archived"


@pytest.mark.parametrize("token", [None, "", "default", "default.", "default.x", "other.x", "é.x"])
def test_nobody_else_gets_in(gateways: Gateways, port: int, token: str | None) -> None:
    configure(gateways, port, CALL)
    gateways.open()
    gateways.start()
    wait_until(lambda: listens(port), message=gateways.errors())
    encoded = None if token is None else token.encode().decode("latin-1")
    status, answer = post(port, encoded, LIST)
    assert status in (400, 401)
    assert "result" not in answer


def test_a_port_that_is_taken_holds_up_nothing_else(gateways: Gateways, port: int) -> None:
    configure(gateways, port, CALL)
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        conn = gateways.open()
        gateways.start()
        told = lambda: any('"web.refused"' in line for line in gateways.log_lines())  # noqa: E731
        wait_until(told, message=gateways.errors())
        task = kb.create_task(conn, title="still started", assignee="remote")
        wait_until(lambda: kb.latest_run(conn, task) is not None, message=gateways.errors())
    wait_until(
        lambda: any('"web.listening"' in line for line in gateways.log_lines()),
        message=gateways.errors(),
    )


def test_it_is_turned_off_and_on_without_a_restart(gateways: Gateways, port: int) -> None:
    configure(gateways, port, CALL)
    gateways.open()
    gateways.start()
    wait_until(lambda: listens(port), message=gateways.errors())
    configure(gateways, port, CALL, on=False)
    wait_until(lambda: not listens(port), message=gateways.errors())
    configure(gateways, port, CALL)
    wait_until(lambda: listens(port), message=gateways.errors())


def test_a_profile_over_http_says_that_the_server_is_off(gateways: Gateways, port: int) -> None:
    configure(gateways, port, CALL, on=False)
    conn = gateways.open()
    gateways.start()
    task = kb.create_task(conn, title="no way", assignee="remote", max_retries=0)
    gateways.wait_for(task, "blocked")
    run = kb.latest_run(conn, task)
    assert run is not None
    assert "set web.in_gateway" in (run.error or "")


def test_an_open_connection_does_not_hold_up_the_end(gateways: Gateways, port: int) -> None:
    configure(gateways, port, CALL)
    gateways.open()
    process = gateways.start()
    wait_until(lambda: listens(port), message=gateways.errors())
    with closing(socket.create_connection(("127.0.0.1", port))) as half_sent:
        half_sent.sendall(b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{")
        process.terminate()
        assert process.wait(20) == 0
    assert any('"gateway.stopped"' in line for line in gateways.log_lines())


def test_the_token_is_nowhere_but_with_its_agent(gateways: Gateways, port: int) -> None:
    configure(gateways, port, WAIT)
    conn = gateways.open()
    gateways.start()
    task = kb.create_task(conn, title="keeps it", assignee="remote")
    file = conn.paths.workspaces / task / "token"
    wait_until(lambda: file.exists() and bool(file.read_text()), message=gateways.errors())
    token = file.read_text()
    readable = [
        found
        for found in Path(gateways.home).rglob("*")
        if found.is_file() and found != file and token.encode() in found.read_bytes()
    ]
    assert [(found.name, found.stat().st_mode & 0o777) for found in readable] == [
        ("spec.json", 0o600)
    ]
