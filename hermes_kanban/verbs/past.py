"""Verbs about what was: the board at a moment, what changed since, and taking a verb back.

A moment is a time or an event; without either it is now.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.history import LinkChange, RunChange, TaskChange
from hermes_kanban.kernel.replay import LinkPart
from hermes_kanban.verbs import views
from hermes_kanban.verbs.looking import Second, Statuses
from hermes_kanban.verbs.paging import fitting
from hermes_kanban.verbs.verb import Call, Verb
from hermes_kanban.verbs.working import AboutTask

EventId = Annotated[int, Meta(ge=0, le=2**53, description="right after this event")]


class Past(msgspec.Struct, kw_only=True):
    at: Second | None = None
    event: EventId | None = None
    status: Statuses = []
    assignee: Annotated[str, Meta(description="only tasks of this profile")] | None = None
    tenant: str | None = None
    after: Annotated[int, Meta(ge=0, le=2**53, description="from the last page")] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 200


class TaskPast(AboutTask, kw_only=True):
    at: Second | None = None
    event: EventId | None = None


class Changes(msgspec.Struct, kw_only=True):
    from_at: Second | None = None
    from_event: EventId | None = None
    to_at: Second | None = None
    to_event: EventId | None = None
    task_id: str | None = None


class Undo(msgspec.Struct, kw_only=True):
    task_id: Annotated[str, Meta(description="default: wherever your last verb was")] | None = None
    dry_run: Annotated[bool, Meta(description="only say what would be taken back")] = False


class PastPage(msgspec.Struct, frozen=True, kw_only=True):
    """The tasks as they were, by ``seq``; ``after`` asks for the next page, None on the last.

    ``first_at`` is the time of the board's first event, before which there is nothing to see.
    """

    moment: kb.Moment
    tasks: list[views.TaskView]  # type: ignore[valid-type]
    after: int | None
    first_at: int | None


class TaskWas(msgspec.Struct, frozen=True, kw_only=True):
    """One task as it was; ``open_parents`` held it back then."""

    moment: kb.Moment
    task: views.TaskView  # type: ignore[valid-type]
    links: list[kb.Link]
    runs: list[views.RunView]  # type: ignore[valid-type]
    comments: list[kb.Comment]
    attachments: list[views.AttachmentView]  # type: ignore[valid-type]
    open_parents: list[str]


class TaskChanged(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one task; ``fields`` map a column to what it held before and after."""

    id: str
    title: str
    created: bool
    statuses: list[str]
    fields: dict[str, tuple[Any, Any]]
    runs: list[RunChange]
    links: list[LinkChange]
    comments: list[kb.Comment]
    attachments: list[views.AttachmentView]  # type: ignore[valid-type]


class BoardDiff(msgspec.Struct, frozen=True, kw_only=True):
    """What changed after ``start``, up to ``end``; ``board`` are the board's own events.

    ``cut`` says that there is more than about a mebibyte: a shorter span, or one task, is told
    whole.
    """

    start: kb.Moment
    end: kb.Moment
    tasks: list[TaskChanged]
    board: list[kb.Event]
    cut: bool


class Undone(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken back: the event ``undid``, with what each column held and holds now.

    ``event_id`` is the undo's own event, None for a dry run.
    """

    task_id: str | None
    verb: str
    undid: int
    at: int
    event_id: int | None
    changes: dict[str, tuple[Any, Any]]
    link: LinkPart | None


def _past(call: Call, asked: Past) -> PastPage:
    conn = call.conn
    with kb.reading(conn):
        when = kb.moment(conn, at=asked.at, event_id=asked.event)
        found = kb.tasks_at(
            conn,
            when,
            status=asked.status or None,
            assignee=asked.assignee,
            tenant=asked.tenant,
            after=asked.after,
            limit=asked.limit,
        )
        first = kb.list_events(conn, limit=1)
    fits, last = fitting(found), views.page_end(found, asked.limit, "seq")
    return PastPage(
        moment=when,
        tasks=[views.task_view(task) for task in found[:fits]],
        after=found[fits - 1].seq if fits < len(found) else last,
        first_at=first[0].created_at if first else None,
    )


def _task_past(call: Call, asked: TaskPast) -> TaskWas:
    conn = call.conn
    with kb.reading(conn):
        when = kb.moment(conn, at=asked.at, event_id=asked.event)
        found = kb.task_at(conn, asked.task_id, when)
    return TaskWas(
        moment=found.moment,
        task=views.task_view(found.task),
        links=found.links,
        runs=[views.run_view(run) for run in found.runs],
        comments=found.comments,
        attachments=[views.attachment_view(one) for one in found.attachments],
        open_parents=[parent.id for parent in found.open_parents],
    )


def _diff(call: Call, asked: Changes) -> BoardDiff:
    conn = call.conn
    with kb.reading(conn):
        start = kb.moment(conn, at=asked.from_at, event_id=asked.from_event)
        end = kb.moment(conn, at=asked.to_at, event_id=asked.to_event)
        found = kb.diff(conn, start, end, asked.task_id)
    changed = [_changed(change) for change in found.tasks]
    board = [views.event_view(event) for event in found.board]
    tasks, events = fitting(changed), fitting(board)
    return BoardDiff(
        start=found.start,
        end=found.end,
        tasks=changed[:tasks],
        board=board[:events],
        cut=tasks < len(changed) or events < len(board),
    )


def _changed(change: TaskChange) -> TaskChanged:
    return TaskChanged(
        id=change.id,
        title=change.title,
        created=change.created,
        statuses=change.statuses,
        fields=change.fields,
        runs=change.runs,
        links=change.links,
        comments=change.comments,
        attachments=[views.attachment_view(one) for one in change.attachments],
    )


def _undo(call: Call, asked: Undo) -> Undone:
    done = kb.undo(call.conn, asked.task_id, dry_run=asked.dry_run, actor=call.caller.actor)
    return Undone(
        task_id=done.task_id,
        verb=done.verb,
        undid=done.undid,
        at=done.at,
        event_id=done.event_id,
        changes=done.changes,
        link=done.link,
    )


PAST = (
    Verb(
        name="past",
        request=Past,
        response=PastPage,
        function=_past,
        sentence="The board as it was at a moment.",
        changes=False,
        about_task=False,
    ),
    Verb(
        name="task_past",
        request=TaskPast,
        response=TaskWas,
        function=_task_past,
        sentence="A task as it was at a moment.",
        changes=False,
    ),
    Verb(
        name="diff",
        request=Changes,
        response=BoardDiff,
        function=_diff,
        sentence="What changed between two moments, on the board or on one task.",
        changes=False,
        about_task=False,
    ),
    Verb(
        name="undo",
        request=Undo,
        response=Undone,
        function=_undo,
        sentence="Take back your last verb, on a task or on the board.",
        about_task=False,
    ),
)
