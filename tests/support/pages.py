"""The pages of the documentation, and the blocks of code in them.

How the blocks of a page are written:

``console``   commands. ``$ `` begins one, ``> `` goes on with it; every other line is what is
              printed from there on. ``# Not tested: why`` as the first line keeps a block from
              being run. With ``title="In a terminal of its own"`` it runs beside the rest until
              the page ends.
``yaml``      with a title that is a path, the content of that file; without one, a whole
              configuration of ours. ``json``, ``toml``, ``python``, ``sh`` may have a path too.
``python``    without a title is run.
``text``      anything else.

A comment ``<!-- before … -->`` has commands that a reader is spared, for what a page takes for
granted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt

ROOT: Final = Path(__file__).parents[2]
OWN_TERMINAL: Final = "In a terminal of its own"
NOT_TESTED: Final = "# Not tested: "
_BEFORE: Final = re.compile(r"<!-- before\n(?P<commands>.*?)\n-->", re.DOTALL)
_TITLE: Final = re.compile(r'title="([^"]*)"')
_IMAGE: Final = re.compile(r"!\[[^\]]*\]\((?:[^)]*/)?(?P<name>[^)/]+\.png)\)")


@dataclass(frozen=True)
class Block:
    """``line`` is that of its first line in the page; an image is a block of its name."""

    language: str
    title: str
    text: str
    line: int

    @property
    def tested(self) -> bool:
        """Whether its commands are to be run."""
        return not self.text.startswith(NOT_TESTED)


@dataclass(frozen=True)
class Command:
    """What is typed, and what is to be printed by it."""

    text: str
    prints: list[str]
    line: int


def all_pages() -> list[Path]:
    """README.md and everything below docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(page: Path) -> str:
    """As it is named in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks(text: str) -> list[Block]:
    """The blocks of a page, in order."""
    return list(_blocks(text))


def _blocks(text: str) -> Iterator[Block]:
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        line = token.map[0] + 1 if token.map else 0
        if token.type == "fence":
            language, _, rest = token.info.strip().partition(" ")
            title = _TITLE.search(rest)
            yield Block(language, title[1] if title else "", token.content, line + 1)
        elif token.type == "code_block":
            yield Block("(indented)", "", token.content, line)
        elif token.type == "html_block" and (hidden := _BEFORE.match(token.content)):
            yield Block("console", "", hidden["commands"] + "\n", line + 1)
        elif token.type == "inline" and (image := _IMAGE.search(token.content)):
            yield Block("image", image["name"], "", line)


def commands(block: Block) -> list[Command]:
    """The commands of a console block, each with what it prints. ValueError: it has none."""
    found: list[Command] = []
    for number, line in enumerate(block.text.splitlines(), start=block.line):
        if line.startswith("$ "):
            found.append(Command(line[2:], [], number))
        elif not found:
            raise ValueError(f"line {number} is printed before any command: {line}")
        elif line.startswith("> ") and not found[-1].prints:
            last = found.pop()
            found.append(Command(f"{last.text}\n{line[2:]}", [], last.line))
        elif line.strip():
            found[-1].prints.append(line)
    if not found:
        raise ValueError(f"line {block.line}: there is no command")
    return found
