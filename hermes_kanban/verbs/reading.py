"""Verbs that read and change nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.workspaces import directory
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.verbs import views
from hermes_kanban.verbs.deciding import Nothing
from hermes_kanban.verbs.paging import page
from hermes_kanban.verbs.verb import Call, Verb
from hermes_kanban.verbs.working import AboutTask

CONTEXT_PAGE_BYTES: Final = 6 * 1024
Page = Annotated[int, Meta(ge=1, le=10_000)]
Limit = Annotated[int, Meta(ge=1, le=1000)]
After = Annotated[int, Meta(ge=0, le=2**53)]


class Context(AboutTask, kw_only=True):
    page: Page = 1


class List(msgspec.Struct, kw_only=True):
    status: Annotated[str, Meta(description="default: all but archived")] | None = None
    assignee: str | None = None
    tenant: str | None = None
    after: Annotated[int, Meta(ge=0, le=2**53, description="from the last page")] | None = None
    limit: Limit = 50


class Paged(AboutTask, kw_only=True):
    after: After = 0
    limit: Limit = 100


class Events(msgspec.Struct, kw_only=True):
    task_id: str | None = None
    after: After = 0
    limit: Limit = 100


class Attachments(AboutTask, kw_only=True):
    save: Annotated[str, Meta(description="name or id to copy into your workspace")] | None = None
    after: After = 0
    limit: Limit = 100


def _context(call: Call, asked: Context) -> kb.ContextPage:
    caller = call.caller
    return kb.context_page(
        call.conn,
        asked.task_id,
        page=asked.page,
        page_bytes=CONTEXT_PAGE_BYTES,
        own=caller.kind == "person" or caller.task_id == asked.task_id,
    )


def _show(call: Call, asked: AboutTask) -> views.TaskDetail:
    conn, task_id = call.conn, asked.task_id
    first = Paged(task_id=task_id)
    with kb.reading(conn):
        task = kb.get_task(conn, task_id)
        runs, comments, attached = (
            one(call, first) for one in (_runs_of, _comments_of, _attachments_of)
        )
        return views.TaskDetail(
            task=views.task_view(task),
            links=kb.list_links(conn, task_id),
            runs=runs[0],
            comments=comments[0],
            attachments=attached[0],
            why=kb.why(conn, task_id),
            runs_after=runs[1],
            comments_after=comments[1],
            attachments_after=attached[1],
        )


def _list(call: Call, asked: List) -> views.TaskPage:
    def read(after: int, limit: int) -> list[kb.Task]:
        return kb.list_tasks(
            call.conn,
            status=asked.status,
            assignee=asked.assignee,
            tenant=asked.tenant,
            after=after,
            limit=limit,
        )

    with kb.reading(call.conn):
        return views.TaskPage(
            *page(read, views.task_view, key="seq", after=asked.after or 0, limit=asked.limit)
        )


def _runs(call: Call, asked: Paged) -> views.RunPage:
    with kb.reading(call.conn):
        return views.RunPage(*_runs_of(call, asked))


def _runs_of(call: Call, asked: Paged) -> tuple[list[Any], int | None]:
    return _of_task(call, asked, kb.list_runs, views.run_view)


def _events(call: Call, asked: Events) -> views.EventPage:
    def read(after: int, limit: int) -> list[kb.Event]:
        return kb.list_events(call.conn, asked.task_id, after=after, limit=limit)

    with kb.reading(call.conn):
        return views.EventPage(
            *page(read, views.event_view, key="id", after=asked.after, limit=asked.limit)
        )


def _comments(call: Call, asked: Paged) -> views.CommentPage:
    with kb.reading(call.conn):
        return views.CommentPage(*_comments_of(call, asked))


def _comments_of(call: Call, asked: Paged) -> tuple[list[Any], int | None]:
    return _of_task(call, asked, kb.list_comments, lambda comment: comment)


def _attachments_of(call: Call, asked: Paged | Attachments) -> tuple[list[Any], int | None]:
    return _of_task(call, asked, kb.list_attachments, views.attachment_view)


def _of_task(
    call: Call, asked: Paged | Attachments, listed: Any, view: Callable[[Any], Any]
) -> tuple[list[Any], int | None]:
    task_id = _known(call, asked)

    def read(after: int, limit: int) -> list[Any]:
        found: list[Any] = listed(call.conn, task_id, after=after, limit=limit)
        return found

    return page(read, view, key="id", after=asked.after, limit=asked.limit)


def _attachments(call: Call, asked: Attachments) -> views.AttachmentPage:
    conn = call.conn
    saved = None
    if asked.save is not None:
        one = kb.find_attachment(conn, asked.task_id, asked.save)
        saved = _save(call, one)
    with kb.reading(conn):
        return views.AttachmentPage(*_attachments_of(call, asked), saved)


def _save(call: Call, attachment: kb.Attachment) -> str:
    """Copy it into the caller's workspace; a file that is there is never replaced."""
    if call.caller.task_id is None:
        raise InvalidInput("save", "the worker of a task, who has a workspace", "needs a workspace")
    place = directory(kb.get_task(call.conn, call.caller.task_id), call.conn.paths)
    # By its name: where there is no workspace yet, a file must not take its place.
    saved = kb.save_attachment(call.conn, attachment, place / attachment.name)
    return str(saved.relative_to(place))


def _why(call: Call, asked: AboutTask) -> views.Holds:
    task = kb.get_task(call.conn, asked.task_id)
    return views.Holds(task.id, task.status, kb.why(call.conn, task.id))


def _stats(call: Call, _: Nothing) -> kb.Stats:
    return kb.stats(call.conn)


def _known(call: Call, asked: Any) -> str:
    return kb.get_task(call.conn, asked.task_id).id


READING = (
    Verb(
        name="context",
        request=Context,
        response=views.ContextView,
        function=_context,
        sentence="Show your task: what to do, its parents' results, earlier attempts, comments.",
        least="worker",
        tool="kanban_show",
        changes=False,
    ),
    Verb(
        name="list",
        request=List,
        response=views.TaskPage,
        function=_list,
        sentence="List the tasks of the board.",
        least="orchestrator",
        tool="kanban_list",
        changes=False,
        about_task=False,
    ),
    Verb(
        name="why",
        request=AboutTask,
        response=views.Holds,
        function=_why,
        sentence="Say why a task does not run, and what lifts each hold.",
        least="extra",
        tool="kanban_why",
        changes=False,
    ),
    Verb(
        name="attachments",
        request=Attachments,
        response=views.AttachmentPage,
        function=_attachments,
        sentence="List the files attached to a task, and copy one into your workspace.",
        least="extra",
        tool="kanban_attachments",
        changes=False,
        of_this_host=frozenset({"save"}),
        told_by_events=True,
    ),
    Verb(
        name="show",
        request=AboutTask,
        response=views.TaskDetail,
        function=_show,
        sentence="Everything about a task: fields, links, runs, comments, attachments, holds.",
        changes=False,
    ),
    Verb(
        name="runs",
        request=Paged,
        response=views.RunPage,
        function=_runs,
        sentence="The attempts at a task.",
        changes=False,
    ),
    Verb(
        name="events",
        request=Events,
        response=views.EventPage,
        function=_events,
        sentence="What happened, to one task or on the whole board.",
        changes=False,
        about_task=False,
        told_by_events=True,
    ),
    Verb(
        name="comments",
        request=Paged,
        response=views.CommentPage,
        function=_comments,
        sentence="The thread of a task.",
        changes=False,
        told_by_events=True,
    ),
    Verb(
        name="stats",
        request=Nothing,
        response=kb.Stats,
        function=_stats,
        sentence="The board in numbers.",
        changes=False,
        about_task=False,
    ),
)
