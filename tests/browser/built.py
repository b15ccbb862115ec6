"""The page is built from its source: ``python -m tests.browser.built`` renews what is generated.

Two things in the tree are made from others: ``src/api/schema.d.ts`` from the document of the API,
and ``static/`` from the source. ``make web`` makes both.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from hermes_kanban.surfaces.rest.openapi import document
from hermes_kanban.surfaces.rest.operations import operations
from hermes_kanban.surfaces.rest.pages import STATIC

SOURCE = STATIC.with_name("web")
TYPES = SOURCE / "src" / "api" / "schema.d.ts"
PROGRAMS = Path(sys.executable).parent


def npm(*words: str, **variables: str) -> None:
    """One of the page's own scripts; what it says comes with the error if it fails."""
    assert (SOURCE / "node_modules").exists(), "the page's tools are not installed: make setup"
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(PROGRAMS / "npm"), "run", "--silent", *words],
        cwd=SOURCE,
        env=os.environ | {"PATH": path} | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"npm run {' '.join(words)}:\n{done.stdout}"


def generate_types(file: Path) -> None:
    """Write the types of the API, as they are now, to ``file``."""
    with tempfile.TemporaryDirectory(prefix="hk-api-") as folder:
        told = Path(folder, "openapi.json")
        told.write_bytes(document(operations(), "0"))
        npm("types", "--", str(told), "--output", str(file))


def build(folder: Path) -> None:
    """Build the page into ``folder``, which is emptied first."""
    npm("build", "--", "--outDir", str(folder), "--emptyOutDir")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder``, by its name there."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


if __name__ == "__main__":
    generate_types(TYPES)
    build(STATIC)
