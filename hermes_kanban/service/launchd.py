"""An agent of launchd (launchd.plist(5)), in the user's own session."""

from __future__ import annotations

import os
import plistlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hermes_kanban.background import ERRORS_FILE
from hermes_kanban.clients.base import Place
from hermes_kanban.service import NAME, ServiceTrouble, Status, Wanted, run

_LABEL: Final = f"{NAME}.gateway"


class Launchd:
    """The manager that macOS has."""

    title = "launchd"

    def file(self, environ: Mapping[str, str]) -> Path:
        """Where the property list lies."""
        return Place(environ).home / "Library" / "LaunchAgents" / f"{_LABEL}.plist"

    def text(self, wanted: Wanted) -> str:
        """The property list."""
        value = {
            "Label": _LABEL,
            # Nothing keeps what it says in a journal, so its own log does.
            "ProgramArguments": [*wanted.command, "--quiet"],
            "WorkingDirectory": str(wanted.home),
            "EnvironmentVariables": wanted.environment,
            "RunAtLoad": True,
            # Started again unless it ended in good order.
            "KeepAlive": {"SuccessfulExit": False},
            # Workers outlive the gateway, and the next one takes them up again.
            "AbandonProcessGroup": True,
            "ExitTimeOut": 15,
            "Umask": 0o077,
            "StandardOutPath": str(wanted.home / ERRORS_FILE),
            "StandardErrorPath": str(wanted.home / ERRORS_FILE),
        }
        return plistlib.dumps(value, sort_keys=False).decode()

    def home_in(self, text: str) -> str | None:
        """The home that a property list names."""
        try:
            found = plistlib.loads(text.encode())
        except (plistlib.InvalidFileException, ValueError):
            return None
        home = found.get("EnvironmentVariables", {}).get("HERMES_KANBAN_HOME")
        return home if isinstance(home, str) else None

    def enable(self, file: Path) -> None:
        """Run it now and at every login."""
        self._boot_out()
        run(["launchctl", "bootstrap", _domain(), str(file)])

    def start(self, file: Path) -> None:
        """Run it now."""
        run(["launchctl", "kickstart", f"{_domain()}/{_LABEL}"])

    def disable(self, file: Path) -> None:
        """Stop it, and start it at no login."""
        self._boot_out()

    def forget(self) -> None:
        """Nothing is to be told: it reads the folder at login."""

    def check(self) -> None:
        """That it answers at all."""
        try:
            run(["launchctl", "print", _domain()])
        except ServiceTrouble as problem:
            raise ServiceTrouble(
                f"no service manager is here ({problem}); start the gateway with: hermes-kanban up"
            ) from None

    def status(self) -> Status:
        """How the agent is."""
        told = run(["launchctl", "print", f"{_domain()}/{_LABEL}"])
        state = re.search(r"^\s*state = (.+)$", told, re.MULTILINE)
        pid = re.search(r"^\s*pid = (\d+)$", told, re.MULTILINE)
        return Status(state[1] if state else "unknown", int(pid[1]) if pid else None)

    def _boot_out(self) -> None:
        """Out of this session's list, if it is in it."""
        try:
            run(["launchctl", "print", f"{_domain()}/{_LABEL}"])
        except ServiceTrouble:
            return
        run(["launchctl", "bootout", f"{_domain()}/{_LABEL}"])


def _domain() -> str:
    return f"gui/{os.getuid()}"
