"""``make install-test``: the wheel in a fresh environment and home, on every Python that is here.

With ``--debian bookworm sid`` also in roots of Debian that debootstrap makes (as root; kept
in .install/), where nothing is but what the wheel brings. What could not be tried is said.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.install import journey
from tests.install.built import ROOT, build

MINORS = (11, 12, 13, 14)
FOLDER = ROOT / ".install"
_INSIDE = "/tmp/hk"
_PACKAGES = "python3,python3-venv,ca-certificates"
_ASK = "import sys; print('{}.{}'.format(*sys.version_info))"
# A namespace of mounts of its own, so that nothing stays mounted, whatever happens in it.
_ENTER = """
mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" &&
exec chroot "$1" env -i PATH=/usr/bin:/bin HOME=/root python3 "$2/journey.py" "$3" --wheels "$2"
"""


def python_of(minor: int) -> str | None:
    """An interpreter of 3.``minor``: in PATH, or one that pyenv keeps."""
    kept = Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python3")
    found = [shutil.which(f"python3.{minor}"), *map(str, sorted(kept, reverse=True))]
    return next((one for one in found if one and _version(one) == f"3.{minor}"), None)


def _version(*command: str) -> str:
    try:
        done = subprocess.run(
            [*command, "-c", _ASK], capture_output=True, text=True, timeout=60, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip()


def in_environment(python: str, wheel: Path) -> bool:
    """The journey with that interpreter; what the wheel needs comes from the index."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run([python, journey.__file__, str(wheel)], env=environment, check=False)
    return done.returncode == 0


def in_debian(suite: str, wheel: Path) -> bool:
    """The journey in a root of that suite; nothing is fetched in there."""
    root = FOLDER / suite
    if not (root / "usr" / "bin" / "python3").exists():
        root.parent.mkdir(exist_ok=True)
        variant = ["--variant=minbase", f"--include={_PACKAGES}"]
        with (FOLDER / f"{suite}.log").open("wb") as log:
            made = subprocess.run(
                ["debootstrap", *variant, suite, str(root)], stdout=log, stderr=log, check=False
            )
        if made.returncode != 0:
            shutil.rmtree(root, ignore_errors=True)
            print(f"no root of Debian {suite}; see {log.name}")
            return False
    wheels = root / _INSIDE.lstrip("/")
    shutil.rmtree(wheels, ignore_errors=True)
    wheels.mkdir(parents=True)
    shutil.copy2(wheel, wheels)
    shutil.copy2(journey.__file__, wheels)
    version = _version("chroot", str(root), "python3")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
    subprocess.run(
        [*pip, "--python-version", version, "--only-binary=:all:", "-d", str(wheels), str(wheel)],
        check=True,
    )
    script = ["bash", "-c", _ENTER, "enter", str(root), _INSIDE, f"{_INSIDE}/{wheel.name}"]
    done = subprocess.run(["unshare", "-m", "--propagation", "private", *script], check=False)
    return done.returncode == 0


def main() -> None:
    """Try everything that can be tried; exit code 1 if any of it failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--debian", nargs="*", default=[], metavar="SUITE")
    given = parser.parse_args()
    tried: dict[str, bool] = {}
    missing: list[str] = []
    with tempfile.TemporaryDirectory(prefix="hk-wheel-") as folder:
        wheel = build(Path(folder))
        for minor in MINORS:
            python = python_of(minor)
            if python is None:
                missing.append(f"Python 3.{minor}")
            else:
                tried[f"Python 3.{minor}"] = in_environment(python, wheel)
        for suite in given.debian:
            if shutil.which("debootstrap") is None or os.geteuid() != 0:
                missing.append(f"Debian {suite} (needs debootstrap, and root)")
            else:
                tried[f"Debian {suite}"] = in_debian(suite, wheel)
    for what, held in tried.items():
        print(f"{'ok    ' if held else 'FAILED'} {what}")
    for what in missing:
        print(f"not here, so not tried: {what}")
    sys.exit(not all(tried.values()) or not tried)


if __name__ == "__main__":
    main()
