"""The same HTTP server without a gateway: people see their boards, and nothing is dispatched."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import anyio.abc
import msgspec

from gateway.http_server import listen
from gateway.web import lay_token, serve_on
from gateway.web_boards import OwnBoards
from hermes_kanban import kernel as kb
from hermes_kanban import logs
from hermes_kanban.config import LiveConfig, WebSettings
from hermes_kanban.config.settings import Config


class _Followed(LiveConfig):
    """The configuration as it is edited, at the address that this server was started with."""

    def __init__(self, home: Path, settings: WebSettings) -> None:
        super().__init__(home)
        self._settings = settings

    def current(self) -> Config:
        """The configuration in force."""
        return msgspec.structs.replace(super().current(), web=self._settings)


def run(home: Path, settings: WebSettings, opened: Callable[[str], None]) -> int:
    """Serve until a signal; ``opened`` is told the address once it listens.

    Returns 0 after an orderly stop. Raises KanbanError if the address cannot be had, and
    ConfigError.
    """
    config = LiveConfig(home).current()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    logs.configure(config.logging, sys.stderr)
    kb.init_db()
    try:
        listener = listen(settings.host, settings.port)
    except OSError as error:
        what = "a gateway or another server may be there; choose another: --port N, 0 for any"
        raise kb.KanbanError(
            f"cannot listen at {settings.address}: {error.strerror}; {what}"
        ) from None
    lay_token(home, settings)
    settings = msgspec.structs.replace(settings, port=listener.getsockname()[1])

    async def serve() -> None:
        live_config = _Followed(home, settings)
        log = logs.get_logger()
        boards = OwnBoards(live_config, log, only=bool(os.environ.get("HERMES_KANBAN_DB")))
        stop = anyio.Event()
        async with anyio.create_task_group() as group:
            await group.start(_on_signal, stop)
            await group.start(boards.run)
            opened(settings.address)
            await serve_on(listener, settings, stop, home, live_config, boards, log)
            group.cancel_scope.cancel()

    anyio.run(serve)
    return 0


async def _on_signal(stop: anyio.Event, *, task_status: anyio.abc.TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for number in signals:
            if stop.is_set():
                os._exit(128 + number)
            stop.set()
