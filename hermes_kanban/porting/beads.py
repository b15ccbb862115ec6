"""Beads: the JSONL of ``bd export``, or the ``.beads/issues.jsonl`` that lies in a repository.

Fields as its documentation lists them; an object a line, dependencies on the dependent issue.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.model.foreign import ForeignComment, ForeignTask
from hermes_kanban.porting import texts
from hermes_kanban.porting.reading import AT_WORK, Choices, Reading, status_of
from hermes_kanban.porting.times import seconds

WANTED: Final = "the JSONL of: bd export"
STATUSES: Final = {
    "open": "ready",
    "in_progress": "ready",
    "hooked": "ready",
    "blocked": "blocked",
    "deferred": "triage",
    "pinned": "triage",
    "closed": "done",
}
_DELETED: Final = "tombstone"
_WAITS: Final = ("blocks", "conditional-blocks", "waits-for")
_PART_OF: Final = "parent-child"
_PRIORITY_STEP: Final = 10
_MIDDLE: Final = 2
# In the footer of the body: the board has no column for them.
_TOLD: Final = ("issue_type", "close_reason", "external_ref", "due_at", "defer_until", "owner")


def read(file: Path, choices: Choices) -> Reading:
    """The issues in the order of the file. Raises NotFound or InvalidInput."""
    notes: list[str] = []
    return Reading("beads", _tasks(file, choices, notes), notes)


def _tasks(file: Path, choices: Choices, notes: list[str]) -> Iterator[ForeignTask]:
    parts = _parts_of(file)
    deleted = others = 0
    for where, issue in texts.json_lines(file, WANTED):
        if issue.get("_type", "issue") != "issue":
            others += 1
        elif issue.get("status") == _DELETED:
            deleted += 1
        else:
            yield _task(issue, where, choices, parts)
    if deleted:
        notes.append(f"{deleted} deleted issues are left out")
    if others:
        notes.append(f"{others} lines are of something else than issues and are left out")


def _parts_of(file: Path) -> dict[str, list[str]]:
    """Each epic's parts: it is done when they are, so here it waits for them."""
    parts: dict[str, list[str]] = {}
    for where, issue in texts.json_lines(file, WANTED):
        for kind, other in _dependencies(issue, where):
            if kind == _PART_OF:
                parts.setdefault(other, []).append(texts.must_be_text(issue, "id", where))
    return parts


def _dependencies(issue: dict[str, Any], where: str) -> list[tuple[str, str]]:
    found = []
    for one in texts.list_of(issue, "dependencies", where):
        if not isinstance(one, dict):
            raise InvalidInput(where, "dependencies as objects", f"has {one!r:.60} among them")
        kind = texts.text_of(one, "type", where) or "blocks"
        found.append((kind, texts.must_be_text(one, "depends_on_id", where)))
    return found


def _task(
    issue: dict[str, Any], where: str, choices: Choices, parts: dict[str, list[str]]
) -> ForeignTask:
    name = texts.must_be_text(issue, "id", where)
    was = texts.text_of(issue, "status", where) or "open"
    dependencies = _dependencies(issue, where)
    waits = [other for kind, other in dependencies if kind in _WAITS]
    related = [f"{kind} {other}" for kind, other in dependencies if kind not in _WAITS]
    status = status_of(was, STATUSES, choices.statuses, where)
    notes = [AT_WORK] if was == "in_progress" else []
    if was == "blocked" and waits:
        # What holds it back is here to be seen, and lifts it by itself.
        status = "ready"
    told = {one: texts.text_of(issue, one, where) for one in _TOLD}
    labels = ", ".join(map(str, texts.list_of(issue, "labels", where)))
    closed = issue.get("closed_at") or issue.get("updated_at")
    return ForeignTask(
        id=name,
        title=texts.must_be_text(issue, "title", where),
        status=status,
        was=was,
        body=texts.joined(
            texts.text_of(issue, "description", where),
            texts.section("Design", texts.text_of(issue, "design", where)),
            texts.section("Acceptance", texts.text_of(issue, "acceptance_criteria", where)),
            texts.section("Notes", texts.text_of(issue, "notes", where)),
            texts.footer(
                f"Beads {name}",
                {
                    "Labels": labels,
                    "Related": ", ".join(related),
                    **{one.replace("_", " ").capitalize(): text for one, text in told.items()},
                },
            ),
        ),
        assignee=texts.text_of(issue, "assignee", where),
        priority=_priority(issue, where),
        created_by=texts.text_of(issue, "created_by", where) or "beads",
        created_at=seconds(issue.get("created_at"), where),
        ended_at=seconds(closed, where) if status in ("done", "blocked") else None,
        result=texts.text_of(issue, "close_reason", where) if status == "done" else None,
        block_reason="it was blocked in Beads" if status == "blocked" else None,
        parents=[*waits, *parts.get(name, ())],
        comments=[_comment(one, where) for one in texts.list_of(issue, "comments", where)],
        notes=notes,
    )


def _priority(issue: dict[str, Any], where: str) -> int:
    """There 0 is the most urgent of 0 to 4, here the highest number is."""
    found = issue.get("priority", _MIDDLE)
    if not isinstance(found, int):
        raise InvalidInput(where, "a priority from 0 to 4", f"has the priority {found!r:.60}")
    return (_MIDDLE - found) * _PRIORITY_STEP


def _comment(found: Any, where: str) -> ForeignComment:
    if not isinstance(found, dict):
        raise InvalidInput(where, "comments as objects", f"has {found!r:.60} among them")
    at = seconds(found.get("created_at"), where)
    author = texts.text_of(found, "author", where) or "unknown"
    return ForeignComment(
        str(found.get("id", f"{at}")), author, texts.text_of(found, "text", where) or "", at
    )
