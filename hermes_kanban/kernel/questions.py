"""What a question may be answered with: the choices that whoever asks lists at its end."""

from __future__ import annotations

import re
from typing import Final

LEAST_CHOICES: Final = 2
MOST_CHOICES: Final = 9
CHOICE_CHARACTERS: Final = 80

_ITEM: Final = re.compile(r" {0,3}([-*+]|\d{1,2}([.)]))[ \t]+(\S.*)")
_BOX: Final = re.compile(r"\[[ xX]\]\s")


def choices(reason: str | None) -> list[str]:
    """The items of the Markdown list that ``reason`` ends with, as answers to choose from.

    There are two to nine of them, each one line of at most 80 characters; none for a list that is
    anything else.
    """
    found: list[str] = []
    kind = None
    for line in reversed((reason or "").rstrip().split("\n")):
        item = _ITEM.fullmatch(line.rstrip())
        if item is None:
            break
        if kind not in (None, item[2] or item[1]):
            break  # another marker begins another list
        kind = item[2] or item[1]
        found.append(item[3])
    found.reverse()
    return found if _can_be_chosen_from(found) else []


def _can_be_chosen_from(found: list[str]) -> bool:
    return (
        LEAST_CHOICES <= len(found) <= MOST_CHOICES
        and len(set(found)) == len(found)
        and all(_is_an_answer(one) for one in found)
    )


def _is_an_answer(text: str) -> bool:
    from hermes_kanban.redact import strip_control

    # What a button shows must be what is sent, to the letter.
    plain = len(text) <= CHOICE_CHARACTERS and strip_control(text) == text
    return plain and not _BOX.match(text)
