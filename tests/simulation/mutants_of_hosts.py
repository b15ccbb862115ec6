"""Rules of where a run may be, switched off one by one."""

from __future__ import annotations

from typing import Final

from tests.simulation.mutant import mutant

_HOSTS: Final = "kernel/hosts.py"
_PLACEMENT: Final = "kernel/placement.py"

OF_HOSTS: Final = (
    mutant(
        "started anywhere",
        "a host starts only what it offers",
        _HOSTS,
        "    lacks = [one for one in profile.requires if one not in set(offers)]\n",
        "    lacks = list[str]()\n",
    ),
    mutant(
        "named hosts are any",
        "a profile that names hosts runs on no other",
        _HOSTS,
        "    named = not profile.hosts or name in profile.hosts or host_id in profile.hosts\n",
        "    named = True\n",
    ),
    mutant(
        "known by its name alone",
        "a profile may name a host by its id",
        _HOSTS,
        "    named = not profile.hosts or name in profile.hosts or host_id in profile.hosts\n",
        "    named = not profile.hosts or name in profile.hosts\n",
    ),
    mutant(
        "drained hosts start",
        "nothing new starts on a host that drains",
        _PLACEMENT,
        '    if any(host.state == "active" for host in seats):\n        return None\n',
        "    if seats:\n        return None\n",
    ),
    mutant(
        "drained while it looked",
        "draining is asked again in the claim's transaction",
        "kernel/dispatch.py",
        "if held := eligibility.holds(exact, task):",
        'if held := [x for x in eligibility.holds(exact, task) if x.code != "draining"]:',
    ),
    mutant(
        "one drains, all do",
        "a host that drains keeps the others from nothing",
        _PLACEMENT,
        "        if row.host_id == own or not shared:\n",
        '        if row.host_id == own or row.state == "draining" or not shared:\n',
    ),
    mutant(
        "places of others count",
        "a host carries its own runs, and those that nobody can place",
        _PLACEMENT,
        'taken[own] + taken[""] if by_itself else taken.total()',
        "taken.total()",
    ),
    mutant(
        "noted for too long",
        "a supervisor's lease ends before another host reckons with that",
        "kernel/leases.py",
        "    return min(asked_at + seconds, by_the_board)\n",
        "    return max(asked_at, by_the_board) + 4 * seconds\n",
    ),
)
