"""The gateway: one asyncio process that hosts the watchers and stops within a second.

Two watchers run over every board that the configuration names. Each board is served by a loop of
its own, so that a damaged or busy board holds up no other. The kernel is called in worker threads.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Final, NamedTuple

import anyio
import anyio.abc
from structlog.typing import FilteringBoundLogger

from gateway.chat.service import ChatService
from gateway.dispatcher import BoardDispatcher
from gateway.notifier import BoardNotifier
from gateway.senders import Sender
from gateway.sources import BoardGone
from gateway.wakeup import Pulse
from gateway.web import WebServer
from gateway.web_boards import GatewayBoards
from hermes_kanban import kernel as kb
from hermes_kanban import oserrors
from hermes_kanban.config import Config, LiveConfig, Server
from hermes_kanban.kernel.boards import board_slugs
from hermes_kanban.logs import get_logger
from hermes_kanban.paths import board_paths
from hermes_kanban.paths import home as default_home
from hermes_kanban.store.opening import schema_version

STOP_SECONDS: Final = 8.0
SCAN_SECONDS: Final = 2.0
# A look at the configuration's files costs microseconds, and somebody waits for what he edited.
LOOK_SECONDS: Final = 0.5
# A server is asked by a connection of its own, which costs more than to look into a folder.
SCAN_SERVER_SECONDS: Final = 10.0

BoardName = str | None
"""A board, or None for the board that the environment names."""

Serve = Callable[[BoardName, Pulse, FilteringBoundLogger], Awaitable[None]]


class GatewayRunner:
    """Hosts the background services until a signal, or until its task is cancelled.

    ``boards`` limits it to those slugs; by default ``kanban.boards`` says which are served.
    """

    def __init__(
        self, *, home: Path | None = None, boards: Sequence[BoardName] | None = None
    ) -> None:
        self._home = home or default_home()
        self._live_config = LiveConfig(self._home)
        # A board named by its file is served alone: nobody else may know that it is there.
        named_by_file = bool(os.environ.get("HERMES_KANBAN_DB")) and boards is None
        self._only = [None] if named_by_file else boards
        self._log = get_logger()
        self._pulses: dict[BoardName, Pulse] = {}
        self._refused: dict[BoardName, str] = {}
        self._slugs: list[str] = []
        self._had_boards = False
        self._opened: set[BoardName] = set()
        self._list_at = 0.0
        self._senders: dict[str, Sender] = {}
        self._chats = ChatService(
            self._home,
            self._live_config,
            self._board_names,
            self._senders,
            self._log,
            changed=lambda: self._nudge("chat"),
        )
        self._web = WebServer(
            self._home,
            self._live_config,
            GatewayBoards(self._reachable, self._look_now),
            self._log,
            changed=lambda: self._nudge("web"),
        )
        self._look_again = anyio.Event()
        self._changed = anyio.Event()

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
                    for name, service in {
                        "configuration": self._follow_configuration,
                        "boards": self._follow_boards,
                        "dispatcher": self._kanban_dispatcher_watcher,
                        "notifier": self._kanban_notifier_watcher,
                        "web": self._web.serve,
                        "chat": self._chats.serve,
                    }.items():
                        group.start_soon(self._keep_up, name, service)
            self._log.info("gateway.stopped")
            outer.cancel_scope.cancel()

    async def _keep_up(self, watcher: str, service: Callable[[], Awaitable[None]]) -> None:
        """Run a service for ever: what it did not foresee ends no other, and is told."""
        while True:
            try:
                await service()
            except Exception as error:
                said = _words(error)
                self._log.error("watcher.failed", watcher=watcher, error=said, exc_info=True)
                await anyio.sleep(SCAN_SECONDS)

    async def _kanban_dispatcher_watcher(self) -> None:
        """Dispatch every served board while ``kanban.dispatch_in_gateway`` says so."""

        async def dispatch(board: BoardName, pulse: Pulse, log: FilteringBoundLogger) -> None:
            await BoardDispatcher(
                board, self._live_config, pulse, log, lambda: self._chats.states, self._web
            ).serve()

        await self._serve_boards(
            "dispatcher",
            "kanban.dispatch_in_gateway",
            lambda config: config.kanban.dispatch_in_gateway,
            dispatch,
        )

    async def _kanban_notifier_watcher(self) -> None:
        """Deliver every served board's news while ``kanban.notify_in_gateway`` says so."""

        async def notify(board: BoardName, pulse: Pulse, log: FilteringBoundLogger) -> None:
            await BoardNotifier(board, self._live_config, pulse, log, self._senders).serve()

        await self._serve_boards(
            "notifier",
            "kanban.notify_in_gateway",
            lambda config: config.kanban.notify_in_gateway,
            notify,
        )

    def _board_names(self) -> dict[str, BoardName]:
        """The boards that this gateway serves, by slug, as they are connected to."""
        return {slug: board for slug, (board, _) in self._reachable().items()}

    def _reachable(self) -> dict[str, tuple[BoardName, Pulse]]:
        """The boards that this gateway serves, by slug."""
        return {
            board_paths(board).slug: (board, pulse) for board, pulse in self._open_boards().items()
        }

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
                self._end_at_last()
                services.cancel()

    def _end_at_last(self) -> None:
        """End the process in some seconds, although a call may hang then and take longer.

        Servers, disks and name servers may never answer. What is under way is as safe as if this
        process was killed.
        """

        def end() -> None:
            self._log.warning("gateway.cut_short")
            os._exit(0)

        last = threading.Timer(STOP_SECONDS, end)
        last.daemon = True
        with contextlib.suppress(RuntimeError):  # no thread is to be had
            last.start()

    async def _follow_configuration(self) -> None:
        """Take an edit up at once; say so, also when it is wrong."""
        known, rejected = self._live_config.current(), None
        while True:
            current, error = self._live_config.current(), self._live_config.error
            if current is not known:
                self._log.info("config.reloaded", files=[str(file) for file in current.files])
            if error != rejected and error is not None:
                self._log.error("config.rejected", error=error)
            if current is not known or error != rejected:
                self._nudge("config")
                self._tell_change()
                self._look_now()
            known, rejected = current, error
            await anyio.sleep(LOOK_SECONDS)

    def _nudge(self, why: str) -> None:
        for pulse in self._pulses.values():
            pulse.nudge(why)

    def _tell_change(self) -> None:
        """What is to be served may be other boards than before."""
        self._changed.set()
        self._changed = anyio.Event()

    async def _follow_boards(self) -> None:
        """Keep a pulse for each served board that can be opened, wherever boards lie just now."""
        while True:
            database = self._live_config.current().kanban.server
            self._slugs, self._list_at, self._had_boards = [], 0.0, False
            self._opened.clear()
            async with anyio.create_task_group() as group:
                while self._live_config.current().kanban.server == database:
                    await self._list_boards(database)
                    await self._open_new(group)
                    with anyio.move_on_after(SCAN_SECONDS):
                        await self._look_again.wait()
                        self._list_at = 0.0
                    self._look_again = anyio.Event()
                group.cancel_scope.cancel()

    async def _open_new(self, group: anyio.abc.TaskGroup) -> None:
        for board in self._served():
            if board not in self._pulses and (location := await self._open(board)):
                paths = board_paths(board)
                self._pulses[board] = Pulse(paths, board_made=self._look_now)
                self._log.info("board.opened", board=paths.slug, database=location)
                group.start_soon(self._beat, board, self._pulses[board])
                self._tell_change()

    async def _list_boards(self, database: Server) -> None:
        """Look which boards there are; while a database does not answer, those of before.

        It is asked again at the next scan then: what waits there shall be seen soon.
        """
        if self._only is not None or (database and anyio.current_time() < self._list_at):
            return
        try:
            slugs = await anyio.to_thread.run_sync(_boards_of, database, not self._had_boards)
        except (kb.KanbanError, OSError) as error:
            self._refuse(None, oserrors.told(error))
        else:
            self._refused.pop(None, None)
            self._list_at = anyio.current_time() + SCAN_SERVER_SECONDS
            if database:
                for slug in set(self._slugs).difference(slugs):
                    self._log.warning("board.gone", board=slug, error="the database has it no more")
            self._slugs = slugs
            self._had_boards = self._had_boards or bool(slugs)

    def _look_now(self) -> None:
        """Look which boards there are without waiting for the next scan."""
        self._look_again.set()

    def _open_boards(self) -> dict[BoardName, Pulse]:
        pulses = dict(self._pulses)  # threads of the HTTP server ask too
        return {board: pulses[board] for board in self._served() if board in pulses}

    def _served(self) -> list[BoardName]:
        config = self._live_config.current()
        wanted = self._slugs if self._only is None else self._only
        return [board for board in wanted if board is None or config.kanban.serves(board)]

    async def _open(self, board: BoardName) -> str | None:
        """Where the board lies, if it can be opened."""
        was_there = board in self._opened and bool(self._live_config.current().kanban.server)

        def location() -> str:
            if was_there:
                # To connect would make it, were it the only one: it must not come back empty.
                schema_version(board)
            conn = kb.connect(board)
            conn.close()
            return conn.location

        try:
            found = await anyio.to_thread.run_sync(location)
        except (kb.KanbanError, OSError) as error:
            self._refuse(board, oserrors.told(error))
            return None
        self._refused.pop(board, None)
        self._opened.add(board)
        return found

    def _refuse(self, board: BoardName, why: str) -> None:
        if self._refused.get(board) != why:
            self._log.error("board.refused", board=board, error=why)
        self._refused[board] = why

    async def _beat(self, board: BoardName, pulse: Pulse) -> None:
        try:
            await pulse.run()
        except BoardGone as error:
            self._log.warning("board.gone", board=board, error=str(error))
            self._list_at = 0.0
        except Exception as error:
            said = _words(error)
            self._log.error("watcher.failed", watcher="pulse", board=board, error=said)
            await anyio.sleep(SCAN_SECONDS)
            self._look_now()
        finally:
            self._pulses.pop(board, None)
            self._tell_change()

    async def _serve_boards(
        self, watcher: str, setting: str, is_on: Callable[[Config], bool], serve: Serve
    ) -> None:
        """A loop for each served board, and for its pulse, while the setting is on."""
        serving: dict[BoardName, _Loop] = {}
        told_off = False
        self._log.info("watcher.started", watcher=watcher)
        async with anyio.create_task_group() as group:
            while True:
                on = is_on(self._live_config.current())
                if not on and not told_off:
                    self._log.info("watcher.off", watcher=watcher, setting=setting)
                told_off = not on
                wanted = self._open_boards() if on else {}
                for board, loop in list(serving.items()):
                    # Another pulse is another board, or that one's connection was lost.
                    if wanted.get(board) is not loop.pulse:
                        serving.pop(board).scope.cancel()
                for board in wanted.keys() - serving.keys():
                    serving[board] = _Loop(wanted[board], anyio.CancelScope())
                    group.start_soon(self._serve_one, watcher, board, serve, serving)
                with anyio.move_on_after(SCAN_SECONDS):
                    await self._changed.wait()

    async def _serve_one(
        self,
        watcher: str,
        board: BoardName,
        serve: Serve,
        serving: dict[BoardName, _Loop],
    ) -> None:
        """Serve a board until cancelled; after a failure it is tried again at the next scan."""
        log = self._log.bind(board=board_paths(board).slug)
        loop = serving[board]
        with loop.scope:
            try:
                await serve(board, loop.pulse, log)
            except Exception as error:
                trace = not isinstance(error, kb.KanbanError)
                said = _words(error)
                log.error("watcher.failed", watcher=watcher, error=said, exc_info=trace)
                await anyio.sleep(SCAN_SECONDS)
        if serving.get(board) is loop:
            del serving[board]
            self._tell_change()


class _Loop(NamedTuple):
    """What serves one board: the pulse that wakes it, and what ends it."""

    pulse: Pulse
    scope: anyio.CancelScope


def _words(error: Exception) -> str:
    """What an error says, or each of several that came at once."""
    if isinstance(error, ExceptionGroup):
        return "; ".join(_words(one) for one in error.exceptions)
    return str(error) or repr(error)


def _boards_of(database: Server, is_first: bool) -> list[str]:
    """The boards there are; a server that has none at the first look gets the first.

    Not later: one that is gone must not come back empty.
    """
    found = board_slugs(database)
    if database and not found and is_first:
        kb.init_db()
        found = board_slugs(database)
    return found
