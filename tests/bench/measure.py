"""How figures are taken: blocks that alternate, the median to quote, ratios within one run."""

from __future__ import annotations

import json
import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

BLOCKS = 9
REST_SECONDS = 0.05


class Figure(NamedTuple):
    """One line of the table: what was measured, the figure, and what is asked of it."""

    name: str
    value: float
    unit: str
    target: str
    met: bool | None

    def cells(self) -> tuple[str, ...]:
        verdict = {True: "yes", False: "NO", None: ""}[self.met]
        return self.name, self.shown(), self.target, verdict

    def shown(self) -> str:
        """The figure with its unit, to three digits but never with an exponent."""
        digits = f"{self.value:,.0f}" if abs(self.value) >= 999.5 else f"{self.value:.3g}"
        return f"{digits} {self.unit}".strip()


def at_least(name: str, value: float, floor: float, unit: str = "×") -> Figure:
    return Figure(name, value, unit, f"≥ {floor:g} {unit}", value >= floor)


def at_most(name: str, value: float, ceiling: float, unit: str = "×") -> Figure:
    return Figure(name, value, unit, f"≤ {ceiling:g} {unit}", value <= ceiling)


def plain(name: str, value: float, unit: str) -> Figure:
    return Figure(name, value, unit, "", None)


class Table(NamedTuple):
    """Columns and cells that are no figures with targets."""

    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


class Bar(NamedTuple):
    """One bar of the plot: how fast a side is beside ours, and whether it syncs each commit."""

    group: str
    label: str
    ratio: float
    synced: bool | None


class Section(NamedTuple):
    """What one bench hands over. ``missing`` says what could not be measured, and why.

    ``facts`` are numbers that a page computes with, by their names.
    """

    figures: list[Figure] = []  # noqa: RUF012 — never written
    tables: list[Table] = []  # noqa: RUF012
    bars: list[Bar] = []  # noqa: RUF012
    missing: list[str] = []  # noqa: RUF012
    facts: dict[str, float] = {}  # noqa: RUF012


@contextmanager
def fresh_home() -> Iterator[Path]:
    """A home of its own on the disk that TMPDIR names, in force for this process."""
    with tempfile.TemporaryDirectory(prefix="hk-bench-") as folder:
        before = os.environ.get("HERMES_KANBAN_HOME")
        os.environ["HERMES_KANBAN_HOME"] = folder
        try:
            yield Path(folder)
        finally:
            if before is None:
                del os.environ["HERMES_KANBAN_HOME"]
            else:
                os.environ["HERMES_KANBAN_HOME"] = before


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def alternating(
    ours: Callable[[], object], floor: Callable[[], object], blocks: int = BLOCKS
) -> tuple[list[float], list[float]]:
    """Seconds of each block, ours and the floor's, taken in turn after one warm-up of each."""
    ours()
    floor()
    mine, theirs = [], []
    for block in range(blocks):
        # Who goes first changes, so that neither always follows the other's checkpoint.
        pair = [(mine, ours), (theirs, floor)]
        for taken, call in pair if block % 2 else reversed(pair):
            taken.append(seconds(call))
    return mine, theirs


def ratio_of_medians(floor: list[float], ours: list[float]) -> float:
    """How fast ours is relative to the floor; 1 means as fast."""
    return statistics.median(floor) / statistics.median(ours)


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least ``share`` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def best(call: Callable[[], object], repeat: int, blocks: int = 5) -> float:
    """Seconds per call in the best of ``blocks`` blocks of ``repeat`` calls.

    A short block after a sleep fits into one slice of the scheduler, so that others on the machine
    cost it least.
    """

    def block() -> None:
        for _ in range(repeat):
            call()

    call()
    taken = []
    for _ in range(blocks):
        time.sleep(REST_SECONDS)
        taken.append(seconds(block))
    return min(taken) / repeat


def markdown(title: str, section: Section) -> str:
    """A section as it is printed and written down."""
    tables = list(section.tables)
    if section.figures:
        head = ("measured", "figure", "asked", "met")
        tables.insert(0, Table(head, [figure.cells() for figure in section.figures]))
    return "\n\n".join((f"### {title}", *map(_lines, tables))) + "\n"


def _lines(table: Table) -> str:
    ruler = ("---",) * len(table.head)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (table.head, ruler, *table.rows))


def save(path: Path, figures: list[Figure]) -> None:
    """The figures as JSON, for comparing runs."""
    path.write_text(json.dumps([figure._asdict() for figure in figures], indent=1))
