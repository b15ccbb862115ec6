"""MCP Inspector, a client that nobody here wrote, looks at the server.

It is installed by ``make setup``; without it these tests fail.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.surfaces.mcp.http import McpApp
from hermes_kanban.surfaces.mcp.protocol import Protocol
from tests.mcp.conftest import Worker
from tests.mcp.web import TOKEN, served
from tests.support import stores

NODE = Path(sys.executable).with_name("node")
INSPECTOR = Path(sys.prefix) / "inspector" / "node_modules" / ".bin" / "mcp-inspector"
TIMEOUT_SECONDS = 60

Inspect = Callable[..., Any]


@pytest.fixture
def inspect(tmp_path: Path) -> Inspect:
    """Runs the Inspector once; what it prints, decoded. It must find nothing wrong."""
    assert INSPECTOR.exists(), "MCP Inspector is not installed: make setup"
    # It keeps files of its own below the user's home, and is told nothing of ours.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HERMES_")}

    def run(*words: str) -> Any:
        done = subprocess.run(
            [str(NODE), str(INSPECTOR), "--cli", "--quiet", *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
            env=environment | {"HOME": str(tmp_path)},
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def stdio(boss: Worker, home: Path) -> list[str]:
    """The command of a server, as the Inspector is told it."""
    if database := stores.address():
        with (home / "config.yaml").open("a") as settings:
            settings.write(f"kanban:\n  database: {database}\n")
    return [*boss.arguments, "--home", str(home)]


@pytest.fixture
def web(boss: Worker) -> Iterator[list[str]]:
    """The address of a server, as the Inspector is told it."""
    with served(McpApp(lambda _: Protocol(boss.toolbox))) as served_web:
        yield [
            *("--server-url", served_web.url, "--transport", "http"),
            *("--header", f"Authorization: Bearer {TOKEN}"),
        ]


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_it_finds_nothing_wrong_with_the_tools(
    inspect: Inspect, stdio: list[str], era: str
) -> None:
    asked = ["--protocol-era", era, "--strict", "--method", "tools/list", "--", *stdio]
    assert len(inspect(*asked)["tools"]) == 16


@pytest.mark.parametrize("era", ["legacy", "modern"])
@pytest.mark.parametrize("transport", ["stdio", "web"])
def test_it_calls_a_tool(
    request: pytest.FixtureRequest, inspect: Inspect, boss: Worker, era: str, transport: str
) -> None:
    server = request.getfixturevalue(transport)
    asked = ["--protocol-era", era, "--method", "tools/call", "--tool-name", "kanban_comment"]
    server = ["--", *server] if transport == "stdio" else server
    result = inspect(*asked, "--tool-args-json", '{"body": "seen"}', *server)
    assert result["content"][0]["text"] == f"comment 1 is on {boss.task_id}"
    (comment,) = kb.list_comments(boss.conn, boss.task_id)
    assert (comment.body, comment.run_id) == ("seen", boss.run_id)
