"""Colours in what a process printed: kept where they are asked for, and no other sequence.

A colour is SGR, ``ESC [ … m`` with digits, ``;`` and ``:``: it changes how text looks and nothing
else. Secrets are looked for in the text as it is read, without the codes that may stand in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from hermes_kanban.redact import redact, strip_control

_COLOUR: Final = re.compile(r"\x1b\[[0-9;:]{0,64}m")


class Line(NamedTuple):
    """One line as it may be shown; ``text`` is without its colours."""

    text: str
    coloured: str


def shown_lines(output: str) -> list[Line]:
    """The lines of ``output`` without secrets, control characters and other sequences.

    A line of which something was hidden has its codes at its end: where they stood says where in
    the secret, and those that follow go on from them.
    """
    plain, codes = _apart(output)
    shown = redact(plain).splitlines()
    if not codes:
        return [Line(line, line) for line in shown]
    before = plain.splitlines()
    if len(before) != len(shown):
        return [Line(line, line) for line in shown]
    return list(_painted(before, shown, codes))


def _apart(output: str) -> tuple[str, list[tuple[int, str]]]:
    """The text without any sequence, and each colour with its place in it."""
    parts: list[str] = []
    codes: list[tuple[int, str]] = []
    at = size = 0
    for found in _COLOUR.finditer(output):
        parts.append(strip_control(output[at : found.start()]))
        size += len(parts[-1])
        codes.append((size, found[0]))
        at = found.end()
    parts.append(strip_control(output[at:]))
    return "".join(parts), codes


def _painted(before: list[str], shown: list[str], codes: list[tuple[int, str]]) -> Iterable[Line]:
    start = at = 0
    for plain, line in zip(before, shown, strict=True):
        end = start + len(plain)
        theirs = []
        while at < len(codes) and codes[at][0] <= end:
            theirs.append((codes[at][0] - start, codes[at][1]))
            at += 1
        if plain == line:
            yield Line(line, _with(line, theirs))
        else:
            yield Line(line, line + "".join(code for _, code in theirs))
        start = end + 1  # splitting took a newline, since no other line end is left


def _with(line: str, codes: list[tuple[int, str]]) -> str:
    parts: list[str] = []
    at = 0
    for place, code in codes:
        parts += (line[at:place], code)
        at = place
    return "".join((*parts, line[at:]))
