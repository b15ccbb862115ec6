"""What the pages are written with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

GENERATED: Final = "<!-- generated: make reference -->"
_MARKS: Final = re.compile(r"(?<![`\w])([*_])(?=\w)|(<)")


class Page(NamedTuple):
    """One page: its file, its title, what it is about in a sentence or two, and the rest."""

    file: str
    title: str
    lead: str
    body: Callable[[], str]

    def text(self) -> str:
        """The whole page."""
        return f"# {self.title}\n\n{GENERATED}\n\n{self.lead.strip()}\n\n{self.body().strip()}\n"


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a column that is empty throughout is left out."""
    cells = [[_cell(cell) for cell in row] for row in rows]
    kept = [at for at in range(len(headers)) if any(row[at] for row in cells)]
    lines = [
        [headers[at] for at in kept],
        ["---"] * len(kept),
        *([row[at] for at in kept] for row in cells),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def code(text: object) -> str:
    """As it is typed."""
    return f"`{text}`"


def codes(names: Iterable[object]) -> str:
    """Several, with commas."""
    return ", ".join(map(code, names))


def prose(text: str) -> str:
    """Text that was not written for Markdown: nothing in it is a mark, but for `code`."""
    parts = re.split(r"(`+[^`]*`+)", text.replace("``", "`"))
    return "".join(
        part if at % 2 else _MARKS.sub(lambda found: f"\\{found[0]}", part)
        for at, part in enumerate(parts)
    )


def one_line(text: str | None) -> str:
    """A docstring's paragraph, say, as one line."""
    return " ".join((text or "").split())


def _cell(text: str) -> str:
    return one_line(text).replace("|", "\\|")
