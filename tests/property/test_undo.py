"""Undo at any point of any history: what was comes back, and the board stays sound."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.history import fold_task
from hermes_kanban.model.words import STATUSES
from tests.property.test_state_machine import NUMBER, TABLES, TASK, BoardMachine, OnPostgres

# Times and counters move on; the priority that children pass on is held by the machine itself.
MOVES_ON = {"effective_priority", "consecutive_failures", "completed_at"}
RESTING = {"ready": "at rest", "todo": "at rest"}


class UndoMachine(BoardMachine):
    """The machine of all verbs, in which a person also takes verbs back."""

    def rows(self) -> list[tuple[Any, ...]]:
        """All but the board's own row, which says who wrote last."""
        return [
            tuple(row)
            for table in TABLES
            if table != "boards"
            for row in self.conn.execute(f"SELECT * FROM {table} ORDER BY 1, 2")
        ]

    @rule(task=TASK, number=NUMBER, status=st.sampled_from(STATUSES), again=st.booleans())
    def undo(self, task: str, number: int | None, status: str, again: bool) -> None:
        chosen = task if number is None else self.pick(status, number) or task
        self.undo_and_redo(chosen, again)

    @rule(again=st.booleans())
    def undo_the_last(self, again: bool) -> None:
        self.undo_and_redo(None, again)

    def undo_and_redo(self, task: str | None, again: bool) -> None:
        """Nothing happens between the two, so that the second brings everything back."""
        newest = kb.newest_event_id(self.conn)
        undone = self.take_back(task)
        if undone is None or not again:
            return
        chosen = undone.task_id
        if chosen is None:
            assert kb.undo(self.conn).task_id is None
            return
        try:
            redone = kb.undo(self.conn, chosen)
        except kb.CannotUndo as refused:
            # An undone creation that was done again while somebody waits for the task; an undone
            # link to a parent that will not be done.
            told = str(refused)
            assert "waits for it" in told or "is archived without being done" in told
            return
        assert (redone.verb, redone.undid) == ("undo", undone.event_id)
        assert self.columns(chosen) == self.columns(chosen, until=newest)

    @rule(task=TASK)
    def look_first(self, task: str) -> None:
        """A dry run says what an undo does, or raises what it raises, and writes nothing."""
        newest, rows = kb.newest_event_id(self.conn), self.rows()
        try:
            planned = kb.undo(self.conn, task, dry_run=True)
        except kb.CannotUndo as refused:
            said = str(refused)
            planned = None
        assert (kb.newest_event_id(self.conn), self.rows()) == (newest, rows)
        try:
            done = kb.undo(self.conn, task)
        except kb.CannotUndo as refused:
            assert planned is None
            assert str(refused) == said
            return
        assert planned is not None
        assert planned.event_id is None
        assert (planned.undid, planned.changes) == (done.undid, done.changes)

    def take_back(self, task: str | None) -> kb.Undone | None:
        """Undo, and hold what the task is now against what it was before the verb."""
        newest, rows = kb.newest_event_id(self.conn), self.rows()
        try:
            undone = kb.undo(self.conn, task)
        except kb.CannotUndo:
            assert (kb.newest_event_id(self.conn), self.rows()) == (newest, rows)
            return None
        if undone.task_id is None:
            return undone
        assert kb.check(self.conn) == []
        if undone.verb == "create":
            assert kb.get_task(self.conn, undone.task_id).status == "archived"
        else:
            was, links = self.columns(undone.task_id, until=undone.undid - 1)
            if "eligible_at" in was:
                was["eligible_at"] += self.shifted_since(undone.task_id, undone.undid)
            assert self.columns(undone.task_id) == (was, links)
        return undone

    def shifted_since(self, task: str, event: int) -> int:
        """By how many seconds the clock's jumps have moved what the task waits for.

        Of a wait that the event had ended they moved nothing then: the undo makes up for all.
        """
        (told,) = self.conn.execute(
            "SELECT payload FROM task_events WHERE id = ?", (event,)
        ).fetchone()
        ended = "eligible_at" in json.loads(told).get("task", {})
        if ended:
            of, kind, seconds = None, "clock_shifted", "seconds"
        else:
            of, kind, seconds = task, "scheduled", "clock_shifted"
        events = self.conn.execute(
            "SELECT payload FROM task_events WHERE coalesce(task_id, '') = ? AND id > ?"
            " AND kind = ?",
            (of or "", event, kind),
        )
        return sum(json.loads(payload).get(seconds, 0) for (payload,) in events)

    def columns(self, task: str, until: int | None = None) -> Any:
        """The task and its links, now or as they were, as far as an undo brings them back."""
        newest = kb.newest_event_id(self.conn) if until is None else until
        folded = fold_task(self.conn, task, until=newest)
        return told(folded.tasks[task]), folded.links.keys()


def told(columns: dict[str, Any]) -> dict[str, Any]:
    """What must come back: nulls are as good as absent, and the rules choose where a task rests."""
    kept = {c: v for c, v in columns.items() if c not in MOVES_ON and v is not None}
    if str(kept.get("block_reason")).endswith("was archived without being done"):
        # At rest behind a parent that was given up, which blocks it.
        kept["status"] = "todo"
        del kept["block_kind"], kept["block_reason"]
    kept["status"] = RESTING.get(kept["status"], kept["status"])
    kept["completed"] = columns.get("completed_at") is not None
    return kept


UndoMachine.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestUndoMachine = pytest.mark.stores("sqlite")(UndoMachine.TestCase)


class PostgresUndoMachine(OnPostgres, UndoMachine):
    """The same on the second store."""


PostgresUndoMachine.TestCase.settings = settings(
    UndoMachine.TestCase.settings, max_examples=12, stateful_step_count=50
)
TestPostgresUndoMachine = pytest.mark.stores("postgres")(PostgresUndoMachine.TestCase)
