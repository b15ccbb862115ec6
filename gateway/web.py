"""The gateway's HTTP server: the board's API and page, and the agents' tools at ``/mcp``.

Off unless ``web.in_gateway`` says so; a change of the configuration is taken up at once. A port
that is taken is told and tried again, and holds up nothing else.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
from structlog.typing import FilteringBoundLogger

from hermes_kanban import kernel as kb
from hermes_kanban.config import LiveConfig, WebSettings
from hermes_kanban.model.errors import ConfigError
from hermes_kanban.store.protocol import WAIT_SECONDS
from hermes_kanban.workers.skills import InstalledSkills

if TYPE_CHECKING:
    from gateway.http_server import App
    from hermes_kanban.surfaces.rest.boards import Boards

SCAN_SECONDS: Final = 0.5
RETRY_SECONDS: Final = 2.0
MCP_PATH: Final = "/mcp"


class WebServer:
    """Serves while the configuration says so, until cancelled; then it is gone within a second.

    ``address`` is where it serves now, empty for nowhere. ``changed`` is called when that, or what
    is in its way, has changed.
    """

    def __init__(
        self,
        home: Path,
        live_config: LiveConfig,
        boards: Boards,
        log: FilteringBoundLogger,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._home = home
        self._live_config = live_config
        self._boards = boards
        self._log = log
        self._refused: str | None = None
        self._changed = changed
        self.address = ""

    @property
    def trouble(self) -> str | None:
        """Why it cannot serve where it should, for people; None if nothing is wrong."""
        return self._refused

    async def serve(self) -> None:
        """Follow the configuration: start, move, stop."""
        while True:
            settings = self._live_config.current().web
            if not settings.in_gateway:
                self._tell("", None)
                await anyio.sleep(SCAN_SECONDS)
                continue
            from gateway.http_server import listen

            try:
                listener = listen(settings.host, settings.port)
            except OSError as error:
                self._refuse(settings, error)
                await self._until_changed(settings, RETRY_SECONDS)
                continue
            await anyio.to_thread.run_sync(lay_token, self._home, settings)
            self._tell(settings.address, None)
            async with anyio.create_task_group() as group:
                stop = anyio.Event()
                group.start_soon(self._serve_on, listener, settings, stop)
                try:
                    await self._until_changed(settings, None)
                finally:
                    self._tell("", None)
                    stop.set()

    async def _serve_on(
        self, listener: socket.socket, settings: WebSettings, stop: anyio.Event
    ) -> None:
        await serve_on(
            listener, settings, stop, self._home, self._live_config, self._boards, self._log
        )

    async def _until_changed(self, settings: WebSettings, seconds: float | None) -> None:
        """Return once the settings differ, at the latest after ``seconds``."""
        with anyio.move_on_after(seconds):
            while self._live_config.current().web == settings:
                await anyio.sleep(SCAN_SECONDS)

    def _refuse(self, settings: WebSettings, error: OSError) -> None:
        told = f"{settings.address}: {error.strerror or error}"
        trouble = f"the board cannot be served at {told}; set web.port to one that is free"
        if trouble != self._refused:
            self._log.error("web.refused", address=settings.address, error=told)
        self._tell("", trouble)

    def _tell(self, address: str, trouble: str | None) -> None:
        if (address, trouble) != (self.address, self._refused):
            self.address, self._refused = address, trouble
            self._changed()


def lay_token(home: Path, settings: WebSettings) -> None:
    """Make the token if there is none, so that whoever reads its file finds it.

    What is wrong with it is told to those who use it.
    """
    from hermes_kanban.surfaces.rest.secrets import bearer_token

    with suppress(ConfigError, OSError):
        bearer_token(home, settings.token)


async def serve_on(
    listener: socket.socket,
    settings: WebSettings,
    stop: anyio.Event,
    home: Path,
    live_config: LiveConfig,
    boards: Boards,
    log: FilteringBoundLogger,
) -> None:
    """Serve the board and its tools on ``listener`` until ``stop`` is set."""
    from gateway.http_server import serve
    from hermes_kanban.surfaces.mcp.bearer import Bearers
    from hermes_kanban.surfaces.mcp.http import McpApp
    from hermes_kanban.surfaces.mcp.uploads import UploadApp
    from hermes_kanban.surfaces.rest.app import RestApp

    board = RestApp(home, boards, live_config.current, log, skills=InstalledSkills())

    def lend(slug: str) -> AbstractContextManager[kb.BoardConnection]:
        if slug in boards.names():
            return board.connections.use(slug, wait_seconds=WAIT_SECONDS)
        # It went away with its database, and that is for the agent to be told.
        return closing(kb.connect(slug, for_worker=True))

    # By its own name too, which is what gateways of other hosts give to agents elsewhere.
    names = settings.names | {live_config.current().host.name.lower()}
    bearers = Bearers(boards.names, lend)
    tools = McpApp(bearers, hosts=names)
    uploads = UploadApp(bearers.uploads, hosts=names)
    log.info("web.listening", address=settings.address)
    try:
        await serve(_by_path(board, tools, uploads), listener, stop)
    finally:
        board.close()
        listener.close()
        log.info("web.stopped", address=settings.address)


def _by_path(board: App, tools: App, uploads: App) -> App:
    from hermes_kanban.surfaces.mcp.uploads import PATH as UPLOADS_PATH

    async def route(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].rstrip("/") == MCP_PATH:
            await tools(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(UPLOADS_PATH):
            await uploads(scope, receive, send)
        else:
            await board(scope, receive, send)

    return route
