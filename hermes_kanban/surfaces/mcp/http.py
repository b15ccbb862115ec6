"""MCP over streamable HTTP, as a plain ASGI application at one address.

Every message is a POST of its own and is answered with JSON. No version obliges a server to have
sessions or streams of its own, and this one has neither: a gateway that was started anew serves the
next call as if nothing had happened. Who calls is told by the bearer token of each request.
"""

from __future__ import annotations

import typing
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import anyio
import anyio.to_thread

from hermes_kanban.model.errors import BoardUnreachable
from hermes_kanban.surfaces.http import body
from hermes_kanban.surfaces.http.headers import LOOPBACK, Headers
from hermes_kanban.surfaces.mcp.answering import Receive, Scope, Send, answer
from hermes_kanban.surfaces.mcp.headers import (
    Rejection,
    bearer_token,
    check_kinds,
    check_place,
    session_of,
    unknown_token,
    unreachable,
)
from hermes_kanban.surfaces.mcp.jsonrpc import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    MESSAGE_BYTES,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    UNSUPPORTED_VERSION,
    Failure,
    decode,
)
from hermes_kanban.surfaces.mcp.protocol import Protocol
from hermes_kanban.surfaces.mcp.turn import CALL_SECONDS, Turn


class Authenticate(typing.Protocol):
    """Finds what serves the bearer of a token, None for one that nobody may have."""

    def __call__(
        self, token: str, /, *, kept: bool = False, uploaded: bool = False
    ) -> Protocol | None:
        """``kept``: what comes is a hand-over that waited while the board could not be reached.

        ``uploaded``: the files that it names came before it.
        """


KEPT_HEADER: Final = "kanban-kept"
"""What a hand-over has in its headers that waited on its agent's machine."""
UPLOADED_HEADER: Final = "kanban-uploaded"
"""What a hand-over has in its headers whose files were uploaded before it."""
THREADS: Final = 16
"""How many calls run at once; the gateway's own threads are others."""

_OK, _ACCEPTED = 200, 202
_ALWAYS: Final = {PARSE_ERROR: 400, INVALID_REQUEST: 400, UNSUPPORTED_VERSION: 400}
# What errors are since each request stands for itself; before, an error was an answer like another.
_MODERN: Final = _ALWAYS | {INVALID_PARAMS: 400, HEADER_MISMATCH: 400, METHOD_NOT_FOUND: 404}


class McpApp:
    """The application. ``authenticate`` finds what serves the bearer of a token, in a thread.

    ``hosts`` and ``origins`` are allowed beside the names of this machine: host names without a
    port, and whole origins. A call that takes ``call_seconds`` is answered without its outcome.
    """

    def __init__(
        self,
        authenticate: Authenticate,
        *,
        hosts: Iterable[str] = (),
        origins: Iterable[str] = (),
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self._authenticate = authenticate
        self._hosts = LOOPBACK | {host.lower() for host in hosts}
        self._origins = frozenset(origin.lower() for origin in origins)
        self._threads = anyio.CapacityLimiter(THREADS)
        self._queues = _Queues()
        self._call_seconds = call_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"serves http only, not {scope['type']}")
        await answer(self._respond, scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        headers = Headers(scope["headers"])
        check_place(headers, self._hosts, self._origins)
        token = bearer_token(headers)
        known = self._authenticate
        if headers.get(KEPT_HEADER) is not None:
            known = partial(known, kept=True)
        if headers.get(UPLOADED_HEADER) is not None:
            known = partial(known, uploaded=True)
        try:
            protocol = await self._in_thread(known, token)
        except BoardUnreachable:
            raise unreachable() from None
        if protocol is None:
            raise unknown_token()
        if scope["method"] != "POST":
            told = "Method Not Allowed: there is no stream and no session here; POST a message"
            raise Rejection(405, told, headers={"Allow": "POST"})
        check_kinds(headers)
        try:
            message = decode(await _body(headers, receive))
        except Failure as failure:
            raise Rejection(400, failure) from None
        session = session_of(headers, message)
        modern = session.version is None
        turn = protocol.receive(session, message)
        await self._perform(protocol, turn, token)
        told = turn.answer()
        if told is None:
            return _ACCEPTED, b""
        return (_MODERN if modern else _ALWAYS).get(turn.error or 0, _OK), told

    async def _perform(self, protocol: Protocol, turn: Turn, token: str) -> None:
        """Make the calls of a turn; those of one caller that change something one by one."""
        if not turn.calls:
            return
        with anyio.move_on_after(self._call_seconds):
            if all(call.read_only for call in turn.calls):
                await self._make_calls(protocol, turn)
            else:
                async with self._queues.turn_of(token):
                    await self._make_calls(protocol, turn)
        for call in turn.open_calls():
            turn.settle(call, protocol.give_up(call))

    async def _make_calls(self, protocol: Protocol, turn: Turn) -> None:
        for call in turn.calls:
            turn.settle(call, await self._in_thread(protocol.perform, call))

    async def _in_thread(self, function: Callable[..., Any], argument: object) -> Any:
        return await anyio.to_thread.run_sync(
            function, argument, abandon_on_cancel=True, limiter=self._threads
        )


class _Queues:
    """One queue a caller: its changes are made in the order in which they came."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[anyio.Lock, int]] = {}

    @asynccontextmanager
    async def turn_of(self, caller: str) -> AsyncIterator[None]:
        lock, waiting = self._locks.get(caller, (anyio.Lock(), 0))
        self._locks[caller] = lock, waiting + 1
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._locks.pop(caller)
            if waiting > 1:
                self._locks[caller] = lock, waiting - 1


async def _body(headers: Headers, receive: Receive) -> bytes:
    try:
        return await body.whole(headers, receive, MESSAGE_BYTES)
    except body.BodyTooLong:
        told = f"Content Too Large: a message has at most {MESSAGE_BYTES} bytes"
        raise Rejection(413, told) from None
    except body.BodyTooSlow:
        told = f"Request Timeout: a message comes within {body.BODY_SECONDS:.0f} s"
        raise Rejection(408, told, headers={"Connection": "close"}) from None
