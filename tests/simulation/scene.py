"""One transaction, as the rules look at it."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.simulation.shadow import Shadow


class Event(NamedTuple):
    """One event as it is stored."""

    id: int
    task_id: str | None
    run_id: int | None
    kind: str
    actor: str
    payload: dict[str, Any]
    at: int

    @property
    def by_person(self) -> bool:
        return self.actor.startswith("person:")

    @property
    def by_system(self) -> bool:
        return self.actor == "system"


class Scene(NamedTuple):
    """One transaction: what is known, by which verb, and its events.

    ``low`` is the earliest time that it was told, ``high`` the latest that its ``action`` was.
    """

    shadow: Shadow
    world: Any
    verb: str
    low: int
    high: int
    events: list[Event]
    action: Any

    @property
    def host(self) -> Any:
        """Where it was done."""
        return self.action.conn.clock.host
