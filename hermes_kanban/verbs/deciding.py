"""Verbs by which people, and profiles that may, decide about tasks."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from hermes_kanban import kernel as kb
from hermes_kanban.verbs.verb import Call, Changed, Verb, changed
from hermes_kanban.verbs.working import AboutTask

Question = Annotated[
    Annotated[int, Meta(ge=1, le=2**53)] | None,
    Meta(description="the event that asked; refused if somebody decided it first"),
]


class Accept(AboutTask, kw_only=True):
    question: Question = None


class Reasoned(AboutTask, kw_only=True):
    reason: str | None = None


class Unblock(AboutTask, kw_only=True):
    reason: Annotated[str, Meta(description="the answer, for its worker")] | None = None
    resume: bool | None = None
    question: Question = None


class Approve(AboutTask, kw_only=True):
    comment: str | None = None
    question: Question = None


class RequestChanges(AboutTask, kw_only=True):
    comment: Annotated[str, Meta(description="what must change")]
    resume: bool | None = None
    question: Question = None


class Archive(AboutTask, kw_only=True):
    release: bool = False


class Cancel(AboutTask, kw_only=True):
    tree: bool = False
    release: bool = False
    reason: str | None = None


class Late(AboutTask, kw_only=True):
    run_id: Annotated[int, Meta(description="the refused run")]
    question: Question = None


class Paused(msgspec.Struct, frozen=True):
    """Whether the board is paused, and whether the verb changed that."""

    paused: bool
    changed: bool


class Nothing(msgspec.Struct, kw_only=True):
    """A verb that takes nothing."""


def _by(call: Call) -> dict[str, Any]:
    return {"actor": call.caller.actor}


def _triage(call: Call, asked: Reasoned) -> Changed:
    done = kb.triage_task(call.conn, asked.task_id, reason=asked.reason, **_by(call))
    return changed(call, asked.task_id, done)


def _accept(call: Call, asked: Accept) -> Changed:
    done = kb.accept_task(call.conn, asked.task_id, question=asked.question, **_by(call))
    return changed(call, asked.task_id, done)


def _promote(call: Call, asked: AboutTask) -> Changed:
    return changed(call, asked.task_id, kb.promote_task(call.conn, asked.task_id, **_by(call)))


def _unblock(call: Call, asked: Unblock) -> Changed:
    done = kb.unblock_task(
        call.conn,
        asked.task_id,
        reason=asked.reason,
        resume=asked.resume,
        question=asked.question,
        **_by(call),
    )
    return changed(call, asked.task_id, done)


def _approve(call: Call, asked: Approve) -> Changed:
    done = kb.approve_task(
        call.conn, asked.task_id, comment=asked.comment, question=asked.question, **_by(call)
    )
    return changed(call, asked.task_id, done)


def _request_changes(call: Call, asked: RequestChanges) -> Changed:
    done = kb.request_changes(
        call.conn,
        asked.task_id,
        comment=asked.comment,
        resume=asked.resume,
        question=asked.question,
        **_by(call),
    )
    return changed(call, asked.task_id, done)


def _reopen(call: Call, asked: Reasoned) -> Changed:
    done = kb.reopen_task(call.conn, asked.task_id, reason=asked.reason, **_by(call))
    return changed(call, asked.task_id, done)


def _reclaim(call: Call, asked: Reasoned) -> Changed:
    done = kb.reclaim_task(call.conn, asked.task_id, reason=asked.reason, **_by(call))
    return changed(call, asked.task_id, done)


def _archive(call: Call, asked: Archive) -> Changed:
    done = kb.archive_task(call.conn, asked.task_id, release=asked.release, **_by(call))
    return changed(call, asked.task_id, done)


def _cancel(call: Call, asked: Cancel) -> Changed:
    done = kb.cancel_task(
        call.conn,
        asked.task_id,
        tree=asked.tree,
        release=asked.release,
        reason=asked.reason,
        **_by(call),
    )
    return changed(call, asked.task_id, done)


def _adopt(call: Call, asked: Late) -> Changed:
    done = kb.adopt_result(
        call.conn, asked.task_id, run_id=asked.run_id, question=asked.question, **_by(call)
    )
    return changed(call, asked.task_id, done)


def _dismiss(call: Call, asked: Late) -> Changed:
    done = kb.dismiss_result(
        call.conn, asked.task_id, run_id=asked.run_id, question=asked.question, **_by(call)
    )
    return changed(call, asked.task_id, done)


def _pause(call: Call, _: Nothing) -> Paused:
    return Paused(True, kb.pause(call.conn, **_by(call)))


def _resume(call: Call, _: Nothing) -> Paused:
    return Paused(False, kb.resume(call.conn, **_by(call)))


DECIDING = (
    Verb(
        name="unblock",
        request=Unblock,
        response=Changed,
        function=_unblock,
        sentence="Unblock a task, with the answer to what it was blocked for.",
        least="orchestrator",
        tool="kanban_unblock",
    ),
    Verb(
        name="approve",
        request=Approve,
        response=Changed,
        function=_approve,
        sentence="Approve a task in review: it is done.",
        least="orchestrator",
        tool="kanban_approve",
    ),
    Verb(
        name="request_changes",
        request=RequestChanges,
        response=Changed,
        function=_request_changes,
        sentence="Send a task in review back to work, and say what must change.",
        least="orchestrator",
        tool="kanban_request_changes",
    ),
    Verb(
        name="triage",
        request=Reasoned,
        response=Changed,
        function=_triage,
        sentence="Put a task aside until a person accepts it.",
    ),
    Verb(
        name="accept",
        request=Accept,
        response=Changed,
        function=_accept,
        sentence="Let a task in triage go ahead.",
    ),
    Verb(
        name="promote",
        request=AboutTask,
        response=Changed,
        function=_promote,
        sentence="Make a waiting task ready, where no parent is open.",
    ),
    Verb(
        name="reopen",
        request=Reasoned,
        response=Changed,
        function=_reopen,
        sentence="Take a task that is done or archived back to work.",
    ),
    Verb(
        name="reclaim",
        request=Reasoned,
        response=Changed,
        function=_reclaim,
        sentence="Take a running task from its worker; it is tried again.",
        destructive=True,
    ),
    Verb(
        name="cancel",
        request=Cancel,
        response=Changed,
        function=_cancel,
        sentence="Give a task up, and with it the tree below it where that is asked.",
        destructive=True,
    ),
    Verb(
        name="archive",
        request=Archive,
        response=Changed,
        function=_archive,
        sentence="Put a task out of sight; a running one is cancelled first.",
        destructive=True,
    ),
    Verb(
        name="adopt",
        request=Late,
        response=Changed,
        function=_adopt,
        sentence="Take over the result of a run that was refused for being late.",
    ),
    Verb(
        name="dismiss",
        request=Late,
        response=Changed,
        function=_dismiss,
        sentence="Put the result of a run that was refused for being late aside; it is kept.",
    ),
    Verb(
        name="pause",
        request=Nothing,
        response=Paused,
        function=_pause,
        sentence="Start nothing new on the board; what runs goes on.",
        idempotent=True,
        about_task=False,
    ),
    Verb(
        name="resume",
        request=Nothing,
        response=Paused,
        function=_resume,
        sentence="Let the board start tasks again.",
        idempotent=True,
        about_task=False,
    ),
)
