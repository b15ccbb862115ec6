"""Whether a tool server answers as an agent would ask it: MCP over standard input and output."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from hermes_kanban import present

SECONDS: Final = 30.0
_PROTOCOL: Final = "2025-11-25"
_HELLO: Final = {
    "protocolVersion": _PROTOCOL,
    "capabilities": {},
    "clientInfo": {"name": "hermes-kanban doctor", "version": "1"},
}
_SAID: Final = b"".join(
    msgspec.json.encode({"jsonrpc": "2.0"} | message) + b"\n"
    for message in (
        {"id": 1, "method": "initialize", "params": _HELLO},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/list", "params": {}},
    )
)


class Unanswered(Exception):
    """The server did not start, or did not answer; the message is for people."""


def tools_of(command: Sequence[str], environ: Mapping[str, str], folder: Path) -> list[str]:
    """The names of the tools that the server offers, started there. Raises Unanswered."""
    try:
        done = subprocess.run(
            command,
            input=_SAID,
            capture_output=True,
            env=dict(environ),
            cwd=folder,
            timeout=SECONDS,
            check=False,
        )
    except OSError as error:
        raise Unanswered(f"{command[0]} cannot be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise Unanswered(f"{command[0]} does not answer within {SECONDS:.0f} s") from None
    answer = _answers(done.stdout).get(2, {})
    tools = answer.get("result", {}).get("tools")
    if tools is None:
        raise Unanswered(_why(answer, done))
    return [tool["name"] for tool in tools]


def _answers(output: bytes) -> dict[Any, dict[str, Any]]:
    found = {}
    for line in output.splitlines():
        try:
            message = msgspec.json.decode(line)
        except msgspec.DecodeError:
            continue
        if isinstance(message, dict):
            found[message.get("id")] = message
    return found


def _why(answer: Mapping[str, Any], done: subprocess.CompletedProcess[bytes]) -> str:
    if said := answer.get("error", {}).get("message"):
        return present.clean(str(said))
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    last = present.clean(lines[-1]) if lines else "nothing"
    return f"it ended with {done.returncode} and said: {last}"
