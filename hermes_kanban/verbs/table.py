"""The one table of verbs, and which of them a caller is offered."""

from __future__ import annotations

from typing import Final

from hermes_kanban.verbs.attaching import ATTACHING
from hermes_kanban.verbs.caller import Caller
from hermes_kanban.verbs.deciding import DECIDING
from hermes_kanban.verbs.planning import PLANNING
from hermes_kanban.verbs.reading import READING
from hermes_kanban.verbs.rights import may
from hermes_kanban.verbs.verb import Verb
from hermes_kanban.verbs.working import WORKING

# The order in which tools are offered: what every worker needs comes first.
VERBS: Final[dict[str, Verb]] = {
    verb.name: verb
    for verb in (READING[0], *WORKING, *PLANNING, *READING[1:], *ATTACHING, *DECIDING)
}


def needless(caller: Caller, verb: Verb) -> frozenset[str]:
    """The properties of its request that this caller has no use for."""
    found = set()
    if verb.about_task and not caller.rights.orchestrator:
        found.add("task_id")
    if not may(caller, VERBS["create"]):
        found.add("created_cards")
    return frozenset(found)


def offered(caller: Caller | None) -> list[Verb]:
    """The verbs that are tools of this caller; none where no task and no orchestrator is in force.

    A process that may only read is offered what reads.
    """
    if caller is None or caller.kind == "person":
        return []
    return [
        verb
        for verb in VERBS.values()
        if verb.tool is not None and may(caller, verb) and not (verb.changes and caller.read_only)
    ]
