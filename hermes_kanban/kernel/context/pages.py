"""A context in pages: no page cuts through a marker, so that no text is ever outside of its own."""

from __future__ import annotations

import re
from typing import Final

PAGE_BYTES_LEAST: Final = 256
_GOES_ON: Final = "(the last line goes on on the next page)\n"


def split(text: str, mark: str, size: int) -> list[str]:
    """``text`` in pages of at most ``size`` bytes.

    Text that is open between markers at the end of a page is closed there and opened again on the
    next, with the same markers. Without these, and with a line that was cut through put together
    again, the pages are the text.
    """
    return _Pages(mark, size).of(text)


class _Pages:
    def __init__(self, mark: str, size: int) -> None:
        self._tags = re.compile(rf"<(/?)(\w+) {mark}>")
        self._mark = mark
        self._size = size
        self._pages: list[str] = []
        self._page = ""
        self._used = 0
        self._open: str | None = None

    def of(self, text: str) -> list[str]:
        for line in text.splitlines(keepends=True):
            self._take(line)
        if self._used:
            self._pages.append(self._page)
        return self._pages

    def _take(self, line: str) -> None:
        open_after = self._state_after(line)
        size = len(line.encode())
        if self._used + size + self._closing(open_after) <= self._size:
            self._put(line, size)
        elif self._fits_alone(size, open_after):
            self._turn()
            self._put(line, size)
        else:
            self._take_through(line)
        self._open = open_after

    def _take_through(self, line: str) -> None:
        """A line longer than a page: as much of it on each as there is room for."""
        rest = line
        while rest:
            room = self._size - self._used - self._closing(self._open) - len(_GOES_ON)
            encoded = rest.encode()
            if len(encoded) <= room:
                self._put(rest, len(encoded))
                return
            piece = encoded[: max(0, room)].decode(errors="ignore")
            # Between two words, if there are any near.
            blank = piece.rfind(" ")
            piece = piece[: blank + 1] if blank > len(piece) // 2 else piece
            if piece:
                self._put(piece, len(piece.encode()))
                rest = rest[len(piece) :]
            self._turn(cut_through=bool(piece))

    def _put(self, text: str, size: int) -> None:
        self._page += text
        self._used += size

    def _turn(self, *, cut_through: bool = False) -> None:
        page = self._page
        if cut_through:
            page += "\n"
        if self._open is not None:
            page += f"</{self._open} {self._mark}>\n"
        if cut_through:
            page += _GOES_ON
        self._pages.append(page)
        self._page = "" if self._open is None else f"<{self._open} {self._mark}>\n"
        self._used = len(self._page)

    def _fits_alone(self, size: int, open_after: str | None) -> bool:
        opening = 0 if self._open is None else len(self._open) + len(self._mark) + 4
        return opening + size + self._closing(open_after) <= self._size

    def _closing(self, name: str | None) -> int:
        """What it takes to close ``name``, with the line break of a line that is cut through."""
        return 1 if name is None else len(name) + len(self._mark) + 6

    def _state_after(self, line: str) -> str | None:
        state = self._open
        for found in self._tags.finditer(line):
            state = None if found[1] else found[2]
        return state
