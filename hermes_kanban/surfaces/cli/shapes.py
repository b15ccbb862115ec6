"""Records as the JSON answers show them."""

from __future__ import annotations

from typing import Any

from hermes_kanban.model.records import Event, Run, Task


def task_json(task: Task) -> dict[str, Any]:
    """A task without its claim lock: only who claims it is told that."""
    return {name: getattr(task, name) for name in Task.__struct_fields__ if name != "claim_lock"}


def run_json(run: Run) -> dict[str, Any]:
    """A run without its claim lock."""
    return {name: getattr(run, name) for name in Run.__struct_fields__ if name != "claim_lock"}


def event_json(event: Event) -> dict[str, Any]:
    """An event without the claim lock that its payload may tell."""
    payload = {
        part: {name: value for name, value in told.items() if name != "claim_lock"}
        if isinstance(told, dict)
        else told
        for part, told in event.payload.items()
    }
    shown = {name: getattr(event, name) for name in Event.__struct_fields__}
    return shown | {"payload": payload}
