"""The one clock of all hosts that share a board."""

from __future__ import annotations

import time

from hermes_kanban.ports import SystemClock


class ServerClock(SystemClock):
    """The server's wall clock, so that all hosts of a board have one; the host's may be wrong.

    Between two answers of the server it goes on with the host's boot clock.
    """

    def __init__(self) -> None:
        self._ahead = time.time() - self.boottime()

    def hear(self, server_time: float) -> None:
        """The server said that it is so many Unix seconds."""
        self._ahead = server_time - self.boottime()

    def now(self) -> int:
        """Unix seconds, UTC."""
        return int(self.boottime() + self._ahead)
