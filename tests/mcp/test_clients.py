"""The official SDK's client, over each version and both transports, on real boards."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import mcp.client.session
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from hermes_kanban import kernel as kb
from hermes_kanban.surfaces.mcp.board import BoardToolbox
from hermes_kanban.surfaces.mcp.http import McpApp
from hermes_kanban.surfaces.mcp.inforce import InForce, instructions
from hermes_kanban.surfaces.mcp.protocol import Protocol
from tests.mcp.conftest import Worker
from tests.mcp.messages import EVERY_VERSION, MODERN_VERSION
from tests.mcp.web import TOKEN, served
from tests.support.boards import held

Connect = Callable[..., Any]


@pytest.fixture(params=["stdio", "http"])
def connect(request: pytest.FixtureRequest, helper: Worker) -> Iterator[Connect]:
    """Connects a client of some mode to the server of ``helper``."""
    if request.param == "stdio":
        program, *arguments = helper.arguments
        parameters = StdioServerParameters(command=program, args=arguments, env=dict(os.environ))
        yield lambda mode: Client(parameters, mode=mode)
        return

    def authenticate(token: str) -> Protocol | None:
        told = InForce(task_id=helper.task_id, run_id=helper.run_id, claim_lock=helper.lock)
        toolbox = BoardToolbox(told.caller)
        asked_by_helper = token == TOKEN
        return Protocol(toolbox, lambda: instructions(toolbox.caller)) if asked_by_helper else None

    @asynccontextmanager
    async def over_http(mode: str, token: str = TOKEN) -> AsyncIterator[Client]:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(headers=headers, timeout=60) as web_client:
            transport = streamable_http_client(web.url, http_client=web_client)
            async with Client(transport, mode=mode) as client:
                yield client

    with served(McpApp(authenticate)) as web:
        yield over_http


@pytest.fixture(params=EVERY_VERSION)
def version(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each version; the SDK's client offers that one."""
    chosen: str = request.param
    if chosen != MODERN_VERSION:
        monkeypatch.setattr(mcp.client.session, "LATEST_HANDSHAKE_VERSION", chosen)
    return chosen


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        with anyio.fail_after(60):
            await work()

    anyio.run(limited)


def test_a_task_is_shown_commented_and_completed(
    connect: Connect, version: str, helper: Worker
) -> None:
    async def work() -> None:
        async with connect("auto" if version == MODERN_VERSION else "legacy") as client:
            assert client.protocol_version == version
            assert client.server_info.name == "board"
            assert helper.task_id in (client.instructions or "")
            tools = (await client.list_tools()).tools
            assert tools[0].name == "kanban_show"
            shown = await client.call_tool("kanban_show", {})
            assert "Count the words" in shown.content[0].text
            assert shown.structured_content is None
            await client.call_tool("kanban_comment", {"body": f"over {version}"})
            done = await client.call_tool("kanban_complete", {"summary": "counted"})
            assert not done.is_error
            late = await client.call_tool("kanban_comment", {"body": "late"})
            assert late.is_error

    run(work)
    assert helper.status == "done"
    comments = kb.list_comments(helper.conn, helper.task_id)
    assert [one.body for one in comments] == [f"over {version}"]


@pytest.mark.parametrize("mode", ["legacy", MODERN_VERSION])
def test_calls_overlap(connect: Connect, mode: str, helper: Worker) -> None:
    async def work() -> None:
        async with connect(mode) as client, anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(client.call_tool, "kanban_comment", {"body": str(number)})
                group.start_soon(client.call_tool, "kanban_show", {})

    run(work)
    bodies = {one.body for one in kb.list_comments(helper.conn, helper.task_id)}
    assert bodies == {str(number) for number in range(20)}


@pytest.mark.parametrize("mode", ["legacy", MODERN_VERSION])
def test_errors_reach_the_model_or_the_client(connect: Connect, mode: str) -> None:
    async def work() -> None:
        async with connect(mode) as client:
            wrong = await client.call_tool("kanban_complete", {"summary": 5})
            assert wrong.is_error
            assert "summary" in wrong.content[0].text
            with pytest.raises(MCPError) as caught:
                await client.call_tool("kanban_list", {})
            assert caught.value.error.code == -32602
            with pytest.raises(MCPError) as caught:
                await client.list_prompts()
            assert caught.value.error.code == -32601

    run(work)


@pytest.mark.parametrize("mode", ["legacy", MODERN_VERSION])
def test_a_call_that_the_client_gives_up_harms_no_other(
    connect: Connect, mode: str, helper: Worker
) -> None:
    async def work() -> None:
        other = kb.connect()
        async with connect(mode) as client:
            with held(other), pytest.raises(MCPError):
                await client.call_tool("kanban_comment", {"body": "slow"}, 0.3)
            assert not (await client.call_tool("kanban_heartbeat", {})).is_error
        other.close()

    run(work)
    assert helper.status == "running"


def test_the_sdk_is_told_of_a_wrong_token(helper: Worker) -> None:
    async def work() -> None:
        with served(McpApp(lambda _: None)) as web:
            async with httpx2.AsyncClient(headers={"Authorization": "Bearer no"}) as web_client:
                transport = streamable_http_client(web.url, http_client=web_client)
                with pytest.raises((MCPError, ExceptionGroup, httpx2.HTTPError)):
                    async with Client(transport, mode="legacy"):
                        raise AssertionError("it connected")

    run(work)
