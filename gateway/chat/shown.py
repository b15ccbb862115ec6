"""How a message looks on platforms that write it in one text with marks of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hermes_kanban.notify.message import Message
from hermes_kanban.surfaces.slash.markup import Platform, Style, fitted, style

_LEAST: Final = 20


def shown(message: Message, platform: Platform, characters: int, *, how: str, buttons: bool) -> str:
    """The message in the marks of the platform, in at most ``characters``.

    ``how`` says where an answer in words is to be given; ``buttons`` whether some are beneath.
    What is left out is counted; subject and link are never cut.
    """
    marks = style(platform)
    subject, rest = _divided(message)
    parts = [marks.bold(subject)] if subject else []
    end = []
    if message.ask is not None:
        said = f"Press a button, or {how[:1].lower()}{how[1:]}." if buttons else f"{how}."
        end.append(marks.escape(said))
    if message.link:
        end.append(marks.link(message.link, "open"))
    room = characters - len("\n".join([*parts, *end])) - 1
    write = marks.escape if message.ask is None else marks.quote
    body = _cut(rest, marks, write, room)
    return "\n".join(one for one in [*parts, body, *end] if one)


def escaped(text: str, platform: Platform, characters: int) -> str:
    """Plain text in the marks of the platform, in at most ``characters``."""
    marks = style(platform)
    return _cut(text, marks, marks.escape, characters)


def _divided(message: Message) -> tuple[str, str]:
    """The line that stands out, and what else there is but the link."""
    if message.ask is not None:
        return message.subject, message.said
    text = message.text
    if message.link:
        text = text.removesuffix(message.link)
    if message.subject and text.startswith(message.subject):
        return message.subject, text.removeprefix(message.subject).strip("\n")
    return "", text.strip("\n")


def _cut(text: str, marks: Style, write: Callable[[str], str], characters: int) -> str:
    """``text`` as ``write`` has it, by whole lines; marks make it longer by what nobody knows."""
    room = characters
    while True:
        lines, more = fitted(text.splitlines(), room)
        left = "\n" + marks.escape(f"… {more} more") if more else ""
        found = write("\n".join(lines)) + left if lines else ""
        if len(found) <= characters or room <= _LEAST:
            return found
        room = max(_LEAST, min(room - _LEAST, room * characters // len(found)))
