"""What a scripted model says, turn by turn, whichever protocol asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Usage:
    """The tokens that an answer says it cost; ``cached`` are part of ``input``."""

    input: int = 1000
    output: int = 20
    cached: int = 300


@dataclass(frozen=True)
class Say:
    """End the model's turn with a text."""

    text: str
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True)
class Call:
    """One tool call; ``tool`` is how the offered name ends, since every client prefixes it."""

    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Calls:
    """One turn with these tool calls, all at once."""

    calls: tuple[Call, ...]
    text: str = ""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True)
class Fail:
    """Answer with an HTTP error, to every request from here on.

    ``code`` is the provider's own word for it (``usage_limit_reached``), where not the usual one;
    ``extra`` goes into the error object, ``headers`` beside the body.
    """

    status: int
    message: str = ""
    retry_after: int | None = None
    code: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Hang:
    """Accept the request and never answer it."""


@dataclass(frozen=True)
class Asked:
    """One request as it came in, with what tests look at taken out of it.

    ``tools`` are the names offered. ``results`` are the texts of all tool results of the
    conversation, oldest first, ``said`` the texts of its users. ``side`` marks a request that
    offers no tool (titles, summaries); it is answered beside the script.
    """

    dialect: str
    model: str
    path: str
    tools: tuple[str, ...]
    said: tuple[str, ...]
    results: tuple[str, ...]
    stream: bool
    side: bool
    body: dict[str, Any]
    headers: dict[str, str]

    def offered(self, suffix: str) -> str | None:
        """The offered tool of that name, else the first whose name ends so; None without one."""
        if suffix in self.tools:
            return suffix
        return next((name for name in self.tools if name.endswith(suffix)), None)


Answer = Say | Calls | Fail | Hang
Turn = Answer | Callable[[Asked], Answer]


def call(tool: str, **arguments: Any) -> Calls:
    """A turn with one tool call."""
    return Calls((Call(tool, arguments),))


def calls(*several: Call) -> Calls:
    """A turn with several tool calls."""
    return Calls(several)
