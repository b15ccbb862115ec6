"""Every check of an installation, with what to do about each thing that is found.

A rule that another part of the program has is asked there, so that both say the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from hermes_kanban.doctor import agents, database, place, service, serving, software
from hermes_kanban.doctor.finding import Finding
from hermes_kanban.model.errors import BoardUnreachable, ConfigError
from hermes_kanban.paths import home

__all__ = ["CHECKS", "Finding", "Patient", "examine"]


class Patient(NamedTuple):
    """What is examined: a home, seen from an environment."""

    home: Path
    environ: Mapping[str, str]


Check = Callable[[Patient], Iterator[Finding]]

CHECKS: dict[str, Check] = {
    "python": lambda _: software.python(),
    "sqlite": lambda _: software.sqlite(),
    "home": lambda one: place.home_folder(one.home),
    "rights": lambda one: place.rights(one.home),
    "disk": lambda one: place.disk(one.home),
    "file system": lambda one: place.file_system(one.home),
    "configuration": lambda one: software.configuration(one.home),
    "database": lambda one: database.database(one.home),
    "clock": lambda _: software.clock(),
    "boards": lambda one: serving.boards(one.home),
    "gateway": lambda one: serving.gateway(one.home),
    "destinations": lambda one: serving.destinations(one.home),
    "page": lambda one: serving.page(one.home),
    "service": lambda one: service.installed(one.home, one.environ),
    "profiles": lambda one: agents.profiles(one.home, one.environ),
    "tools": lambda one: agents.tools(one.home, one.environ),
    "agents": lambda one: agents.clients(one.home, one.environ),
}


def examine(*, mend: bool = False) -> Iterator[Finding]:
    """What each check finds, in order; with ``mend`` after what is safe to mend was mended.

    A check that breaks is itself a fault, and hides none of the others.
    """
    patient = Patient(home(), os.environ)
    for name, check in CHECKS.items():
        found = _found(name, check, patient)
        if mend and any(one.mend for one in found):
            for one in found:
                if one.mend is not None:
                    yield _mended(one)
            found = _found(name, check, patient)
        yield from found


def _found(name: str, check: Check, patient: Patient) -> list[Finding]:
    try:
        return [one._replace(check=name) for one in check(patient)]
    except (ConfigError, BoardUnreachable) as error:  # which has a finding of its own
        down = isinstance(error, BoardUnreachable)
        why = "the database does not answer" if down else "the configuration is wrong"
        found = Finding.warning(f"not checked: {why}", "correct that first")
        return [found._replace(check=name)]
    except Exception as error:  # whatever it is, the other checks are wanted
        told = str(error) or type(error).__name__
        return [Finding.fault(f"could not be checked: {told}")._replace(check=name)]


def _mended(found: Finding) -> Finding:
    assert found.mend is not None
    try:
        found.mend()
    except Exception as error:
        return Finding.fault(f"could not be mended: {error}", found.remedy)._replace(
            check=found.check
        )
    return found._replace(state="mended", remedy="", mend=None)
