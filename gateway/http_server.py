"""uvicorn as a guest: it listens where it is told, leaves signals alone, and waits for nobody long.

A client that sends its headers slowly, or does not read what it is sent, is cut off: it holds a
place of the few there are.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import anyio
import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

HEADER_SECONDS: Final = 10.0
STALLED_SECONDS: Final = 20.0
KEEP_ALIVE_SECONDS: Final = 30
PING_SECONDS: Final = 20.0
CONNECTIONS: Final = 256
MESSAGE_BYTES: Final = 64 * 1024
DRAIN_SECONDS: Final = 0.5
_BACKLOG: Final = 128

App = Callable[[Any, Any, Any], Awaitable[None]]


class _CutsOffStalled(asyncio.Protocol):
    """Aborts a connection whose other end has read nothing for a while."""

    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    _stalled: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(STALLED_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._reading_again()

    def connection_lost(self, exc: Exception | None) -> None:
        self._reading_again()
        super().connection_lost(exc)

    def _reading_again(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None


class _Http(_CutsOffStalled, H11Protocol):
    """HTTP/1.1 whose request line and headers must come within their time."""

    _slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch_headers()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watching()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._stop_watching()
        super().handle_websocket_upgrade(event)

    def _watch_headers(self) -> None:
        # Between requests uvicorn's own timer for idle connections counts.
        if self.conn.their_state is not h11.IDLE or self.timeout_keep_alive_task is not None:
            self._stop_watching()
        elif self._slow is None:
            self._slow = self.loop.call_later(HEADER_SECONDS, self.transport.abort)

    def _stop_watching(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None


class _Socket(_CutsOffStalled, WebSocketsSansIOProtocol):
    """A WebSocket that is gone when its other end has answered no ping."""

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.transport.abort()

    async def send(self, message: Any) -> None:
        await super().send(message)
        # A handshake that was refused with an answer is no fault to be logged for each attempt.
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the host's."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP: asyncio turns off Nagle's algorithm, 40 ms an answer, only where it says so.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # A server that is started anew must not wait for connections of the one before.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


async def serve(app: App, listener: socket.socket, stop: anyio.Event) -> None:
    """Serve until ``stop`` is set; calls under way get a moment, then they are cut off."""
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            http=_Http,
            ws=_Socket,
            ws_max_size=MESSAGE_BYTES,
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PING_SECONDS,
            # So often does asyncio try, and tell, when no descriptor is left for a connection.
            backlog=_BACKLOG,
            limit_concurrency=CONNECTIONS,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=1,
        )
    )
    with anyio.CancelScope(shield=True) as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(_stop, server, stop, scope)
            await server.serve(sockets=[listener])
            group.cancel_scope.cancel()


async def _stop(server: uvicorn.Server, stop: anyio.Event, scope: anyio.CancelScope) -> None:
    await stop.wait()
    server.should_exit = True
    await anyio.sleep(DRAIN_SECONDS)
    scope.cancel()
