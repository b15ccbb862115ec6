"""One mending: its transaction, and the events that tell what was done."""

from __future__ import annotations

from typing import Any

import msgspec

from hermes_kanban import lifecycle
from hermes_kanban.lifecycle import TaskState
from hermes_kanban.store.protocol import Transaction

MENDED = "mended"


class Mended(msgspec.Struct, frozen=True):
    """One row that was put right, and how, in one sentence; nouns as ``Violation`` has them."""

    noun: str
    row_id: str
    text: str


class Mending:
    """Gathers what was mended; everything of one mending is one transaction."""

    def __init__(self, tx: Transaction, actor: str) -> None:
        self.tx = tx
        self.actor = actor
        self.done: list[Mended] = []

    def task(self, task_id: str) -> TaskState | None:
        """The task's state, ready to have events recorded, or None."""
        task = lifecycle.load(self.tx, task_id)
        if task is not None and task["last_event_at"] is None:
            task["last_event_at"] = 0
        return task

    def tell(
        self,
        task: TaskState,
        text: str,
        payload: dict[str, Any] | None = None,
        *,
        kind: str = MENDED,
        run_id: int | None = None,
        noun: str = "task",
        row_id: str | None = None,
        at: int | None = None,
    ) -> None:
        """Record the event of a mend that belongs to ``task``, and note it."""
        facts = {"reason": text, "mended": True} | (payload or {})
        lifecycle.record(self.tx, task, kind, self.actor, facts, run_id=run_id, at=at)
        self.note(noun, row_id or task["id"], text)

    def note(self, noun: str, row_id: str, text: str) -> None:
        """Remember a mend whose event is written."""
        self.done.append(Mended(noun, row_id, text))

    def tell_board(self, noun: str, row_id: str, text: str, facts: dict[str, Any]) -> None:
        """Record the event of a mend that belongs to no one task, and note it."""
        facts = {"reason": text, "mended": True, "noun": noun, "row_id": row_id} | facts
        lifecycle.append_event(self.tx, None, MENDED, self.actor, facts)
        self.note(noun, row_id, text)

    def change(self, task: TaskState, text: str, wanted: dict[str, Any], **facts: Any) -> None:
        """Write columns of the task's row that differ, and tell it."""
        changed = lifecycle.update_task(self.tx, task, wanted)
        self.tell(task, text, ({"task": changed} if changed else {}) | facts)
