"""Clients that send slowly, or do not read: they are cut off, and cost others nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import anyio
import pytest

from gateway import http_server
from hermes_kanban.surfaces.http import body
from hermes_kanban.surfaces.http.headers import Headers
from tests.support.waiting import TIMEOUT_SECONDS, wait_until

SHORT = 0.3


class Place(threading.Thread):
    """An application on a port of its own, in a thread of its own."""

    def __init__(self, app: http_server.App) -> None:
        super().__init__()
        self._app = app
        self._listener = http_server.listen("127.0.0.1", 0)
        self.port: int = self._listener.getsockname()[1]
        self._end_serving: Callable[[], None] | None = None

    def run(self) -> None:
        anyio.run(self._serve)

    async def _serve(self) -> None:
        stop = anyio.Event()
        token = anyio.lowlevel.current_token()
        self._end_serving = lambda: anyio.from_thread.run_sync(stop.set, token=token)
        await http_server.serve(self._app, self._listener, stop)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_SECONDS)

    def end(self) -> None:
        wait_until(lambda: self._end_serving is not None)
        assert self._end_serving is not None
        self._end_serving()
        self.join(TIMEOUT_SECONDS)
        assert not self.is_alive()


@contextmanager
def place(app: http_server.App) -> Iterator[Place]:
    one = Place(app)
    one.start()
    try:
        yield one
    finally:
        one.end()


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "HEADER_SECONDS", SHORT)
    monkeypatch.setattr(http_server, "STALLED_SECONDS", SHORT)
    monkeypatch.setattr(http_server, "KEEP_ALIVE_SECONDS", SHORT)
    monkeypatch.setattr(http_server, "PING_SECONDS", SHORT)


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body, and says how long it was."""
    try:
        size = len(await body.whole(Headers(scope["headers"]), receive, 1000, seconds=SHORT))
    except body.BodyTooSlow:
        size = -1
    except body.Gone:
        return
    text = str(size).encode()
    headers = [(b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text})


def read_all(stream: socket.socket) -> bytes:
    told = b""
    while True:
        try:
            chunk = stream.recv(65536)
        except ConnectionResetError:
            return told
        if not chunk:
            return told
        told += chunk


@pytest.mark.parametrize(
    "beginning", [b"", b"G", b"GET / HTTP/1.1\r\nHost: x\r\n", b"GET / HTTP/1.1\r\nX: "]
)
def test_headers_that_do_not_come_are_not_waited_for(beginning: bytes) -> None:
    with place(answer) as served, closing(served.connect()) as slow:
        slow.sendall(beginning)
        assert read_all(slow) == b""
        with closing(served.connect()) as good:
            good.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert read_all(good).endswith(b"\r\n\r\n0")


def test_headers_that_come_byte_by_byte_are_not_waited_for() -> None:
    with place(answer) as served, closing(served.connect()) as slow:
        gone = threading.Event()

        def drip() -> None:
            while not gone.wait(SHORT / 5):
                try:
                    slow.sendall(b"X")
                except OSError:
                    return

        slow.sendall(b"GET / HTTP/1.1\r\nX: ")
        thread = threading.Thread(target=drip)
        thread.start()
        try:
            assert read_all(slow) == b""
        finally:
            gone.set()
            thread.join()


def test_a_second_request_must_come_in_its_time_too() -> None:
    with place(answer) as served, closing(served.connect()) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /two HT")
        told = read_all(slow)
        assert told.count(b"HTTP/1.1 200") == 1


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    with place(answer) as served, closing(served.connect()) as slow:
        slow.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n")
        slow.sendall(b"Content-Length: 9\r\n\r\n123")
        assert read_all(slow).endswith(b"-1")


def test_a_body_that_comes_in_time_is_read_whole() -> None:
    with place(answer) as served, closing(served.connect()) as good:
        good.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n")
        good.sendall(b"Content-Length: 9\r\n\r\n123")
        good.sendall(b"456789")
        assert read_all(good).endswith(b"9")


def test_whoever_does_not_read_is_cut_off() -> None:
    ended = threading.Event()

    async def pour(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            for _ in range(2_000):
                await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
                await anyio.lowlevel.checkpoint()
        finally:
            ended.set()

    with place(pour) as served, closing(served.connect()) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert ended.wait(TIMEOUT_SECONDS)


def test_a_socket_that_answers_no_ping_is_gone() -> None:
    ended = threading.Event()

    async def wait(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            return
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        ended.set()

    with place(wait) as served, closing(served.connect()) as deaf:
        deaf.sendall(
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert ended.wait(TIMEOUT_SECONDS)


def test_small_answers_are_not_held_back() -> None:
    """asyncio turns Nagle's algorithm off only for sockets that say they are TCP's."""
    with closing(http_server.listen("127.0.0.1", 0)) as listener:
        assert listener.proto == socket.IPPROTO_TCP
