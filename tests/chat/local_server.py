"""A server on loopback in a thread of its own, which may vanish and come back as it was."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any, TypeVar

from aiohttp import web

from tests.chat.synapse_server import free_port

T = TypeVar("T")


class LocalServer(ABC):
    """Speaks what ``routes`` says; ``call`` runs something in its thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._port = free_port()
        self._runner: web.AppRunner | None = None
        self.sockets: set[web.WebSocketResponse] = set()
        self.start()

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._port}"

    @abstractmethod
    def routes(self) -> list[web.RouteDef]:
        """What it answers to."""

    def call(self, run: Coroutine[Any, Any, T]) -> T:
        """What it returns."""
        return asyncio.run_coroutine_threadsafe(run, self._loop).result(20)

    def start(self) -> None:
        """It is there."""
        self.call(self._start())

    def stop(self) -> None:
        """It is gone, and so are its connections."""
        self.call(self._stop())

    def close(self) -> None:
        """End it."""
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    async def _start(self) -> None:
        app = web.Application()
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def _stop(self) -> None:
        for socket in list(self.sockets):
            await socket.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
