"""A unit of systemd's user manager (systemd.service(5), systemd.kill(5), systemd.exec(5))."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hermes_kanban.clients.base import Place
from hermes_kanban.service import NAME, ServiceTrouble, Status, Wanted, run

_UNIT: Final = f"{NAME}.service"
_CTL: Final = ("systemctl", "--user")
_TEXT: Final = """\
# Written by "hermes-kanban service install", which writes it anew each time.
[Unit]
Description=The gateway of hermes-kanban, the board for agents
StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
Type=exec
ExecStart={command}
WorkingDirectory={home}
{environment}
# Workers outlive the gateway, and the next one takes them up again.
KillMode=process
# One worker that takes too much memory must not end the gateway and all others.
OOMPolicy=continue
Restart=on-failure
RestartSec=2
# A bad configuration does not get better by trying again.
RestartPreventExitStatus=2
TimeoutStopSec=15
UMask=0077

[Install]
WantedBy=default.target
"""
_PLAIN: Final = re.compile(r"[\w/.,+@:=~ -]+")
_BY_SHELL: Final = 'exec "$0" "$@"'
_HOME: Final = re.compile(r'^Environment="HERMES_KANBAN_HOME=(.*)"$', re.MULTILINE)


class Systemd:
    """The manager that most Linux systems have."""

    title = "systemd"

    def file(self, environ: Mapping[str, str]) -> Path:
        """Where the unit lies."""
        place = Place(environ)
        folder = place.folder("XDG_CONFIG_HOME", place.home / ".config")
        return folder / "systemd" / "user" / _UNIT

    def text(self, wanted: Wanted) -> str:
        """The unit."""
        return _TEXT.format(
            command=" ".join(_started(wanted.command)),
            # A path here stands without quotes.
            home=str(wanted.home).replace("%", "%%"),
            environment="\n".join(
                f"Environment={_quoted(f'{name}={value}')}"
                for name, value in wanted.environment.items()
            ),
        )

    def home_in(self, text: str) -> str | None:
        """The home that a unit names."""
        found = _HOME.search(text)
        return None if found is None else _unquoted(found[1])

    def enable(self, file: Path) -> None:
        """Run it now and at every login."""
        self.check()
        run([*_CTL, "daemon-reload"])
        run([*_CTL, "enable", _UNIT])
        run([*_CTL, "restart", _UNIT])

    def start(self, file: Path) -> None:
        """Run it now."""
        self.check()
        run([*_CTL, "start", _UNIT])

    def disable(self, file: Path) -> None:
        """Stop it, and start it at no login."""
        self.check()
        run([*_CTL, "disable", "--now", _UNIT])

    def status(self) -> Status:
        """How the unit is."""
        self.check()
        told = run([*_CTL, "show", "--property=ActiveState,MainPID", _UNIT])
        values = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
        pid = int(values.get("MainPID", "0"))
        return Status(values.get("ActiveState", "unknown"), pid or None)

    def forget(self) -> None:
        """Notice that the file is gone."""
        with contextlib.suppress(ServiceTrouble):
            run([*_CTL, "daemon-reload"])

    def check(self) -> None:
        """That it answers at all."""
        try:
            run([*_CTL, "show", "--property=Version"])
        except ServiceTrouble as problem:
            raise ServiceTrouble(
                f"no service manager is here ({problem}); start the gateway with: hermes-kanban up"
            ) from None


def _started(command: list[str]) -> list[str]:
    """The words of ``ExecStart=``; a program's own name may hold little there, words anything."""
    words = command if _PLAIN.fullmatch(command[0]) else ["/bin/sh", "-c", _BY_SHELL, *command]
    return [_quoted(word).replace("$", "$$") for word in words]


def _quoted(word: str) -> str:
    """One word of a unit's line: ``%`` begins a specifier there, and a backslash an escape."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _unquoted(word: str) -> str:
    return word.replace("%%", "%").replace('\\"', '"').replace("\\\\", "\\")
