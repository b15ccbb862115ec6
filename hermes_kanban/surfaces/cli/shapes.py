"""Records as the JSON answers show them: without what only their holder is told."""

from __future__ import annotations

from typing import Any

import msgspec

from hermes_kanban.kernel.live import host_of
from hermes_kanban.model.records import SECRET_COLUMNS, Attachment, Event, Run, Task


def task_json(task: Task) -> dict[str, Any]:
    """A task without its claim lock."""
    return _shown(task)


def run_json(run: Run) -> dict[str, Any]:
    """A run without its claim lock and its token's hash; ``host`` is the id of the one it is on."""
    return _shown(run) | {"host": host_of(run)}


def attachment_json(one: Attachment) -> dict[str, Any]:
    """An attachment without its place among the board's files."""
    return {name: getattr(one, name) for name in Attachment.__struct_fields__ if name != "path"}


def event_json(event: Event) -> dict[str, Any]:
    """An event without the secrets that its payload may tell."""
    payload = {
        part: {name: value for name, value in told.items() if name not in SECRET_COLUMNS}
        if isinstance(told, dict)
        else told
        for part, told in event.payload.items()
    }
    shown = {name: getattr(event, name) for name in Event.__struct_fields__}
    return shown | {"payload": payload}


def _shown(record: msgspec.Struct) -> dict[str, Any]:
    names = record.__struct_fields__
    return {name: getattr(record, name) for name in names if name not in SECRET_COLUMNS}
