"""Every legal change of a task's status."""

from __future__ import annotations

from typing import Final

from hermes_kanban.lifecycle import TABLE, Transition
from hermes_kanban.reference.markdown import Page, code, codes, table


def _body() -> str:
    return table(("verb", "by", "from", "to", "outcome", "event"), map(_row, TABLE))


def _row(row: Transition) -> tuple[str, ...]:
    outcome = code(row.outcome) if row.outcome else ""
    to = codes(row.to) or "same"
    event = f"[`{row.event}`](board-events.md#{row.event})"
    return code(row.verb), row.by, codes(row.sources), to, outcome, event


PAGE: Final = Page(
    "lifecycle.md",
    "Lifecycle",
    """\
Every legal change of a task, and who makes it. What is not in the table is refused and changes
nothing. `ready`, `todo` as a target means `todo` while a parent is open, else `ready`; an
outcome closes the run.""",
    _body,
)
