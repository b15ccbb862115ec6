"""An agent of few words: it has its tools from its own MCP server, and one agent below it.

``python agent.py PROGRAM`` works on the task that its environment names: it starts another like
itself (``--nested``), comments what that one could do, and completes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


class Tools:
    """The client of one server."""

    def __init__(self, program: str) -> None:
        self.process = subprocess.Popen(
            [program, "mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.count = 0
        who = {"name": "agent", "version": "1"}
        told = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": who}
        self.instructions = self.ask("initialize", told)["result"].get("instructions", "")

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.count += 1
        message = {"jsonrpc": "2.0", "id": self.count, "method": method, "params": params}
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def names(self) -> list[str]:
        return [tool["name"] for tool in self.ask("tools/list", {})["result"]["tools"]]

    def call(self, name: str, **arguments: Any) -> Any:
        return self.ask("tools/call", {"name": name, "arguments": arguments})

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(20)


def main(program: str, nested: bool) -> None:
    tools = Tools(program)
    if nested:
        answer = tools.call("kanban_complete", summary="not mine")
        print(json.dumps({"tools": tools.names(), "complete": answer, "told": tools.instructions}))
    else:
        assert "kanban_complete" in tools.names()
        shown = tools.call("kanban_show")["result"]["content"][0]["text"]
        command = [sys.executable, __file__, program, "--nested"]
        below = subprocess.run(command, capture_output=True, text=True, check=True)
        tools.call("kanban_comment", body=json.dumps({"shown": shown, "below": below.stdout}))
        tools.call("kanban_complete", summary="done over MCP")
    tools.close()


if __name__ == "__main__":
    main(sys.argv[1], "--nested" in sys.argv)
