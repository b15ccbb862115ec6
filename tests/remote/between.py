"""What stands between an agent and its gateway, and answers in the gateway's place when told to."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")

Answer = bytes | Callable[[socket.socket], None]


class Proxy:
    """Listens on ``port`` and keeps each request that comes.

    ``answer``: the bytes that each gets, or what sends them; None: what ``behind`` says. One that
    is not ``patient`` answers when it has the headers, and hangs up.
    """

    def __init__(self, behind: int = 0, context: ssl.SSLContext | None = None) -> None:
        self.behind = behind
        self.answer: Answer | None = None
        self.patient = True
        self.requests: list[bytes] = []
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    proxy.handle(self.request, context)

        self.server = _Server(("127.0.0.1", 0), Handler)
        self.port: int = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def handle(self, line: socket.socket, context: ssl.SSLContext | None) -> None:
        if context is not None:
            line = context.wrap_socket(line, server_side=True)
        with line:
            asked = _whole(line) if self.patient else _head(line)
            if not asked:
                return
            self.requests.append(asked)
            if callable(self.answer):
                self.answer(line)
            elif self.answer is not None:
                line.sendall(self.answer)
            else:
                line.sendall(self.pass_on(asked))

    def pass_on(self, asked: bytes) -> bytes:
        """What the gateway answers, with the connection's end after it."""
        asked = re.sub(rb"(?i)(\r\nhost:) *[^\r]*", rb"\1 127.0.0.1", asked, count=1)
        asked = asked.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        with socket.create_connection(("127.0.0.1", self.behind), 20) as gateway:
            gateway.sendall(asked)
            return b"".join(iter(lambda: gateway.recv(1 << 16), b""))


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        del request, client_address  # a client that does not trust the certificate, say


def _head(line: socket.socket) -> bytes:
    """At least the headers."""
    asked = b""
    while b"\r\n\r\n" not in asked:
        data = line.recv(1 << 16)
        if not data:
            return b""
        asked += data
    return asked


def _whole(line: socket.socket) -> bytes:
    asked = _head(line)
    head, _, body = asked.partition(b"\r\n\r\n")
    found = _LENGTH.search(head)
    left = int(found[1]) - len(body) if found else 0
    while left > 0:
        data = line.recv(left)
        if not data:
            return b""
        asked += data
        left -= len(data)
    return asked


def page(status: str, body: str = "<html>no</html>", **headers: str) -> bytes:
    """An answer with a page in it; ``_`` in a header's name stands for ``-``."""
    told = {"Content-Type": "text/html", "Content-Length": str(len(body))}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join([*lines, "", body]).encode()


@contextlib.contextmanager
def proxy(behind: int = 0, context: ssl.SSLContext | None = None) -> Iterator[Proxy]:
    """A proxy for the time of a test."""
    made = Proxy(behind, context)
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
