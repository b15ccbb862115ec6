"""What an adapter of a chat platform does, and what it tells the desk.

An adapter speaks its platform and knows nothing of boards. It sends messages, edits them once
their question is decided, and hands what people say, press and react to over to the desk, which
knows who may say what, and gives the answer back as text to be sent as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

import msgspec

from hermes_kanban.notify.message import Message, Outcome
from hermes_kanban.regular import read_regular
from hermes_kanban.surfaces.slash import Reply


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was said.

    ``place`` and ``user`` are the platform's ids as the configuration writes them; ``names`` are
    other names of the place that may stand there. ``key`` is the platform's id of this message,
    the same when it is handed over again. ``reply_to`` is the receipt of the message that it
    answers, if it answers one. ``thread`` is the thread of the place in which it was said: what
    comes of it is sent to ``place/thread``.
    """

    place: str
    user: str
    text: str
    key: str
    reply_to: str | None = None
    thread: str | None = None
    names: tuple[str, ...] = ()


class Pressed(msgspec.Struct, frozen=True, kw_only=True):
    """A button that was pressed; ``token`` is what the desk gave the button."""

    place: str
    user: str
    token: str
    key: str
    names: tuple[str, ...] = ()


class Reacted(msgspec.Struct, frozen=True, kw_only=True):
    """A reaction, such as 👍, to the message with the receipt ``to``."""

    place: str
    user: str
    sign: str
    key: str
    to: str
    names: tuple[str, ...] = ()


class Button(NamedTuple):
    """A button under a message: its label, and the token that pressing it hands back.

    The token has at most 64 characters of ``A-Za-z0-9._-`` and is good in that place alone.
    """

    label: str
    token: str


class Desk(Protocol):
    """Whom an adapter hands everything to. Nothing of it raises."""

    async def said(self, incoming: Incoming) -> Reply | None:
        """The answer, to be sent to the same place as a reply; None: it was not for the board."""

    async def pressed(self, pressed: Pressed) -> Reply:
        """The answer, in one line: shown to whoever pressed, or sent as a reply."""

    async def reacted(self, reacted: Reacted) -> Reply | None:
        """The answer; None: it was not for the board."""

    def buttons(self, message: Message, place: str) -> Sequence[Button]:
        """The buttons that the message has when it is sent to that place."""

    def numbered(self, message: Message) -> Sequence[str]:
        """The same as texts, for platforms without buttons: a reply with the number presses it."""


class Adapter(Protocol):
    """One platform; it is entered before all else and left in the end.

    Entering makes it ready to send: it looks whether the platform knows the account, and raises
    if it does not answer. Leaving ends within half a second.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    async def listen(self) -> None:
        """Hand over what people say until cancelled; raises once the platform is out of reach.

        Nothing may be lost and, by the keys, nothing done twice when it is started again.
        """

    async def send(self, address: str, message: Message) -> Outcome:
        """One attempt; cancelled after a while. What it raises is tried again.

        A repeat has the same ``message.dedup_key``: use it as the platform's own key where there
        is one. The outcome's ``receipt`` names the message among all of the platform, for
        ``close`` and ``reply_to``. ``address`` is a place, or ``place/thread``.
        """

    async def close(self, address: str, receipt: str, text: str) -> None:
        """Replace a message whose question is decided by ``text``, and take its buttons away."""

    async def rewrite(self, address: str, receipt: str, digest: Message) -> None:
        """Replace a digest by what it says now: more of what it asks is decided."""


class Context(NamedTuple):
    """What an adapter is made with.

    ``settings`` is its section of the configuration. ``keep`` is a file of its own, for what it
    has to know after a restart. ``log`` is a structlog logger; secrets are kept out of it.
    ``troubled`` takes what of its places cannot be used although it is connected, in one line;
    nothing once all can.
    """

    settings: Any
    desk: Desk
    keep: Path
    log: Any
    troubled: Callable[[str], None] = lambda _: None


def place_and_thread(address: str) -> tuple[str, str | None]:
    """The two parts of an address; None for what is sent to the place itself."""
    place, _, thread = address.partition("/")
    return place, thread or None


class MissingPackage(Exception):
    """The package of a platform that is configured is not installed."""

    def __init__(self, platform: str, package: str) -> None:
        super().__init__(
            f"chat.{platform} needs {package}: pip install 'hermes-kanban[{platform}]'"
        )


def read_kept(context: Context) -> str:
    """What the adapter kept, empty if it kept nothing."""
    try:
        return read_regular(context.keep).decode()
    except (OSError, UnicodeDecodeError):
        return ""


def keep(context: Context, text: str) -> None:
    """Keep ``text`` whole over a restart."""
    context.keep.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = context.keep.with_suffix(".new")
    draft.write_text(text, "utf-8")
    draft.chmod(0o600)
    draft.replace(context.keep)
