"""Longer texts on a terminal: broken between words, cut where they would bury the rest.

In a pipe, and in a chat, a text stays as it was written: whoever reads there breaks it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from hermes_kanban import present
from hermes_kanban.suggestions import COMMAND
from hermes_kanban.surfaces.cli.session import Session

LINES: Final = 30
_ITEM: Final = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+")
_FENCE: Final = re.compile(r"\s*(?:```|~~~)")
_JOINED: Final = "\x00"


def wrap(text: str, width: int, *, hanging: str = "") -> list[str]:
    """One line of text in lines of at most ``width`` cells; those after the first are indented.

    Broken between words only, but for those of a script that has no blanks between them.
    """
    words = text.lstrip(" ")
    lines = [text[: len(text) - len(words)]]
    for word in words.split(" "):
        begun = bool(lines[-1].strip())
        line = f"{lines[-1]} {word}" if begun else f"{lines[-1]}{word}"
        if present.cells(line) <= width or (word.isascii() and not begun):
            lines[-1] = line
            continue
        if begun:
            lines.append(hanging)
        while not word.isascii() and present.cells(lines[-1] + word) > width:
            kept = _fitting(word, width - present.cells(lines[-1]))
            lines[-1] += kept
            word = word[len(kept) :]  # noqa: PLW2901
            lines.append(hanging)
        lines[-1] += word
    return [line.rstrip() for line in lines]


def _fitting(word: str, width: int) -> str:
    """As much of a word as fits, one character at least."""
    kept = word[: max(1, width)]
    while len(kept) > 1 and present.cells(kept) > width:
        kept = kept[:-1]
    return kept


def paragraphs(session: Session, text: str, by: str = "  ") -> list[str]:
    """The lines of a text, moved to the right; on a terminal broken to its width, but for code."""
    lines = present.indent(text, by)
    if not session.at_screen:
        return lines
    found: list[str] = []
    fenced = False
    for line in lines:
        fence = _FENCE.match(line) is not None
        fenced ^= fence
        if fence or fenced or line.startswith(f"{by}    "):
            found.append(line)
            continue
        item = _ITEM.match(line)
        hanging = " " * len(item[0]) if item else line[: len(line) - len(line.lstrip())] or by
        found += wrap(line, session.width, hanging=hanging)
    return found


def cut(session: Session, lines: Sequence[str], more: str) -> list[str]:
    """On a terminal the first of many lines, and where all of them are."""
    if not session.at_screen or len(lines) <= LINES:
        return list(lines)
    left = len(lines) - LINES
    return [*lines[:LINES], session.paint(f"  … {left} more lines: {more}", "dim")]


def sentence(session: Session, text: str, before: str) -> list[str]:
    """A sentence behind ``before``, broken to the width but never within a command.

    In a pipe too, since it is ours; only a chat breaks it by itself.
    """
    joined = COMMAND.sub(lambda one: one[0].replace(" ", _JOINED), present.clean(text))
    hanging = " " * present.cells(before)
    whole = f"{before}{joined}"
    lines = wrap(whole, session.width, hanging=hanging) if session.at_terminal else [whole]
    plain = (line.replace(_JOINED, " ") for line in lines)
    return [COMMAND.sub(lambda one: session.paint(one[0], "command"), line) for line in plain]
