"""``python -m tests.install.built``: the wheel and the sdist, into dist/, with their sizes.

They are built from a copy of what belongs into them, so that nothing gets in that an earlier build
left behind, and no two builds meet.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hermes_kanban.surfaces.man_page import page

ROOT = Path(__file__).parents[2]
FILES = ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "CHANGELOG.md", "constraints.txt")
FOLDERS = ("hermes_kanban", "gateway", "config")
WHEEL_MOST_BYTES = 5 * 2**20
_LEFT_OUT = shutil.ignore_patterns("node_modules", "__pycache__", "*.pyc")


def build(folder: Path, *, kind: str = "wheel") -> Path:
    """Build a ``wheel`` or an ``sdist`` into ``folder``, with the tools that are installed here."""
    with tempfile.TemporaryDirectory(prefix="hk-build-") as name:
        tree = Path(name)
        for one in FILES:
            shutil.copy2(ROOT / one, tree)
        for one in FOLDERS:
            shutil.copytree(ROOT / one, tree / one, ignore=_LEFT_OUT)
        (tree / "man").mkdir()
        (tree / "man" / "hermes-kanban.1").write_text(page(), "utf-8")
        folder.mkdir(parents=True, exist_ok=True)
        return _by_backend(tree, folder.absolute(), kind)


def _by_backend(tree: Path, folder: Path, kind: str) -> Path:
    """PEP 517's own hook; pip would make an environment for it first."""
    call = f"from setuptools import build_meta as b; print(b.build_{kind}({str(folder)!r}))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", call], cwd=tree, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.splitlines()[-1]


def wheel_from(sdist: Path, folder: Path) -> Path:
    """The wheel that somebody builds who has nothing but the sdist."""
    with tempfile.TemporaryDirectory(prefix="hk-sdist-") as name:
        with tarfile.open(sdist) as archive:
            archive.extractall(name, filter="data")
        (tree,) = Path(name).iterdir()
        return _by_backend(tree, folder.absolute(), "wheel")


def _sizes(files: list[Path]) -> Iterator[str]:
    for file in files:
        yield f"{file.stat().st_size / 2**20:6.2f} MiB  {file}"


def main() -> None:
    """Build both into dist/, or the folder on the command line."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "dist")
    files = [build(folder), build(folder, kind="sdist")]
    print("\n".join(_sizes(files)))
    size = files[0].stat().st_size
    if size > WHEEL_MOST_BYTES:
        sys.exit(f"the wheel has {size:,} bytes, more than {WHEEL_MOST_BYTES:,}")


if __name__ == "__main__":
    main()
