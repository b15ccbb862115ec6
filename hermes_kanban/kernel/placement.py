"""Where a task may run: which hosts can start it, which drain or are full, and what none offers.

A dispatcher judges for its own host alone. Whoever only asks judges for every host that is heard
of; where there is none, for this machine as it is configured.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

from hermes_kanban.config import Config, Profile
from hermes_kanban.kernel import hosts
from hermes_kanban.kernel.hosts import Host
from hermes_kanban.machine import machine
from hermes_kanban.model.records import Hold, Identity
from hermes_kanban.store.protocol import BoardConnection

_JOINS: Final = "a host that can run it joins, or its profile requires less"


class Seat(msgspec.Struct):
    """A host that tasks may be started on, and how many of its places are taken."""

    host: Host
    taken: int

    @property
    def most(self) -> int:
        """How many runs it carries at a time."""
        return self.host.max_in_progress or 0

    @property
    def full(self) -> bool:
        """Whether no place is left."""
        return self.taken >= self.most


class Places(msgspec.Struct):
    """The hosts as one look sees them.

    ``seats`` are those that it judges for, ``elsewhere`` live ones that start tasks by themselves,
    ``gone`` those that are lost or have left. ``reasons`` are those given with draining, by host.
    ``own`` is the id of the host of whoever looks,
    ``local`` whether what that host has (disk, skills) counts.
    """

    own: str
    shared: bool
    seats: list[Seat]
    elsewhere: list[Host]
    gone: list[Host]
    local: bool
    reasons: dict[str, str] = {}

    def able(self, profile: str | None) -> list[Seat]:
        """The seats whose host can run the profile."""
        return [seat for seat in self.seats if profile in seat.host.profiles]

    def seats_for(self, profile: str | None) -> list[Seat]:
        """The same, or all seats for what none can run."""
        return self.able(profile) or self.seats

    def resources_of(self, config: Config, profile: str, host: str | None) -> dict[str, int]:
        """What a run of the profile on that host takes of what all hosts share."""
        if host is not None and host != self.own:
            for one in (*self.elsewhere, *self.gone, *(seat.host for seat in self.seats)):
                if one.host_id == host and profile in one.profiles:
                    return one.resources.get(profile, {})
        settings = config.profiles.get(profile)
        if settings is not None:
            return settings.resources
        known = (one.host.resources.get(profile) for one in self.able(profile))
        return next((found for found in known if found is not None), {})


def places(
    known: list[Host],
    config: Config,
    taken: Counter[str],
    *,
    shared: bool,
    now: int,
    here: Identity | None,
    reasons: dict[str, str],
) -> Places:
    """The hosts of a board by their rows; ``here`` is the dispatcher that looks, if one does.

    ``taken`` are the live runs by host; those that nobody can place count everywhere. ``reasons``
    are those given with draining, by host.
    """
    silent = hosts.silent_after(config)
    own = machine().host if here is None else here.host
    live = [one for one in known if shared and one.presence(now, silent) == "live"]
    if here is not None or not live:
        mine = _own(known, config, own, shared=shared)
        by_itself = shared and here is not None
        seats = [Seat(mine, taken[own] + taken[""] if by_itself else taken.total())]
        elsewhere = [one for one in live if one.host_id != own]
    else:
        seats = [Seat(one, taken[one.host_id] + taken[""]) for one in live]
        elsewhere = []
    judged = {seat.host.host_id for seat in seats} | {one.host_id for one in elsewhere}
    return Places(
        own=own,
        shared=shared,
        seats=seats,
        elsewhere=elsewhere,
        gone=[one for one in known if one.host_id not in judged],
        local=any(seat.host.host_id == own for seat in seats),
        # The row of a board in a file is this host's, whatever its id.
        reasons=reasons if shared else dict(zip([own], reasons.values(), strict=False)),
    )


# What people know it by, and what they said of it.
_OF_THE_ROW: Final = ("name", "state", "drained_at", "drained_by")


def _own(known: list[Host], config: Config, own: str, *, shared: bool) -> Host:
    """This host as it is configured now, and as a person left it."""
    mine = hosts.describe(config, own)
    for row in known:
        if row.host_id == own or not shared:
            told = {name: getattr(row, name) for name in _OF_THE_ROW}
            return msgspec.structs.replace(mine, **told)
    return mine


def missing_host(look: Places, config: Config, assignee: str) -> Hold | None:
    """What keeps every host that is judged for from running a profile; None if one of them can.

    ``no_profile`` is nobody's, ``no_host`` that of hosts which are not there, ``elsewhere`` that of
    one which starts it by itself.
    """
    able = look.able(assignee)
    if able:
        return _elsewhere(look, config, assignee, [seat.host for seat in able])
    starts = [one for one in look.elsewhere if assignee in one.profiles]
    if starts:
        return _elsewhere(look, config, assignee, starts)
    profile = config.profiles.get(assignee)
    gone = [one for one in look.gone if assignee in one.profiles]
    if profile is None and not gone:
        return Hold("no_profile", f"no profile is called {assignee!r}", "add the profile")
    return Hold("no_host", _nobody(look, config, profile, gone), _JOINS)


def drained(look: Places, assignee: str | None) -> Hold | None:
    """That every host which could start a task of the profile drains; None if one does not."""
    seats = [seat.host for seat in look.seats_for(assignee)]
    if any(host.state == "active" for host in seats):
        return None
    return draining_hold(look, seats)


def unserved(conn: BoardConnection, profile: str) -> Hold | None:
    """What keeps every host from starting tasks of a profile, asked without a task in hand.

    ``no_profile``, ``no_host`` and ``draining`` are as ``why`` tells them; None where a host that
    is there starts them, however full it is.
    """
    known = hosts.list_hosts(conn)
    look = places(
        known,
        conn.config,
        Counter(),
        shared=conn.shared,
        now=conn.clock.now(),
        here=None,
        reasons=hosts.drain_reasons(conn, known),
    )
    hold = missing_host(look, conn.config, profile) or drained(look, profile)
    return None if hold is not None and hold.code == "elsewhere" else hold


def _elsewhere(look: Places, config: Config, assignee: str, able: list[Host]) -> Hold | None:
    """Which other hosts run it, where the one of whoever looks does not."""
    ids = {one.host_id for one in able}
    dispatches = look.elsewhere or look.own in {seat.host.host_id for seat in look.seats}
    if look.own in ids or not dispatches:
        return None
    active = [one for one in able if one.state == "active"]
    if not active:
        return None if look.able(assignee) else draining_hold(look, able)
    named = " or ".join(one.name for one in active)
    why = _why_not(look, config, assignee)
    return Hold("elsewhere", f"it runs on {named}: {why}", f"{named} starts it at its next look")


def _why_not(look: Places, config: Config, assignee: str) -> str:
    profile = config.profiles.get(assignee)
    if profile is None:
        return "this host has no such profile"
    lacks = hosts.missing(profile, config.host.name, look.own, config.host.offers)
    offers = [one for one in lacks if one != hosts.NAMED]
    if offers:
        return f"this host does not offer {', '.join(offers)}"
    return "its profile names other hosts than this one"


def _nobody(look: Places, config: Config, profile: Profile | None, gone: list[Host]) -> str:
    """The sentence on why no host can run it."""
    after = _who_could(gone)
    if profile is None:
        return f"no live host has its profile{after}"
    if not look.shared:
        return _why_not_here(look, config, profile)
    live = [*(seat.host for seat in look.seats), *look.elsewhere]
    offered = {capability for one in live for capability in one.capabilities}
    unmet = [one for one in profile.requires if one not in offered]
    if unmet:
        return f"no live host offers {', '.join(unmet)}{after}"
    if profile.hosts and not any(
        one.name in profile.hosts or one.host_id in profile.hosts for one in live
    ):
        only = len(profile.hosts) == 1
        gone_too = "which is not live" if only else "and none of them is live"
        return f"its profile runs only on {', '.join(profile.hosts)}, {gone_too}"
    wanted = ", ".join(profile.requires)
    return (f"no live host offers all of {wanted}" if wanted else "no live host runs it") + after


def _who_could(gone: list[Host]) -> str:
    """Which hosts ran it when they were last heard of, as the end of a sentence."""
    left = [one.name for one in gone if one.gateway_pid is None]
    lost = [one.name for one in gone if one.gateway_pid is not None]
    told = ""
    if lost:
        told += f"; {', '.join(lost)} could, and {'is' if len(lost) == 1 else 'are'} not heard of"
    if left:
        told += f"; {', '.join(left)} could, and {'has' if len(left) == 1 else 'have'} left"
    return told


def _why_not_here(look: Places, config: Config, profile: Profile) -> str:
    lacks = hosts.missing(profile, config.host.name, look.own, config.host.offers)
    offers = [one for one in lacks if one != hosts.NAMED]
    if offers:
        return f"this host does not offer {', '.join(offers)}, which its profile requires"
    return f"its profile runs only on {', '.join(profile.hosts)}; this host is {config.host.name}"


def draining_hold(look: Places, drained: list[Host]) -> Hold:
    """These hosts could start it, and a person wants them to start nothing."""
    names = ", ".join(one.name for one in drained)
    if len(drained) == 1:
        by, why = drained[0].drained_by, look.reasons.get(drained[0].host_id)
        text = f"host {names} drains" + (f", as {by} asked for" if by else "")
        text += f": {why}" if why else ""
    else:
        text = f"hosts {names} drain"
    since = max((one.drained_at or 0 for one in drained), default=0) or None
    return Hold("draining", text, f"hermes-kanban hosts resume {drained[0].name}", since=since)


def full_hold(seats: list[Seat], *, several: bool) -> Hold | None:
    """No host that could start it has a place left; where there are several, they are named."""
    if not seats or not all(seat.full for seat in seats):
        return None
    seat = seats[0]
    if not several:
        text = f"{seat.taken} runs are in progress and kanban.max_in_progress is {seat.most}"
    elif len(seats) == 1:
        text = f"host {seat.host.name} is full: {seat.taken} of {seat.most} places are taken"
    else:
        listed = ", ".join(f"{seat.host.name} {seat.taken} of {seat.most}" for seat in seats)
        text = f"every host that runs it is full: {listed}"
    return Hold("max_in_progress", text, "a run ends, or the cap is raised")
