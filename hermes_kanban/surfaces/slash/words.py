"""From what was typed in a chat to the words of a command line.

People quote less in a chat than in a shell, and their devices turn quotes round. A quote counts
only where a word begins or after ``=``, so ``don't`` is a word; where a command ends with a text,
words that are not quoted are joined, and further lines belong to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import click

_CURLY: Final = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‟": '"'})
_DASHES: Final = re.compile(r"(?<!\S)[—–](?=[a-z])")
_WORD: Final = re.compile(
    r"""(?:[^\s"'=]+=)?"(?:[^"\\]|\\.)*"(?!\S)|(?:[^\s"'=]+=)?'[^']*'(?!\S)|\S+"""
)
_QUOTED: Final = re.compile(r"""((?:[^\s"'=]+=)?)(?:"((?:[^"\\]|\\.)*)"|'([^']*)')\Z""", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\([\"\\])")

# How many words stand before the text with which these end.
TEXT_AFTER: Final = {"create": 0, "comment": 1, "block": 1, "request-changes": 1}
# The option that what is said after the ids is the text of.
TEXT_OF: Final = {"unblock": "--reason", "approve": "--comment", "complete": "--summary"}
_ID: Final = re.compile(r"t_[a-z0-9]+")


class Said(NamedTuple):
    """The words of the first line, and the lines after it as they are."""

    words: list[str]
    rest: str


def split(text: str) -> Said:
    """The words of a message whose prefix has been taken away."""
    line, rest = _first_line(text)
    tidy = _DASHES.sub("--", line.translate(_CURLY))
    return Said([_unquoted(word) for word in _WORD.findall(tidy)], rest.strip())


def _first_line(text: str) -> tuple[str, str]:
    """Up to the first end of a line that is not within quotes."""
    end = 0
    tidy = text.translate(_CURLY)
    for match in re.finditer(rf"{_WORD.pattern}|\n", tidy):
        if match.group() == "\n":
            return text[: match.start()], text[match.end() :]
        end = match.end()
    return text[:end], ""


def _unquoted(word: str) -> str:
    match = _QUOTED.fullmatch(word)
    if match is None:
        return word
    before, double, single = match.groups()
    inside = single if double is None else _ESCAPED.sub(r"\1", double)
    return f"{before}{inside}"


def board_of(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """The board that the words name, and the words without it."""
    found: str | None = None
    kept: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            return found, [*kept, word, *rest]
        if word == "--board":
            found = next(rest, "")
        elif word.startswith("--board="):
            found = word.partition("=")[2]
        else:
            kept.append(word)
    return found, kept


def only_task(words: Sequence[str]) -> str | None:
    """The task that the words name, if it is one and no more."""
    named = {word for word in words if _ID.fullmatch(word)}
    return named.pop() if len(named) == 1 else None


def with_text(command: click.Command, words: Sequence[str], rest: str) -> list[str]:
    """The words after a command's name, with a text at the end of them in one piece."""
    name = command.name or ""
    if name in TEXT_OF:
        return _with_option(TEXT_OF[name], *_sorted(command, words), rest)
    before = TEXT_AFTER.get(name)
    if before is None:
        return list(words)
    options, plain = _sorted(command, words)
    if len(plain) > before + 1:
        plain[before:] = [" ".join(plain[before:])]
    if rest and command.name == "create":
        if not any(one == "--body" or one.startswith("--body=") for one in options):
            options += ["--body", rest]
    elif rest:
        plain[before:] = ["\n".join([*plain[before:], rest])]
    return [*options, "--", *plain] if plain else options


def _with_option(option: str, options: list[str], plain: list[str], rest: str) -> list[str]:
    """The words, with the text after the ids as that of the option, unless it has one."""
    if any(one == option or one.startswith(f"{option}=") for one in options):
        return [*options, "--", *plain]
    at = next((at for at, word in enumerate(plain) if at and not _ID.fullmatch(word)), len(plain))
    text = "\n".join(one for one in (" ".join(plain[at:]), rest) if one)
    return [*options, *([option, text] if text else []), "--", *plain[:at]]


def _sorted(command: click.Command, words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Options with their values, and the other words."""
    takes = {
        name: 0 if param.is_flag or param.count else param.nargs
        for param in command.params
        if isinstance(param, click.Option)
        for name in (*param.opts, *param.secondary_opts)
    }
    options: list[str] = []
    plain: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            plain += rest
        elif word.startswith("--") or word in takes or word == "-h":
            options.append(word)
            for _ in range(0 if "=" in word else takes.get(word, 0)):
                options += [one for one in [next(rest, None)] if one is not None]
        else:
            plain.append(word)
    return options, plain
