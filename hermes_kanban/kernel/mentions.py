"""Task ids that a summary names: those that no task has are told, and nothing else follows."""

from __future__ import annotations

import re
from typing import Final

from hermes_kanban import lifecycle
from hermes_kanban.lifecycle import TaskState
from hermes_kanban.store.protocol import Transaction

WARNED: Final = "warned"
# As ids are drawn, and by themselves: not within a path, a word or a longer name.
_ID: Final = re.compile(r"(?<![\w./-])t_[a-z2-7]{6}(?![\w-])")
_MOST: Final = 100


def warn_of_unknown(
    tx: Transaction, task: TaskState, run_id: int | None, summary: str | None
) -> None:
    """A ``warned`` event by the system if the summary names tasks that do not exist."""
    named = list(dict.fromkeys(_ID.findall(summary or "")))[:_MOST]
    unknown = [
        one for one in named if tx.one("SELECT 1 FROM tasks WHERE id = :id", {"id": one}) is None
    ]
    if unknown:
        reason = f"the summary names tasks that do not exist: {', '.join(unknown)}"
        facts = {"reason": reason, "unknown_ids": unknown}
        lifecycle.record(tx, task, WARNED, "system", facts, run_id=run_id)
