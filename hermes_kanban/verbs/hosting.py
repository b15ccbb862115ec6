"""Verbs about the hosts of a board: who they are and how they fare, and draining one."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hermes_kanban import health
from hermes_kanban import kernel as kb
from hermes_kanban.machine import machine
from hermes_kanban.verbs.deciding import Nothing
from hermes_kanban.verbs.verb import Call, Verb

HostWord = Annotated[str, Meta(min_length=1, max_length=200)]


class HostView(msgspec.Struct, frozen=True, kw_only=True):
    """One host; times are Unix seconds.

    ``state`` is what people want of it: a host that is draining starts nothing new. ``presence`` is
    how it is: live, lost (not heard of, and never said good-bye), or left. ``running`` of
    ``max_in_progress`` places are taken. ``gateway_url`` is where people reach its page, None where
    they cannot. ``drained_reason`` is what whoever drained it gave. ``here`` tells the host that
    answers.
    """

    host_id: str
    name: str
    state: Literal["active", "draining"]
    presence: Literal["live", "lost", "left"]
    here: bool
    running: int
    max_in_progress: int | None
    capabilities: list[str]
    profiles: list[str]
    gateway_url: str | None
    version: str | None
    started_at: int | None
    last_seen_at: int | None
    drained_at: int | None
    drained_by: str | None
    drained_reason: str | None
    lost_at: int | None


class Hosts(msgspec.Struct, frozen=True, kw_only=True):
    """Every host that dispatches the board or did; ``shared`` tells whether several may."""

    shared: bool
    hosts: list[HostView]
    now: int


class Drain(msgspec.Struct, kw_only=True):
    """``host`` is its name or its id."""

    host: HostWord
    reason: str | None = None


class Resume(msgspec.Struct, kw_only=True):
    """``host`` is its name or its id."""

    host: HostWord


class HostChanged(msgspec.Struct, frozen=True):
    """The host as it is now, and whether the verb changed that."""

    host: HostView
    changed: bool


def hosts_view(conn: kb.BoardConnection) -> Hosts:
    """The hosts of the board, as of one moment."""
    from hermes_kanban.kernel.hosts import drain_reasons, in_progress, silent_after
    from hermes_kanban.kernel.live import live_runs

    with kb.reading(conn):
        now, silent = conn.clock.now(), silent_after(conn.config)
        taken, known = in_progress(live_runs(conn)), kb.list_hosts(conn)
        reasons = drain_reasons(conn, known)
        found = [
            _view(conn, one, taken[one.host_id], reasons.get(one.host_id), now, silent)
            for one in known
        ]
        return Hosts(shared=conn.shared, hosts=found, now=now)


def _view(
    conn: kb.BoardConnection,
    host: kb.Host,
    running: int,
    reason: str | None,
    now: int,
    silent: float,
) -> HostView:
    presence = host.presence(now, silent)
    # Nobody else hears of a board in a file: its gateway's health record says whether it lives.
    if not conn.shared:
        presence = "left" if health.read(conn.paths, now) is None else "live"
    told = {name: getattr(host, name) for name in HostView.__struct_fields__ if hasattr(host, name)}
    told |= {
        "presence": presence,
        "here": host.host_id == machine().host,
        "running": running,
        "drained_reason": reason,
        "capabilities": list(host.capabilities),
        "profiles": list(host.profiles),
    }
    return HostView(**told)


def _hosts(call: Call, _: Nothing) -> Hosts:
    return hosts_view(call.conn)


def _drain(call: Call, asked: Drain) -> HostChanged:
    before = kb.drain_host(call.conn, asked.host, reason=asked.reason, actor=call.caller.actor)
    return HostChanged(one_host(call.conn, before.host_id), before.state != "draining")


def _resume(call: Call, asked: Resume) -> HostChanged:
    before = kb.resume_host(call.conn, asked.host, actor=call.caller.actor)
    return HostChanged(one_host(call.conn, before.host_id), before.state != "active")


def one_host(conn: kb.BoardConnection, host_id: str) -> HostView:
    """One host of those."""
    return next(one for one in hosts_view(conn).hosts if one.host_id == host_id)


HOSTING = (
    Verb(
        name="hosts",
        request=Nothing,
        response=Hosts,
        function=_hosts,
        sentence="The hosts that dispatch the board: what each can run, and how it fares.",
        changes=False,
        about_task=False,
    ),
    Verb(
        name="drain_host",
        request=Drain,
        response=HostChanged,
        function=_drain,
        sentence="Start nothing new on a host; what runs there goes on.",
        idempotent=True,
        about_task=False,
    ),
    Verb(
        name="resume_host",
        request=Resume,
        response=HostChanged,
        function=_resume,
        sentence="Let a host start tasks again.",
        idempotent=True,
        about_task=False,
    ),
)
