"""What an agent's tools cost: the server's start, a call, its memory, and its bytes in a prompt."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from hermes_kanban import kernel as kb
from hermes_kanban.surfaces.mcp.board import BoardToolbox
from hermes_kanban.surfaces.mcp.protocol import described
from hermes_kanban.verbs import Caller, Rights
from tests.bench.measure import Figure, alternating, at_most, fresh_home, percentile, plain

PAIRS = 31
CALLS = 400
PROGRAM = str(Path(sys.executable).with_name("hermes-kanban"))
CONFIGURATION = "profiles:\n  coder:\n    argv: [/bin/true]\n"


class Server:
    """``hermes-kanban mcp`` as a client starts it."""

    def __init__(self, arguments: list[str]) -> None:
        self.process = subprocess.Popen(
            [PROGRAM, "mcp", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._count = 0

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._count += 1
        message = {"jsonrpc": "2.0", "id": self._count, "method": method, "params": params}
        self.process.stdin.write(msgspec.json.encode(message) + b"\n")
        self.process.stdin.flush()
        return msgspec.json.decode(self.process.stdout.readline())

    def list(self) -> Any:
        """What every client does first."""
        self.ask("initialize", {"protocolVersion": "2025-11-25"})
        return self.ask("tools/list", {})

    def call(self, name: str, **arguments: Any) -> None:
        answer = self.ask("tools/call", {"name": name, "arguments": arguments})
        assert not answer["result"].get("isError"), answer

    def resident_mebibytes(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def close(self) -> None:
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()
        self.process.wait()


def measure() -> list[Figure]:
    with fresh_home() as home:
        (home / "config.yaml").write_text(CONFIGURATION)
        # A gateway has the board open, and so has this connection.
        with closing(kb.connect()) as conn:
            task = kb.claim_task(conn, kb.create_task(conn, title="Measure", assignee="coder"))
            assert task is not None
            run = ["--task", task.id, "--run", str(task.current_run_id), "--profile", "coder"]
            arguments = [*run, "--lock", str(task.claim_lock)]
            return [*_start(arguments), *_calls(arguments), *_schema()]


def _start(arguments: list[str]) -> list[Figure]:
    taken: list[float] = []

    def listed() -> None:
        began = time.perf_counter()
        server = Server(arguments)
        assert server.list()["result"]["tools"]
        taken.append(time.perf_counter() - began)
        server.close()

    def passed() -> None:
        subprocess.run([sys.executable, "-I", "-c", "pass"], check=True)

    _, bare = alternating(listed, passed, blocks=PAIRS)
    until, floor = statistics.median(taken), statistics.median(bare)
    return [
        at_most("start to the answer of tools/list", until * 1e3, 500, "ms"),
        at_most("start to the answer of tools/list, beside python -I -c pass", until / floor, 6),
        plain("python -I -c pass", floor * 1e3, "ms"),
    ]


def _calls(arguments: list[str]) -> list[Figure]:
    server = Server(arguments)
    server.list()
    listed = server.resident_mebibytes()
    figures = []
    for name, given in (("kanban_show", {}), ("kanban_comment", {"body": "One more is done."})):
        server.call(name, **given)
        seconds = []
        for _ in range(CALLS if name == "kanban_show" else CALLS // 2 - 1):
            began = time.perf_counter()
            server.call(name, **given)
            seconds.append(time.perf_counter() - began)
        figures += [
            plain(f"{name}, p50", percentile(seconds, 0.5) * 1e3, "ms"),
            plain(f"{name}, p99", percentile(seconds, 0.99) * 1e3, "ms"),
        ]
    figures += [
        at_most("resident memory, tools listed", listed, 30, "MiB"),
        plain("resident memory, after those calls", server.resident_mebibytes(), "MiB"),
    ]
    server.close()
    return figures


def _schema() -> list[Figure]:
    every = Rights(orchestrator=True)
    return [
        plain("tools of a worker, in its prompt", _prompt_bytes(Rights()), "bytes"),
        plain("tools of an orchestrator, in its prompt", _prompt_bytes(every), "bytes"),
    ]


def _prompt_bytes(rights: Rights) -> int:
    """Name, description and schema of each tool: what a client hands to its model."""
    caller = Caller(kind="worker", task_id="t_abc234", run_id=1, rights=rights)
    tools = [described(tool) for tool in BoardToolbox(lambda: caller).tools()]
    shown = [{key: tool[key] for key in ("name", "description", "inputSchema")} for tool in tools]
    return len(msgspec.json.encode(shown))
