"""Whether a gateway serves a board, by the health record that it leaves beside it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any, Final

import msgspec

from hermes_kanban.machine import machine
from hermes_kanban.model.records import Identity
from hermes_kanban.paths import BoardPaths
from hermes_kanban.regular import read_regular
from hermes_kanban.store.protocol import BoardConnection

STALE_INTERVALS: Final = 3
# A record is renewed that often at least, however short the interval between two ticks.
STALE_LEAST_SECONDS: Final = 45


class Health(msgspec.Struct, frozen=True):
    """A gateway's own account of one board; times are Unix seconds.

    ``in_progress`` runs are on its host. ``web`` is the address at which it serves HTTP, empty
    where it does not.
    """

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
    chat: dict[str, str] = {}
    web: str = ""


def read(paths: BoardPaths, now: int) -> Health | None:
    """The record of the gateway that serves the board, if it lives, else None."""
    return read_one(paths.health, now)


def is_served(conn: BoardConnection) -> bool:
    """Whether a gateway starts the board's tasks: one of this home, or of another host of a shared
    board."""
    return read(conn.paths, conn.clock.now()) is not None or bool(_starting(conn))


def served_by(paths: BoardPaths) -> list[str]:
    """The names of the hosts whose gateways start the tasks of a board in a database; none where it
    is a file's, or cannot be asked."""
    from hermes_kanban.kernel import KanbanError, connect
    from hermes_kanban.store.opening import server_of

    if not server_of(paths):
        return []
    try:
        with contextlib.closing(connect(paths.slug)) as conn:
            return _starting(conn)
    except KanbanError:
        return []


def _starting(conn: BoardConnection) -> list[str]:
    """The names of the hosts of a shared board that are heard of, but for one whose gateway is
    known here to have died: others learn of that when they have not heard of it for a while."""
    from hermes_kanban.kernel.hosts import live_hosts

    record = died(conn.paths)
    gone = None if record is None else (machine().host, record.pid)
    return [one.name for one in live_hosts(conn) if (one.host_id, one.gateway_pid) != gone]


def died(paths: BoardPaths) -> Health | None:
    """The record of a gateway that ended here without a word; one that stops removes its own."""
    record = _record(paths.health)
    return record if record is not None and is_here(record) and not _lives(record.pid) else None


def standing_by(paths: BoardPaths, now: int) -> list[Health]:
    """The records of gateways of this home that wait to take over, those that wait longest
    first."""
    files = paths.root.glob("health.standby-*.json")
    found = [health for file in files if (health := read_one(file, now)) is not None]
    return sorted(found, key=lambda health: (health.started_at, health.pid))


def read_one(file: Path, now: int) -> Health | None:
    """The record in ``file``, if the gateway that wrote it lives, else None."""
    health = _record(file)
    if health is None:
        return None
    patience = max(STALE_LEAST_SECONDS, STALE_INTERVALS * health.interval_seconds)
    if now - health.tick_at > patience or (is_here(health) and not _lives(health.pid)):
        return None
    return health


def _record(file: Path) -> Health | None:
    try:
        return msgspec.json.decode(read_regular(file), type=Health)
    except (OSError, msgspec.DecodeError):
        return None


def is_here(health: Health) -> bool:
    """Whether its pid can be looked up: only one of this very boot and pid namespace can."""
    if health.identity is None:
        return False
    here = machine()
    return (health.identity.boot, health.identity.pidns) == (here.boot, here.pidns)


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
