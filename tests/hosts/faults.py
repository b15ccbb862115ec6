"""What befalls hosts: each fault is begun, lasts for a while, and is over."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from tests.hosts.team import Member, Team

Act = Callable[[], None]


def nothing() -> None:
    pass


def cable(team: Team, member: Member, chance: random.Random) -> Act:
    """Its network is gone, and it sees that."""
    del team, chance
    member.host.unplug()
    return member.host.connect


def silence(team: Team, member: Member, chance: random.Random) -> Act:
    """Its network is gone, and nobody is told."""
    del team, chance
    member.host.cut_off()
    return member.host.connect


def mute(team: Team, member: Member, chance: random.Random) -> Act:
    """What it says to the database is lost; it hears."""
    del chance
    member.host.lose_what_is_sent_to(team.database.host)
    return member.host.connect


def deaf(team: Team, member: Member, chance: random.Random) -> Act:
    """What the database says to it is lost; it speaks."""
    del chance
    server = team.database.host
    if not server.runs:
        return nothing
    server.lose_what_is_sent_to(member.host)
    return lambda: server.find_again(member.host)


def slow(team: Team, member: Member, chance: random.Random) -> Act:
    """Its line is thin."""
    del team, chance
    member.host.slow_down()
    return member.host.connect


def freeze(team: Team, member: Member, chance: random.Random) -> Act:
    """All of its processes stand still."""
    del team, chance
    member.host.freeze()
    return member.host.thaw


def gateway(team: Team, member: Member, chance: random.Random) -> Act:
    """kill -9 of its gateway; a service manager starts it again."""
    del team, chance
    if member.gateway is None:
        return nothing
    member.kill_gateway()
    return member.start


def supervisor(team: Team, member: Member, chance: random.Random) -> Act:
    """kill -9 of the supervisor of one of its workers."""
    del team
    if pids := member.supervisors():
        member.host.kill(chance.choice(pids))
    return nothing


def power(team: Team, member: Member, chance: random.Random) -> Act:
    """It is gone with all of its processes, and comes back with its disk."""
    del team, chance
    member.crash()
    return member.boot


def clock(team: Team, member: Member, chance: random.Random) -> Act:
    """Somebody sets its clock, by minutes, to and fro."""
    del team
    member.host.set_clock(chance.uniform(-900, 900))
    return nothing


def server(team: Team, member: Member, chance: random.Random) -> Act:
    """kill -9 of the database."""
    del member, chance
    team.database.kill()
    return team.database.start


def server_power(team: Team, member: Member, chance: random.Random) -> Act:
    """The database's host is gone, and comes back with its disk."""
    del member, chance
    team.database.host.crash()
    return team.database.boot


def server_frozen(team: Team, member: Member, chance: random.Random) -> Act:
    """The database's host stands still."""
    del member, chance
    team.database.host.freeze()
    return team.database.host.thaw


def server_cable(team: Team, member: Member, chance: random.Random) -> Act:
    """Nobody reaches the database."""
    del member, chance
    team.database.host.cut_off()
    return team.database.host.connect


def server_clock(team: Team, member: Member, chance: random.Random) -> Act:
    """Somebody sets the database's clock, by minutes."""
    del member
    team.database.host.set_clock(team.database.host.clock + chance.choice((-300, -60, 60, 300)))
    return nothing


# Of one host, and of the one that all need.
OF_HOSTS: Final = (cable, silence, mute, deaf, slow, freeze, gateway, supervisor, power, clock)
OF_THE_SERVER: Final = (server, server_power, server_frozen, server_cable, server_clock)
