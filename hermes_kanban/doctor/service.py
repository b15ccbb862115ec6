"""The service, where one is installed: whether it is this installation's, and runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from hermes_kanban.doctor.finding import Finding
from hermes_kanban.service import (
    ServiceTrouble,
    installed_home,
    manager,
    wanted,
)

_AGAIN = "hermes-kanban service install"


def installed(home: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether the gateway starts by itself, and does so as it should."""
    found = manager()
    served = installed_home(found, environ)
    if served is None:
        yield Finding.ok(f"none: the gateway does not start by itself at login ({_AGAIN})")
        return
    if served != str(home):
        yield Finding.warning(
            f"the service is for the home {served}, not for {home}",
            f"{_AGAIN}, which puts this home in its place",
        )
        return
    command = wanted(home, environ)[0].command
    if command[0] not in found.file(environ).read_text("utf-8"):
        yield Finding.warning("the service starts another installation", _AGAIN)
        return
    try:
        status = found.status()
    except ServiceTrouble as problem:
        what, _, remedy = str(problem).partition("; ")
        yield Finding.warning(what, remedy or _AGAIN)
        return
    if status.pid is None:
        yield Finding.warning(f"the service is {status.state}", "hermes-kanban up")
    else:
        yield Finding.ok(f"{found.title} runs it, pid {status.pid}")
