"""The one table of verbs, and which of them a caller is offered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
AGENTS: Final[dict[str, Verb]] = {
    verb.name: verb
    for verb in (READING[0], *WORKING, *PLANNING, *READING[1:], *ATTACHING, *DECIDING)
}


class _Table(Mapping[str, Verb]):
    """Every verb by name, those that agents may come to have first.

    The others are loaded when one of them is asked for: a tool server is waited for.
    """

    def __init__(self) -> None:
        self._all: dict[str, Verb] = {}

    def __getitem__(self, name: str) -> Verb:
        return AGENTS[name] if name in AGENTS else self._loaded()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaded())

    def __len__(self) -> int:
        return len(self._loaded())

    def _loaded(self) -> dict[str, Verb]:
        if not self._all:
            from hermes_kanban.verbs.people import PEOPLE

            self._all = AGENTS | {verb.name: verb for verb in PEOPLE}
        return self._all


VERBS: Final[Mapping[str, Verb]] = _Table()


def needless(caller: Caller, verb: Verb) -> frozenset[str]:
    """The properties of its request that this caller has no use for."""
    found = set()
    if verb.about_task and not caller.rights.orchestrator:
        found.add("task_id")
    if not may(caller, AGENTS["create"]):
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
        for verb in AGENTS.values()
        if verb.tool is not None and may(caller, verb) and not (verb.changes and caller.read_only)
    ]
