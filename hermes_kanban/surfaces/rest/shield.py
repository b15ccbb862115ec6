"""Headers that every answer has, so that no page and no other site can make anything of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

Send = Callable[[Any], Awaitable[None]]

# A page runs its own scripts and styles, talks to its own server, and is in nobody's frame.
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:;"
    " font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
DATA_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FILE_POLICY: Final = f"{DATA_POLICY}; sandbox"

_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
_POLICY: Final = b"content-security-policy"
_CACHE: Final = b"cache-control"


def shielded(send: Send) -> Send:
    """``send``, with the headers added where an answer does not have them itself."""

    async def sending(message: Any) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            given = list(message.get("headers", ()))
            names = {name.lower() for name, _ in given}
            given += [(name, value) for name, value in _ALWAYS if name not in names]
            if _POLICY not in names:
                given.append((_POLICY, DATA_POLICY.encode()))
            if _CACHE not in names:
                given.append((_CACHE, b"no-store"))
            message = {**message, "headers": given}
        await send(message)

    return sending
