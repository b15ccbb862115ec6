"""A relay between a program and PostgreSQL's socket: it counts round trips, and cuts the line."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

_SOCKET = ".s.PGSQL.5432"
_HEAD = struct.Struct("!cI")


class Relay:
    """Every connection to ``address`` is one to the server behind it.

    ``round_trips`` counts the requests that wait for an answer: what the protocol calls Query and
    Sync (https://www.postgresql.org/docs/current/protocol-flow.html), ``statements`` those that
    run one. ``delay_seconds`` is how long each request is on its way.
    """

    def __init__(self, server_address: str, folder: Path, delay_seconds: float = 0.0) -> None:
        parts = urlsplit(server_address)
        (behind,) = parse_qs(parts.query)["host"]
        self._behind = str(Path(behind) / _SOCKET)
        self._front = folder / _SOCKET
        self._lines: set[socket.socket] = set()
        self._for_good = False
        self._cut: tuple[bytes, bool] | None = None
        self._cut_trip: tuple[int, bool] | None = None
        self._stalled: set[socket.socket] = set()
        self._stall_at: bytes | None = None
        self.address = urlunsplit(parts._replace(query=f"host={quote(str(folder))}"))
        self.round_trips = self.statements = 0
        self._delay = delay_seconds
        self.come_back()

    def cut_at(self, words: bytes, *, delivered: bool, for_good: bool = False) -> None:
        """Cut the line at the next request with these words, before or after the server has it.

        ``for_good``: and go away.
        """
        self._cut, self._for_good = (words, delivered), for_good

    def cut_at_trip(self, number: int, *, delivered: bool) -> None:
        """Cut the line at the request that is so many round trips from now, the next one being 1.

        Before or after the server has it.
        """
        self._cut_trip = (self.round_trips + number, delivered)

    @property
    def has_cut(self) -> bool:
        """Whether the line was cut as wanted."""
        return self._cut is None and self._cut_trip is None

    def go_away(self) -> None:
        """Cut every line and take no more, as a server that is down."""
        self.close()
        for line in list(self._lines):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def stall(self) -> None:
        """Let nothing pass any more on the lines that there are, and do not end them."""
        self._stalled |= self._lines

    def stall_at(self, words: bytes) -> None:
        """The same with the next line that has these words in a request, which is not delivered."""
        self._stall_at = words

    @property
    def has_stalled(self) -> bool:
        """Whether a line was stalled as wanted."""
        return self._stall_at is None

    def come_back(self) -> None:
        """Take connections (again)."""
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self._front))
        self._listener.listen()
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._front.unlink(missing_ok=True)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                server.connect(self._behind)
                threading.Thread(target=self._carry, args=(client, server), daemon=True).start()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        asked = b""
        self._lines |= {client, server}
        with client, server, contextlib.suppress(OSError):
            while True:
                ready, _, _ = select.select([client, server], [], [])
                for source in ready:
                    data = source.recv(1 << 20)
                    if not data:
                        return
                    if source is client and self._stall_at is not None and self._stall_at in data:
                        self._stall_at = None
                        self._stalled |= {client, server}
                    if source in self._stalled:
                        continue
                    if source is client:
                        time.sleep(self._delay)
                        asked = self._count(asked + data)
                        delivered = self._cuts(data)
                        if delivered is not None:
                            if delivered:
                                server.sendall(data)
                            if self._for_good:
                                self.close()
                            return
                        server.sendall(data)
                    else:
                        client.sendall(data)

    def _cuts(self, data: bytes) -> bool | None:
        """Whether these bytes are where the line is cut, and then whether the server gets them."""
        if self._cut is not None and self._cut[0] in data:
            (_, delivered), self._cut = self._cut, None
            return delivered
        if self._cut_trip is not None and self.round_trips >= self._cut_trip[0]:
            (_, delivered), self._cut_trip = self._cut_trip, None
            return delivered
        return None

    def _count(self, asked: bytes) -> bytes:
        """Count the whole messages among these bytes; returns what is left."""
        while len(asked) >= _HEAD.size:
            kind, length = _HEAD.unpack_from(asked)
            if kind == b"\0":  # the very first message of a connection has a length only
                length = int.from_bytes(asked[:4]) - 1
            if len(asked) < length + 1:
                break
            self.round_trips += kind in (b"Q", b"S")
            self.statements += kind in (b"Q", b"B")
            asked = asked[length + 1 :]
        return asked


@contextlib.contextmanager
def relay(server_address: str, folder: Path, delay_seconds: float = 0.0) -> Iterator[Relay]:
    """A relay for the time of a test."""
    made = Relay(server_address, folder, delay_seconds)
    try:
        yield made
    finally:
        made.close()
