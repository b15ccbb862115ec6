"""Git repositories that tests make worktrees of."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git(folder: Path, *arguments: str) -> str:
    """Run git in ``folder`` as somebody; what it prints."""
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def make_repository(folder: Path) -> Path:
    """A new repository with one commit of one file on ``main``."""
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "file").write_text("one\n")
    git(folder, "add", "file")
    git(folder, "commit", "--quiet", "-m", "Start")
    return folder
