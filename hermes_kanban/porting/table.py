"""A table of tasks: CSV with a line of column names, from a spreadsheet or another tracker."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.model.foreign import ForeignTask
from hermes_kanban.porting import texts
from hermes_kanban.porting.reading import AT_WORK, Choices, Reading, plain, status_of
from hermes_kanban.porting.times import seconds

WANTED: Final = "CSV with a line of column names"
# What a column may be called; the first name is ours.
NAMES: Final[dict[str, tuple[str, ...]]] = {
    "id": ("id", "key", "issue key", "number", "task id"),
    "title": ("title", "summary", "name", "task", "subject"),
    "body": ("body", "description", "details"),
    "status": ("status", "state", "column", "list"),
    "assignee": ("assignee", "assigned to", "owner"),
    "tenant": ("tenant", "project"),
    "priority": ("priority",),
    "labels": ("labels", "label", "tags"),
    "skills": ("skills",),
    "parents": ("parents", "depends on", "blocked by", "dependencies"),
    "created_at": ("created_at", "created", "created at", "creation date"),
    "ended_at": ("ended_at", "closed", "closed at", "completed", "completed at", "resolved"),
    "created_by": ("created_by", "author", "reporter", "creator"),
    "result": ("result", "resolution"),
    "comment": ("comment", "comments", "notes"),
}
STATUSES: Final = {
    "": "ready",
    "todo": "ready",
    "open": "ready",
    "new": "ready",
    "ready": "ready",
    "backlog": "ready",
    "in progress": "ready",
    "doing": "ready",
    "running": "ready",
    "triage": "triage",
    "idea": "triage",
    "draft": "triage",
    "review": "review",
    "in review": "review",
    "blocked": "blocked",
    "on hold": "blocked",
    "done": "done",
    "closed": "done",
    "complete": "done",
    "completed": "done",
    "resolved": "done",
    "archived": "archived",
    "cancelled": "archived",
    "canceled": "archived",
    "wontfix": "archived",
}
_AT_WORK: Final = ("inprogress", "doing", "running")
_PRIORITIES: Final = {
    "highest": 20,
    "critical": 20,
    "urgent": 20,
    "high": 10,
    "medium": 0,
    "normal": 0,
    "": 0,
    "low": -10,
    "lowest": -20,
}
_LISTED: Final = re.compile(r"[,;\s]+")
_DELIMITERS: Final = (",", ";", "\t", "|")
_FIELD_BYTES: Final = 64 * 1024 * 1024


def read(file: Path, choices: Choices) -> Reading:
    """The rows in the order of the file. Raises NotFound or InvalidInput."""
    notes: list[str] = []
    return Reading(f"csv:{file.stem}", _tasks(file, choices, notes), notes)


def _tasks(file: Path, choices: Choices, notes: list[str]) -> Iterator[ForeignTask]:
    text = texts.whole(file, WANTED)
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    csv.field_size_limit(_FIELD_BYTES)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(rows, [])]
        places = _places(header, choices.columns, file)
        if unused := [name for at, name in enumerate(header) if at not in places.values()]:
            notes.append(f"columns left out: {', '.join(unused)}")
        if "id" not in places:
            notes.append("there is no column of ids: rows are known by their titles")
        for row in rows:
            if any(cell.strip() for cell in row):
                where = f"{file}, line {rows.line_num},"
                if len(row) != len(header):
                    problem = f"has {len(row)} cells"
                    raise InvalidInput(where, f"{len(header)}, as the first line", problem)
                cells = {field: row[at].strip() for field, at in places.items()}
                yield _task(cells, where, file, choices)
    except csv.Error as error:
        raise InvalidInput(f"{file}, line {rows.line_num},", WANTED, f"({error})") from None


def _places(header: list[str], chosen: Mapping[str, str], file: Path) -> dict[str, int]:
    """Which column each field stands in."""
    at = {plain(name): number for number, name in reversed(list(enumerate(header)))}
    places = {}
    for field, names in NAMES.items():
        for name in names:
            if plain(name) in at and plain(name):
                places[field] = at[plain(name)]
                break
    for field, name in chosen.items():
        if field not in NAMES:
            raise InvalidInput("--column", ", ".join(NAMES), f"{field}={name} names no field")
        if plain(name) not in at:
            raise InvalidInput("--column", ", ".join(header), f"{field}={name} names no column")
        places[field] = at[plain(name)]
    if "title" not in places:
        hint = f"one of {', '.join(header)} by: --column title=NAME"
        raise InvalidInput(str(file), hint, "has no column of titles")
    return places


def _task(cells: dict[str, str], where: str, file: Path, choices: Choices) -> ForeignTask:
    was = cells.get("status", "")
    status = status_of(was, STATUSES, choices.statuses, where)
    name = cells.get("id") or cells["title"]
    if not name:
        raise InvalidInput(where, "a title in each line", "has none")
    body = cells.get("body")
    labels = cells.get("labels")
    notes_of = cells.get("comment")
    return ForeignTask(
        id=name,
        title=cells["title"],
        status=status,
        was=was or "(none)",
        body=texts.joined(
            body,
            texts.section("Notes", notes_of),
            texts.footer(f"{file.name} {name}", {"Labels": labels}) if labels else None,
        ),
        assignee=cells.get("assignee"),
        tenant=cells.get("tenant"),
        priority=_priority(cells.get("priority", ""), where),
        skills=[one for one in _LISTED.split(cells.get("skills", "")) if one],
        created_by=cells.get("created_by") or "csv",
        created_at=seconds(cells.get("created_at"), where),
        ended_at=seconds(cells.get("ended_at"), where),
        result=cells.get("result") or None,
        parents=[one for one in _LISTED.split(cells.get("parents", "")) if one],
        notes=[AT_WORK] if plain(was) in _AT_WORK else [],
    )


def _priority(text: str, where: str) -> int:
    known = _PRIORITIES.get(text.lower())
    if known is not None:
        return known
    try:
        return int(text)
    except ValueError:
        allowed = f"a whole number, or {', '.join(filter(None, _PRIORITIES))}"
        raise InvalidInput(where, allowed, f"has the priority {text!r}") from None
