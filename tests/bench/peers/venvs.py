"""An environment of its own for each peer, in ``.venv-bench``, fetched when it is first needed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
HOME: Final = ROOT / ".venv-bench"
PINS: Final = Path(__file__).with_name("pins")
PATIENCE_SECONDS: Final = 300
PIP: Final = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input")
GENTLY: Final = ("--retries", "1", "--timeout", "20")
REASON_LENGTH: Final = 160


class NotInstalled(Exception):
    """A peer that could not be fetched; the message is the reason."""


def version(package: str) -> str:
    """The version that is pinned."""
    pinned = dict(line.split("==") for line in _pins(package).read_text().split())
    return pinned[package]


def interpreter(package: str) -> Path:
    """The Python in whose environment the pinned package is; made now if it is not there.

    Raises NotInstalled with the reason, and leaves nothing half made.
    """
    folder = HOME / package
    python = folder / "bin" / "python"
    stamp = folder / "installed"
    wanted = f"{sys.version}\n{_pins(package).read_text()}"
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    print(f"fetching {package} {version(package)} …", file=sys.stderr, flush=True)
    try:
        _run(sys.executable, "-m", "venv", str(folder))
        _run(str(python), *PIP, *GENTLY, "-r", str(_pins(package)))
    except NotInstalled:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    stamp.write_text(wanted)
    return python


def _pins(package: str) -> Path:
    """What its environment holds, everything with its version."""
    return PINS / f"{package}.txt"


def _run(*command: str) -> None:
    try:
        subprocess.run(
            command, check=True, timeout=PATIENCE_SECONDS, capture_output=True, text=True
        )
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"no answer in {PATIENCE_SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        raise NotInstalled(_reason(error.stderr)) from None


def _reason(complaint: str) -> str:
    """The first error that pip told, without the addresses in it."""
    told = [line[7:] for line in complaint.splitlines() if line.startswith("ERROR: ")]
    words = (told or complaint.splitlines() or ["pip failed"])[0].split()
    return " ".join(word for word in words if "://" not in word)[:REASON_LENGTH]
