"""How a message looks on platforms that write it in one text with marks of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from gateway.chat.answers import how_pressed
from hermes_kanban.notify.message import Item, Message
from hermes_kanban.notify.texts import DIGEST_PART_CHARACTERS, cut, decided_text
from hermes_kanban.redact import one_line
from hermes_kanban.surfaces.slash.markup import Platform, Style, fitted, style

_LEAST: Final = 20


class Parts(NamedTuple):
    """A message without marks: ``body`` is what somebody wrote where the message asks something.

    ``items`` are those of a digest, which has no body.
    """

    subject: str
    body: str
    how: str
    link: str | None
    items: Sequence[Item] = ()


def parts(message: Message, *, how: str, buttons: bool) -> Parts:
    """What there is to show.

    ``how`` says where an answer in words is to be given; ``buttons`` whether some are beneath.
    """
    if message.items:
        return Parts(message.subject, "", "", message.link, message.items)
    if message.ask is None:
        return Parts(*_divided(message), "", message.link)
    told = how_pressed(message.ask, how, buttons=buttons)
    return Parts(message.subject, message.said, told, message.link)


def shown(message: Message, platform: Platform, characters: int, *, how: str, buttons: bool) -> str:
    """The message in the marks of the platform, in at most ``characters``.

    What is left out is counted; subject and link are never cut. See ``parts`` for the rest.
    """
    marks = style(platform)
    found = parts(message, how=how, buttons=buttons)
    begin = [marks.bold(found.subject)] if found.subject else []
    end = [marks.escape(found.how)] if found.how else []
    if found.link:
        end.append(marks.link(found.link, "open"))
    room = characters - len("\n".join([*begin, *end])) - 1
    if found.items:
        return "\n".join([*begin, _listed(found.items, marks, room), *end])
    write = marks.escape if message.ask is None else marks.quote
    body = _cut(found.body, marks, write, room)
    return "\n".join(one for one in [*begin, body, *end] if one)


def escaped(text: str, platform: Platform, characters: int) -> str:
    """Plain text in the marks of the platform, in at most ``characters``."""
    marks = style(platform)
    return _cut(text, marks, marks.escape, characters)


def told_below(item: Item) -> str:
    """What is told of one thing of a digest besides its subject, in one line: what it asks, or who
    decided that."""
    told = decided_text(item.decided) if item.decided else item.said if item.ask else ""
    return cut(one_line(told), DIGEST_PART_CHARACTERS)


def as_they_fit(items: Sequence[Item], size: Callable[[Item], int], room: int) -> int:
    """How many of the first items fit into ``room`` characters."""
    for at, item in enumerate(items):
        room -= size(item) + 1
        if room < 0:
            return at
    return len(items)


def _listed(items: Sequence[Item], marks: Style, characters: int) -> str:
    """A line for each, with the link to its task, as many as fit."""

    def line(item: Item) -> str:
        subject = marks.link(item.link, item.subject) if item.link else marks.escape(item.subject)
        below = told_below(item)
        return f"- {subject}" + (f"\n{marks.quote(below)}" if below else "")

    fit = as_they_fit(items, lambda one: len(line(one)), characters - _LEAST)
    left = [marks.escape(f"… {len(items) - fit} more")] if fit < len(items) else []
    return "\n".join([*map(line, items[:fit]), *left])


def _divided(message: Message) -> tuple[str, str]:
    """The line that stands out, and what else there is but the link."""
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
