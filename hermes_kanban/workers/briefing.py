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


def prompt_for(
    conn: kb.BoardConnection, profiles: Mapping[str, Profile], task: Task, run: Run
) -> str:
    """The guidance for the tools that the run has, and its context.

    A runtime without tools gets the context first, as programs read it, and then how to report.
    Raises SpawnRefused where there is no such profile or runtime.
    """
    profile = profile_of(task, profiles)
    context = kb.build_worker_context(conn, task.id)
    if not runtime_named(profile.runtime).has_tools:
        return f"{context}\n{guidance.report(profile.exit_zero)}"
    return f"{_guidance(profiles, task, run)}\n{context}"


def _guidance(profiles: Mapping[str, Profile], task: Task, run: Run) -> str:
    caller = worker(task.id, run.id, run.claim_lock, profile=run.profile, profiles=profiles)
    tools = [verb.tool for verb in offered(caller) if verb.tool is not None]
    return guidance.guide(
        guidance.as_tools(tools), task=task.id, may_assign=caller.rights.may_assign
    )
