"""The gateway's HTTP server: the agents' tools at ``/mcp``, on a loopback address.

Off unless ``web.in_gateway`` says so; a change of the configuration is taken up at once. A port
that is taken is told and tried again, and holds up nothing else.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import anyio
from structlog.typing import FilteringBoundLogger

from hermes_kanban.config import LiveConfig, WebSettings

if TYPE_CHECKING:
    import uvicorn

SCAN_SECONDS: Final = 0.5
RETRY_SECONDS: Final = 5.0
DRAIN_SECONDS: Final = 0.5
MCP_PATH: Final = "/mcp"
_BACKLOG: Final = 128

App = Callable[[Any, Any, Any], Awaitable[None]]


class WebServer:
    """Serves while the configuration says so, until cancelled; then it is gone within a second.

    ``boards`` tells which boards may be reached: their slugs.
    """

    def __init__(
        self,
        live_config: LiveConfig,
        boards: Callable[[], Mapping[str, str | None]],
        log: FilteringBoundLogger,
    ) -> None:
        self._live_config = live_config
        self._boards = boards
        self._log = log
        self._refused: str | None = None

    async def serve(self) -> None:
        """Follow the configuration: start, move, stop."""
        while True:
            settings = self._live_config.current().web
            if not settings.in_gateway:
                await anyio.sleep(SCAN_SECONDS)
                continue
            try:
                listener = _listen(settings)
            except OSError as error:
                self._refuse(settings, error)
                await self._until_changed(settings, RETRY_SECONDS)
                continue
            self._refused = None
            await self._serve_on(listener, settings)

    async def _serve_on(self, listener: socket.socket, settings: WebSettings) -> None:
        server = _server(self._app())
        self._log.info("web.listening", address=settings.address)
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_run, server, listener)
                try:
                    await self._until_changed(settings, None)
                finally:
                    server.should_exit = True
        finally:
            listener.close()
            self._log.info("web.stopped", address=settings.address)

    async def _until_changed(self, settings: WebSettings, seconds: float | None) -> None:
        """Return once the settings differ, at the latest after ``seconds``."""
        with anyio.move_on_after(seconds):
            while self._live_config.current().web == settings:
                await anyio.sleep(SCAN_SECONDS)

    def _refuse(self, settings: WebSettings, error: OSError) -> None:
        told = f"{settings.address}: {error.strerror or error}"
        if told != self._refused:
            self._log.error("web.refused", address=settings.address, error=told)
        self._refused = told

    def _app(self) -> App:
        from hermes_kanban.surfaces.mcp.bearer import Bearers
        from hermes_kanban.surfaces.mcp.http import McpApp

        tools = McpApp(Bearers(self._boards), hosts=self._live_config.current().web.names)

        async def route(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http" and scope["path"].rstrip("/") == MCP_PATH:
                await tools(scope, receive, send)
            else:
                await _not_found(scope, send)

        return route


async def _not_found(scope: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    body = b"nothing is here; the agents' tools are at /mcp\n"
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _listen(settings: WebSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A gateway that is started anew must not wait for connections of the one before.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _server(app: App) -> uvicorn.Server:
    import uvicorn

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Signals are the gateway's."""
            yield

    return Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=1,
        )
    )


async def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    """Serve until asked to exit; calls under way get a moment, then they are cut off."""
    with anyio.CancelScope(shield=True) as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(_cut_off, server, scope)
            await server.serve(sockets=[listener])
            group.cancel_scope.cancel()


async def _cut_off(server: uvicorn.Server, scope: anyio.CancelScope) -> None:
    while not server.should_exit:
        await anyio.sleep(0.05)
    await anyio.sleep(DRAIN_SECONDS)
    scope.cancel()
