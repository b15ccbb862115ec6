"""Vibe Kanban: the answers of its API for tasks or issues, saved to a file.

Either the answer itself (``{"success": true, "data": [...]}``), its list, or an object with
``tasks`` or ``issues``, and ``projects`` beside it by which the tasks' projects get names.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.model.foreign import ForeignStatus, ForeignTask
from hermes_kanban.porting import texts
from hermes_kanban.porting.reading import AT_WORK, Choices, Reading, plain, status_of
from hermes_kanban.porting.times import seconds

WANTED: Final = "JSON with the tasks of a project, as Vibe Kanban's API gives them"
STATUSES: Final = {
    "backlog": "triage",
    "todo": "ready",
    "inprogress": "ready",
    "inreview": "review",
    "done": "done",
    "cancelled": "archived",
}
_PRIORITIES: Final = {"urgent": 20, "high": 10, "medium": 0, "low": -10}
_LISTS: Final = ("tasks", "issues", "data")


def read(file: Path, choices: Choices) -> Reading:
    """The tasks in the order of the file. Raises NotFound or InvalidInput."""
    return Reading("vibe-kanban", _tasks(file, choices), [])


def _tasks(file: Path, choices: Choices) -> Iterator[ForeignTask]:
    found = texts.document(file, WANTED)
    projects: dict[str, str] = {}
    if isinstance(found, dict):
        for one in texts.list_of(found, "projects", str(file)):
            if isinstance(one, dict) and isinstance(one.get("name"), str):
                projects[str(one.get("id"))] = one["name"]
    for number, one in enumerate(_list(found, file), 1):
        where = f"{file}, task {number},"
        if not isinstance(one, dict):
            raise InvalidInput(where, "an object", f"is {one!r:.60}")
        yield _task(one, where, projects, choices)


def _list(found: Any, file: Path) -> list[Any]:
    while isinstance(found, dict):
        found = next((found[name] for name in _LISTS if name in found), None)
    if not isinstance(found, list):
        raise InvalidInput(str(file), WANTED, "has no list of tasks")
    return found


def _task(
    one: dict[str, Any], where: str, projects: dict[str, str], choices: Choices
) -> ForeignTask:
    name = texts.must_be_text(one, "id", where)
    was = texts.text_of(one, "status", where) or "todo"
    status: ForeignStatus = status_of(was, STATUSES, choices.statuses, where)
    project = projects.get(str(one.get("project_id")))
    priority = texts.text_of(one, "priority", where)
    simple = texts.text_of(one, "simple_id", where)
    over = status in ("done", "archived", "review")
    return ForeignTask(
        id=name,
        title=texts.must_be_text(one, "title", where),
        status=status,
        was=was,
        body=texts.joined(
            texts.text_of(one, "description", where),
            texts.footer(f"Vibe Kanban {simple or name}", {"Project": project}),
        ),
        tenant=project,
        priority=_PRIORITIES.get(plain(priority or ""), 0),
        created_by="vibe-kanban",
        created_at=seconds(one.get("created_at"), where),
        ended_at=seconds(one.get("updated_at"), where) if over else None,
        parents=_waits_for_parts(one),
        notes=[AT_WORK] if plain(was) == "inprogress" else [],
    )


def _waits_for_parts(one: dict[str, Any]) -> list[str]:
    parts = one.get("sub_issues") or one.get("blocked_by") or []
    return [
        str(part.get("id")) if isinstance(part, dict) else str(part)
        for part in (parts if isinstance(parts, list) else [])
    ]
