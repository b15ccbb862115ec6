"""The command line of this very installation, for programs that start it later."""

from __future__ import annotations

import sys
from pathlib import Path


def own_command() -> list[str]:
    """The words that start it, by paths that no PATH can turn."""
    # Not resolved: a virtual environment's interpreter is a link out of it.
    beside = Path(sys.executable).with_name("hermes-kanban")
    if beside.is_file():
        return [str(beside)]
    return [sys.executable, "-P", "-m", "hermes_kanban.surfaces.cli.main"]
