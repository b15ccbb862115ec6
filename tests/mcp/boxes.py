"""A toolbox whose calls take as long as a test wants; ``python -m tests.mcp.boxes`` serves it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hermes_kanban.surfaces.mcp.protocol import Protocol
from hermes_kanban.surfaces.mcp.toolbox import CallResult, Tool
from tests.support.waiting import wait_until

INSTRUCTIONS = "Say little."
_TEXT = {"type": "object", "properties": {"text": {"type": "string"}}}
_FILE = {"type": "object", "properties": {"file": {"type": "string"}}}


class Box:
    """``tell`` says what it is given; ``wait`` and ``note`` go on once ``file`` is there.

    A call that has begun leaves the file ``begun``.
    """

    def tools(self) -> list[Tool]:
        return [
            Tool(name="tell", description="Say it.", schema=_TEXT, read_only=True),
            Tool(name="wait", description="Wait for a file.", schema=_FILE, read_only=True),
            Tool(name="note", description="The same, as a change.", schema=_FILE, idempotent=True),
            Tool(name="fail", description="Fail.", schema=_TEXT, destructive=True),
        ]

    def call(self, name: str, arguments: dict[str, Any]) -> CallResult:
        print("what a careless library prints")
        if name == "fail":
            raise ZeroDivisionError("token=hunter2hunter2")
        if begun := arguments.get("begun"):
            Path(begun).touch()
        if file := arguments.get("file"):
            wait_until(Path(file).exists)
        return CallResult(f"{name} {arguments.get('text', '')}", is_error="wrong" in arguments)


class Broken:
    """A toolbox that cannot even say what it has."""

    def tools(self) -> list[Tool]:
        raise OSError("/secret/place is gone")

    def call(self, name: str, arguments: dict[str, Any]) -> CallResult:
        raise AssertionError(name, arguments)


def protocol() -> Protocol:
    return Protocol(Box(), lambda: INSTRUCTIONS)


def main() -> None:
    from hermes_kanban.surfaces.mcp.stdio import serve

    serve(protocol(), call_seconds=float(sys.argv[1]) if sys.argv[1:] else 50.0)


if __name__ == "__main__":
    main()
