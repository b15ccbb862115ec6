"""Ringing the gateway: one datagram to the board's socket after a commit.

The bell only saves waiting. A commit is never held up or failed by it, and a watcher that missed
a ring sees the change by SQLite's own change counter.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Final

QUIET_SECONDS: Final = 1.0


class Doorbell:
    """The sending side; silent when nobody listens.

    Found alone, it does not try again for a second: whoever starts listening in that second looks
    at the whole board first, and sees later changes by the change counter.
    """

    __slots__ = ("_address", "_quiet_until", "_socket")

    def __init__(self, path: Path) -> None:
        self._address = str(path)
        self._socket: socket.socket | None = None
        self._quiet_until = 0.0

    def ring(self) -> None:
        """Send one datagram and do not care whether it arrived."""
        now = time.monotonic()
        if now < self._quiet_until:
            return
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.sendto(b"!", self._address)
        except BlockingIOError:
            pass  # the listener has rings enough to wake it
        except OSError:
            self._quiet_until = now + QUIET_SECONDS

    def close(self) -> None:
        """Close the socket if one was opened."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
