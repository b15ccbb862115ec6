"""Verbs of the worker: report, hand over, ask, hand in."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from hermes_kanban import kernel as kb
from hermes_kanban.verbs.verb import Call, Changed, Verb, changed

BlockKind = Literal["needs_input", "capability", "transient", "dependency"]


class AboutTask(msgspec.Struct, kw_only=True):
    """A verb that needs no more than its task."""

    task_id: str = ""


class Heartbeat(AboutTask, kw_only=True):
    ttl_seconds: int | None = None


class Complete(AboutTask, kw_only=True):
    summary: Annotated[str, Meta(description="what was done, for whoever goes on")] | None = None
    result: Annotated[str, Meta(description="the deliverable itself, if it is text")] | None = None
    metadata: Annotated[dict[str, Any], Meta(description="facts for programs")] | None = None
    created_cards: Annotated[list[str], Meta(description="ids you created")] = []
    artifacts: Annotated[list[str], Meta(description="files in the workspace to keep")] = []


class Block(AboutTask, kw_only=True):
    reason: Annotated[
        str, Meta(description="what is missing, as a question; a list of short answers may end it")
    ]
    kind: Annotated[
        BlockKind,
        Meta(
            description="needs_input: a person answers; capability: another agent is needed;"
            " transient: try later; dependency: an open parent"
        ),
    ] = "needs_input"
    retry_in_seconds: Annotated[int, Meta(description="for transient")] | None = None


class RequestReview(AboutTask, kw_only=True):
    summary: Annotated[str, Meta(description="what to look at")] | None = None
    result: str | None = None
    metadata: dict[str, Any] | None = None
    artifacts: Annotated[list[str], Meta(description="files in the workspace to keep")] = []


class WaitFor(AboutTask, kw_only=True):
    children: Annotated[list[str], Meta(description="ids that must be done first")]
    summary: Annotated[str, Meta(description="where you stand, for your next run")] | None = None


class CommentOn(AboutTask, kw_only=True):
    body: str


class Commented(msgspec.Struct, frozen=True):
    """The id of a new comment, and of its task."""

    id: int
    task_id: str


class Claim(AboutTask, kw_only=True):
    claimer: str | None = None
    ttl_seconds: int | None = None


class Claimed(msgspec.Struct, frozen=True):
    """Whether the task could be had, and what proves it: the run and its claim lock."""

    id: str
    claimed: bool
    run_id: int | None = None
    claim_lock: str | None = None


def _heartbeat(call: Call, asked: Heartbeat) -> Changed:
    outcome = kb.heartbeat_claim(
        call.conn, asked.task_id, ttl_seconds=asked.ttl_seconds, **call.caller.runs
    )
    return changed(call, asked.task_id, outcome)


def _complete(call: Call, asked: Complete) -> Changed:
    outcome = kb.complete_task(
        call.conn,
        asked.task_id,
        summary=asked.summary,
        result=asked.result,
        metadata=asked.metadata,
        created_cards=asked.created_cards,
        artifacts=asked.artifacts,
        kept=call.caller.kept,
        **call.caller.signs,
    )
    return changed(call, asked.task_id, outcome)


def _block(call: Call, asked: Block) -> Changed:
    outcome = kb.block_task(
        call.conn,
        asked.task_id,
        reason=asked.reason,
        kind=asked.kind,
        retry_in_seconds=asked.retry_in_seconds,
        kept=call.caller.kept,
        **call.caller.signs,
    )
    return changed(call, asked.task_id, outcome)


def _request_review(call: Call, asked: RequestReview) -> Changed:
    outcome = kb.request_review(
        call.conn,
        asked.task_id,
        summary=asked.summary,
        result=asked.result,
        metadata=asked.metadata,
        artifacts=asked.artifacts,
        kept=call.caller.kept,
        **call.caller.runs,
    )
    return changed(call, asked.task_id, outcome)


def _wait_for(call: Call, asked: WaitFor) -> Changed:
    outcome = kb.wait_for(
        call.conn,
        asked.task_id,
        asked.children,
        summary=asked.summary,
        kept=call.caller.kept,
        **call.caller.runs,
    )
    return changed(call, asked.task_id, outcome)


def _comment(call: Call, asked: CommentOn) -> Commented:
    comment_id = kb.add_comment(call.conn, asked.task_id, asked.body, **call.caller.signs)
    return Commented(comment_id, asked.task_id)


def _claim(call: Call, asked: Claim) -> Claimed:
    task = kb.claim_task(
        call.conn, asked.task_id, claimer=asked.claimer, ttl_seconds=asked.ttl_seconds
    )
    if task is None:
        return Claimed(asked.task_id, False)
    return Claimed(task.id, True, task.current_run_id, task.claim_lock)


WORKING = (
    Verb(
        name="complete",
        request=Complete,
        response=Changed,
        function=_complete,
        sentence="Finish your task and hand its result over.",
        least="worker",
        tool="kanban_complete",
        ends_run=True,
        of_this_host=frozenset({"artifacts"}),
    ),
    Verb(
        name="block",
        request=Block,
        response=Changed,
        function=_block,
        sentence="Stop your task until what is missing is there, and say what that is.",
        least="worker",
        tool="kanban_block",
        ends_run=True,
    ),
    Verb(
        name="heartbeat",
        request=Heartbeat,
        response=Changed,
        function=_heartbeat,
        sentence="Say that your task is still being worked on.",
        least="worker",
        tool="kanban_heartbeat",
        idempotent=True,
    ),
    Verb(
        name="comment",
        request=CommentOn,
        response=Commented,
        function=_comment,
        sentence="Write a comment on the task, for people and other agents.",
        least="worker",
        tool="kanban_comment",
    ),
    Verb(
        name="request_review",
        request=RequestReview,
        response=Changed,
        function=_request_review,
        sentence="Hand your task in for review, instead of completing it.",
        least="extra",
        tool="kanban_request_review",
        ends_run=True,
        of_run=True,
        of_this_host=frozenset({"artifacts"}),
    ),
    Verb(
        name="wait_for",
        request=WaitFor,
        response=Changed,
        function=_wait_for,
        sentence="Hand your task back until others are done; it runs again with their results.",
        least="extra",
        tool="kanban_wait_for",
        ends_run=True,
        of_run=True,
    ),
    Verb(
        name="claim",
        request=Claim,
        response=Claimed,
        function=_claim,
        sentence="Take a ready task by hand, outside the dispatcher.",
    ),
)
