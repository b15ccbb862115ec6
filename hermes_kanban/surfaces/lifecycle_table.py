"""The lifecycle table as Markdown, for docs/architecture.md.

``python -m hermes_kanban.surfaces.lifecycle_table`` rewrites the part between the two marks.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from hermes_kanban.lifecycle import TABLE, Transition

START: Final = "<!-- lifecycle:start -->"
END: Final = "<!-- lifecycle:end -->"


def table() -> str:
    """The table, one row a transition, in the order of the code."""
    head = "| verb | by | from | to | outcome | event |\n|---|---|---|---|---|---|\n"
    return head + "".join(map(_row, TABLE))


def _row(row: Transition) -> str:
    to = ", ".join(row.to) or "same"
    outcome = row.outcome or "–"
    return (
        f"| {row.verb} | {row.by} | {', '.join(row.sources)} | {to} | {outcome} | {row.event} |\n"
    )


def renewed(document: str) -> str:
    """``document`` with the table as the code has it. Raises ValueError without the marks."""
    before, _, rest = document.partition(START)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"the document has no {START} … {END}")
    return f"{before}{START}\n{table()}{END}{after}"


def main() -> None:
    """Rewrite the file named on the command line, or docs/architecture.md."""
    file = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/architecture.md")
    file.write_text(renewed(file.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
