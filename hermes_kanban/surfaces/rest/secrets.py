"""What proves who asks: the token of the home, one-time codes, and sessions of browsers.

Kept in the home in files that only its owner reads; of codes and sessions only hashes. A session is
two secrets: the cookie, which a browser sends to every port of this machine, and a token that only
the page has and sends in a header. Neither does anything without the other.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from hermes_kanban.model.errors import ConfigError
from hermes_kanban.ports import Clock, SystemClock
from hermes_kanban.regular import NotRegular, open_regular, read_regular

TOKEN_FILE: Final = "web.token"
SESSIONS_FILE: Final = "web.sessions"
LOCK_FILE: Final = "web.lock"
CODE_SECONDS: Final = 120
SESSION_SECONDS: Final = 14 * 24 * 3600
CODES: Final = 20
SESSIONS: Final = 50
_SECRET_BYTES: Final = 32
_LEAST_TOKEN: Final = 32


def bearer_token(home: Path, configured: str = "") -> str:
    """The token that an ``Authorization: Bearer`` must have; made at first use.

    Raises ConfigError for a file that others may read, or that holds no secret.
    """
    if configured:
        return configured
    file = home / TOKEN_FILE
    for _ in range(2):
        try:
            return _read_token(file)
        except FileNotFoundError:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileExistsError):
                _write_new(file, f"{secrets.token_urlsafe(_SECRET_BYTES)}\n".encode())
    return _read_token(file)


def _read_token(file: Path) -> str:
    with open(open_regular(file), "rb") as stream:
        if os.fstat(stream.fileno()).st_mode & 0o077:
            raise ConfigError(f"{file} may be read by others; run: chmod 600 {file}")
        token = stream.read(1024).decode("ascii", "replace").strip()
    if len(token) < _LEAST_TOKEN:
        raise ConfigError(f"{file} holds no token; remove it, and a new one is made")
    return token


def _write_new(file: Path, content: bytes) -> None:
    """The file appears whole or not at all; FileExistsError if it is there."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    _write(draft, content)
    try:
        os.link(draft, file)
    finally:
        draft.unlink()


def _write(file: Path, content: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def same(given: str, secret: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(_hash(given), _hash(secret))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One browser that logged in; times are Unix seconds.

    ``token_hash`` is of what its page sends beside the cookie, ``place`` the host and port where
    it logged in: elsewhere it counts for nothing.
    """

    token_hash: str
    place: str
    created_at: int
    expires_at: int


class NewSession(NamedTuple):
    """Both halves of a session, which are told once."""

    cookie: str
    token: str
    expires_at: int


class _Kept(msgspec.Struct):
    """What the file holds: hashes of codes with their ends, and of cookies with their sessions."""

    codes: dict[str, int] = {}
    sessions: dict[str, Session] = {}


class Logins:
    """Codes and sessions of a home, shared by every server and command of it."""

    def __init__(self, home: Path, *, clock: Clock | None = None) -> None:
        self._home = home
        self._file = home / SESSIONS_FILE
        self._clock = clock or SystemClock()
        self._guard = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._known = _Kept()

    def new_code(self) -> str:
        """A code that opens one session, once, within two minutes."""
        code = secrets.token_urlsafe(_SECRET_BYTES)
        with self._changing() as kept:
            kept.codes[_hash(code)] = self._clock.now() + CODE_SECONDS
            while len(kept.codes) > CODES:
                del kept.codes[next(iter(kept.codes))]
        return code

    def redeem(self, code: str, place: str) -> NewSession | None:
        """Both halves of a new session for a code; None if it is used up, too old or none."""
        hashed = _hash(code)
        if hashed not in self._read().codes:
            return None
        with self._changing() as kept:
            if kept.codes.pop(hashed, None) is None:
                return None
            return self._open(kept, place)

    def open(self, place: str) -> NewSession:
        """Both halves of a new session, for who has proved itself otherwise."""
        with self._changing() as kept:
            return self._open(kept, place)

    def _open(self, kept: _Kept, place: str) -> NewSession:
        now = self._clock.now()
        cookie, token = (secrets.token_urlsafe(_SECRET_BYTES) for _ in range(2))
        kept.sessions[_hash(cookie)] = Session(
            token_hash=_hash(token), place=place, created_at=now, expires_at=now + SESSION_SECONDS
        )
        while len(kept.sessions) > SESSIONS:
            del kept.sessions[next(iter(kept.sessions))]
        return NewSession(cookie, token, now + SESSION_SECONDS)

    def find(self, cookie: str, token: str, place: str) -> Session | None:
        """The session whose halves these are, in that place; None without one."""
        found = self._read().sessions.get(_hash(cookie))
        if found is None or found.expires_at <= self._clock.now() or found.place != place:
            return None
        return found if hmac.compare_digest(found.token_hash, _hash(token)) else None

    def forget(self, cookie: str) -> None:
        """End a session."""
        with self._changing() as kept:
            kept.sessions.pop(_hash(cookie), None)

    @contextmanager
    def _changing(self) -> Iterator[_Kept]:
        """What is kept, to be changed; what is over goes."""
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._home / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            kept, now = self._read(), self._clock.now()
            kept.codes = {code: end for code, end in kept.codes.items() if end > now}
            kept.sessions = {
                cookie: one for cookie, one in kept.sessions.items() if one.expires_at > now
            }
            yield kept
            draft = self._file.with_name(f".{self._file.name}.{os.getpid()}.tmp")
            draft.unlink(missing_ok=True)
            _write(draft, msgspec.json.encode(kept))
            draft.replace(self._file)
        finally:
            os.close(lock)

    def _read(self) -> _Kept:
        """A copy of what is kept; the file is read only if it is another one."""
        try:
            found = os.stat(self._file)
        except FileNotFoundError:
            return _Kept()
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        with self._guard:
            if stamp != self._seen:
                try:
                    self._known = msgspec.json.decode(read_regular(self._file), type=_Kept)
                except (msgspec.DecodeError, FileNotFoundError, NotRegular):
                    self._known = _Kept()
                self._seen = stamp
            return _Kept(dict(self._known.codes), dict(self._known.sessions))
