"""Everything that was read, on disk: what is checked as a whole before a row is written.

Only ids, parents and places are in memory, so that a large source takes no more than that.
"""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterator
from types import TracebackType

import msgspec

from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.model.foreign import ForeignTask

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(ForeignTask).decode


class Spool:
    """The tasks of one source by their foreign ids, in the order in which they were read."""

    def __init__(self, source: str, file: str) -> None:
        self.source = source
        self.file = file
        self.parents: dict[str, list[str]] = {}
        self._places: dict[str, tuple[int, int]] = {}
        # Closed by __exit__.
        self._kept = tempfile.TemporaryFile()  # noqa: SIM115

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._kept.close()

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, foreign_id: str) -> bool:
        return foreign_id in self._places

    def add(self, task: ForeignTask) -> None:
        """Keep one task. Raises InvalidInput for an id that came before."""
        if task.id in self._places:
            raise InvalidInput(self.file, "each task once", f"has the task {task.id} twice")
        encoded = _encode(task)
        self._places[task.id] = (self._kept.seek(0, 2), len(encoded))
        self._kept.write(encoded)
        self.parents[task.id] = list(dict.fromkeys(task.parents))

    def get(self, foreign_id: str) -> ForeignTask:
        """The task of that id."""
        place, size = self._places[foreign_id]
        self._kept.seek(place)
        return _decode(self._kept.read(size))

    def in_order(self) -> list[str]:
        """The ids, parents before children, else as they were read. Raises InvalidInput."""
        at = {foreign_id: number for number, foreign_id in enumerate(self._places)}
        names = list(at)
        children: dict[str, list[str]] = {}
        open_parents = dict.fromkeys(at, 0)
        for child, parents in self.parents.items():
            for parent in parents:
                if parent in at:
                    children.setdefault(parent, []).append(child)
                    open_parents[child] += 1
        free = [number for name, number in at.items() if not open_parents[name]]
        heapq.heapify(free)
        ordered = []
        while free:
            name = names[heapq.heappop(free)]
            ordered.append(name)
            for child in children.get(name, ()):
                open_parents[child] -= 1
                if not open_parents[child]:
                    heapq.heappush(free, at[child])
        if len(ordered) < len(at):
            shown = " → ".join(self._cycle(set(at) - set(ordered)))
            problem = f"has tasks that wait for one another: {shown}"
            raise InvalidInput(self.file, "dependencies without a cycle", problem)
        return ordered

    def _cycle(self, among: set[str]) -> list[str]:
        """One cycle, each before what it waits for; every task here is on one or behind one."""
        seen: dict[str, None] = {}
        here = next(iter(sorted(among)))
        while here not in seen:
            seen[here] = None
            here = next(parent for parent in self.parents[here] if parent in among)
        path = list(seen)
        return [*path[path.index(here) :], here]

    def batches(self, size: int) -> Iterator[list[str]]:
        """The ids in order, so many at a time."""
        ordered = self.in_order()
        for start in range(0, len(ordered), size):
            yield ordered[start : start + size]
