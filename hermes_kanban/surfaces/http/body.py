"""The body of a request: at most so long, and at most so slow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

import anyio

from hermes_kanban.surfaces.http.headers import Headers

BODY_SECONDS: Final = 30.0
# What is too long is thrown away for that long: who is still sending hears no answer.
DISCARDED_BYTES: Final = 64 * 1024 * 1024
DISCARD_SECONDS: Final = 5.0

Receive = Callable[[], Awaitable[Mapping[str, Any]]]


class BodyTooLong(Exception):
    """The body has, or would have, more bytes than allowed."""


class BodyTooSlow(Exception):
    """The body did not come within its time."""


class Gone(Exception):
    """The client left before it had said everything."""


async def chunks(
    headers: Headers, receive: Receive, limit: int, seconds: float = BODY_SECONDS
) -> AsyncIterator[bytes]:
    """The body as it comes; nothing is kept of one that declares itself too long.

    Raises BodyTooLong, BodyTooSlow or Gone.
    """
    declared = headers.get("content-length") or ""
    if declared.isdecimal() and (len(declared) > 18 or int(declared) > limit):
        await _discard(receive)
        raise BodyTooLong
    deadline = anyio.current_time() + seconds
    size, more = 0, True
    while more:
        message: Mapping[str, Any] | None = None
        with anyio.move_on_after(deadline - anyio.current_time()):
            message = await receive()
        if message is None:
            raise BodyTooSlow
        if message["type"] == "http.disconnect":
            raise Gone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            if message.get("more_body", False):
                await _discard(receive)
            raise BodyTooLong
        more = message.get("more_body", False)
        yield chunk


async def _discard(receive: Receive) -> None:
    size = 0
    with anyio.move_on_after(DISCARD_SECONDS):
        while size < DISCARDED_BYTES:
            message = await receive()
            size += len(message.get("body", b""))
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                return


async def whole(
    headers: Headers, receive: Receive, limit: int, seconds: float = BODY_SECONDS
) -> bytes:
    """The whole body; raises as ``chunks`` does."""
    body = bytearray()
    async for chunk in chunks(headers, receive, limit, seconds):
        body += chunk
    return bytes(body)
