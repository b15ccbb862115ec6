"""Performing verbs for people: one, or several in a row, each a transaction of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from hermes_kanban import cautions
from hermes_kanban import kernel as kb
from hermes_kanban.cautions import Caution
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.surfaces.rest.operations import Operation, about, touched
from hermes_kanban.surfaces.rest.problems import Problem, ProblemBody
from hermes_kanban.surfaces.rest.requests import asked
from hermes_kanban.verbs import Caller, perform

BULK_ITEMS: Final = 500
BULK_BYTES: Final = 8 * 1024 * 1024
CURSOR_HEADER: Final = "Board-Cursor"
# Beside the verbs on one task; others leave nothing that ``undo`` knows of.
_WITH_INVERSE: Final = frozenset(
    {"create", "link", "unlink", "undo", "pause", "resume", "drain_host", "resume_host"}
)
_VERSION: Final = metadata.version("hermes-kanban")


class Answer(msgspec.Struct, frozen=True):
    """What goes back: a status, a body, and headers of its own."""

    status: int
    body: bytes
    headers: dict[str, str] = {}


class BulkItem(msgspec.Struct, kw_only=True):
    """One verb with its arguments, those of the path included."""

    verb: str
    arguments: dict[str, Any] = {}


class Bulk(msgspec.Struct, kw_only=True):
    """Verbs to be performed one after the other, whatever becomes of those before."""

    items: Annotated[list[BulkItem], Meta(min_length=1, max_length=BULK_ITEMS)]


class BulkResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one item: ``answer`` as the verb alone would have given, or ``problem``."""

    verb: str
    status: int
    answer: Any = None
    problem: ProblemBody | None = None


class BulkResults(msgspec.Struct, frozen=True, kw_only=True):
    """One result an item, in their order; ``failed`` counts those with a problem."""

    results: list[BulkResult]
    failed: int
    cursor: int


def read(
    conn: kb.BoardConnection,
    caller: Caller,
    operation: Operation,
    request: msgspec.Struct,
    known: str | None,
) -> Answer:
    """The answer of a verb that changes nothing; empty with 304 if the caller has it already.

    ``known`` is the ``If-None-Match`` of the request. Where events alone change an answer, they
    say so without it being made.
    """
    position = kb.newest_event_id(conn)
    headers = {CURSOR_HEADER: str(position)}
    tag = None
    if operation.verb.told_by_events:
        tag = f'W/"{conn.board_id[:8]}-{position}-{_VERSION}"'
        if _matches(known, tag):
            return Answer(304, b"", headers | {"ETag": tag})
    body = msgspec.json.encode(perform(conn, caller, operation.verb, request).result)
    tag = tag or f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    headers["ETag"] = tag
    return Answer(304, b"", headers) if _matches(known, tag) else Answer(200, body, headers)


def _matches(known: str | None, tag: str) -> bool:
    """Weakly, as conditional reads are compared."""
    tags = [one.strip().removeprefix("W/") for one in (known or "").split(",")]
    return tag.removeprefix("W/") in tags or tags == ["*"]


def write(
    conn: kb.BoardConnection, caller: Caller, operation: Operation, request: msgspec.Struct
) -> Answer:
    """The answer of a verb that changes something, with what its caller should hear besides."""
    answer = _performed(conn, caller, operation, request)
    headers = {CURSOR_HEADER: str(kb.newest_event_id(conn))}
    if operation.verb.name == "create":
        headers["Location"] = f"/api/v1/boards/{conn.paths.slug}/tasks/{answer['id']}"
    return Answer(operation.answers, msgspec.json.encode(answer), headers)


def _performed(
    conn: kb.BoardConnection, caller: Caller, operation: Operation, request: msgspec.Struct
) -> dict[str, Any]:
    written = conn.events_written
    result = perform(conn, caller, operation.verb, request).result
    told: dict[str, Any] = msgspec.to_builtins(result)
    if operation.verb.changes:
        told["warnings"] = _warnings(conn, operation, request, result)
        changed = conn.events_written > written
        told["undoable"] = changed and _undoable(conn, caller, operation, request, result)
    return told


def _undoable(
    conn: kb.BoardConnection,
    caller: Caller,
    operation: Operation,
    request: msgspec.Struct,
    result: Any,
) -> bool:
    """Whether ``undo`` would take back what was just done, and nothing else."""
    verb = operation.verb
    if not verb.about_task and verb.name not in _WITH_INVERSE:
        return False
    task_id = touched(request, result)
    try:
        return kb.can_undo(conn, task_id, actor=caller.actor or "")
    except kb.KanbanError:
        return False  # as with warnings: the verb was performed


def _warnings(
    conn: kb.BoardConnection, operation: Operation, request: msgspec.Struct, result: Any
) -> list[Caution]:
    task_id = about(operation, request, result)
    return [] if task_id is None else cautions.about_task(conn, task_id)


def bulk(
    conn: kb.BoardConnection,
    caller: Caller,
    operations: Mapping[str, Operation],
    items: list[BulkItem],
    report: Callable[[Exception], Problem],
) -> Answer:
    """The answers of several verbs; one that fails keeps none of the others from being tried.

    Once they are long together, what only reads is refused.
    """
    results: list[BulkResult] = []
    room = BULK_BYTES
    for item in items:
        results.append(_one(conn, caller, operations, item, report, room))
        room -= len(msgspec.json.encode(results[-1]))
    cursor = kb.newest_event_id(conn)
    answer = BulkResults(
        results=results,
        failed=sum(result.problem is not None for result in results),
        cursor=cursor,
    )
    return Answer(200, msgspec.json.encode(answer), {CURSOR_HEADER: str(cursor)})


def _operation(operations: Mapping[str, Operation], verb: str, room: int) -> Operation:
    if verb not in operations:
        raise InvalidInput("verb", ", ".join(operations), f"is {verb[:80]!r}")
    if room <= 0 and not operations[verb].verb.changes:
        raise Problem("too_long", "the answers before are too long", instead="ask this one alone")
    return operations[verb]


def _one(
    conn: kb.BoardConnection,
    caller: Caller,
    operations: Mapping[str, Operation],
    item: BulkItem,
    report: Callable[[Exception], Problem],
    room: int,
) -> BulkResult:
    try:
        operation = _operation(operations, item.verb, room)
        answer = _performed(conn, caller, operation, asked(operation, item.arguments))
    except Exception as error:
        problem = report(error)
        return BulkResult(verb=item.verb, status=problem.status, problem=problem.body)
    return BulkResult(verb=item.verb, status=operation.answers, answer=answer)
