"""What the answer to a request means: whose it is, whether anything was done, what to do next.

Proxies and portals answer too, with any status and any page. What ends a run, or sets a hand-over
aside, is believed only in the words that a gateway has for it.
"""

from __future__ import annotations

from email.message import Message
from typing import Any, Final, NamedTuple

import msgspec

from hermes_kanban.surfaces.mcp.headers import INVALID_TOKEN, REALM
from hermes_kanban.surfaces.mcp.jsonrpc import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    well_formed,
)
from hermes_kanban.surfaces.mcp.protocol import META_LATER
from hermes_kanban.surfaces.mcp.toolbox import CallResult

_TOLD_CHARACTERS: Final = 200
_UNAUTHORIZED, _TOO_MANY, _SERVER_ERROR = 401, 429, 500
_NOT_NOW: Final = frozenset({503, 507})
_REFUSING: Final = frozenset({400, 404, 406, 413, 415})
# The others tell of what stands between, which headers it takes away say: that can be mended.
_REFUSED_FOR_GOOD: Final = frozenset(
    {PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS}
)


class Answer(NamedTuple):
    """What came back from ``where``; the body may have been cut off."""

    where: str
    status: int
    headers: Message
    body: bytes


class Away(Exception):
    """No gateway can be reached, or none can reach its database; nothing was done."""


class BrokenOff(Away):
    """A gateway took the request and gave no answer: whether it was done is not known."""


class Unknown(Exception):
    """No open run has the token, as every gateway says."""


class Refused(Exception):
    """A gateway does not take the request as it is; the message is its own."""


class _Error(msgspec.Struct):
    code: int
    message: str


class _Reply(msgspec.Struct):
    jsonrpc: str
    result: dict[str, Any] | None = None
    error: _Error | None = None


def result_of(answer: Answer) -> dict[str, Any]:
    """The result that is answered. Raises Away, BrokenOff, Unknown or Refused."""
    status, reply = answer.status, _reply(answer.body)
    done = 200 <= status < 300
    if done and reply is not None and reply.result is not None:
        return reply.result
    error = reply.error if reply is not None else None
    if status == _UNAUTHORIZED and _is_over(answer.headers):
        raise Unknown
    if error is not None and error.code in _REFUSED_FOR_GOOD and (done or status in _REFUSING):
        raise Refused(error.message)
    said = f" {_shown(error.message)}" if error is not None else ""
    told = f"{answer.where} answers {status}{said}"
    if done:
        raise BrokenOff(f"{told}, but not with a gateway's whole answer")
    if status == _TOO_MANY or (status in _NOT_NOW and error is not None):
        raise Away(told)
    if status >= _SERVER_ERROR:
        raise BrokenOff(told)
    raise Away(f"{told}{_target(answer.headers)}{_advice(answer, error is not None)}")


def _reply(body: bytes) -> _Reply | None:
    try:
        reply = msgspec.json.decode(body, type=_Reply)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return reply if reply.jsonrpc == "2.0" else None


def _is_over(headers: Message) -> bool:
    """Whether a gateway says that; it says otherwise where no token came, and others never do."""
    challenges = headers.get_all("WWW-Authenticate") or []
    return any(one.startswith(REALM) and INVALID_TOKEN in one for one in challenges)


def _target(headers: Message) -> str:
    """Where it sends on to; nothing goes there, least of all the token."""
    target = (headers.get("Location") or "").partition("?")[0]
    return f" and sends on to {_shown(target)}" if target else ""


def _advice(answer: Answer, ours: bool) -> str:
    challenge = answer.headers.get("WWW-Authenticate") or ""
    if answer.status == _UNAUTHORIZED and challenge.startswith(REALM):
        return "; a proxy takes the header Authorization away: it must let it pass"
    if ours:
        return ""
    return ", as no gateway does: correct HERMES_KANBAN_URL or the proxy in front of the gateway"


def _shown(text: str) -> str:
    return "".join(one for one in text[:_TOLD_CHARACTERS] if one.isprintable())


def call_result(result: dict[str, Any]) -> CallResult:
    """What a tool answered, out of the result of its call."""
    parts, meta = result.get("content"), result.get("_meta")
    why = meta.get(META_LATER) if isinstance(meta, dict) else None
    texts = [
        str(part.get("text", ""))
        for part in (parts if isinstance(parts, list) else [])
        if isinstance(part, dict) and part.get("type") == "text"
    ]
    return CallResult(
        well_formed("\n".join(texts)),
        is_error=result.get("isError") is True,
        later=well_formed(why) if isinstance(why, str) else "",
    )
