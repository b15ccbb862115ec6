"""``python -m hermes_kanban.reference [FOLDER]``: write every page, and remove what is none."""

from __future__ import annotations

import sys
from pathlib import Path

from hermes_kanban.reference.pages import pages


def main() -> None:
    """Rewrite the pages in the folder named on the command line, or in docs/reference."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference")
    folder.mkdir(parents=True, exist_ok=True)
    found = pages()
    for name, text in found.items():
        (folder / name).write_text(text, "utf-8")
    for file in folder.glob("*.md"):
        if file.name not in found:
            file.unlink()


if __name__ == "__main__":
    main()
