"""Records as the JSON answers show them."""

from __future__ import annotations

from typing import Any

from hermes_kanban.model.records import Run, Task


def task_json(task: Task) -> dict[str, Any]:
    """A task without its claim lock: only who claims it is told that."""
    return {name: getattr(task, name) for name in Task.__struct_fields__ if name != "claim_lock"}


def run_json(run: Run) -> dict[str, Any]:
    """A run without its claim lock."""
    return {name: getattr(run, name) for name in Run.__struct_fields__ if name != "claim_lock"}
