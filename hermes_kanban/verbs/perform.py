"""One way for every surface to call a verb: who may, on which task, and what else to tell."""

from __future__ import annotations

from typing import Any

import msgspec

from hermes_kanban import kernel as kb
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.verbs import rights
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
        caller = as_the_board_knows(conn, caller)
    rights.check_verb(caller, verb)
    aim(caller, verb, request)
    _check_files(caller, verb, request)
    before = _peek(conn, caller) if verb.ends_run else None
    result = _call(conn, caller, verb, request)
    if caller.run_id is None:
        return Answer(result)
    return Answer(result, before if verb.ends_run else kb.take_inbox(conn, caller.run_id))


def decode(verb: Verb, arguments: dict[str, Any], *, strict: bool = True) -> msgspec.Struct:
    """The request that the arguments say; raises InvalidInput naming the field.

    Where they come as text, such as in a query, ``strict`` is False.
    """
    known = {field.encode_name for field in msgspec.structs.fields(verb.request)}
    for name in arguments:
        if name not in known:
            raise InvalidInput(name, ", ".join(sorted(known)) or "no argument", "is not known")
    try:
        return msgspec.convert(arguments, verb.request, strict=strict)
    except msgspec.ValidationError as error:
        said, _, where = str(error).partition(" - at `$.")
        field = where.rstrip("`") or "arguments"
        raise InvalidInput(field, f"{verb.name} takes {_fields(verb)}", f"({said})") from None


def _fields(verb: Verb) -> str:
    return ", ".join(field.encode_name for field in msgspec.structs.fields(verb.request))


def as_the_board_knows(conn: kb.BoardConnection, caller: Caller) -> Caller:
    """The worker with the profile that its run's row names: what it was told counts for nothing.

    Raises StaleRun if the run is none of its task, or the lock not its own.
    """
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
        kept=caller.kept,
        elsewhere=caller.elsewhere,
    )


def aim(caller: Caller, verb: Verb, request: Any) -> None:
    """A request without a task is about the caller's own; about another it must be allowed."""
    if not verb.about_task:
        return
    if not request.task_id:
        if caller.task_id is None:
            raise InvalidInput("task_id", "the id of a task", "is missing")
        request.task_id = caller.task_id
    rights.check_task(caller, verb, request.task_id)


def _check_files(caller: Caller, verb: Verb, request: Any) -> None:
    """A file is named by its place on the host of the run; on another, some other may lie there.

    Raises InvalidInput. What was uploaded is here.
    """
    uploaded = caller.kept is not None and caller.kept.files is not None
    if caller.elsewhere is None or uploaded:
        return
    for name in sorted(verb.of_this_host):
        if getattr(request, name):
            problem = f"would be looked for on the wrong host: the run works on {caller.elsewhere}"
            raise InvalidInput(name, f"through the gateway of {caller.elsewhere}", problem)


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
