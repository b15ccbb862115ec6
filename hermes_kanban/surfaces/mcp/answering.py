"""How one request is answered, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from hermes_kanban.surfaces.http import body
from hermes_kanban.surfaces.mcp.headers import Rejection
from hermes_kanban.surfaces.mcp.jsonrpc import INTERNAL_ERROR, Failure, encode
from hermes_kanban.surfaces.mcp.trouble import tell

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Respond = Callable[[Scope, Receive], Awaitable[tuple[int, bytes]]]

_FAILED: Final = 500


async def answer(respond: Respond, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the status and the JSON that ``respond`` gives, or the error that it raises.

    A Rejection is sent as it is; of a fault only its kind. Who has gone hears nothing.
    """
    extra: Mapping[str, str] = {}
    try:
        status, told = await respond(scope, receive)
    except body.Gone:
        return
    except Exception as error:
        if not isinstance(error, Rejection):
            tell(error)
            error = Rejection(
                _FAILED, Failure(INTERNAL_ERROR, f"Internal error: {type(error).__name__}")
            )
        status, extra = error.status, error.headers
        told = encode([error.reply], batch=False)
    await _send(send, status, b"" if scope["method"] == "HEAD" else told, extra)


async def _send(send: Send, status: int, told: bytes, extra: Mapping[str, str]) -> None:
    headers = {"Content-Length": str(len(told)), "Cache-Control": "no-store"} | dict(extra)
    if told:
        headers["Content-Type"] = "application/json"
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": told})
