"""Whether a gateway serves a board, by the health record that it leaves beside it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import msgspec

from hermes_kanban.model.records import Identity
from hermes_kanban.paths import BoardPaths

STALE_INTERVALS: Final = 3
# A record is renewed that often at least, however short the interval between two ticks.
STALE_LEAST_SECONDS: Final = 45


class Health(msgspec.Struct, frozen=True):
    """A gateway's own account of one board; times are Unix seconds."""

    state: str
    pid: int
    started_at: int
    tick_at: int
    interval_seconds: float = 60
    host: str = ""
    identity: Identity | None = None
    version: str = ""
    in_progress: int = 0
    degraded: list[str] = []
    stuck: dict[str, list[str]] = {}


def read(paths: BoardPaths, now: int) -> Health | None:
    """The record of a gateway that lives, else None."""
    try:
        health = msgspec.json.decode(paths.health.read_bytes(), type=Health)
    except (OSError, msgspec.DecodeError):
        return None
    patience = max(STALE_LEAST_SECONDS, STALE_INTERVALS * health.interval_seconds)
    if now - health.tick_at > patience or (_is_here(health) and not _lives(health.pid)):
        return None
    return health


def _is_here(health: Health) -> bool:
    """Only a pid of this very boot and pid namespace can be looked up."""
    if health.identity is None:
        return False
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        pidns = os.stat("/proc/self/ns/pid").st_ino
    except (OSError, ValueError):
        return False
    return (health.identity.boot, health.identity.pidns) == (boot, pidns)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def as_json(health: Health | None) -> dict[str, Any]:
    """The record for an answer; a missing one says so."""
    if health is None:
        return {"running": False}
    found: dict[str, Any] = msgspec.to_builtins(health)
    return {"running": True} | found
