"""The wheel: what is in it, and that it is enough. ``make install-test`` tries it in earnest."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import yaml

from hermes_kanban import __main__ as entry
from tests.install import built, journey

FOREIGN = ("node_modules", "surfaces/web/", "tests/", "__pycache__", ".map", "build/")


def test_the_wheel_has_all_that_a_first_task_needs(tmp_path: Path) -> None:
    # Built from the sdist, as by somebody who has only that.
    sdist = built.build(tmp_path / "dist", kind="sdist")
    wheel = built.wheel_from(sdist, tmp_path / "dist")
    _holds_what_it_should(wheel)

    newcomer = journey.Newcomer(tmp_path / "new")
    venv.create(newcomer.venv, with_pip=False)
    python = newcomer.venv / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    done = subprocess.run(
        [*pip, "--no-deps", "--no-index", str(wheel)],
        # Beside a tree of ours it would count as installed.
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # What the wheel needs is what is installed here.
    (newcomer.site / "needs.pth").write_text(f"{Path(yaml.__file__).parents[1]}\n")
    journey.first_task(newcomer)


def _holds_what_it_should(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")
    assert wheel.stat().st_size < built.WHEEL_MOST_BYTES
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if any(part in name for part in FOREIGN)] == []
    package = built.ROOT / "hermes_kanban"
    for folder, kinds in ((package / "surfaces" / "static", "*"), (package, "*.py")):
        there = {
            file.relative_to(built.ROOT).as_posix()
            for file in folder.rglob(kinds)
            if file.is_file() and "surfaces/web/" not in file.as_posix()
        }
        assert there <= set(names)
    assert any(name.endswith("share/man/man1/hermes-kanban.1") for name in names)


def test_the_oldest_python_is_said_the_same_everywhere() -> None:
    said = tomllib.loads((built.ROOT / "pyproject.toml").read_text())["project"]
    assert said["requires-python"] == f">={'.'.join(map(str, entry.LEAST))}"
