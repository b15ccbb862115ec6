"""Messages of a client, and what a protocol answers to them."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec

from hermes_kanban.surfaces.mcp.protocol import HANDSHAKE, MODERN, Protocol, Session

MODERN_VERSION = MODERN[0]
EVERY_VERSION = (*HANDSHAKE, MODERN_VERSION)
_ids = itertools.count(1)


def envelope(version: object = MODERN_VERSION) -> dict[str, Any]:
    """What each request carries since 2026-07-28."""
    return {
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    }


def request(method: str, params: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    given = {"jsonrpc": "2.0", "id": next(_ids), "method": method}
    return given | ({} if params is None else {"params": params}) | more


def at(version: str, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """A request as a client of that version sends it once it is connected."""
    params = params or {}
    return request(method, params | envelope() if version == MODERN_VERSION else params)


def call(version: str, name: str, **arguments: Any) -> dict[str, Any]:
    return at(version, "tools/call", {"name": name, "arguments": arguments})


def notification(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params}


def initialize(version: str) -> dict[str, Any]:
    who = {"name": "test", "version": "1"}
    return request(
        "initialize", {"protocolVersion": version, "capabilities": {}, "clientInfo": who}
    )


class Speaker:
    """A client in the same process: ``say`` gives the decoded answer, None for silence."""

    def __init__(self, protocol: Protocol, version: str | None = None) -> None:
        self.protocol = protocol
        self.session = Session(None if version == MODERN_VERSION else version)

    def say(self, message: object) -> Any:
        turn = self.protocol.receive(self.session, message)
        answer = turn.answer()
        for one in turn.calls:
            answer = turn.settle(one, self.protocol.perform(one))
        return None if answer is None else msgspec.json.decode(answer)
