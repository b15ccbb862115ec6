"""Which packages a source tree has, and their files."""

from __future__ import annotations

from pathlib import Path


def packages(root: Path) -> dict[str, list[Path]]:
    """The files of each package below ``root`` by dotted name; packages without code are left out.

    Files are relative to ``root``; tests, and whatever is no package at the top, do not count.
    """
    tops = sorted(init.parent for init in root.glob("*/__init__.py") if init.parent.name != "tests")
    folders = [init.parent for top in tops for init in sorted(top.rglob("__init__.py"))]
    found = {
        ".".join(folder.relative_to(root).parts): _code(root, folder) for folder in sorted(folders)
    }
    return {name: files for name, files in found.items() if files}


def _code(root: Path, folder: Path) -> list[Path]:
    files = sorted(file for file in folder.glob("*.py") if file.stat().st_size)
    return [file.relative_to(root) for file in files]
