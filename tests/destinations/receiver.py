"""An HTTP server that takes webhooks, checks them by the recipe of the docs, and misbehaves."""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Callable
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

PAGE = Path(__file__).parents[2] / "docs" / "notify.md"


@cache
def recipe() -> Callable[[bytes, str, bytes, set[str]], dict[str, Any] | None]:
    """``receive`` as the docs have it."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (code,) = (one for one in blocks if "def receive(" in one)
    names: dict[str, Any] = {}
    exec(code, names)
    function: Callable[[bytes, str, bytes, set[str]], dict[str, Any] | None] = names["receive"]
    return function


class Request(NamedTuple):
    """What came; ``message`` is None for a repeat."""

    path: str
    headers: dict[str, str]
    body: bytes
    message: dict[str, Any] | None


class Receiver:
    """Listens on loopback; ``behaviour`` says what is done instead of answering 200.

    A behaviour is called with the handler once the request is read, by the path without its
    query; True means that it has answered.
    """

    def __init__(self, secret: str, context: ssl.SSLContext | None = None) -> None:
        self.secret = secret.encode()
        self.requests: list[Request] = []
        self.refused: list[str] = []
        self.connections = 0
        self.seen: set[str] = set()
        self.behaviour: dict[str, Callable[[BaseHTTPRequestHandler], bool]] = {}
        self._server = _Server(self)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def messages(self, path: str | None = None) -> list[dict[str, Any]]:
        """Those that came for the first time."""
        return [
            one.message
            for one in list(self.requests)
            if one.message is not None and path in (None, one.path)
        ]

    def keys(self, path: str | None = None) -> list[str]:
        """The id header of each request, repeats too."""
        return [
            one.headers["x-kanban-id"] for one in list(self.requests) if path in (None, one.path)
        ]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        """One POST: read it, check it, keep it, answer."""
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        try:
            signature = headers.get("x-kanban-signature", "")
            message = recipe()(self.secret, signature, body, self.seen)
        except ValueError as error:
            self.refused.append(str(error))
            answer(handler, 401)
            return
        self.requests.append(Request(handler.path, headers, body, message))
        behave = self.behaviour.get(handler.path.partition("?")[0])
        if behave is None or not behave(handler):
            answer(handler, 200)


def answer(handler: BaseHTTPRequestHandler, status: int, **headers: str) -> bool:
    """Answer with an empty body; True."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", "0")
    handler.end_headers()
    return True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.receiver.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that is killed, or does not trust us, is no error of ours."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        self.server.receiver.take(self)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""
