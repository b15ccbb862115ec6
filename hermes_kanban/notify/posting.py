"""One POST to an address that was checked: no redirect is followed, and no answer is read through.

Not one of the HTTP clients: they resolve the name themselves, after any check of ours. h11, which
the web server brings, speaks the protocol.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Final, NamedTuple

import anyio
import anyio.abc
import h11

CONNECT_SECONDS: Final = 10.0
HEAD_BYTES: Final = 32_768
CHUNK_BYTES: Final = 65_536


class Target(NamedTuple):
    """Where a POST goes: the parts of an address, and whether it is https."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What the header Host says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


class Answer(NamedTuple):
    """The status, and the seconds that ``Retry-After`` asks for."""

    status: int
    retry_after: float | None


class Unreachable(Exception):
    """It was not sent, or not answered; the message says why."""


async def post(
    target: Target, addresses: Sequence[str], headers: Sequence[tuple[str, str]], body: bytes
) -> Answer:
    """Send it to the first of the addresses that listens. Raises Unreachable."""
    try:
        stream = await _connect(target, addresses)
        async with stream:
            return await _converse(stream, target, headers, body)
    except h11.RemoteProtocolError:
        raise Unreachable("its answer is no HTTP") from None
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(f"its certificate does not hold: {error.verify_message}") from None
    except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
        raise Unreachable("it closed the connection without an answer") from None
    except ssl.SSLError as error:
        raise Unreachable(f"TLS failed: {error.reason or error}") from None


async def _connect(target: Target, addresses: Sequence[str]) -> anyio.abc.ByteStream:
    problem = "it has no address"
    for address in addresses:
        with anyio.move_on_after(CONNECT_SECONDS):
            try:
                if not target.secure:
                    return await anyio.connect_tcp(address, target.port)
                return await anyio.connect_tcp(
                    address,
                    target.port,
                    tls=True,
                    ssl_context=_trust(),
                    tls_hostname=target.host,
                    tls_standard_compatible=False,
                )
            except ssl.SSLError:
                raise
            except OSError as error:
                problem = f"it cannot be reached: {_why(error)}"
                continue
        problem = f"it does not take a connection within {CONNECT_SECONDS:g} s"
    raise Unreachable(problem)


def _why(error: OSError) -> str:
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    return os.strerror(cause.errno) if cause.errno else str(cause)


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


async def _converse(
    stream: anyio.abc.ByteStream,
    target: Target,
    headers: Sequence[tuple[str, str]],
    body: bytes,
) -> Answer:
    talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES)
    request = h11.Request(
        method="POST",
        target=target.path,
        headers=[
            ("Host", target.authority),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
            *headers,
        ],
    )
    sent = [talk.send(request), talk.send(h11.Data(data=body)), talk.send(h11.EndOfMessage())]
    # A server may refuse before it has read all, and its answer says why.
    with contextlib.suppress(anyio.BrokenResourceError):
        await stream.send(b"".join(part for part in sent if part))
    while True:
        event = talk.next_event()
        if event is h11.NEED_DATA:
            talk.receive_data(await stream.receive(CHUNK_BYTES))
        elif isinstance(event, h11.Response):
            return Answer(event.status_code, _retry_after(event))


def _retry_after(response: h11.Response) -> float | None:
    """Seconds, from either of the two forms that RFC 9110 has."""
    text = _header(response, b"retry-after")
    if text.isdigit():
        return float(text)
    until = _moment(text)
    if until is None:
        return None
    # A date is one of the answering host's clock, and this one's may be wrong.
    now = _moment(_header(response, b"date"))
    return max(0.0, until - (time.time() if now is None else now))


def _header(response: h11.Response, wanted: bytes) -> str:
    value = next((found for name, found in response.headers if name == wanted), b"")
    return value.decode("ascii", "replace").strip()


def _moment(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
