"""Records as the answers show them: without the secrets that only their holder is told."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from hermes_kanban import kernel as kb
from hermes_kanban.model.records import SECRET_COLUMNS, Attachment, Event, Run, Task

# Where a file lies is nothing that a reader on another machine, or in a workspace, has use for.
_HIDDEN: Final = SECRET_COLUMNS | {"path"}


def _without_secrets(record: type[msgspec.Struct], name: str) -> type[msgspec.Struct]:
    fields = [
        (field.name, field.type)
        for field in msgspec.structs.fields(record)
        if field.encode_name not in _HIDDEN
    ]
    return msgspec.defstruct(name, fields, frozen=True, module=__name__)


TaskView = _without_secrets(Task, "TaskView")
RunView = _without_secrets(Run, "RunView")
AttachmentView = _without_secrets(Attachment, "AttachmentView")


def task_view(task: Task) -> msgspec.Struct:
    """A task without its claim lock."""
    return TaskView(*(getattr(task, name) for name in TaskView.__struct_fields__))


def run_view(run: Run) -> msgspec.Struct:
    """A run without its claim lock and its token's hash."""
    return RunView(*(getattr(run, name) for name in RunView.__struct_fields__))


def attachment_view(attachment: Attachment) -> msgspec.Struct:
    """An attachment without its place on this host."""
    return AttachmentView(*(getattr(attachment, name) for name in AttachmentView.__struct_fields__))


def event_view(event: Event) -> Event:
    """An event without what its payload may tell of locks and tokens."""
    payload = {
        part: {name: value for name, value in told.items() if name not in SECRET_COLUMNS}
        if isinstance(told, dict)
        else told
        for part, told in event.payload.items()
    }
    return msgspec.structs.replace(event, payload=payload)


class ContextView(msgspec.Struct, frozen=True):
    """One page of a worker's context; ``next_page`` is None on the last, ``mark`` fences its texts.

    What the kernel answers has these fields; its own type would load all that makes a context.
    """

    text: str
    page: int
    pages: int
    next_page: int | None
    mark: str


class TaskDetail(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one task that fits on a page; its events have a verb of their own.

    ``runs_after``, ``comments_after`` and ``attachments_after`` ask the verb of that name for the
    next page; None where there is none.
    """

    task: TaskView  # type: ignore[valid-type]
    links: list[kb.Link]
    runs: list[RunView]  # type: ignore[valid-type]
    comments: list[kb.Comment]
    attachments: list[AttachmentView]  # type: ignore[valid-type]
    why: list[kb.Hold]
    runs_after: int | None
    comments_after: int | None
    attachments_after: int | None


class TaskPage(msgspec.Struct, frozen=True):
    """Tasks by ``seq``, rising; ``after`` is what asks for the next page, None on the last."""

    tasks: list[TaskView]  # type: ignore[valid-type]
    after: int | None


class RunPage(msgspec.Struct, frozen=True):
    """Runs of a task, oldest first; ``after`` asks for the next page, None on the last."""

    runs: list[RunView]  # type: ignore[valid-type]
    after: int | None


class EventPage(msgspec.Struct, frozen=True):
    """Events, oldest first; ``after`` asks for the next page, None when there are no more now."""

    events: list[Event]
    after: int | None


class CommentPage(msgspec.Struct, frozen=True):
    """Comments of a task, oldest first; ``after`` asks for the next page, None on the last."""

    comments: list[kb.Comment]
    after: int | None


class AttachmentPage(msgspec.Struct, frozen=True):
    """Attachments of a task, oldest first; ``after`` asks for the next page, None on the last.

    ``saved`` is where the one that was asked for now lies, relative to the workspace.
    """

    attachments: list[AttachmentView]  # type: ignore[valid-type]
    after: int | None
    saved: str | None = None


class Holds(msgspec.Struct, frozen=True):
    """Why a task does not run now; empty for one that does, or that is over."""

    id: str
    status: str
    holds: list[kb.Hold]


def page_end(found: list[Any], limit: int, key: str) -> int | None:
    """What asks for the page after ``found``, None if it was the last."""
    return getattr(found[-1], key) if len(found) == limit else None
