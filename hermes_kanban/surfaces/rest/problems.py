"""What went wrong, as ``application/problem+json`` (RFC 9457): what is wrong, allowed, and to do.

``code`` is a stable word, and ``type`` the same as a URI. ``PROBLEMS`` lists every one there is.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from hermes_kanban.model.errors import (
    AlreadyDecided,
    BoardBusy,
    BoardDamaged,
    BoardMoved,
    BoardTooNew,
    BoardUnreachable,
    CannotUndo,
    ConfigError,
    DiskFull,
    IllegalTransition,
    InUse,
    InvalidInput,
    KanbanError,
    NotAllowed,
    NotFound,
    NotNow,
    StaleRun,
    WriteRefused,
)
from hermes_kanban.redact import redact, strip_control

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:hermes-kanban:problem:"
RETRY_SECONDS: Final = 1


class Known(NamedTuple):
    """One kind of problem: its status and its title."""

    status: int
    title: str


PROBLEMS: Final[dict[str, Known]] = {
    "malformed": Known(400, "The request is not well-formed"),
    "unauthorized": Known(401, "The request says not who sends it"),
    "bad_login": Known(401, "The login code is used up, too old, or none"),
    "forbidden_origin": Known(403, "Requests from this origin are not allowed"),
    "not_allowed": Known(403, "The caller's rights end before this"),
    "not_found": Known(404, "There is no such thing"),
    "method_not_allowed": Known(405, "The address does not know this method"),
    "not_acceptable": Known(406, "The answer comes in no form that is asked for"),
    "too_slow": Known(408, "The request took too long to come"),
    "illegal_transition": Known(409, "The task's status does not allow this"),
    "illegal_move": Known(409, "The task cannot be brought there"),
    "already_decided": Known(409, "Somebody decided this first"),
    "cannot_undo": Known(409, "This cannot be taken back"),
    "stale_run": Known(409, "The run is not current any more"),
    "refused": Known(409, "The write was refused"),
    "in_use": Known(409, "Something that lives stands in the way"),
    "exists": Known(409, "It is there already"),
    "too_long": Known(413, "The request is too long"),
    "unsupported_media_type": Known(415, "The request comes in a form that is not known"),
    "wrong_host": Known(421, "This host is not served here"),
    "invalid_input": Known(422, "A value is not acceptable"),
    "idempotency_key_reused": Known(422, "The key was used for another request"),
    "failed": Known(422, "It could not be done"),
    "internal": Known(500, "Something failed here"),
    "board_busy": Known(503, "Another program holds the board"),
    "board_damaged": Known(503, "The board is not intact"),
    "board_moved": Known(503, "The board lies elsewhere"),
    "board_too_new": Known(503, "A newer version wrote the board"),
    "board_unreachable": Known(503, "The database does not answer"),
    "not_now": Known(503, "The database does not take this now"),
    "configuration": Known(503, "The configuration is wrong"),
    "disk_full": Known(507, "The disk has no room"),
}


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong.

    ``detail`` is the sentence for people. ``field`` names the value at fault, ``allowed`` what is,
    ``instead`` what to do, ``holder`` who stands in the way, or was
    first.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    field: str | None = None
    allowed: list[str] | None = None
    instead: str | None = None
    holder: str | None = None


class Problem(Exception):
    """A request that goes no further: its answer, and headers of its own."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        field: str | None = None,
        allowed: list[str] | None = None,
        instead: str | None = None,
        holder: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        known = PROBLEMS[code]
        self.status = known.status
        self.headers = dict(headers or {})
        self.body = ProblemBody(
            type=TYPE_PREFIX + code,
            title=known.title,
            status=known.status,
            code=code,
            detail=detail,
            field=field,
            allowed=allowed,
            instead=instead,
            holder=holder,
        )
        super().__init__(f"{code}: {detail}")

    @property
    def encoded(self) -> bytes:
        """The body of the answer."""
        return msgspec.json.encode(self.body)


_CODES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (NotFound, "not_found"),
    (AlreadyDecided, "already_decided"),
    (CannotUndo, "cannot_undo"),
    (InvalidInput, "invalid_input"),
    (StaleRun, "stale_run"),
    (NotAllowed, "not_allowed"),
    (WriteRefused, "refused"),
    (InUse, "in_use"),
    (ConfigError, "configuration"),
    (BoardBusy, "board_busy"),
    (BoardDamaged, "board_damaged"),
    (BoardMoved, "board_moved"),
    (BoardTooNew, "board_too_new"),
    (BoardUnreachable, "board_unreachable"),
    (NotNow, "not_now"),
    (DiskFull, "disk_full"),
)


def problem_of(error: Exception) -> Problem | None:
    """The problem that an error of the board is; None for what is no error of the board's."""
    if isinstance(error, Problem):
        return error
    text = _told(error)
    if isinstance(error, IllegalTransition):
        return _illegal(error, text)
    for kind, code in _CODES:
        if isinstance(error, kind):
            return Problem(code, text, headers=_headers(code), **_facts(error))
    if isinstance(error, OverflowError):
        allowed = ["whole numbers of at most 18 digits"]
        return Problem("invalid_input", "a number is too large", allowed=allowed)
    if isinstance(error, UnicodeEncodeError):
        return Problem("invalid_input", "a text is not valid Unicode", allowed=["valid Unicode"])
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Problem("disk_full", "the disk has no room; nothing was changed")
    if isinstance(error, sqlite3.Error) or not isinstance(error, KanbanError):
        return None
    return Problem("failed", text)


def internal() -> Problem:
    """The answer to what was not foreseen: it tells nothing of the inside."""
    return Problem("internal", "something failed here; the log of the server says what")


def _told(error: Exception) -> str:
    return redact(strip_control(str(error)))


def _illegal(error: IllegalTransition, text: str) -> Problem:
    from hermes_kanban.verbs.moving import IllegalMove

    code = "illegal_move" if isinstance(error, IllegalMove) else "illegal_transition"
    return Problem(code, text, allowed=list(error.allowed))


def _headers(code: str) -> dict[str, str]:
    return {"Retry-After": str(RETRY_SECONDS)} if code == "board_busy" else {}


def _facts(error: Exception) -> dict[str, Any]:
    """What the error knows beside its sentence."""
    facts: dict[str, Any] = {}
    if isinstance(error, InvalidInput):
        facts |= {"field": error.field, "allowed": [error.allowed]}
    elif isinstance(error, NotAllowed):
        facts |= {"allowed": [error.allowed], "instead": error.instead}
    elif isinstance(error, CannotUndo):
        facts |= {"instead": error.instead}
    elif isinstance(error, AlreadyDecided):
        facts |= {"holder": error.decision.by}
    elif isinstance(error, WriteRefused):
        facts |= {"holder": error.refused.holder}
    elif isinstance(error, BoardBusy | InUse):
        facts |= {"holder": error.holder}
    return facts
