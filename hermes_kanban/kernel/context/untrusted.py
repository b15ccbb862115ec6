"""Text that people and agents wrote, on its way to an agent: cleaned, cut, and between markers.

A marker is a word that nothing between the markers contains, so that no text can pretend to be the
frame around it. It is made from the board's own random id and from the whole text: it stays the
same as long as the text does, and whoever writes a part of that text cannot know it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from typing import Final

from hermes_kanban.redact import one_line, redact, strip_control

MARK_CHARACTERS: Final = 12
VALUE_BYTES: Final = 4096
# A text is never cut shorter than this before it was cleaned, so that no secret is cut in two
# that is not recognised any more.
_WINDOW: Final = 1024
_NOTE_BYTES: Final = 40
# ``profile:`` and the longest name that a profile may have.
_NAME_CHARACTERS: Final = 136

_PLAIN: Final = re.compile(r"[\w./:@+=,~-]{1,256}")
_NO_WORD: Final = re.compile(r"[^\w.@:+-]")
_KEY: Final = "PRIVATE KEY-----"
_KEY_BEGINS: Final = re.compile(r"-----BEGIN [A-Z ]{0,40}\Z")
_KEY_ENDS: Final = re.compile(r"-----END [A-Z ]{0,40}PRIVATE KEY-----")


def marks(board_id: str, texts: Iterable[str | None]) -> Iterator[str]:
    """Markers to try for these texts, in an order that they and the board alone determine."""
    whole = hashlib.sha256()
    for text in texts:
        told = (text or "").encode()
        whole.update(len(told).to_bytes(8, "big") + told)
    number = 0
    while True:
        message = whole.digest() + number.to_bytes(4, "big")
        drawn = hmac.new(board_id.encode(), message, hashlib.sha256)
        yield drawn.hexdigest()[:MARK_CHARACTERS]
        number += 1


class Fence:
    """Puts markers around untrusted text; ``torn`` once a text held the marker itself."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self.torn = False

    def around(self, name: str, text: str, limit: int) -> str:
        """The text, cleaned and cut to ``limit`` bytes, between markers that say what it is."""
        shown = excerpt(text, limit)
        self.torn = self.torn or self.mark in shown
        return f"<{name} {self.mark}>\n{shown}\n</{name} {self.mark}>"

    def value(self, name: str, text: str) -> str:
        """``name: text`` on a line of the frame; between markers if it is no plain word."""
        if _PLAIN.fullmatch(text):
            return f"{name}: {text}"
        return self.around(name, text, VALUE_BYTES)


class Measure(Fence):
    """A fence that only counts: ``bytes`` is what its texts would take, cleaning apart."""

    def __init__(self, mark: str, sizes: dict[str, int]) -> None:
        super().__init__(mark)
        self.bytes = 0
        self._sizes = sizes

    def around(self, name: str, text: str, limit: int) -> str:
        size = self._sizes.get(text)
        if size is None:
            size = self._sizes[text] = len(text.encode())
        self.bytes += min(size, limit)
        return f"<{name} {self.mark}>\n\n</{name} {self.mark}>"


def word(text: str) -> str:
    """A name that others chose, as one plain word of the frame: it cannot speak there."""
    return _NO_WORD.sub("_", one_line(text))[:_NAME_CHARACTERS] or "-"


def excerpt(text: str, limit: int) -> str:
    """``text`` without secrets and control characters, cut in the middle to ``limit`` bytes."""
    encoded = text.encode()
    room = max(limit, 2 * _WINDOW)
    if len(encoded) <= room:
        return clip(_clean(text), limit)
    # Cut first: looking for secrets costs what there is to look through.
    half = (room - _NOTE_BYTES) // 2
    head = len(encoded[:half].decode(errors="ignore"))
    tail = len(text) - len(encoded[len(encoded) - half :].decode(errors="ignore"))
    head, tail = _beside_secrets(text, head)[0], _beside_secrets(text, tail)[1]
    tail = _behind_key(text, tail)
    gone = len(text[head:tail].encode())
    return clip(f"{_clean(text[:head])}\n[{gone} bytes cut]\n{_clean(text[tail:])}", limit)


def clip(text: str, limit: int) -> str:
    """Cut the middle out of a text that is longer than ``limit`` bytes."""
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    half = max(0, (limit - _NOTE_BYTES) // 2)
    head = encoded[:half].decode(errors="ignore")
    tail = encoded[len(encoded) - half :].decode(errors="ignore")
    return f"{head}\n[{len(encoded) - 2 * half} bytes cut]\n{tail}"


def _clean(text: str) -> str:
    return redact(strip_control(text))


def _beside_secrets(text: str, at: int) -> tuple[int, int]:
    """Where to end before ``at`` and to go on after it: the line there goes if it has a secret."""
    start = text.rfind("\n", max(0, at - _WINDOW), at) + 1 or max(0, at - _WINDOW)
    end = text.find("\n", at, at + _WINDOW)
    end = min(len(text), at + _WINDOW) if end < 0 else end
    line = text[start:end]
    return (at, at) if redact(line) == line else (start, end)


def _behind_key(text: str, at: int) -> int:
    """``at``, or where the private key ends whose middle that is."""
    last = text.rfind(_KEY, 0, at)
    if last < 0 or not _KEY_BEGINS.search(text, max(0, last - 60), last):
        return at
    ended = _KEY_ENDS.search(text, last)
    return len(text) if ended is None else max(at, ended.end())
