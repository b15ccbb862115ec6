"""The text that an agent starts with: how to work here, and what its task is."""

from __future__ import annotations

from collections.abc import Mapping

from hermes_kanban import guidance
from hermes_kanban import kernel as kb
from hermes_kanban.config import Profile
from hermes_kanban.model import Run, Task
from hermes_kanban.verbs import offered, worker
from hermes_kanban.workers.profiles import profile_of
from hermes_kanban.workers.runtimes import runtime_named
from hermes_kanban.workers.sessions import conversation_to_resume


def prompt_for(
    conn: kb.BoardConnection, profiles: Mapping[str, Profile], task: Task, run: Run
) -> str:
    """The guidance for the tools that the run has, and its context.

    An agent that goes on with its last conversation gets what is new since then.
    A runtime without tools gets the context first, as programs read it, and then how to report.
    Raises SpawnRefused where there is no such profile or runtime.
    """
    profile = profile_of(task, profiles)
    if not runtime_named(profile.runtime).has_tools:
        context = kb.build_worker_context(conn, task.id)
        return f"{context}\n{guidance.report(profile.exit_zero)}"
    last = conversation_to_resume(conn, run, profile)
    if last is not None:
        news = kb.build_worker_context(conn, task.id, since_run=last.id)
        again = guidance.AGAIN.format(run=last.id)
        return f"{_guidance(profiles, task, run)}\n{again}\n\n{news}"
    context = kb.build_worker_context(conn, task.id)
    return f"{_guidance(profiles, task, run)}\n{context}"


def _guidance(profiles: Mapping[str, Profile], task: Task, run: Run) -> str:
    caller = worker(task.id, run.id, run.claim_lock, profile=run.profile, profiles=profiles)
    tools = [verb.tool for verb in offered(caller) if verb.tool is not None]
    return guidance.guide(
        guidance.as_tools(tools), task=task.id, may_assign=caller.rights.may_assign
    )
