"""The gateway as a service of the user's own: systemd on Linux, launchd on macOS.

One service a user: what it is told (home, programs, places of the agents) stands in its file, which
``install`` writes anew each time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from hermes_kanban.model.errors import KanbanError
from hermes_kanban.ourselves import own_command

NAME: Final = "hermes-kanban"
_SECONDS: Final = 30.0


class ServiceTrouble(KanbanError):
    """The service manager is not there, or refused; the message says what to do instead."""


class Wanted(NamedTuple):
    """What the service is to be: our command's words, where it works, and what is around it."""

    command: list[str]
    home: Path
    environment: dict[str, str]


class Status(NamedTuple):
    """``state`` in the manager's own word, and the pid where it runs."""

    state: str
    pid: int | None


class Manager(Protocol):
    """What both managers do. Each method raises ServiceTrouble or OSError."""

    title: str

    def file(self, environ: Mapping[str, str]) -> Path:
        """Where the service's file lies."""
        ...

    def text(self, wanted: Wanted) -> str:
        """What stands in it."""
        ...

    def home_in(self, text: str) -> str | None:
        """The home that such a text names; None if it is none of ours."""
        ...

    def check(self) -> None:
        """That it answers at all."""
        ...

    def enable(self, file: Path) -> None:
        """Let it run now, by what the file says now, and at every login."""
        ...

    def start(self, file: Path) -> None:
        """Let it run now."""
        ...

    def disable(self, file: Path) -> None:
        """Let it run no more; workers go on."""
        ...

    def forget(self) -> None:
        """Notice that the file is gone."""
        ...

    def status(self) -> Status:
        """How it is."""
        ...


def manager(kind: str | None = None) -> Manager:
    """The one of that name, else of this system."""
    from hermes_kanban.service.launchd import Launchd
    from hermes_kanban.service.systemd import Systemd

    if kind is None:
        kind = "launchd" if sys.platform == "darwin" else "systemd"
    found: dict[str, Manager] = {"systemd": Systemd(), "launchd": Launchd()}
    return found[kind]


def wanted(home: Path, environ: Mapping[str, str]) -> tuple[Wanted, list[str]]:
    """The service of this home as seen from this environment, and variables it will not have.

    Places of the agents are handed on, secrets are not: a unit's file is no place for them.
    """
    from hermes_kanban.config.environment import setting_variables
    from hermes_kanban.redact import is_secret_name
    from hermes_kanban.workers.environment import usable_path
    from hermes_kanban.workers.runtimes import runtime_named, runtime_names

    places = {name for one in runtime_names() for name in runtime_named(one).inherits}
    given = {name for name in places if environ.get(name)}
    kept = {name: environ[name] for name in sorted(given) if not is_secret_name(name)}
    left = {name for name in given if is_secret_name(name)}
    left |= {name for name in setting_variables() if name in environ}
    environment = {
        "HERMES_KANBAN_HOME": str(home),
        "PATH": usable_path(environ.get("PATH", "")),
    } | kept
    return Wanted([*own_command(), "gateway", "run"], home, environment), sorted(left)


def installed(found: Manager, home: Path, environ: Mapping[str, str]) -> bool:
    """Whether there is a service for this home."""
    return installed_home(found, environ) == str(home)


def installed_home(found: Manager, environ: Mapping[str, str] = os.environ) -> str | None:
    """The home that the installed service serves; None where none is installed."""
    try:
        return found.home_in(found.file(environ).read_text("utf-8"))
    except (OSError, ValueError):
        return None


def run(words: Sequence[str]) -> str:
    """What the manager's own command prints. Raises ServiceTrouble with its last line."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except FileNotFoundError:
        raise ServiceTrouble(f"{words[0]} is not installed here") from None
    except subprocess.TimeoutExpired:
        raise ServiceTrouble(f"{' '.join(words)} did not end in {_SECONDS:.0f} s") from None
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise ServiceTrouble(f"{' '.join(words)}: {lines[-1] if lines else done.returncode}")
    return done.stdout
