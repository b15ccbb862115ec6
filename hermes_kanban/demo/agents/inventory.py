"""The surveyor: which packages, files and lines there are below the folder it is started in."""

from __future__ import annotations

from pathlib import Path

from hermes_kanban.demo.agents.briefing import complete, say
from hermes_kanban.demo.packages import packages


def main() -> None:
    """Count, and hand over each package's files with their lines."""
    root = Path.cwd()
    say(f"surveying {root}")
    found = {name: _lines(root, files) for name, files in packages(root).items()}
    for name, files in found.items():
        say(f"{name}: {len(files)} files, {sum(files.values())} lines")
    files_in_all = sum(map(len, found.values()))
    lines = sum(sum(files.values()) for files in found.values())
    complete(
        summary=f"{len(found)} packages, {files_in_all} files, {lines:,} lines",
        result={"packages": found},
    )


def _lines(root: Path, files: list[Path]) -> dict[str, int]:
    return {str(file): len((root / file).read_bytes().splitlines()) for file in files}


if __name__ == "__main__":
    main()
