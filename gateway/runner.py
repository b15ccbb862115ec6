"""The gateway: one asyncio process that hosts the watchers and stops within a second.

Two watchers run over every board that the configuration names. Each board is served by a loop of
its own, so that a damaged or busy board holds up no other. The kernel is called in worker threads.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from importlib import metadata
from pathlib import Path
from typing import Final

import anyio
import anyio.abc
from structlog.typing import FilteringBoundLogger

from gateway.board_notifier import BoardNotifier
from gateway.dispatcher import BoardDispatcher
from gateway.wakeup import Pulse
from hermes_kanban import kernel as kb
from hermes_kanban.config import Config, LiveConfig
from hermes_kanban.kernel.boards import board_slugs
from hermes_kanban.logs import get_logger
from hermes_kanban.paths import board_paths
from hermes_kanban.paths import home as default_home

SCAN_SECONDS: Final = 1.0

Serve = Callable[[str, Pulse, FilteringBoundLogger], Awaitable[None]]


class GatewayRunner:
    """Hosts the background services until a signal, or until its task is cancelled.

    ``boards`` limits it to those slugs; by default ``kanban.boards`` says which are served.
    """

    def __init__(self, *, home: Path | None = None, boards: list[str] | None = None) -> None:
        self._home = home or default_home()
        self._live_config = LiveConfig(self._home)
        self._only = boards
        self._log = get_logger()
        self._pulses: dict[str, Pulse] = {}
        self._rejected: str | None = None
        self._refused: dict[str, str] = {}

    async def run(self) -> None:
        """Run every service; returns after the first SIGTERM or SIGINT, a second exits at once."""
        async with anyio.create_task_group() as outer:
            with anyio.CancelScope() as services:
                await outer.start(self._watch_signals, services)
                self._log.info(
                    "gateway.started",
                    home=str(self._home),
                    version=metadata.version("hermes-kanban"),
                    pid=os.getpid(),
                )
                async with anyio.create_task_group() as group:
                    group.start_soon(self._follow_configuration)
                    group.start_soon(self._follow_boards)
                    group.start_soon(self._kanban_dispatcher_watcher)
                    group.start_soon(self._kanban_notifier_watcher)
            self._log.info("gateway.stopped")
            outer.cancel_scope.cancel()

    async def _kanban_dispatcher_watcher(self) -> None:
        """Dispatch every served board while ``kanban.dispatch_in_gateway`` says so."""

        async def dispatch(slug: str, pulse: Pulse, log: FilteringBoundLogger) -> None:
            await BoardDispatcher(slug, self._live_config, pulse, log).serve()

        await self._serve_boards(
            "dispatcher",
            "kanban.dispatch_in_gateway",
            lambda config: config.kanban.dispatch_in_gateway,
            dispatch,
        )

    async def _kanban_notifier_watcher(self) -> None:
        """Deliver every served board's news while ``kanban.notify_in_gateway`` says so."""

        async def notify(slug: str, pulse: Pulse, log: FilteringBoundLogger) -> None:
            await BoardNotifier(slug, self._live_config, pulse, log).serve()

        await self._serve_boards(
            "notifier",
            "kanban.notify_in_gateway",
            lambda config: config.kanban.notify_in_gateway,
            notify,
        )

    async def _watch_signals(
        self,
        services: anyio.CancelScope,
        *,
        task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            task_status.started()
            stopping = False
            async for number in signals:
                if stopping:
                    os._exit(128 + number)
                stopping = True
                self._log.info("gateway.stopping", signal=signal.Signals(number).name)
                services.cancel()

    async def _follow_configuration(self) -> None:
        """Say once when an edit of the configuration is wrong, and when it is right again."""
        while True:
            before = self._live_config.current()
            error = self._live_config.error
            if error != self._rejected:
                self._rejected = error
                if error is not None:
                    self._log.error("config.rejected", error=error)
            await anyio.sleep(SCAN_SECONDS)
            if self._live_config.current() is not before:
                self._log.info("config.reloaded")

    async def _follow_boards(self) -> None:
        """Keep a pulse for each served board that can be opened."""
        async with anyio.create_task_group() as group:
            while True:
                for slug in self._served():
                    if slug not in self._pulses and await self._can_open(slug):
                        paths = board_paths(slug)
                        self._pulses[slug] = Pulse(paths)
                        self._log.info("board.opened", board=slug, database=str(paths.database))
                        group.start_soon(self._beat, slug, self._pulses[slug])
                await anyio.sleep(SCAN_SECONDS)

    def _open_boards(self) -> dict[str, Pulse]:
        return {slug: self._pulses[slug] for slug in self._served() if slug in self._pulses}

    def _served(self) -> list[str]:
        config = self._live_config.current()
        wanted = board_slugs() if self._only is None else self._only
        return [slug for slug in wanted if config.kanban.serves(slug)]

    async def _can_open(self, slug: str) -> bool:
        try:
            await anyio.to_thread.run_sync(lambda: kb.connect(slug).close())
        except kb.KanbanError as error:
            if self._refused.get(slug) != str(error):
                self._log.error("board.refused", board=slug, error=str(error))
            self._refused[slug] = str(error)
            return False
        self._refused.pop(slug, None)
        return True

    async def _beat(self, slug: str, pulse: Pulse) -> None:
        try:
            await pulse.run()
        except Exception as error:
            self._log.error("watcher.failed", watcher="pulse", board=slug, error=str(error))
            await anyio.sleep(SCAN_SECONDS)
        finally:
            self._pulses.pop(slug, None)

    async def _serve_boards(
        self, watcher: str, setting: str, is_on: Callable[[Config], bool], serve: Serve
    ) -> None:
        """A loop for each served board while the setting is on; it is looked at every second."""
        serving: dict[str, anyio.CancelScope] = {}
        told_off = False
        self._log.info("watcher.started", watcher=watcher)
        async with anyio.create_task_group() as group:
            while True:
                on = is_on(self._live_config.current())
                if not on and not told_off:
                    self._log.info("watcher.off", watcher=watcher, setting=setting)
                told_off = not on
                wanted = {
                    slug: self._pulses[slug]
                    for slug in self._served()
                    if on and slug in self._pulses
                }
                for slug in serving.keys() - wanted.keys():
                    serving.pop(slug).cancel()
                for slug in wanted.keys() - serving.keys():
                    serving[slug] = anyio.CancelScope()
                    group.start_soon(self._serve_one, watcher, slug, wanted[slug], serve, serving)
                await anyio.sleep(0.05 if not self._pulses else SCAN_SECONDS)

    async def _serve_one(
        self,
        watcher: str,
        slug: str,
        pulse: Pulse,
        serve: Serve,
        serving: dict[str, anyio.CancelScope],
    ) -> None:
        """Serve a board until cancelled; after a failure it is tried again at the next scan."""
        log = self._log.bind(board=slug)
        scope = serving[slug]
        with scope:
            try:
                await serve(slug, pulse, log)
            except Exception as error:
                trace = not isinstance(error, kb.KanbanError)
                said = str(error) or repr(error)
                log.error("watcher.failed", watcher=watcher, error=said, exc_info=trace)
                await anyio.sleep(SCAN_SECONDS)
        if serving.get(slug) is scope:
            del serving[slug]
