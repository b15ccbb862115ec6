"""What is said over the live socket, in JSON, one message a text frame.

The page asks with ``op``; the server tells with ``type``. ``docs/rest.md`` says what follows what.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from hermes_kanban import kernel as kb
from hermes_kanban.surfaces.rest.problems import ProblemBody
from hermes_kanban.verbs.standing import Gateway

Slug = Annotated[str, Meta(max_length=64)]
EventId = Annotated[int, Meta(ge=0, le=2**53)]
RunId = Annotated[int, Meta(ge=1, le=2**53)]


class Subscribe(msgspec.Struct, tag_field="op", tag="subscribe", kw_only=True):
    """Tell the board's events after ``after``; without it, what happens from now on.

    ``board_id`` is that of the board which ``after`` is of: another is told as a reset. With
    ``cards`` the tasks that events touch come along as they are then.
    """

    board: Slug
    after: EventId | None = None
    board_id: str | None = None
    cards: bool = False


class Unsubscribe(msgspec.Struct, tag_field="op", tag="unsubscribe", kw_only=True):
    """Tell no more of the board."""

    board: Slug


class FollowLog(msgspec.Struct, tag_field="op", tag="log", kw_only=True):
    """Tell the output of a run: from ``place`` if that is still there, else its last lines.

    With ``colours`` its lines keep ``ESC[…m``.
    """

    board: Slug
    run_id: RunId
    place: str | None = None
    lines: Annotated[int, Meta(ge=0, le=5000)] = 200
    colours: bool = False


class LeaveLog(msgspec.Struct, tag_field="op", tag="unlog", kw_only=True):
    """Tell no more of that output."""

    board: Slug
    run_id: RunId


class Ping(msgspec.Struct, tag_field="op", tag="ping", kw_only=True):
    """Answer with a pong that has the same ``id``."""

    id: Annotated[int, Meta(ge=0, le=2**53)] = 0


Said = Subscribe | Unsubscribe | FollowLog | LeaveLog | Ping

_decode = msgspec.json.Decoder(Said).decode


def decode(text: str) -> Said:
    """What the page says. Raises msgspec.DecodeError."""
    said: Said = _decode(text)
    return said


class Hello(msgspec.Struct, tag_field="type", tag="hello", kw_only=True):
    """The first message: who is answered, by what, and the server's time."""

    v: int = 1
    actor: str
    version: str
    boards: list[str]
    now: int


class Subscribed(msgspec.Struct, tag_field="type", tag="subscribed", kw_only=True):
    """Events after ``cursor`` follow."""

    board: str
    board_id: str
    cursor: int


class Reset(msgspec.Struct, tag_field="type", tag="reset", kw_only=True):
    """What the page knows of the board is of another; it reads anew, and events follow."""

    board: str
    board_id: str
    cursor: int
    why: str


class Events(msgspec.Struct, tag_field="type", tag="events", kw_only=True):
    """Events in their order; ``cursor`` is where to go on, ``more`` says that more are there.

    ``cards`` are the tasks they touch, ``gone`` those that are no more; None where nobody asked.
    """

    board: str
    events: list[msgspec.Raw]
    cursor: int
    more: bool
    cards: list[kb.Card] | None = None
    gone: list[str] | None = None


class Presence(msgspec.Struct, tag_field="type", tag="presence", kw_only=True):
    """The gateway that serves the board, None where none does; told when that changes."""

    board: str
    gateway: Gateway | None
    now: int


class LogLines(msgspec.Struct, tag_field="type", tag="log", kw_only=True):
    """Lines of a run's output. ``anew``: they are not those after the place that was asked for.

    ``over``: no more will come.
    """

    board: str
    run_id: int
    lines: list[str]
    place: str | None
    anew: bool
    over: bool


class Gone(msgspec.Struct, tag_field="type", tag="gone", kw_only=True):
    """The board is not served any more, or not now; ask again."""

    board: str
    why: str


class Trouble(msgspec.Struct, tag_field="type", tag="problem", kw_only=True):
    """Something that was asked for cannot be had."""

    problem: ProblemBody
    op: str | None = None
    board: str | None = None
    run_id: int | None = None


class Pong(msgspec.Struct, tag_field="type", tag="pong", kw_only=True):
    """The answer to a ping, with the server's time."""

    id: int
    now: int


Told = Hello | Subscribed | Reset | Events | Presence | LogLines | Gone | Trouble | Pong
TOLD: Final[tuple[Any, ...]] = Told.__args__
SAID: Final[tuple[Any, ...]] = Said.__args__
