"""A pooler before PostgreSQL: it greets its clients itself, and lends them the server's sessions.

As PgBouncer does by ``pool_mode``: for as long as a client stays, or for one transaction each,
the session that was given back last going first
(https://www.postgresql.org/docs/current/protocol-message-formats.html).
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

_SOCKET = ".s.PGSQL.5432"
_WELCOME = b"R\0\0\0\x08\0\0\0\0"
_READY = b"Z\0\0\0\x05I"
# No server has processes of such numbers.
_FIRST_NUMBER = 2**30


class Session:
    """One of the server's, with what the server told of itself when it began."""

    def __init__(self, behind: str, startup: bytes) -> None:
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.line.connect(behind)
        self.line.sendall(startup)
        told = Messages()
        self.parameters = b""
        while True:
            for kind, message in told.of(_some(self.line)):
                if kind == b"S":
                    self.parameters += message
                if kind == b"Z":
                    return


class Messages:
    """What comes on a line, cut into whole messages."""

    def __init__(self) -> None:
        self._rest = b""

    def of(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The kind of each message that is whole now, and all of it."""
        self._rest += data
        while len(self._rest) >= 5:
            end = 1 + int.from_bytes(self._rest[1:5])
            if len(self._rest) < end:
                return
            message, self._rest = self._rest[:end], self._rest[end:]
            yield message[:1], message


class Pooler:
    """Listens at ``address``."""

    def __init__(self, server_address: str, folder: Path, *, by_transaction: bool) -> None:
        parts = urlsplit(server_address)
        (behind,) = parse_qs(parts.query)["host"]
        self._behind = str(Path(behind) / _SOCKET)
        self._by_transaction = by_transaction
        self._idle: list[Session] = []
        self._numbers = count(_FIRST_NUMBER)
        self.address = urlunsplit(parts._replace(query=f"host={quote(str(folder))}"))
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(folder / _SOCKET))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more, and end the sessions that nobody has."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        while self._idle:
            self._idle.pop().line.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            startup = _some(client)
            while len(startup) < int.from_bytes(startup[:4]):
                startup += _some(client)
            session = self._lend(startup)
            number = struct.pack("!cIII", b"K", 12, next(self._numbers), 0)
            welcome = _WELCOME + session.parameters + number + _READY
            if not self._by_transaction:
                client.sendall(welcome)
                with session.line:
                    _carry(client, session, b"")
                return
            self._give_back(session, client, welcome)
            while (asked := _some(client))[:1] != b"X":
                session = self._lend(startup)
                answer = _carry(client, session, asked, one=True)
                self._give_back(session, client, answer)

    def _give_back(self, session: Session, client: socket.socket, answer: bytes) -> None:
        # First: whoever has heard the answer finds the session idle.
        self._idle.append(session)
        client.sendall(answer)

    def _lend(self, startup: bytes) -> Session:
        return self._idle.pop() if self._idle else Session(self._behind, startup)


def _carry(client: socket.socket, session: Session, said: bytes, *, one: bool = False) -> bytes:
    """Carry what the client has said and says, to the end of ``one`` transaction.

    Returns what is left to be told of that.
    """
    asked, answered = Messages(), Messages()
    waited_for = 0
    while True:
        waited_for += sum(kind in (b"Q", b"S") for kind, _ in asked.of(said))
        session.line.sendall(said)
        said = b""
        ready, _, _ = select.select([client, session.line], [], [])
        if session.line in ready:
            told = _some(session.line)
            for kind, message in answered.of(told):
                waited_for -= kind == b"Z"
                if one and (kind, message[-1:], waited_for) == (b"Z", b"I", 0):
                    return told
            client.sendall(told)
        if client in ready:
            said = _some(client)


def _some(line: socket.socket) -> bytes:
    data = line.recv(1 << 16)
    if not data:
        raise ConnectionError("gone")
    return data


@contextlib.contextmanager
def pooler(server_address: str, folder: Path, *, by_transaction: bool) -> Iterator[Pooler]:
    """A pooler for the time of a test."""
    made = Pooler(server_address, folder, by_transaction=by_transaction)
    try:
        yield made
    finally:
        made.close()
