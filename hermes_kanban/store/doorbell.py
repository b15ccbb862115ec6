"""Ringing the gateway: one datagram to each of the board's sockets after a commit.

The bell only saves waiting. A commit is never held up or failed by it, and a watcher that missed
a ring sees the change by SQLite's own change counter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket

QUIET_SECONDS: Final = 1.0


class Doorbell:
    """The sending side; silent when nobody listens.

    Where it finds nobody it does not try again for a second: whoever starts listening in that
    second looks at the whole board first, and sees later changes by the change counter. ``paths``
    is asked and the socket's module loaded at the first ring: who only reads never rings.
    """

    __slots__ = ("_paths", "_quiet_until", "_socket")

    def __init__(self, paths: Callable[[], Sequence[Path]]) -> None:
        self._paths = paths
        self._quiet_until: dict[str, float] = {}
        self._socket: socket.socket | None = None

    def ring(self) -> None:
        """Send the datagrams and do not care whether they arrived."""
        now = time.monotonic()
        bell = self._socket or self._open()
        for address, quiet_until in self._quiet_until.items():
            if now < quiet_until:
                continue
            try:
                bell.sendto(b"!", address)
            except BlockingIOError:
                pass  # the listener has rings enough to wake it
            except OSError:
                self._quiet_until[address] = now + QUIET_SECONDS

    def _open(self) -> socket.socket:
        import socket

        self._quiet_until = {str(path): 0.0 for path in self._paths()}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        return self._socket

    def close(self) -> None:
        """Close the socket if one was opened."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
