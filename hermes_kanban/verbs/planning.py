"""Verbs that file and plan tasks."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from hermes_kanban import kernel as kb
from hermes_kanban.verbs import rights
from hermes_kanban.verbs.verb import Call, Changed, Verb, changed
from hermes_kanban.verbs.working import AboutTask


class Create(msgspec.Struct, kw_only=True):
    title: str
    body: Annotated[str, Meta(description="all that its worker must know")] | None = None
    assignee: Annotated[str, Meta(description="the profile that does it")] | None = None
    parents: Annotated[list[str], Meta(description="ids that must be done first")] = []
    tenant: str | None = None
    priority: int = 0
    skills: list[str] = []
    workspace: (
        Annotated[str, Meta(description="scratch, dir:/path or worktree:/repository")] | None
    ) = None
    branch: str | None = None
    model: str | None = None
    provider: str | None = None
    scheduled_at: Annotated[int, Meta(description="not before, Unix seconds")] | None = None
    max_runtime_seconds: int | None = None
    max_retries: int | None = None
    idempotency_key: Annotated[str, Meta(description="a repeat returns the first task")] | None = (
        None
    )
    triage: Annotated[bool, Meta(description="wait until a person accepts it")] = False


class Created(msgspec.Struct, frozen=True):
    """The new task, or the live one that has the idempotency key."""

    id: str
    status: str


class Edit(AboutTask, kw_only=True):
    title: str | UnsetType = UNSET
    body: str | UnsetType | None = UNSET
    tenant: str | UnsetType | None = UNSET
    skills: list[str] | UnsetType = UNSET
    model: str | UnsetType | None = UNSET
    provider: str | UnsetType | None = UNSET
    resume: bool | UnsetType | None = UNSET
    branch: str | UnsetType | None = UNSET
    max_runtime_seconds: int | UnsetType | None = UNSET
    max_retries: int | UnsetType | None = UNSET


class Assign(AboutTask, kw_only=True):
    assignee: str | None


class Prioritise(AboutTask, kw_only=True):
    priority: int


class Schedule(AboutTask, kw_only=True):
    scheduled_at: int | None


class Link(msgspec.Struct, kw_only=True):
    parent_id: Annotated[str, Meta(description="must be done first")]
    child_id: str


class Linked(msgspec.Struct, frozen=True):
    """The link, and whether the verb changed anything."""

    parent_id: str
    child_id: str
    changed: bool


def _create(call: Call, asked: Create) -> Created:
    rights.check_assignee(call.caller, asked.assignee)
    fields: dict[str, Any] = msgspec.structs.asdict(asked)
    task_id = kb.create_task(call.conn, **fields, **call.caller.signs)
    return Created(task_id, kb.get_task(call.conn, task_id).status)


def _edit(call: Call, asked: Edit) -> Changed:
    fields = {
        name: value
        for name, value in msgspec.structs.asdict(asked).items()
        if name != "task_id" and value is not UNSET
    }
    outcome = kb.edit_task(call.conn, asked.task_id, **fields, actor=call.caller.actor)
    return changed(call, asked.task_id, outcome)


def _assign(call: Call, asked: Assign) -> Changed:
    outcome = kb.assign_task(call.conn, asked.task_id, asked.assignee, actor=call.caller.actor)
    return changed(call, asked.task_id, outcome)


def _prioritise(call: Call, asked: Prioritise) -> Changed:
    outcome = kb.prioritise_task(call.conn, asked.task_id, asked.priority, actor=call.caller.actor)
    return changed(call, asked.task_id, outcome)


def _schedule(call: Call, asked: Schedule) -> Changed:
    outcome = kb.schedule_task(
        call.conn, asked.task_id, asked.scheduled_at, actor=call.caller.actor
    )
    return changed(call, asked.task_id, outcome)


def _link(call: Call, asked: Link) -> Linked:
    rights.check_link(call.conn, call.caller, asked.parent_id, asked.child_id)
    made = kb.link_tasks(call.conn, asked.parent_id, asked.child_id, **call.caller.signs)
    return Linked(asked.parent_id, asked.child_id, made)


def _unlink(call: Call, asked: Link) -> Linked:
    gone = kb.unlink_tasks(call.conn, asked.parent_id, asked.child_id, actor=call.caller.actor)
    return Linked(asked.parent_id, asked.child_id, bool(gone))


PLANNING = (
    Verb(
        name="create",
        request=Create,
        response=Created,
        function=_create,
        sentence="Create a task on the board; it starts by itself when its parents are done.",
        least="extra",
        tool="kanban_create",
        about_task=False,
    ),
    Verb(
        name="link",
        request=Link,
        response=Linked,
        function=_link,
        sentence="Link two tasks: the child waits until the parent is done.",
        least="extra",
        tool="kanban_link",
        idempotent=True,
        about_task=False,
    ),
    Verb(
        name="unlink",
        request=Link,
        response=Linked,
        function=_unlink,
        sentence="Take a link away.",
        idempotent=True,
        about_task=False,
    ),
    Verb(
        name="edit",
        request=Edit,
        response=Changed,
        function=_edit,
        sentence="Change what a task says and how it runs; only the fields that are named.",
        idempotent=True,
    ),
    Verb(
        name="assign",
        request=Assign,
        response=Changed,
        function=_assign,
        sentence="Give a task to a profile, or to nobody.",
        idempotent=True,
    ),
    Verb(
        name="prioritise",
        request=Prioritise,
        response=Changed,
        function=_prioritise,
        sentence="Set the priority; higher runs first.",
        idempotent=True,
    ),
    Verb(
        name="schedule",
        request=Schedule,
        response=Changed,
        function=_schedule,
        sentence="Do not start a task before a time (Unix seconds; null: at once).",
        idempotent=True,
    ),
)
