"""The kinds of agent a profile may name; one file a kind."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from hermes_kanban.workers.profiles import SpawnRefused
from hermes_kanban.workers.runtimes.base import Ending, Launch, LaunchRequest, Runtime

# Name → module. Imported at first use: most homes have one or two of them.
_MODULES: Final = {
    "claude": "claude",
    "codex": "codex",
    "command": "command",
    "continue": "continue_",
    "gemini": "gemini",
    "hermes": "hermes",
    "opencode": "opencode",
    "qwen": "qwen",
}

__all__ = ["Ending", "Launch", "LaunchRequest", "Runtime", "runtime_named", "runtime_names"]


def runtime_names() -> list[str]:
    """The runtimes that there are."""
    return sorted(_MODULES)


def runtime_named(name: str) -> Runtime:
    """The runtime of that name; raises SpawnRefused, listing those there are."""
    module = _MODULES.get(name)
    if module is None:
        known = ", ".join(runtime_names())
        raise SpawnRefused(f"there is no runtime {name} in this version; use {known}") from None
    runtime: Runtime = import_module(f"{__name__}.{module}").RUNTIME
    return runtime
