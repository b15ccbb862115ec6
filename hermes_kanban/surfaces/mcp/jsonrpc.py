"""JSON-RPC 2.0 as MCP uses it: one message in, examined; replies out, encoded."""

from __future__ import annotations

from typing import Any, Final

import msgspec

MESSAGE_BYTES: Final = 16 * 2**20
"""The longest message that is read. The longest that the board has a use for stays below 2 MiB."""

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
HEADER_MISMATCH: Final = -32020
UNSUPPORTED_VERSION: Final = -32022

RequestId = str | int


class Failure(Exception):
    """A request that is answered with an error object; ``data`` is its optional member."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        self.code, self.message, self.data = code, message, data
        super().__init__(message)


class Request(msgspec.Struct, frozen=True):
    """A call that is owed a reply."""

    id: RequestId
    method: str
    params: dict[str, Any]


class Notification(msgspec.Struct, frozen=True):
    """A message that is never answered."""

    method: str
    params: dict[str, Any]


class Reply(msgspec.Struct, frozen=True):
    """The answer to one request; ``code`` is that of its error, None for a result."""

    body: dict[str, Any]
    code: int | None = None


def decode(raw: bytes) -> object:
    """The JSON value of one message. Raises Failure(PARSE_ERROR)."""
    try:
        return msgspec.json.decode(raw)
    except RecursionError:
        raise Failure(PARSE_ERROR, "Parse error: nested too deeply") from None
    except ValueError as error:
        return _decode_leniently(raw, str(error))


def _decode_leniently(raw: bytes, problem: str) -> object:
    """The same for half characters, which clients escape and which strict decoders refuse.

    So a call that has one is answered by its id, with what is wrong with it.
    """
    import json

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        return json.loads(raw.decode(), parse_constant=refuse)
    except (ValueError, RecursionError):
        raise Failure(PARSE_ERROR, f"Parse error: {problem}") from None


def examine(message: object) -> Request | Notification | Reply | None:
    """What one message is: a request, a notification, the reply that a bad one gets.

    None for a response, which nobody here waits for.
    """
    if not isinstance(message, dict):
        return failed(None, Failure(INVALID_REQUEST, "Invalid Request: not an object"))
    known = _readable_id(message.get("id"))
    if "method" not in message and ("result" in message or "error" in message):
        return None
    method, params = message.get("method"), message.get("params")
    if message.get("jsonrpc") != "2.0":
        return failed(known, Failure(INVALID_REQUEST, 'Invalid Request: jsonrpc is not "2.0"'))
    if not isinstance(method, str):
        return failed(known, Failure(INVALID_REQUEST, "Invalid Request: method is not a string"))
    if "id" not in message:
        return Notification(method, params if isinstance(params, dict) else {})
    if known is None:
        wrong = "Invalid Request: id is neither a string nor an integer"
        return failed(None, Failure(INVALID_REQUEST, wrong))
    if params is not None and not isinstance(params, dict):
        return failed(known, Failure(INVALID_PARAMS, "Invalid params: not an object"))
    return Request(known, method, params or {})


def _readable_id(given: object) -> RequestId | None:
    if isinstance(given, str):
        return given if given == well_formed(given) else None
    return given if isinstance(given, int) and not isinstance(given, bool) else None


def succeeded(request_id: RequestId, result: dict[str, Any]) -> Reply:
    """The reply that carries a result."""
    return Reply({"jsonrpc": "2.0", "id": request_id, "result": result})


def failed(request_id: RequestId | None, failure: Failure) -> Reply:
    """The reply that carries an error; the id is None where it could not be read."""
    error: dict[str, Any] = {"code": failure.code, "message": well_formed(failure.message)}
    if failure.data is not None:
        error["data"] = failure.data
    return Reply({"jsonrpc": "2.0", "id": request_id, "error": error}, failure.code)


def encode(replies: list[Reply], *, batch: bool) -> bytes:
    """One line without its end: the one reply, or the array that answers a batch."""
    bodies = [reply.body for reply in replies]
    return msgspec.json.encode(bodies if batch else bodies[0])


def well_formed(text: str) -> str:
    """``text`` with half characters replaced, so that it can be encoded."""
    return text.encode(errors="replace").decode()
