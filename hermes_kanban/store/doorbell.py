"""Ringing the gateway: one datagram to the board's socket after a commit.

The bell only saves waiting. A commit is never held up or failed by it, and a watcher that missed
a ring sees the change by SQLite's own change counter.
"""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path


class Doorbell:
    """The sending side; silent when nobody listens."""

    __slots__ = ("_address", "_socket")

    def __init__(self, path: Path) -> None:
        self._address = str(path)
        self._socket: socket.socket | None = None

    def ring(self) -> None:
        """Send one datagram and do not care whether it arrived."""
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        with contextlib.suppress(OSError):
            self._socket.sendto(b"!", self._address)

    def close(self) -> None:
        """Close the socket if one was opened."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
