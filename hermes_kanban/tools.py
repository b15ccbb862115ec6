"""The agents' tools as Python functions, for agents without MCP.

    from hermes_kanban import tools

    print(tools.context().text)
    tools.comment(body="Half way")
    tools.complete(summary="Counted 12,000 words", artifacts=["count.txt"])

Each verb that the caller may call is a function here, with the arguments and the answer of
``hermes_kanban.verbs``; docs/reference/verbs.md lists them. Who calls is told by the environment,
as for a worker's command line: the run of ``HERMES_KANBAN_TASK``, or an orchestrating
``HERMES_PROFILE``.
What came in meanwhile is in ``inbox()``: look there now and then.

While the board's database is away, calls wait a few seconds; what ends the run is then kept on disk
and handed in later (the answer's ``changed`` is False).

Raises what the verbs raise (``hermes_kanban.kernel.KanbanError`` and its children), NotAllowed
where neither a run nor an orchestrating profile is in force.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import msgspec

from hermes_kanban import kernel as kb
from hermes_kanban.paths import board_paths
from hermes_kanban.surfaces.mcp.inforce import InForce
from hermes_kanban.verbs import VERBS, Answer, Caller, Changed, Verb, offered, perform
from hermes_kanban.verbs.keeping import hand_in, patiently
from hermes_kanban.verbs.perform import decode

_lock = threading.Lock()
_told: list[kb.Inbox] = []


def names() -> list[str]:
    """The verbs that the caller of this process may call."""
    return [verb.name for verb in offered(_caller())]


def inbox() -> kb.Inbox:
    """What the calls since the last look brought beside their answers, the oldest first.

    ``stop`` and ``seconds_left`` are as the newest call told them.
    """
    with _lock:
        told = _told[:]
        _told.clear()
    if not told:
        return kb.Inbox()
    news = [one for inbox in told for one in inbox.news]
    return msgspec.structs.replace(told[-1], news=news)


def __getattr__(name: str) -> Callable[..., Any]:
    verb = VERBS.get(name)
    if verb is None or verb.tool is None:
        raise AttributeError(f"there is no tool {name}; see hermes_kanban.tools.names()")
    return _function(verb)


def __dir__() -> list[str]:
    return sorted(["inbox", "names", *(verb.name for verb in VERBS.values() if verb.tool)])


@functools.cache
def _function(verb: Verb) -> Callable[..., Any]:
    def call(**arguments: Any) -> Any:
        caller = _caller()
        try:
            answer = _perform(caller, verb, arguments)
        except kb.FateUnknown:
            if not verb.ends_run:
                raise
            return _keep(caller, verb, arguments)
        except kb.BoardUnreachable:
            if verb.ends_run and caller.run_id is not None:
                return _keep(caller, verb, arguments)
            answer = patiently(lambda: _perform(caller, verb, arguments))
        if answer.inbox is not None:
            with _lock:
                _told.append(answer.inbox)
        return answer.result

    call.__name__ = call.__qualname__ = verb.name
    call.__doc__ = f"{verb.sentence}\n\n{verb.response.__doc__ or ''}"
    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if field.required else field.default,
                annotation=field.type,
            )
            for field in msgspec.structs.fields(verb.request)
        ],
        return_annotation=verb.response,
    )
    return call


def _perform(caller: Caller, verb: Verb, arguments: dict[str, Any]) -> Answer:
    conn = kb.connect(for_worker=True)
    try:
        return perform(conn, caller, verb, arguments)
    finally:
        conn.close()


def _keep(caller: Caller, verb: Verb, arguments: dict[str, Any]) -> Changed:
    """What ends a run waits on disk where the board's database is away; that is said once."""
    told = hand_in(
        board_paths(),
        lambda: kb.connect(for_worker=True),
        caller,
        verb,
        decode(verb, arguments),
    )
    sys.stderr.write(f"hermes-kanban: {told.text}\n")
    status = "running" if told.waits else kb.get_task(kb.connect(), caller.task_id or "").status
    return Changed(caller.task_id or "", status, not told.waits)


def _caller() -> Caller:
    run = os.environ.get("HERMES_KANBAN_RUN_ID", "")
    task_id = os.environ.get("HERMES_KANBAN_TASK") or None
    if task_id is not None and not run.isdecimal():
        allowed = "the number of the run that HERMES_KANBAN_TASK is in"
        raise kb.InvalidInput("HERMES_KANBAN_RUN_ID", allowed, f"is {run!r}")
    found = InForce(
        task_id=task_id,
        run_id=int(run) if task_id else None,
        claim_lock=os.environ.get("HERMES_KANBAN_CLAIM_LOCK") or None,
        profile=os.environ.get("HERMES_PROFILE") or None,
        via="python",
    ).caller()
    if found is None:
        raise kb.NotAllowed(
            "nobody is in force here",
            "the worker of a task (HERMES_KANBAN_TASK, _RUN_ID, _CLAIM_LOCK), or an orchestrating"
            " profile (HERMES_PROFILE)",
            "people use hermes_kanban.kernel",
        )
    return found
