"""Requests to gateways: the first that answers, in the newest version of the protocol.

http.client, since a tool server is waited for and knows no event loop: h11 would need a socket
layer of our own here, and httpx takes longer to load than all the rest.
"""

from __future__ import annotations

import http.client
import random
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

import msgspec

from hermes_kanban.remote.answers import (
    Answer,
    Away,
    BrokenOff,
    Refused,
    Unknown,
    call_result,
    result_of,
)
from hermes_kanban.surfaces.mcp.jsonrpc import MESSAGE_BYTES
from hermes_kanban.surfaces.mcp.protocol import META_CAPABILITIES, META_VERSION, MODERN
from hermes_kanban.surfaces.mcp.toolbox import CallResult

if TYPE_CHECKING:
    from hermes_kanban.remote.files import File

KEPT_HEADER: Final = "Kanban-Kept"
"""Says that a call is a hand-over which waited: it may be a repeat, and its run may be over."""
UPLOADED_HEADER: Final = "Kanban-Uploaded"
"""Says that the files which a hand-over names were uploaded before it."""
CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 40.0
"""How long an answer may take, once the request is out, however steadily it comes."""
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 3.0
# OpenSSL's X509_V_ERR_ for one that is signed by itself, or by nobody who is known here.
_OF_NO_AUTHORITY: Final = frozenset({18, 19, 20, 21})
_OK, _CREATED, _BAD, _NOT_FOUND, _TOO_LARGE = 200, 201, 400, 404, 413


class _Request(NamedTuple):
    """``kept`` marks a hand-over that waited; what ``ends_run`` counts as done once it is taken."""

    method: str
    params: dict[str, Any]
    files: Sequence[File]
    repeatable: bool
    kept: bool = False
    ends_run: bool = False


class Gateways:
    """The gateways of one board. Calls may come from several threads."""

    def __init__(
        self, addresses: tuple[str, ...], token: str, *, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self._addresses = [urlsplit(one) for one in addresses]
        self._token = token
        self._answer_seconds = answer_seconds
        self._tls: ssl.SSLContext | None = None

    def ask(
        self,
        method: str,
        params: dict[str, Any],
        *,
        seconds: float = 0.0,
        repeatable: bool = True,
        files: Sequence[File] = (),
    ) -> dict[str, Any]:
        """The result of a request; asked again for ``seconds`` while no gateway answers.

        ``files`` are uploaded to the gateway that it is made to, before it. A request that is not
        ``repeatable`` is not made again once a gateway may have it. Raises Away, BrokenOff, Unknown
        or Refused.
        """
        asked = _Request(method, params, files, repeatable)
        until = time.monotonic() + seconds
        pause = _FIRST_PAUSE
        while True:
            try:
                return self._ask_each(asked)
            except Away as away:
                if isinstance(away, BrokenOff) and not repeatable:
                    raise
                if time.monotonic() + pause > until:
                    raise
            time.sleep(pause * random.uniform(0.7, 1.0))
            pause = min(pause * 2, _LONGEST_PAUSE)

    def hand_in(
        self, tool: str, arguments: dict[str, Any], *, kept: bool, files: Sequence[File]
    ) -> CallResult:
        """Call a tool that ends a run, at each gateway once; as ``ask``, and ``kept`` repeatable.

        BrokenOff is also a board that had no room or no time for it, or failed at it.
        """
        params = {"name": tool, "arguments": arguments}
        asked = _Request("tools/call", params, files, repeatable=kept, kept=kept, ends_run=True)
        return call_result(self._ask_each(asked))

    def _ask_each(self, asked: _Request) -> dict[str, Any]:
        message = _message(asked)
        headers = _headers(asked, self._token)
        problems: list[str] = []
        unknown = broken = 0
        for address in list(self._addresses):
            try:
                result = self._ask_one(address, asked, message, headers)
            except BrokenOff as error:
                if not asked.repeatable:
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

    def _ask_one(
        self, address: SplitResult, asked: _Request, message: bytes, headers: dict[str, str]
    ) -> dict[str, Any]:
        for file in asked.files:
            self._upload(address, file, asked.kept)
        answer = self._exchange(address, "POST", address.path, message, headers)
        result = result_of(answer)
        if asked.ends_run and (later := call_result(result).later):
            raise BrokenOff(f"{answer.where}: {later}")
        return result

    def _prefer(self, address: SplitResult) -> None:
        """Ask this one first from now on."""
        if self._addresses[0] != address:
            self._addresses = [address, *(one for one in self._addresses if one != address)]

    def _upload(self, address: SplitResult, file: File, kept: bool) -> None:
        """Have the file lie at the gateway. Raises Away, Unknown or Refused."""
        headers = {"Authorization": f"Bearer {self._token}"} | ({KEPT_HEADER: "1"} if kept else {})
        path = address.path + file.address
        try:
            answer = self._exchange(address, "HEAD", path, None, headers)
            if answer.status == _OK:
                return
            if answer.status not in (_NOT_FOUND, _BAD):
                result_of(answer)
            headers |= {
                "Content-Length": str(file.size),
                "Content-Type": "application/octet-stream",
            }
            with file.stream() as stream:
                answer = self._exchange(address, "PUT", path, stream, headers)
            if answer.status != _CREATED:
                result_of(answer)
        except Refused as refused:
            if answer.status != _TOO_LARGE:
                raise
            told = f"artifacts: {file.name} is more than {answer.where} takes"
            raise Refused(f"{told}: {refused}") from None
        except BrokenOff as error:
            # Of files that have come nothing follows yet.
            raise Away(str(error)) from None

    def _exchange(
        self,
        address: SplitResult,
        method: str,
        path: str,
        content: bytes | IO[bytes] | None,
        headers: dict[str, str],
    ) -> Answer:
        where = f"{address.scheme}://{address.netloc}"
        connection = self._connection(address)
        try:
            try:
                connection.connect()
            except (OSError, http.client.HTTPException) as error:
                raise Away(f"{where}: {_reason(error)}") from None
            if connection.sock is not None:
                connection.sock.settimeout(self._answer_seconds)
            try:
                with suppress(BrokenPipeError, ConnectionResetError):
                    # Cut off in a body that is too long: why is said in the answer.
                    connection.request(method, path, content, headers)
                with _within(connection.sock, self._answer_seconds):
                    response = connection.getresponse()
                    body = response.read(MESSAGE_BYTES + 1)
            except (OSError, http.client.HTTPException) as error:
                raise BrokenOff(f"{where} broke off: {_reason(error)}") from None
        finally:
            connection.close()
        return Answer(where, response.status, response.headers, body)

    def _connection(self, address: SplitResult) -> http.client.HTTPConnection:
        host, port = address.hostname or "", address.port
        if address.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS)
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=CONNECT_SECONDS, context=self._tls)


@contextmanager
def _within(line: socket.socket, seconds: float) -> Iterator[None]:
    """End the line after so many seconds: its own limit begins anew with each byte that comes."""
    late = threading.Event()

    def cut() -> None:
        late.set()
        with suppress(OSError):
            # Below TLS, which this thread must not touch.
            socket.socket.shutdown(line, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException):
        if not late.is_set():
            raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError(f"no whole answer within {seconds:g} s")


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        advice = "; that of a private authority goes into SSL_CERT_FILE"
        unknown = error.verify_code in _OF_NO_AUTHORITY
        return f"its certificate is not trusted: {error.verify_message}{advice if unknown else ''}"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _message(asked: _Request) -> bytes:
    meta = {META_VERSION: MODERN[-1], META_CAPABILITIES: {}}
    params = asked.params | {"_meta": meta}
    whole = {"jsonrpc": "2.0", "id": 1, "method": asked.method, "params": params}
    return msgspec.json.encode(whole)


def _headers(asked: _Request, token: str) -> dict[str, str]:
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": MODERN[-1],
        "Mcp-Method": asked.method,
    }
    if asked.method == "tools/call":
        headers["Mcp-Name"] = asked.params["name"]
    if asked.kept:
        headers[KEPT_HEADER] = "1"
    if asked.files:
        headers[UPLOADED_HEADER] = "1"
    return headers
