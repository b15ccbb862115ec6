"""An ASGI application behind a real uvicorn, and a client that sends exactly what it is told."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec
import uvicorn

from tests.mcp.messages import MODERN_VERSION
from tests.support.waiting import TIMEOUT_SECONDS, wait_until

TOKEN = "the-token-of-a-run"


class Answer(NamedTuple):
    """What came back; ``body`` is decoded, None where there is none."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Web:
    """One address that is served."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}/mcp"

    def ask(
        self,
        body: object = None,
        headers: Mapping[str, str | None] | None = None,
        *,
        method: str = "POST",
        more: tuple[tuple[str, str], ...] = (),
    ) -> Answer:
        """One request. Headers are those of a good client; None takes one away."""
        raw = body if isinstance(body, bytes | None) else msgspec.json.encode(body)
        good: dict[str, str | None] = {
            "Host": f"127.0.0.1:{self.port}",
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
            "Authorization": f"Bearer {TOKEN}",
            "Content-Length": str(len(raw or b"")),
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.putrequest(method, "/mcp", skip_host=True, skip_accept_encoding=True)
            for name, value in [*(good | dict(headers or {})).items(), *more]:
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders(raw)
            response = connection.getresponse()
            told = response.read()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, msgspec.json.decode(told) if told else None, found)
        finally:
            connection.close()

    def ask_modern(self, message: dict[str, Any], **headers: str | None) -> Answer:
        """A request as it is since 2026-07-28, with its headers; keywords replace them."""
        mirrors = {"MCP-Protocol-Version": MODERN_VERSION, "Mcp-Method": message["method"]}
        if message["method"] == "tools/call":
            mirrors["Mcp-Name"] = message["params"]["name"]
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask(message, mirrors | given)


@contextmanager
def served(app: Any) -> Iterator[Web]:
    """The application on a port of its own, until the block ends."""
    config = uvicorn.Config(app, port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield Web(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(TIMEOUT_SECONDS)
