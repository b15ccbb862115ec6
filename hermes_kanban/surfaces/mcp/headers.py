"""What the headers of a request must be, before its message is looked at and beside it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from hermes_kanban.surfaces.http.headers import (
    Headers,
    Misplaced,
    check_any_origin,
    check_host,
)
from hermes_kanban.surfaces.mcp.jsonrpc import (
    HEADER_MISMATCH,
    INVALID_REQUEST,
    Failure,
    Reply,
    Request,
    RequestId,
    examine,
    failed,
)
from hermes_kanban.surfaces.mcp.protocol import (
    BATCHING,
    HANDSHAKE,
    META_VERSION,
    MODERN,
    Session,
    has_envelope,
    unsupported,
)

REALM: Final = 'Bearer realm="hermes-kanban"'
INVALID_TOKEN: Final = 'error="invalid_token"'

_VERSION: Final = "mcp-protocol-version"
_METHOD: Final = "mcp-method"
_NAME: Final = "mcp-name"
_ENCODED: Final = ("=?base64?", "?=")


class Rejection(Exception):
    """A request that goes no further: its status, the error in its body, headers of its own."""

    def __init__(
        self,
        status: int,
        failure: Failure | str,
        request_id: RequestId | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        if isinstance(failure, str):
            failure = Failure(INVALID_REQUEST, failure)
        self.status, self.headers = status, headers or {}
        self.reply: Reply = failed(request_id, failure)
        super().__init__(failure.message)


def check_place(headers: Headers, hosts: frozenset[str], origins: frozenset[str]) -> None:
    """No page of another site may reach us: a page of this machine may, an inspector say."""
    try:
        check_host(headers, hosts)
        check_any_origin(headers, origins)
    except Misplaced as misplaced:
        raise Rejection(misplaced.status, misplaced.told) from None


def bearer_token(headers: Headers) -> str:
    """The token that says who calls."""
    scheme, _, token = (headers.get("authorization") or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        told = "Unauthorized: send Authorization: Bearer and the token of the run"
        raise Rejection(401, told, headers={"WWW-Authenticate": REALM})
    return token.strip()


def unknown_token() -> Rejection:
    """The answer to a token that belongs to no run."""
    told = "Unauthorized: this token belongs to no run, or its run is over"
    return Rejection(401, told, headers={"WWW-Authenticate": f"{REALM}, {INVALID_TOKEN}"})


def unreachable() -> Rejection:
    """The answer while the board's database is away and the bearer is not known here."""
    told = "Service Unavailable: the board cannot be reached now; try again in some seconds"
    return Rejection(503, told, headers={"Retry-After": "2"})


def check_kinds(headers: Headers) -> None:
    """JSON comes in, and JSON must be welcome as the answer."""
    kind = (headers.get("content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Rejection(415, "Unsupported Media Type: Content-Type must be application/json")
    welcome = headers.get("accept")
    kinds = {part.partition(";")[0].strip().lower() for part in (welcome or "*/*").split(",")}
    if not kinds & {"application/json", "application/*", "*/*"}:
        raise Rejection(406, "Not Acceptable: Accept must have application/json")


def session_of(headers: Headers, message: object) -> Session:
    """The session that a message belongs to: its headers and itself say all there is to know.

    A request that names its own version must name the same in its headers. Else the header says
    what was agreed on, and its absence means the last version that did not have it.
    """
    found = examine(message) if isinstance(message, dict) else None
    if isinstance(found, Request) and has_envelope(found):
        _check_mirrors(headers, found)
        return Session()
    version = headers.get(_VERSION)
    if version is None or version in HANDSHAKE:
        return Session(version or BATCHING)
    request_id = found.id if isinstance(found, Request) else None
    if version not in MODERN:
        raise Rejection(400, unsupported(version), request_id)
    if found is None:
        raise Rejection(400, "Invalid Request: send one request or notification at a time")
    return Session()


def _check_mirrors(headers: Headers, request: Request) -> None:
    """Whoever routes by the headers must see what we see."""
    mirrored = {_VERSION: request.params["_meta"][META_VERSION], _METHOD: request.method}
    if request.method == "tools/call" and isinstance(request.params.get("name"), str):
        mirrored[_NAME] = request.params["name"]
    for header, value in mirrored.items():
        told = headers.get(header)
        if header == _NAME:
            told = _decoded(told)
        if headers.times(header) != 1 or told != value:
            what = f"Header mismatch: {header} is not, once, what the message says"
            raise Rejection(400, Failure(HEADER_MISMATCH, what), request.id)


def _decoded(value: str | None) -> str | None:
    """A header's text; what no header can carry comes as ``=?base64?…?=``."""
    before, after = _ENCODED
    if value is None or not (value.startswith(before) and value.endswith(after)):
        return value
    try:
        return base64.b64decode(value[len(before) : -len(after)], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
