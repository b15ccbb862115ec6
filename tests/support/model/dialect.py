"""What each protocol must be able to say; see the files beside this one."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from tests.support.model.script import Asked, Calls, Fail, Say


@dataclass(frozen=True)
class Heard:
    """What a protocol reads out of a request's body."""

    model: str
    tools: tuple[str, ...]
    said: tuple[str, ...]
    results: tuple[str, ...]
    stream: bool


@dataclass(frozen=True)
class Event:
    """One server-sent event; ``name`` is empty where the protocol sends only data."""

    data: dict[str, Any] | str
    name: str = ""

    def encode(self) -> bytes:
        """The event's lines."""
        text = self.data if isinstance(self.data, str) else json.dumps(self.data)
        head = f"event: {self.name}\n" if self.name else ""
        return f"{head}data: {text}\n\n".encode()


class Dialect(Protocol):
    """One protocol: how a request reads, and how an answer or an error is put."""

    name: str

    def hear(self, path: str, body: dict[str, Any]) -> Heard:
        """Take a request apart."""

    def whole(self, asked: Asked, answer: Say | Calls) -> dict[str, Any]:
        """The answer in one piece."""

    def stream(self, asked: Asked, answer: Say | Calls) -> Iterator[Event]:
        """The answer in events, the protocol's end mark included."""

    def error(self, fail: Fail) -> dict[str, Any]:
        """The body that goes with an error status."""


def fresh(prefix: str) -> str:
    """An id that no endpoint gave before: a resumed conversation holds those of another."""
    return prefix + uuid.uuid4().hex[:24]


def texts(content: Any) -> list[str]:
    """The texts in a content field, whether it is a string, a part, or a list of parts."""
    if isinstance(content, str):
        return [content]
    if isinstance(content, dict):
        return [content["text"]] if isinstance(content.get("text"), str) else []
    return [text for part in content or () for text in texts(part)]


def joined(content: Any) -> str:
    """All texts of a content field as one."""
    return "\n".join(texts(content))


def pieces(text: str, size: int = 40) -> Iterable[str]:
    """``text`` cut as a stream would bring it."""
    return (text[start : start + size] for start in range(0, len(text), size))
