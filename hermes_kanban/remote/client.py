"""Requests to gateways: the first that answers, in the newest version of the protocol.

http.client, since a tool server is waited for and knows no event loop: h11 would need a socket
layer of our own here, and httpx takes longer to load than all the rest.
"""

from __future__ import annotations

import http.client
import random
import ssl
import time
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from hermes_kanban.surfaces.mcp.headers import REALM
from hermes_kanban.surfaces.mcp.jsonrpc import MESSAGE_BYTES, well_formed
from hermes_kanban.surfaces.mcp.protocol import META_CAPABILITIES, META_LATER, META_VERSION, MODERN

if TYPE_CHECKING:
    from hermes_kanban.remote.files import File

KEPT_HEADER: Final = "Kanban-Kept"
"""Says that a call is a hand-over which waited: it may be a repeat, and its run may be over."""
UPLOADED_HEADER: Final = "Kanban-Uploaded"
"""Says that the files which a hand-over names were uploaded before it."""
CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 40.0
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 3.0
_TRIES_NOTHING: Final = frozenset({503, 429, 507})
_CREATED: Final = 201
_OK, _BAD, _UNAUTHORIZED, _NOT_FOUND = 200, 400, 401, 404
_TOO_LARGE, _UNSUPPORTED, _SERVER_ERROR = 413, 415, 500
_CHUNK_BYTES: Final = 65_536


class Away(Exception):
    """No gateway can be reached, or none can reach its database; nothing was done."""


class BrokenOff(Away):
    """A gateway took the request and gave no answer: whether it was done is not known."""


class Unknown(Exception):
    """No open run has the token, as every gateway says."""


class Refused(Exception):
    """A gateway does not take the request as it is; the message is its own."""


class Gateways:
    """The gateways of one board. Calls may come from several threads."""

    def __init__(self, addresses: tuple[str, ...], token: str) -> None:
        self._addresses = [urlsplit(one) for one in addresses]
        self._token = token
        self._tls: ssl.SSLContext | None = None

    def ask(
        self,
        method: str,
        params: dict[str, Any],
        *,
        seconds: float = 0.0,
        repeatable: bool = True,
        kept: bool = False,
        files: Sequence[File] = (),
    ) -> dict[str, Any]:
        """The result of a request; asked again for ``seconds`` while no gateway answers.

        ``files`` are uploaded to the gateway that it is made to, before it.

        A request that is not ``repeatable`` is not made again once a gateway may have it. ``kept``
        marks a hand-over that waited. Raises Away, BrokenOff, Unknown or Refused.
        """
        until = time.monotonic() + seconds
        pause = _FIRST_PAUSE
        while True:
            try:
                return self._ask_each(method, params, repeatable, kept, files)
            except Away as away:
                if isinstance(away, BrokenOff) and not repeatable:
                    raise
                if time.monotonic() + pause > until:
                    raise
            time.sleep(pause * random.uniform(0.7, 1.0))
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _ask_each(
        self,
        method: str,
        params: dict[str, Any],
        repeatable: bool,
        kept: bool,
        files: Sequence[File],
    ) -> dict[str, Any]:
        message = _message(method, params)
        headers = _headers(method, params, self._token, kept)
        if files:
            headers[UPLOADED_HEADER] = "1"
        problems: list[str] = []
        unknown = broken = 0
        for address in list(self._addresses):
            try:
                for file in files:
                    self._upload(address, file, kept)
                result = self._post(address, message, headers)
            except BrokenOff as error:
                if not repeatable:
                    raise
                broken += 1
                problems.append(str(error))
            except Away as error:
                problems.append(str(error))
            except Unknown:
                unknown += 1
            else:
                self._prefer(address)
                return result
        if unknown and not problems:
            raise Unknown
        told = "; ".join(problems)
        raise (BrokenOff if broken else Away)(told)

    def _prefer(self, address: SplitResult) -> None:
        """Ask this one first from now on."""
        if self._addresses[0] != address:
            self._addresses = [address, *(one for one in self._addresses if one != address)]

    def _upload(self, address: SplitResult, file: File, kept: bool) -> None:
        """Have the file lie at the gateway. Raises Away, Unknown or Refused."""
        headers = {"Authorization": f"Bearer {self._token}"} | ({KEPT_HEADER: "1"} if kept else {})
        where, path = f"{address.scheme}://{address.netloc}", address.path + file.address
        try:
            status, _, ours = self._exchange(address, "HEAD", path, None, headers)
            if status == _OK:
                return
            if status not in (_NOT_FOUND, _BAD):
                _result(where, status, b"", ours)
            headers |= {
                "Content-Length": str(file.size),
                "Content-Type": "application/octet-stream",
            }
            with file.stream() as stream:
                status, body, ours = self._exchange(address, "PUT", path, stream, headers)
            if status == _TOO_LARGE:
                raise Refused(f"artifacts: {file.name} is more than {where} takes")
            if status != _CREATED:
                _result(where, status, body, ours)
        except BrokenOff as error:
            # Of files that have come nothing follows yet.
            raise Away(str(error)) from None

    def _post(
        self, address: SplitResult, message: bytes, headers: dict[str, str]
    ) -> dict[str, Any]:
        status, body, ours = self._exchange(address, "POST", address.path, message, headers)
        return _result(f"{address.scheme}://{address.netloc}", status, body, ours)

    def _exchange(
        self,
        address: SplitResult,
        method: str,
        path: str,
        content: bytes | IO[bytes] | None,
        headers: dict[str, str],
    ) -> tuple[int, bytes, bool]:
        """Status and body of the answer, and whether it asks for a token of ours."""
        where = f"{address.scheme}://{address.netloc}"
        connection = self._connection(address)
        try:
            try:
                connection.connect()
            except (OSError, http.client.HTTPException) as error:
                raise Away(f"{where}: {_reason(error)}") from None
            if connection.sock is not None:
                connection.sock.settimeout(ANSWER_SECONDS)
            try:
                connection.request(method, path, content, headers)
                response = connection.getresponse()
                body = _body(response, where)
            except (OSError, http.client.HTTPException) as error:
                raise BrokenOff(f"{where} broke off: {_reason(error)}") from None
        finally:
            connection.close()
        asked = response.headers.get("WWW-Authenticate", "")
        return response.status, body, asked.startswith(REALM)

    def _connection(self, address: SplitResult) -> http.client.HTTPConnection:
        host, port = address.hostname or "", address.port
        if address.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS)
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=CONNECT_SECONDS, context=self._tls)


def _body(response: http.client.HTTPResponse, where: str) -> bytes:
    """All of it; raises BrokenOff for one that is cut off, too long, or too slow."""
    deadline = time.monotonic() + ANSWER_SECONDS
    body = bytearray()
    while chunk := response.read1(_CHUNK_BYTES):
        body += chunk
        if len(body) > MESSAGE_BYTES:
            raise BrokenOff(f"{where} answers with more than {MESSAGE_BYTES:,} bytes")
        if time.monotonic() > deadline:
            raise BrokenOff(f"{where} has not answered in {ANSWER_SECONDS:.0f} s")
    if response.length:
        raise BrokenOff(f"{where} broke off in its answer")
    return bytes(body)


def _result(where: str, status: int, body: bytes, ours: bool) -> dict[str, Any]:
    """What a gateway said; anything may stand between it and us, and answer in its stead."""
    try:
        answer: Any = msgspec.json.decode(body) if body else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        answer = {}
    error = answer.get("error") if isinstance(answer, dict) else None
    said = str(error.get("message", "")) if isinstance(error, dict) else ""
    told = f"{where} answers {status} {said[:200]}".rstrip()
    if status == _OK and isinstance(answer, dict) and isinstance(answer.get("result"), dict):
        result: dict[str, Any] = answer["result"]
        return result
    if status == _UNAUTHORIZED and ours:
        raise Unknown
    if status in _TRIES_NOTHING:
        raise Away(told)
    if status >= _SERVER_ERROR or (status == _OK and not said):
        raise BrokenOff(told)
    if said and status in (_OK, _BAD, _NOT_FOUND, _TOO_LARGE, _UNSUPPORTED):
        raise Refused(said)
    # Not a gateway of ours, or one that is not told to be called by this name.
    raise Away(told)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _message(method: str, params: dict[str, Any]) -> bytes:
    meta = {META_VERSION: MODERN[-1], META_CAPABILITIES: {}}
    whole = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params | {"_meta": meta}}
    return msgspec.json.encode(whole)


def _headers(method: str, params: dict[str, Any], token: str, kept: bool) -> dict[str, str]:
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": MODERN[-1],
        "Mcp-Method": method,
    }
    if method == "tools/call":
        headers["Mcp-Name"] = params["name"]
    return headers | ({KEPT_HEADER: "1"} if kept else {})


def is_for_later(result: dict[str, Any]) -> bool:
    """Whether a call that was not taken may be taken later."""
    meta = result.get("_meta")
    return isinstance(meta, dict) and meta.get(META_LATER) is True


def text_of(result: dict[str, Any]) -> tuple[str, bool]:
    """The text of a call's result, and whether it says that something was wrong."""
    parts = result.get("content")
    texts = [
        str(part.get("text", ""))
        for part in (parts if isinstance(parts, list) else [])
        if isinstance(part, dict) and part.get("type") == "text"
    ]
    return well_formed("\n".join(texts)), result.get("isError") is True
