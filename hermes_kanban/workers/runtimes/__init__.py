"""The kinds of agent a profile may name; one file a kind."""

from __future__ import annotations

from hermes_kanban.workers.profiles import SpawnRefused
from hermes_kanban.workers.runtimes import command
from hermes_kanban.workers.runtimes.base import Launch, LaunchRequest, Runtime

RUNTIMES: dict[str, Runtime] = {"command": command.launch}

__all__ = ["RUNTIMES", "Launch", "LaunchRequest", "Runtime", "runtime_named"]


def runtime_named(name: str) -> Runtime:
    """The runtime of that name; raises SpawnRefused, listing those there are."""
    try:
        return RUNTIMES[name]
    except KeyError:
        known = ", ".join(sorted(RUNTIMES))
        raise SpawnRefused(f"there is no runtime {name} in this version; use {known}") from None
