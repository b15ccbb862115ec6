"""The links: a graph without cycles, and no claim behind an open parent at the time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

import msgspec

from hermes_kanban.kernel.invariants.violation import Violation
from hermes_kanban.kernel.leftovers import purged_tasks
from hermes_kanban.kernel.replay import LinkPart
from hermes_kanban.store.protocol import BoardConnection

_ARROW: Final = "→"
_RESTING: Final = ("done", "archived")


def broken_links(conn: BoardConnection) -> Iterator[Violation]:
    """Links to themselves or to no task, and cycles with their path."""
    below: dict[str, list[str]] = defaultdict(list)
    for parent_id, child_id, parent, child in conn.execute(_LINKS):
        name = f"{parent_id}{_ARROW}{child_id}"
        if parent_id == child_id:
            yield Violation(7, "link", name, "links a task to itself")
            continue
        for missing in [
            one for one, row in ((parent_id, parent), (child_id, child)) if row is None
        ]:
            yield Violation(7, "link", name, f"names {missing}, which is no task")
        below[parent_id].append(child_id)
    for cycle in _cycles(below):
        name = f"{cycle[-1]}{_ARROW}{cycle[0]}"
        path = f" {_ARROW} ".join([*cycle, cycle[0]])
        yield Violation(7, "link", name, f"closes the cycle {path}")


_LINKS: Final = (
    "SELECT l.parent_id, l.child_id, p.id, c.id FROM task_links l"
    " LEFT JOIN tasks p ON p.id = l.parent_id LEFT JOIN tasks c ON c.id = l.child_id"
    " ORDER BY l.parent_id, l.child_id"
)


def _cycles(below: dict[str, list[str]]) -> Iterator[list[str]]:
    """One cycle for each link that leads back to a task above it, found depth first."""
    finished: set[str] = set()
    for start in list(below):
        path: list[str] = []
        on_path: dict[str, int] = {}
        # A stack of its own, since a chain of tasks may be longer than Python's.
        ahead = [iter((start,))]
        while ahead:
            here = next(ahead[-1], None)
            if here is None:
                ahead.pop()
                if path:
                    finished.add(left := path.pop())
                    del on_path[left]
            elif here in on_path:
                yield path[on_path[here] :]
            elif here not in finished:
                on_path[here] = len(path)
                path.append(here)
                ahead.append(iter(below.get(here, ())))


class _TaskPart(msgspec.Struct, frozen=True):
    status: str | None = None
    completed_at: int | msgspec.UnsetType | None = msgspec.UNSET


class _Payload(msgspec.Struct, frozen=True):
    task: _TaskPart = _TaskPart()
    link: LinkPart | None = None


_decode = msgspec.json.Decoder(_Payload).decode


def claims_behind_parents(conn: BoardConnection) -> Iterator[Violation]:
    """Runs that were claimed while a parent was open, read off the order of all events."""
    # Of a parent that was purged no event is left to say when it was done.
    gates = _Gates(frozenset(purged_tasks(conn)))
    for task_id, run_id, kind, text in conn.execute(_EVENTS):
        if kind == "claimed":
            for parent_id in gates.open_parents(task_id):
                why = f"was claimed while the parent {parent_id} was open"
                yield Violation(8, "run", str(run_id), why)
        try:
            payload = _decode(text)
        except msgspec.DecodeError:
            continue  # told as a damaged payload elsewhere
        gates.learn(task_id, payload)


_EVENTS: Final = (
    "SELECT task_id, run_id, kind, payload FROM task_events WHERE task_id IS NOT NULL ORDER BY id"
)


class _Gates:
    """Which tasks were closed and which links held, as of one event."""

    def __init__(self, purged: frozenset[str]) -> None:
        self._purged = purged
        self._resting: dict[str, str] = {}
        self._completed: set[str] = set()
        self._parents: dict[str, set[str]] = {}

    def learn(self, task_id: str, payload: _Payload) -> None:
        """One more event of a task."""
        status, completed_at = payload.task.status, payload.task.completed_at
        if status in _RESTING:
            self._resting[task_id] = status
        elif status is not None:
            self._resting.pop(task_id, None)
        if completed_at is None:
            self._completed.discard(task_id)
        elif completed_at is not msgspec.UNSET:
            self._completed.add(task_id)
        if payload.link is not None:
            self._link(payload.link)

    def _link(self, link: LinkPart) -> None:
        if link.op == "add":
            self._parents.setdefault(link.child_id, set()).add(link.parent_id)
        else:
            self._parents.get(link.child_id, set()).discard(link.parent_id)

    def open_parents(self, task_id: str) -> list[str]:
        """The parents that held the task back, sorted."""
        return sorted(p for p in self._parents.get(task_id, ()) if not self._is_closed(p))

    def _is_closed(self, task_id: str) -> bool:
        if task_id in self._purged:
            return True
        resting = self._resting.get(task_id)
        return resting == "done" or (resting == "archived" and task_id in self._completed)
