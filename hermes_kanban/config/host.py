"""The ``host:`` section: what this machine is called and what it offers, and how it is named."""

from __future__ import annotations

import functools
import os
import re
import sys
from typing import Annotated, Final

import msgspec
from msgspec import Meta

NAME_CHARACTERS: Final = 64
MachineName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z",
        description="a host's name: letters, digits, '.', '_' and '-', 64 at most",
    ),
]
Capability = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/+-]{0,63}\Z",
        description="a capability: letters, digits and ._:/+-, 64 at most: gpu, repo:site",
    ),
]
# Machines are named alike, whatever their systems call themselves.
_SYSTEMS: Final = {"darwin": "macos"}
_ARCHITECTURES: Final = {"amd64": "x86_64", "aarch64": "arm64"}


@functools.cache
def default_name() -> str:
    """The machine's own name, without what no name may have."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", os.uname().nodename).lstrip("._-")
    return name[:NAME_CHARACTERS] or "host"


@functools.cache
def own_capabilities() -> tuple[str, ...]:
    """What every machine offers without being told: its system and its architecture."""
    architecture = os.uname().machine.lower()
    return (
        f"os:{_SYSTEMS.get(sys.platform, sys.platform)}",
        f"arch:{_ARCHITECTURES.get(architecture, architecture)}",
    )


class HostSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``host:`` section; ``HERMES_KANBAN_HOST_<KEY>`` overrides each key."""

    name: MachineName = msgspec.field(default_factory=default_name)
    capabilities: tuple[Capability, ...] = ()

    @property
    def offers(self) -> tuple[str, ...]:
        """All that profiles may require of this machine, sorted."""
        return tuple(sorted({*self.capabilities, *own_capabilities()}))
