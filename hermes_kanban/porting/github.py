"""GitHub issues as JSON: of ``gh issue list --json …``, or of the REST API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.model.foreign import ForeignComment, ForeignTask
from hermes_kanban.porting import texts
from hermes_kanban.porting.reading import Choices, Reading, status_of
from hermes_kanban.porting.times import seconds

WANTED: Final = (
    "the JSON of: gh issue list --state all --limit 10000 --json"
    " number,title,body,state,stateReason,author,assignees,labels,milestone,comments,"
    "createdAt,closedAt,url"
)
STATUSES: Final = {
    "open": "ready",
    "closed": "done",
    "not_planned": "archived",
    "duplicate": "archived",
}
_REPOSITORY: Final = re.compile(r"^https?://[^/]+/(?:repos/)?([^/]+/[^/]+)/(?:issues|pull)/\d+")
_WAITS: Final = re.compile(
    r"^\W*(?:blocked by|depends on)\b(?P<numbers>[:\s,and]*(?:#\d+[\s,and]*)+)", re.I | re.M
)
_NUMBER: Final = re.compile(r"#(\d+)")


def read(file: Path, choices: Choices) -> Reading:
    """The issues by their numbers. Raises NotFound or InvalidInput."""
    issues = _issues(file)
    notes: list[str] = []
    return Reading(_name(issues), _tasks(issues, file, choices, notes), notes)


def _issues(file: Path) -> list[dict[str, Any]]:
    found = texts.document(file, WANTED)
    if isinstance(found, dict):
        found = [found]
    # Pages of the REST API that were put together are a list of lists.
    if isinstance(found, list) and found and all(isinstance(page, list) for page in found):
        found = [one for page in found for one in page]
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise InvalidInput(str(file), WANTED, "is no list of issues")
    return sorted(found, key=lambda one: one["number"] if _is_number(one.get("number")) else 0)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _name(issues: list[dict[str, Any]]) -> str:
    """By its repository, so that issues of two of them are not taken for the same."""
    for one in issues:
        found = _REPOSITORY.match(str(_either(one, "html_url", "url") or ""))
        if found:
            return f"github:{found[1]}"
    return "github"


def _either(one: dict[str, Any], *names: str) -> Any:
    """The REST API's name of a field, or gh's."""
    return next((one[name] for name in names if one.get(name) is not None), None)


def _tasks(
    issues: list[dict[str, Any]], file: Path, choices: Choices, notes: list[str]
) -> Iterator[ForeignTask]:
    pulls = silent = 0
    for at, one in enumerate(issues, 1):
        if "pull_request" in one:
            pulls += 1
            continue
        where = f"{file}, issue {at},"
        if not _is_number(one.get("number")):
            raise InvalidInput(where, WANTED, "has no number")
        if isinstance(one.get("comments"), int):
            silent += one["comments"]
        yield _task(one, f"{file}, issue #{one['number']},", choices)
    if pulls:
        notes.append(f"{pulls} pull requests are left out")
    if silent:
        notes.append(f"{silent} comments are not in this file; gh issue list --json has them")


def _task(one: dict[str, Any], where: str, choices: Choices) -> ForeignTask:
    was = (texts.text_of(one, "state", where) or "open").lower()
    reason = str(_either(one, "state_reason", "stateReason") or "").lower()
    if was == "closed" and reason in STATUSES:
        was = reason
    body = texts.text_of(one, "body", where)
    waits = [
        number
        for found in _WAITS.finditer(body or "")
        for number in _NUMBER.findall(found["numbers"])
    ]
    people = [_login(person) for person in texts.list_of(one, "assignees", where)]
    milestone = one.get("milestone")
    title = milestone.get("title") if isinstance(milestone, dict) else milestone
    comments = one.get("comments")
    url = _either(one, "html_url", "url")
    return ForeignTask(
        id=f"#{one['number']}",
        title=texts.must_be_text(one, "title", where),
        status=status_of(was, STATUSES, choices.statuses, where),
        was=was,
        body=texts.joined(
            body,
            texts.footer(
                f"GitHub #{one['number']}",
                {
                    "Link": str(url) if url else None,
                    "Labels": ", ".join(
                        _label(label) for label in texts.list_of(one, "labels", where)
                    ),
                    "Milestone": str(title) if title else None,
                    "Assignees": ", ".join(people) if len(people) > 1 else None,
                },
            ),
        ),
        assignee=people[0] if people else None,
        created_by=_login(_either(one, "user", "author")),
        created_at=seconds(_either(one, "created_at", "createdAt"), where),
        ended_at=seconds(_either(one, "closed_at", "closedAt"), where),
        parents=[f"#{number}" for number in waits],
        comments=[
            _comment(comment, where) for comment in (comments if isinstance(comments, list) else ())
        ],
        notes=["only the first of its assignees has it here"] if len(people) > 1 else [],
    )


def _login(person: Any) -> str:
    name = person.get("login") if isinstance(person, dict) else person
    return str(name or "ghost")


def _label(label: Any) -> str:
    return str(label.get("name")) if isinstance(label, dict) else str(label)


def _comment(found: Any, where: str) -> ForeignComment:
    if not isinstance(found, dict):
        raise InvalidInput(where, "comments as objects", f"has {found!r:.60} among them")
    at = seconds(_either(found, "created_at", "createdAt"), where)
    key = str(_either(found, "id", "url") or at)
    author = _login(_either(found, "user", "author"))
    return ForeignComment(key, author, texts.text_of(found, "body", where) or "", at)
