"""One way for every surface to call a verb: who may, on which task, and what else to tell."""

from __future__ import annotations

from typing import Any

import msgspec

from hermes_kanban import kernel as kb
from hermes_kanban.model.errors import InvalidInput, NotAllowed
from hermes_kanban.verbs import table
from hermes_kanban.verbs.caller import Caller, worker
from hermes_kanban.verbs.verb import Call, Verb


class Answer(msgspec.Struct, frozen=True):
    """What the verb answers, and for a worker what came in since its last call."""

    result: Any
    inbox: kb.Inbox | None = None


def perform(
    conn: kb.BoardConnection, caller: Caller, verb: Verb, asked: msgspec.Struct | dict[str, Any]
) -> Answer:
    """Call ``verb`` as ``caller``; ``asked`` is its request, or the arguments of one.

    Raises InvalidInput for arguments that do not fit, NotAllowed where the caller's rights end,
    WriteRefused and StaleRun for a run that is not current any more, and what the kernel raises.
    """
    request = asked if isinstance(asked, msgspec.Struct) else decode(verb, asked)
    if caller.run_id is not None:
        caller = _as_the_board_knows(conn, caller)
    _check_rights(caller, verb)
    _aim(caller, verb, request)
    before = _peek(conn, caller) if verb.ends_run else None
    result = _call(conn, caller, verb, request)
    if caller.run_id is None:
        return Answer(result)
    return Answer(result, before if verb.ends_run else kb.take_inbox(conn, caller.run_id))


def decode(verb: Verb, arguments: dict[str, Any]) -> msgspec.Struct:
    """The request that the arguments say; raises InvalidInput naming the field."""
    known = {field.encode_name for field in msgspec.structs.fields(verb.request)}
    for name in arguments:
        if name not in known:
            raise InvalidInput(name, ", ".join(sorted(known)) or "no argument", "is not known")
    try:
        return msgspec.convert(arguments, verb.request)
    except msgspec.ValidationError as error:
        said, _, where = str(error).partition(" - at `$.")
        field = where.rstrip("`") or "arguments"
        raise InvalidInput(field, f"{verb.name} takes {_fields(verb)}", f"({said})") from None


def _fields(verb: Verb) -> str:
    return ", ".join(field.encode_name for field in msgspec.structs.fields(verb.request))


def _as_the_board_knows(conn: kb.BoardConnection, caller: Caller) -> Caller:
    """The caller with the profile that the run's row names; what it was told counts for nothing."""
    run_id = caller.run_id or 0
    run = kb.get_run(conn, run_id)
    if run.task_id != caller.task_id or run.claim_lock != caller.claim_lock:
        raise kb.stale(conn, run_id, caller.task_id or "")
    return worker(
        run.task_id,
        run_id,
        caller.claim_lock,
        profile=run.profile,
        profiles=conn.config.profiles,
        read_only=caller.read_only,
    )


def _check_rights(caller: Caller, verb: Verb) -> None:
    if caller.read_only and verb.changes:
        raise NotAllowed(f"{verb.name}: {caller.read_only}", "reading", "leave it to that agent")
    if not table.may(caller, verb):
        names = ", ".join(one.name for one in table.VERBS.values() if table.may(caller, one))
        raise NotAllowed(
            f"profile {caller.profile or '-'} may not {verb.name}",
            names,
            "a person can allow it: see tools and orchestrator in the profile",
        )
    if caller.kind == "person" and verb.of_run:
        raise NotAllowed(f"only a run may {verb.name}", "the worker of the task", "claim it first")


def _aim(caller: Caller, verb: Verb, request: Any) -> None:
    """A worker's request is about its own task unless it may orchestrate."""
    if not verb.about_task:
        return
    if not request.task_id:
        if caller.task_id is None:
            raise InvalidInput("task_id", "the id of a task", "is missing")
        request.task_id = caller.task_id
    own = request.task_id == caller.task_id
    if caller.kind == "person" or own:
        return
    if not caller.rights.orchestrator:
        raise NotAllowed(
            f"{request.task_id} is not your task",
            f"your own task, {caller.task_id}",
            "leave task_id out; only an orchestrating profile reaches other tasks",
        )
    if verb.ends_run or verb.name == "heartbeat":
        raise NotAllowed(
            f"{verb.name} is for the run of {request.task_id}",
            f"your own task, {caller.task_id or 'none'}",
            "comment on the task instead",
        )


def _call(conn: kb.BoardConnection, caller: Caller, verb: Verb, request: Any) -> Any:
    call = Call(conn, caller)
    # These sign as the profile, so that the run behind it must be current when they are written.
    if caller.run_id is not None and verb.least == "orchestrator" and verb.changes:
        with kb.batch(conn):
            kb.must_be_current(conn, caller.run_id, caller.claim_lock)
            return verb.function(call, request)
    return verb.function(call, request)


def _peek(conn: kb.BoardConnection, caller: Caller) -> kb.Inbox | None:
    """What the run has not been told and never will be, once it has ended."""
    return None if caller.run_id is None else kb.peek_inbox(conn, caller.run_id)
