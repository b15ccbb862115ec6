"""What a verb is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from hermes_kanban import kernel as kb
from hermes_kanban.verbs.caller import Caller

Least = Literal["worker", "extra", "orchestrator", "person"]
"""The least that a caller must be. ``worker``: any run, on its own task; ``extra``: a run whose
profile names the verb, on its own task; ``orchestrator``: an orchestrating profile, on any task.
A person may call every verb that is not a run's own."""


class Call(msgspec.Struct, frozen=True):
    """One call: the board, and who calls."""

    conn: kb.BoardConnection
    caller: Caller


class Changed(msgspec.Struct, frozen=True):
    """What a verb made of a task; ``changed`` is False where there was nothing to do."""

    id: str
    status: str
    changed: bool = True


class Verb(msgspec.Struct, frozen=True, kw_only=True):
    """One verb, for every surface.

    ``request`` and ``response`` are Structs. ``tool`` is its name among the agents' tools, None
    where it is none. ``about_task``: the request has ``task_id``, which a worker may leave out
    for its own. ``ends_run``: it closes the run that calls it. ``of_run``: only a run may call
    it, or a person in its place where the kernel allows that. ``of_this_host`` are the properties
    of its request that name files of this machine: who calls from elsewhere has none of them.
    ``told_by_events``: what it answers changes with events of the board, and not otherwise.
    """

    name: str
    request: type[msgspec.Struct]
    response: type[msgspec.Struct]
    function: Callable[[Call, Any], Any]
    sentence: str
    least: Least = "person"
    tool: str | None = None
    changes: bool = True
    destructive: bool = False
    idempotent: bool = False
    about_task: bool = True
    ends_run: bool = False
    of_run: bool = False
    of_this_host: frozenset[str] = frozenset()
    told_by_events: bool = False


def changed(call: Call, task_id: str, outcome: bool | kb.Refused) -> Changed:
    """The short answer of a verb that changes a task; a refusal becomes WriteRefused."""
    if isinstance(outcome, kb.Refused):
        raise kb.WriteRefused(outcome)
    return Changed(task_id, kb.get_task(call.conn, task_id).status, bool(outcome))
