"""The Model Context Protocol without a transport: one message in, what it asks for out.

Two eras are served side by side. Up to 2025-11-25 a client agrees on a version by ``initialize``,
and the connection remembers it. Since 2026-07-28 every request names its version in ``_meta``, and
nothing is remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from hermes_kanban.surfaces.mcp.jsonrpc import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    UNSUPPORTED_VERSION,
    Failure,
    Notification,
    Reply,
    Request,
    examine,
    failed,
    succeeded,
    well_formed,
)
from hermes_kanban.surfaces.mcp.toolbox import CallResult, Tool, Toolbox
from hermes_kanban.surfaces.mcp.trouble import TOO_LATE, gone_wrong, tell
from hermes_kanban.surfaces.mcp.turn import Call, Turn

T = TypeVar("T")

SERVER_NAME: Final = "board"
SERVER_VERSION: Final = "0.1.0"

HANDSHAKE: Final = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN: Final = ("2026-07-28",)
NEWEST_FIRST: Final = (*reversed(MODERN), *reversed(HANDSHAKE))
BATCHING: Final = "2025-03-26"
"""The one version that has JSON-RPC batches."""

META_VERSION: Final = "io.modelcontextprotocol/protocolVersion"
META_CAPABILITIES: Final = "io.modelcontextprotocol/clientCapabilities"
META_SERVER: Final = "io.modelcontextprotocol/serverInfo"
META_LATER: Final = "hermes-kanban/later"
"""Beside an error: why, where the same call may be taken later. For who hands in what was kept."""

# A caller's tools follow from its profile, which may be edited while it works.
_FRESH_MILLISECONDS: Final = 300_000
_CAPABILITIES: Final[dict[str, Any]] = {"tools": {}}
_SERVER_INFO: Final = {"name": SERVER_NAME, "version": SERVER_VERSION}
_LEVELS: Final = (
    *("debug", "info", "notice", "warning"),
    *("error", "critical", "alert", "emergency"),
)


class Session:
    """What one connection agreed on by ``initialize``; None before that, or without it."""

    def __init__(self, version: str | None = None) -> None:
        self.version = version


class Protocol:
    """Answers messages out of a toolbox; ``instructions`` is asked for when a client connects."""

    def __init__(self, toolbox: Toolbox, instructions: Callable[[], str] = str) -> None:
        self.toolbox = toolbox
        self._instructions = instructions

    def receive(self, session: Session, message: object) -> Turn:
        """What ``message`` (decoded JSON) asks for: replies at once, and calls to be made."""
        turn = Turn(batch=isinstance(message, list))
        if not isinstance(message, list):
            self._take(session, message, turn)
        elif session.version != BATCHING or not message:
            turn.batch = False
            what = "empty" if session.version == BATCHING else f"only {BATCHING} has batches"
            turn.reply(failed(None, Failure(INVALID_REQUEST, f"Invalid Request: batch: {what}")))
        else:
            for one in message:
                self._take(session, one, turn)
        return turn

    def _take(self, session: Session, message: object, turn: Turn) -> None:
        found = examine(message)
        if isinstance(found, Request):
            self._answer(session, found, turn)
        elif isinstance(found, Reply):
            turn.reply(found)
        elif isinstance(found, Notification) and found.method == "notifications/cancelled":
            cancelled = found.params.get("requestId")
            if isinstance(cancelled, str | int):
                turn.cancels.append(cancelled)

    def _answer(self, session: Session, request: Request, turn: Turn) -> None:
        try:
            version = _version_of(request, session)
            if request.method == "tools/call":
                turn.ask(self._call(request, version))
            else:
                result = self._result(session, request, version, turn.batch)
                turn.reply(succeeded(request.id, shaped(result, version)))
        except Failure as failure:
            turn.reply(failed(request.id, failure))

    def _result(
        self, session: Session, request: Request, version: str | None, batch: bool
    ) -> dict[str, Any]:
        modern = version in MODERN
        match request.method:
            case "tools/list":
                return self._list(request.params) | (_cacheable() if modern else {})
            case "server/discover" if modern:
                return {"supportedVersions": list(NEWEST_FIRST)} | self._greeting() | _cacheable()
            case "initialize" if batch:
                raise Failure(INVALID_REQUEST, "Invalid Request: initialize is not for a batch")
            case "initialize" if not modern:
                return self._initialize(session, request.params)
            case "ping" if not modern:
                return {}
            case "logging/setLevel" if not modern:
                return _set_level(request.params)
        raise Failure(METHOD_NOT_FOUND, f"Method not found: {request.method[:64]}")

    def _initialize(self, session: Session, params: dict[str, Any]) -> dict[str, Any]:
        asked = params.get("protocolVersion")
        if not isinstance(asked, str):
            raise Failure(INVALID_PARAMS, "Invalid params: protocolVersion is not a string")
        session.version = asked if asked in HANDSHAKE else HANDSHAKE[-1]
        greeting = self._greeting()
        return {"protocolVersion": session.version, "serverInfo": _SERVER_INFO} | greeting

    def _greeting(self) -> dict[str, Any]:
        told = _guarded(self._instructions)
        return {"capabilities": _CAPABILITIES} | ({"instructions": told} if told else {})

    def _list(self, params: dict[str, Any]) -> dict[str, Any]:
        if params.get("cursor") is not None:
            raise Failure(INVALID_PARAMS, "Invalid params: there is one page of tools; no cursor")
        return {"tools": [described(tool) for tool in _guarded(self.toolbox.tools)]}

    def _call(self, request: Request, version: str | None) -> Call:
        name = request.params.get("name")
        arguments = request.params.get("arguments")
        if not isinstance(name, str):
            raise Failure(INVALID_PARAMS, "Invalid params: name is not a string")
        if arguments is not None and not isinstance(arguments, dict):
            raise Failure(INVALID_PARAMS, "Invalid params: arguments is not an object")
        tools = _guarded(self.toolbox.tools)
        tool = next((one for one in tools if one.name == name), None)
        if tool is None:
            there = ", ".join(one.name for one in tools) or "none: no task is in force here"
            raise Failure(INVALID_PARAMS, f"Unknown tool: {name[:64]}; there are: {there}")
        return Call(request.id, name, arguments or {}, tool.read_only, version)

    def perform(self, call: Call) -> Reply:
        """Make the call, which may take long, and say it as the call's version does."""
        try:
            outcome = self.toolbox.call(call.name, call.arguments)
        except Exception as error:
            tell(error)
            outcome = gone_wrong(error)
        return answered(call, outcome)

    def give_up(self, call: Call) -> Reply:
        """The reply to a call that took too long."""
        return answered(call, TOO_LATE)


def answered(call: Call, outcome: CallResult) -> Reply:
    """The reply to a call: text only, since some clients show text and structure both."""
    result: dict[str, Any] = {"content": [{"type": "text", "text": well_formed(outcome.text)}]}
    if outcome.is_error:
        result["isError"] = True
    if outcome.later:
        result["_meta"] = {META_LATER: well_formed(outcome.later)}
    return succeeded(call.id, shaped(result, call.version))


def shaped(result: dict[str, Any], version: str | None) -> dict[str, Any]:
    """A result as its version wants it."""
    if version not in MODERN:
        return result
    meta = {META_SERVER: _SERVER_INFO} | result.get("_meta", {})
    return {"resultType": "complete"} | result | {"_meta": meta}


def described(tool: Tool) -> dict[str, Any]:
    """A tool on the wire. Hints stand only where they differ from what a client assumes."""
    hints = {"openWorldHint": False}
    if tool.read_only:
        hints["readOnlyHint"] = True
    elif not tool.destructive:
        hints["destructiveHint"] = False
    if tool.idempotent and not tool.read_only:
        hints["idempotentHint"] = True
    return {
        "name": tool.name,
        "description": tool.description,
        "inputSchema": tool.schema,
        "annotations": hints,
    }


def has_envelope(request: Request) -> bool:
    """Whether the request names its own version, as every request since 2026-07-28 does."""
    meta = request.params.get("_meta")
    return request.method != "initialize" and isinstance(meta, dict) and META_VERSION in meta


def unsupported(version: object) -> Failure:
    """The error that names what is served instead."""
    asked = well_formed(str(version)[:64])
    data = {"supported": list(NEWEST_FIRST), "requested": asked}
    return Failure(UNSUPPORTED_VERSION, "Unsupported protocol version", data)


def _version_of(request: Request, session: Session) -> str | None:
    """The version that a request is answered in; None before a handshake, which few may precede."""
    if has_envelope(request):
        return _named_version(request.params["_meta"])
    if session.version is None and request.method not in ("initialize", "ping"):
        raise Failure(
            INVALID_PARAMS,
            f"Invalid params: initialize first, or name {META_VERSION} and {META_CAPABILITIES}"
            " in params._meta",
        )
    return session.version


def _named_version(meta: dict[str, Any]) -> str:
    version = meta[META_VERSION]
    if not isinstance(meta.get(META_CAPABILITIES), dict):
        raise Failure(INVALID_PARAMS, f"Invalid params: _meta has no object {META_CAPABILITIES}")
    if not isinstance(version, str):
        raise Failure(INVALID_PARAMS, f"Invalid params: {META_VERSION} is not a string")
    if version not in MODERN:
        raise unsupported(version)
    return version


def _cacheable() -> dict[str, Any]:
    return {"ttlMs": _FRESH_MILLISECONDS, "cacheScope": "private"}


def _set_level(params: dict[str, Any]) -> dict[str, Any]:
    """Nothing is ever logged to the client, whatever level it asks for."""
    if params.get("level") not in _LEVELS:
        raise Failure(INVALID_PARAMS, f"Invalid params: level is none of {', '.join(_LEVELS)}")
    return {}


def _guarded(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except Exception as error:
        tell(error)
        what = f"Internal error: {type(error).__name__}; the server's error output says more"
        raise Failure(INTERNAL_ERROR, what) from None
