"""Backlog.md: a folder of Markdown files with front matter (1.52 was seen).

Its sections stay as they are in the body; the marks around them go, and its comments become ours.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from hermes_kanban.model.errors import InvalidInput, NotFound
from hermes_kanban.model.foreign import ForeignComment, ForeignTask
from hermes_kanban.porting import texts
from hermes_kanban.porting.reading import AT_WORK, Choices, Reading, plain, status_of
from hermes_kanban.porting.times import seconds

WANTED: Final = "the backlog folder of a project, with tasks in it"
STATUSES: Final = {
    "Draft": "triage",
    "To Do": "ready",
    "In Progress": "ready",
    "Blocked": "blocked",
    "Review": "review",
    "In Review": "review",
    "Done": "done",
}
# Where its tasks lie, and whether those there were put away.
_FOLDERS: Final = (
    ("tasks", False),
    ("drafts", False),
    ("completed", False),
    ("archive/tasks", True),
    ("archive/drafts", True),
)
_PRIORITIES: Final = {"high": 10, "medium": 0, "low": -10}
_FRONT: Final = re.compile(r"\A---\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_COMMENTS: Final = re.compile(
    r"^## Comments\s*<!-- COMMENTS:BEGIN -->(.*?)<!-- COMMENTS:END -->\s*", re.DOTALL | re.MULTILINE
)
_COMMENT: Final = re.compile(
    r"author: (?P<author>[^\n]*)\ncreated: (?P<at>[^\n]*)\n(?:[a-z_]+: [^\n]*\n)*---\n"
    r"(?P<body>.*?)\n---(?=\n|\Z)",
    re.DOTALL,
)
_SUMMARY: Final = re.compile(
    r"<!-- SECTION:FINAL_SUMMARY:BEGIN -->(.*?)<!-- SECTION:FINAL_SUMMARY:END -->", re.DOTALL
)
_MARK: Final = re.compile(r"^<!-- (?:SECTION:\w+|AC|DOD|COMMENTS):(?:BEGIN|END) -->[ \t]*\n?", re.M)


class _Found(NamedTuple):
    """A file that was read."""

    where: str
    front: dict[str, Any]
    body: str
    put_away: bool


def read(folder: Path, choices: Choices) -> Reading:
    """The project's tasks, drafts and finished ones. Raises NotFound or InvalidInput."""
    root = _root(folder)
    found = [
        _file(file, put_away)
        for name, put_away in _FOLDERS
        for file in sorted((root / name).glob("*.md"))
    ]
    if not found:
        raise InvalidInput(str(folder), WANTED, "has no tasks in it")
    found.sort(key=lambda one: _order(str(one.front.get("id"))))
    return Reading(_name(root), _tasks(found, choices), [])


def _root(folder: Path) -> Path:
    if not folder.exists():
        raise NotFound("folder", folder, f"give the path of {WANTED}")
    if not folder.is_dir():
        raise InvalidInput(str(folder), WANTED, "is no folder")
    places = (folder, folder / "backlog", folder / ".backlog")
    return next((one for one in places if (one / "tasks").is_dir()), folder)


def _name(root: Path) -> str:
    for file in (root / "config.yml", root / "config.yaml", root.parent / "backlog.config.yml"):
        if file.is_file():
            settings = _yaml(texts.whole(file, "the project's configuration"), str(file))
            if name := settings.get("project_name"):
                return f"backlog:{name}"
    return "backlog"


def _order(name: str) -> list[tuple[int, str]]:
    return [
        (int(part), "") if part.isdecimal() else (0, part.lower())
        for part in re.split(r"(\d+)", name)
    ]


def _yaml(text: str, where: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f" at line {mark.line + 1}" if mark else ""
        raise InvalidInput(where, "front matter in YAML", f"cannot be read{at}") from None
    if not isinstance(found, dict):
        raise InvalidInput(where, "front matter in YAML", "has none")
    return found


def _file(file: Path, put_away: bool) -> _Found:
    text = texts.whole(file, "a task in Markdown").replace("\r\n", "\n")
    front = _FRONT.match(text)
    if front is None:
        raise InvalidInput(str(file), "Markdown that begins with front matter", "has none")
    return _Found(f"{file}", _yaml(front[1], str(file)), text[front.end() :], put_away)


def _tasks(found: list[_Found], choices: Choices) -> Iterator[ForeignTask]:
    parts: dict[str, list[str]] = {}
    for one in found:
        if above := one.front.get("parent_task_id"):
            parts.setdefault(_id(above), []).append(_id(one.front.get("id")))
    for one in found:
        yield _task(one, parts, choices)


def _id(value: Any) -> str:
    return str(value).upper()


def _words(front: dict[str, Any], key: str) -> list[str]:
    value = front.get(key)
    values = value if isinstance(value, list) else [value]
    return [str(one) for one in values if one not in (None, "")]


def _moment(value: Any, where: str) -> int | None:
    if isinstance(value, (datetime.date, datetime.datetime)):
        value = value.isoformat()
    return seconds(value, where)


def _task(one: _Found, parts: dict[str, list[str]], choices: Choices) -> ForeignTask:
    front, where = one.front, one.where
    name = _id(texts.must_be_text(front, "id", where))
    was = str(front.get("status") or "To Do")
    status = status_of(was, STATUSES, choices.statuses, where)
    people = _words(front, "assignee")
    summary = _SUMMARY.search(one.body)
    updated = _moment(front.get("updated_date") or front.get("created_date"), where)
    told = {
        "Labels": ", ".join(_words(front, "labels")),
        "Type": str(front.get("type") or ""),
        "Milestone": str(front.get("milestone") or ""),
        "Due": str(front.get("due_date") or ""),
        "References": ", ".join(_words(front, "references")),
        "Documentation": ", ".join(_words(front, "documentation")),
        "Assignees": ", ".join(people) if len(people) > 1 else None,
    }
    notes = [AT_WORK] if plain(was) == "inprogress" else []
    if len(people) > 1:
        notes.append("only the first of its assignees has it here")
    result = summary[1].strip() if summary and status == "done" else None
    return ForeignTask(
        id=name,
        title=str(front.get("title") or ""),
        status="archived" if one.put_away else status,
        was=f"{was}, archived" if one.put_away else was,
        completed=one.put_away and status == "done",
        body=texts.joined(
            _MARK.sub("", _COMMENTS.sub("", one.body)).strip(),
            texts.footer(f"Backlog.md {name}", told),
        ),
        assignee=people[0] if people else None,
        priority=_PRIORITIES.get(str(front.get("priority") or "medium").lower(), 0),
        created_by=str(front.get("reporter") or "backlog"),
        created_at=_moment(front.get("created_date"), where),
        ended_at=updated if status in ("done", "blocked", "review") or one.put_away else None,
        result=result,
        parents=[
            *(_id(other) for other in _words(front, "dependencies")),
            *parts.get(name, ()),
        ],
        comments=_comments(one),
        notes=notes,
    )


def _comments(one: _Found) -> list[ForeignComment]:
    section = _COMMENTS.search(one.body)
    if section is None:
        return []
    found = []
    for number, said in enumerate(_COMMENT.finditer(section[1]), 1):
        at = _moment(said["at"].strip(), one.where)
        found.append(ForeignComment(str(number), said["author"].strip(), said["body"], at))
    return found
