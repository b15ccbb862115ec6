"""One event on one line."""

from __future__ import annotations

from typing import Any

from hermes_kanban import kernel as kb
from hermes_kanban import present


def event_line(
    event: kb.Event, *, with_id: bool = False, width: int | None = None, colour: bool = False
) -> str:
    """When, what, which task, by whom, and the one fact that matters; cut to ``width``."""
    number = f"{event.id:>6}  " if with_id else ""
    run = f" run {event.run_id}" if event.run_id is not None else ""
    about = f"{event.task_id or 'board'}{run}"
    told = present.clean(f"{event.actor} {_fact(event)}")
    at = present.moment(event.created_at)
    line = f"{number}{at}  {event.kind:<16}  {about}  {told}".rstrip()
    if width is not None:
        line = present.shorten(line, width)
    if not colour:
        return line
    kind = present.paint(event.kind, present.EVENT_COLOURS.get(event.kind))
    return line.replace(f"{number}{at}", present.paint(f"{number}{at}", "dim"), 1).replace(
        event.kind, kind, 1
    )


def _fact(event: kb.Event) -> str:
    payload = event.payload
    link = payload.get("link")
    if isinstance(link, dict):
        return f"{link.get('parent_id')} → {link.get('child_id')}"
    if host := _of(payload, "host", "name"):
        return ": ".join(filter(None, (str(host), payload.get("reason"))))
    for fact in (
        payload.get("reason"),
        _of(payload, "run", "error"),
        _of(payload, "run", "summary"),
        _of(payload, "task", "title"),
        _of(payload, "task", "status"),
    ):
        if fact:
            return str(fact)
    task = payload.get("task")
    return ", ".join(f"{column}={value}" for column, value in task.items()) if task else ""


def _of(payload: dict[str, Any], part: str, column: str) -> Any:
    found = payload.get(part)
    return found.get(column) if isinstance(found, dict) else None
