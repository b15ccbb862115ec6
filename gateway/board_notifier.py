"""The notifier watcher of one board: one a host, woken by the board, due by the outbox."""

from __future__ import annotations

from typing import Final

import anyio
from structlog.typing import FilteringBoundLogger

from gateway.locks import RoleLock
from gateway.notifier import Notifier
from gateway.wakeup import Pulse
from hermes_kanban import kernel as kb
from hermes_kanban.config import LiveConfig
from hermes_kanban.paths import board_paths
from hermes_kanban.store.sqlite import GATEWAY_WAIT_SECONDS, BoardConnection

STANDBY_SECONDS: Final = 0.5
INTERVAL_SECONDS: Final = 60.0
FAILURE_BACKOFF_SECONDS: Final = (0.5, 60.0)


class BoardNotifier:
    """Delivers one board's news until cancelled."""

    def __init__(
        self, board: str | None, live_config: LiveConfig, pulse: Pulse, log: FilteringBoundLogger
    ) -> None:
        self._board = board
        self._live_config = live_config
        self._pulse = pulse
        self._log = log
        self._failures = 0

    async def serve(self) -> None:
        """Wait for the board's notifier lock, then deliver until cancelled."""
        lock = RoleLock(board_paths(self._board).notifier_lock)
        while not lock.try_take():
            await anyio.sleep(STANDBY_SECONDS)
        notifier = Notifier(self._connect, self._log)
        wakeup = self._pulse.sleeper()
        try:
            while True:
                newest = self._pulse.newest
                delay = await self._deliver(notifier)
                wakeup.seen = newest
                await wakeup.sleep(delay)
        finally:
            self._pulse.drop(wakeup)
            notifier.close()
            lock.release()

    def _connect(self) -> BoardConnection:
        conn = kb.connect(self._board, wait_seconds=GATEWAY_WAIT_SECONDS, same_thread=False)
        conn.config = self._live_config.current()
        return conn

    async def _deliver(self, notifier: Notifier) -> float:
        """One round; seconds until the next is due at the latest."""
        try:
            due = await notifier.run_once()
        except Exception as error:
            return self._failed(error)
        if self._failures:
            self._log.info("watcher.recovered", watcher="notifier", failures=self._failures)
            self._failures = 0
        return INTERVAL_SECONDS if due is None else min(due, INTERVAL_SECONDS)

    def _failed(self, error: Exception) -> float:
        self._failures += 1
        first, most = FAILURE_BACKOFF_SECONDS
        delay = min(most, first * (1 << min(self._failures - 1, 10)))
        self._log.error(
            "watcher.failed",
            watcher="notifier",
            failures=self._failures,
            delay_seconds=delay,
            error=str(error) or repr(error),
            exc_info=not isinstance(error, kb.KanbanError),
        )
        return delay
