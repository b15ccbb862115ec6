"""The demonstration's home: a folder with its own configuration, profiles and board."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any, Final

import yaml

import hermes_kanban
from hermes_kanban.config.capacity import cores

SOURCE: Final = Path(hermes_kanban.__file__ or "").resolve().parents[1]
AGENTS: Final = "hermes_kanban.demo.agents"
SURVEYOR, MEASURER, REPORTER = "surveyor", "measurer", "reporter"

# Whoever runs this may have a board of their own, or be a worker of one.
_ELSEWHERE: Final = (
    "HERMES_HOME",
    "HERMES_KANBAN_BOARD",
    "HERMES_KANBAN_BRANCH",
    "HERMES_KANBAN_CLAIM_LOCK",
    "HERMES_KANBAN_DB",
    "HERMES_KANBAN_RUN_ID",
    "HERMES_KANBAN_TASK",
    "HERMES_KANBAN_WORKSPACE",
    "HERMES_KANBAN_WORKSPACES_ROOT",
    "HERMES_PROFILE",
    "HERMES_TENANT",
)
_SETTINGS: Final = """\
# The board of `make run`. Every key: config/hermes-kanban.yaml in the repository.
kanban:
  backoff_base_seconds: 1   # the killed worker is to be back soon
"""
_BY_MAKE_RUN: Final = "# Written by `make run`, anew each time; put profiles of yours beside it.\n"


class Home:
    """Where the demonstration's files lie."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.report = folder / "report.md"
        self.gateway_log = folder / "gateway.log"
        self.gateway_errors = folder / "gateway.err"

    def prepare(self) -> None:
        """Make the folder, its configuration and profiles, and let this process live there."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in _ELSEWHERE:
            os.environ.pop(name, None)
        os.environ["HERMES_KANBAN_HOME"] = str(self.folder)
        settings = self.folder / "config.yaml"
        if not settings.exists():
            settings.write_text(_SETTINGS, encoding="utf-8")
        profiles = self.folder / "profiles"
        profiles.mkdir(mode=0o700, exist_ok=True)
        for name, profile in self._profiles().items():
            _keep(profiles / f"{name}.yaml", _BY_MAKE_RUN + yaml.safe_dump(profile))

    def _profiles(self) -> dict[str, dict[str, Any]]:
        return {
            SURVEYOR: self._profile("inventory", "Lists packages, files and lines"),
            MEASURER: self._profile("measure", "Measures a package with radon")
            # It keeps a core busy, where an agent usually waits for its model.
            | {"max_in_progress": max(2, int(cores()))},
            REPORTER: self._profile("report", "Joins the measures into a report")
            | {"args": ["--out", str(self.report)]},
        }

    def _profile(self, agent: str, description: str) -> dict[str, Any]:
        return {
            "description": description,
            "argv": [sys.executable, "-m", f"{AGENTS}.{agent}"],
            "cwd": str(SOURCE),
            "env": {"HERMES_KANBAN_HOME": str(self.folder)},
            # An agent that ends without a word has not done its task.
            "on_exit_zero": "protocol_violation",
            "max_runtime_seconds": 300,
        }

    def shown(self, path: Path) -> str:
        """A path as one types it from the current folder."""
        try:
            return str(path.relative_to(Path.cwd()))
        except ValueError:
            return str(path)

    def exports(self) -> str:
        """The shell's line after which the commands of this installation find this board."""
        commands = shlex.quote(str(Path(sys.executable).parent))
        home = shlex.quote(str(self.folder))
        return f'export HERMES_KANBAN_HOME={home} PATH={commands}:"$PATH"'


def _keep(file: Path, text: str) -> None:
    """Write ``text`` unless it is there: the gateway takes up what was written anew."""
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")
