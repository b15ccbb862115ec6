"""Where runs may be: what each host offers, what profiles ask for, and the row of a host.

Which host may start what is written down here a second time, to be held against the kernel.
"""

from __future__ import annotations

import contextlib
import random
from typing import Any, Final

import msgspec

from hermes_kanban import kernel as kb
from hermes_kanban.config import Config
from hermes_kanban.config.host import HostSettings
from hermes_kanban.kernel import hosts

CAPABILITIES: Final = ("gpu", "repo:site")
# What a profile may ask of a host, and how often it does where profiles ask at all.
_REQUIRES: Final = {"painter": ("gpu", 0.7), "writer": ("repo:site", 0.5)}


def settle(rng: random.Random, config: Config, machines: list[Any]) -> Config:
    """Give each machine a configuration of its own; the one with every profile is returned."""
    profiles = dict(config.profiles)
    if rng.random() < 0.7:
        for name, (capability, often) in _REQUIRES.items():
            if rng.random() < often:
                profiles[name] = _but(profiles[name], requires=(capability,))
        if rng.random() < 0.4:
            one = rng.choice(machines)
            profiles["coder"] = _but(profiles["coder"], hosts=(rng.choice((one.name, one.called)),))
    config = _but(config, profiles=profiles)
    for machine in machines:
        offered = tuple(one for one in CAPABILITIES if rng.random() < 0.7)
        unknown = rng.choice(sorted(profiles)) if rng.random() < 0.15 else None
        most = rng.choice((1, 2, config.kanban.max_in_progress))
        machine.config = _but(
            config,
            host=HostSettings(name=machine.called, capabilities=offered),
            kanban=_but(config.kanban, max_in_progress=most),
            profiles={name: one for name, one in profiles.items() if name != unknown},
        )
    return config


def _but(struct: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(struct, **changes)


def can_run(machine: Any, profile: str | None) -> bool:
    """Whether a machine has the profile and all that it asks for."""
    asked = machine.config.profiles.get(profile or "")
    if asked is None or not set(asked.requires) <= set(machine.config.host.capabilities):
        return False
    return not asked.hosts or bool({machine.name, machine.called} & set(asked.hosts))


class Row:
    """The row of its host as one gateway keeps it: written at its start, kept alive by looks."""

    def __init__(self, gateway: Any) -> None:
        self._gateway = gateway
        self._written: hosts.Host | None = None
        self._beat_at = self._judges_from = 0.0

    def keep(self, conn: Any) -> None:
        """As the dispatcher does before each look. Raises Twin."""
        machine = self._gateway.host
        if self._written is None:
            self._written = hosts.describe(
                machine.config,
                machine.name,
                gateway_pid=self._gateway.process.pid,
                started_at=conn.clock.now(),
            )
            self._join(conn)
        elif conn.shared and self._silent() >= hosts.HEARTBEAT_SECONDS:
            self._beat(conn)

    def _silent(self) -> float:
        return float(self._gateway.host.monotonic() - self._beat_at)

    def _join(self, conn: Any) -> None:
        assert self._written is not None
        self._beat_at = self._gateway.host.monotonic()
        try:
            with contextlib.suppress(kb.DiskFull):
                kb.join_host(conn, self._written, self._gateway.host.boot)
        except kb.KanbanError as error:
            if str(error).startswith("another machine goes by this one's id"):
                raise Twin from error
            raise

    def _beat(self, conn: Any) -> None:
        """It waits for no other writer, so while somebody writes it comes with a later look."""
        crew, action = self._gateway.world.crew, conn.action
        if crew.lock.holder is not None:
            return
        now = self._gateway.host.monotonic()
        if self._silent() > hosts.SILENT_SECONDS:
            self._judges_from = now + hosts.SILENT_SECONDS
        assert self._written is not None
        conn.action = None
        try:
            known = hosts.heartbeat(conn, self._written)
        finally:
            conn.action = action
        self._beat_at = now
        if not known:
            self._join(conn)
        if now >= self._judges_from:
            hosts.notice_lost(conn, self._written)


class Twin(Exception):
    """It was heard of under another boot a moment ago: its gateway ends, and begins again later."""
