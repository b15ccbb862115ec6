"""Where a caller's rights end: which verb, on which task, for whom; else NotAllowed is raised."""

from __future__ import annotations

from hermes_kanban import kernel as kb
from hermes_kanban.model.errors import NotAllowed
from hermes_kanban.verbs.caller import Caller
from hermes_kanban.verbs.verb import Verb


def may(caller: Caller, verb: Verb) -> bool:
    """Whether the caller's rights reach the verb at all; which task it is about comes later."""
    if caller.kind == "person":
        return True
    if caller.kind == "orchestrator":
        # Without a run there is nothing to finish, to hold or to hand back.
        return (verb.least in ("extra", "orchestrator") and not verb.of_run) or (
            verb.least == "worker" and not verb.ends_run and verb.name != "heartbeat"
        )
    if verb.least == "worker":
        return True
    if caller.rights.orchestrator:
        return verb.least != "person"
    return verb.least == "extra" and verb.name in caller.rights.tools


def check_verb(caller: Caller, verb: Verb) -> None:
    """Whether the caller may call the verb at all."""
    if caller.read_only and verb.changes:
        raise NotAllowed(f"{verb.name}: {caller.read_only}", "reading", "leave it to that agent")
    if not may(caller, verb):
        from hermes_kanban.verbs.table import VERBS  # which names the functions that check here

        names = ", ".join(one.name for one in VERBS.values() if may(caller, one))
        raise NotAllowed(
            f"profile {caller.profile or '-'} may not {verb.name}",
            names,
            "a person can allow it: see tools and orchestrator in the profile",
        )
    if caller.kind == "person" and verb.of_run:
        raise NotAllowed(f"only a run may {verb.name}", "the worker of the task", "claim it first")


def check_task(caller: Caller, verb: Verb, task_id: str) -> None:
    """Whether the caller may call the verb on that task: a worker on its own, an orchestrator on
    any, but for what is the business of the run that has it."""
    if caller.kind == "person" or task_id == caller.task_id:
        return
    if not caller.rights.orchestrator:
        raise NotAllowed(
            f"{task_id} is not your task",
            f"your own task, {caller.task_id}",
            "leave task_id out; only an orchestrating profile reaches other tasks",
        )
    if verb.ends_run or verb.name == "heartbeat":
        raise NotAllowed(
            f"{verb.name} is for the run of {task_id}",
            f"your own task, {caller.task_id or 'none'}",
            "comment on the task instead",
        )


def check_assignee(caller: Caller, assignee: str | None) -> None:
    """An agent assigns only to the profiles that its own profile names."""
    if caller.kind == "person" or assignee is None or assignee in caller.rights.may_assign:
        return
    allowed = ", ".join(caller.rights.may_assign) or "nobody (leave the assignee out)"
    raise NotAllowed(
        f"profile {caller.profile} may not assign to {assignee}",
        allowed,
        f"a person can add {assignee} to may_assign of profile {caller.profile}",
    )


def check_link(conn: kb.BoardConnection, caller: Caller, *task_ids: str) -> None:
    """A worker that does not orchestrate links its own task and those that its run created."""
    if caller.kind != "worker" or caller.rights.orchestrator:
        return
    for task_id in task_ids:
        task = kb.get_task(conn, task_id)
        if task_id != caller.task_id and task.created_run_id != caller.run_id:
            raise NotAllowed(
                f"{task_id} is neither your task nor one that you created",
                f"{caller.task_id} and the tasks that run {caller.run_id} created",
                "ask a person or an orchestrating profile to link it",
            )
