"""Ringing the gateway: one datagram to the board's socket after a commit.

The bell only saves waiting. A commit is never held up or failed by it, and a watcher that missed
a ring sees the change by SQLite's own change counter.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket

QUIET_SECONDS: Final = 1.0


class Doorbell:
    """The sending side; silent when nobody listens.

    Found alone, it does not try again for a second: whoever starts listening in that second looks
    at the whole board first, and sees later changes by the change counter. ``path`` is asked and
    the socket's module loaded at the first ring: who only reads never rings.
    """

    __slots__ = ("_address", "_path", "_quiet_until", "_socket")

    def __init__(self, path: Callable[[], Path]) -> None:
        self._path = path
        self._address = ""
        self._socket: socket.socket | None = None
        self._quiet_until = 0.0

    def ring(self) -> None:
        """Send one datagram and do not care whether it arrived."""
        now = time.monotonic()
        if now < self._quiet_until:
            return
        bell = self._socket or self._open()
        try:
            bell.sendto(b"!", self._address)
        except BlockingIOError:
            pass  # the listener has rings enough to wake it
        except OSError:
            self._quiet_until = now + QUIET_SECONDS

    def _open(self) -> socket.socket:
        import socket

        self._address = str(self._path())
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        return self._socket

    def close(self) -> None:
        """Close the socket if one was opened."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
