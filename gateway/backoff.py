"""Surviving an exception in a tick: logged, counted, and waited out."""

from __future__ import annotations

import random
from typing import Final

from structlog.typing import FilteringBoundLogger

from hermes_kanban.model.errors import (
    BoardBusy,
    BoardUnreachable,
    DiskFull,
    KanbanError,
    NotNow,
)

FIRST_SECONDS: Final = 0.5
MOST_SECONDS: Final = 60.0
# What somebody else puts right, who then expects that all goes on. All hosts must not ask in step.
PASSING: Final = (BoardUnreachable, BoardBusy, DiskFull, NotNow)
PASSING_SECONDS: Final = 5.0


class FailureBackoff:
    """How long a watcher waits after failures in a row."""

    def __init__(self, watcher: str, log: FilteringBoundLogger) -> None:
        self._watcher = watcher
        self._log = log
        self._failures = 0

    def failed(self, error: Exception) -> float:
        """Log the failure; the seconds to wait before the next try."""
        self._failures += 1
        delay = min(MOST_SECONDS, FIRST_SECONDS * (1 << min(self._failures - 1, 10)))
        if isinstance(error, PASSING):
            delay = min(PASSING_SECONDS, delay) * random.uniform(0.5, 1.0)
        self._log.error(
            "watcher.failed",
            watcher=self._watcher,
            failures=self._failures,
            delay_seconds=delay,
            error=str(error) or repr(error),
            exc_info=not isinstance(error, KanbanError),
        )
        return delay

    def succeeded(self) -> None:
        """A try went well: say so if one had not."""
        if self._failures:
            self._log.info("watcher.recovered", watcher=self._watcher, failures=self._failures)
            self._failures = 0
