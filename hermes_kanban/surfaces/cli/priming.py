"""``prime``: what an agent should know of this board before it begins."""

from __future__ import annotations

import os
from collections.abc import Mapping

import click

from hermes_kanban.config import Profile
from hermes_kanban.surfaces.cli.session import OWN_RUN, OWN_TASK, Session, command

LOCK = "HERMES_KANBAN_CLAIM_LOCK"
PROFILE = "HERMES_PROFILE"


@command(
    "prime",
    click.Option(["--worker"], is_flag=True, help="For a worker, whoever is in force."),
    click.Option(["--orchestrator"], is_flag=True, help="For one who plans and hands work out."),
    examples="""
    hermes-kanban prime
    hermes-kanban prime --orchestrator
    """,
)
def prime_command(session: Session, worker: bool, orchestrator: bool) -> None:
    """Tell an agent how to work with this board.

    A few lines for its start, from a hook, say. Who it is comes from the environment: the worker
    of a task, or an orchestrating profile; otherwise nothing is in force, and one line says so.
    An agent that has the tools is told their names, any other the commands.
    """
    if worker and orchestrator:
        raise click.UsageError("either --worker or --orchestrator", click.get_current_context())
    role, task, text = _told(
        session, "worker" if worker else "orchestrator" if orchestrator else None
    )
    value = {"for": role, "task_id": task, "text": text}
    session.answer("guidance", value, text.splitlines())


def _told(session: Session, wanted: str | None) -> tuple[str | None, str | None, str]:
    """For whom, about which task, and what."""
    from hermes_kanban import guidance
    from hermes_kanban.config import load
    from hermes_kanban.paths import board_paths
    from hermes_kanban.surfaces.mcp.inforce import InForce
    from hermes_kanban.verbs import VERBS, Caller, Rights, offered

    profiles = load(board_paths(session.board).home).profiles
    run = _set(OWN_RUN) or ""
    caller = InForce(
        task_id=_set(OWN_TASK),
        run_id=int(run) if run.isascii() and run.isdecimal() else None,
        claim_lock=_set(LOCK),
        profile=_set(PROFILE),
        board=session.board,
        via="cli",
    ).caller()
    if caller is not None and wanted in (None, caller.kind):
        tools = _has_tools(profiles, caller.profile)
    elif wanted == "worker":
        caller, tools = Caller(kind="worker", task_id=f"${OWN_TASK}"), False
    elif wanted == "orchestrator":
        # Whoever asks for this without a profile acts as a person, who may give to everybody.
        rights = Rights(orchestrator=True, may_assign=tuple(sorted(profiles)))
        caller, tools = Caller(kind="orchestrator", rights=rights), False
    else:
        return None, None, f"{guidance.NOTHING}\n"
    verbs = offered(caller)
    if tools:
        names = guidance.as_tools([verb.tool for verb in verbs if verb.tool is not None])
    else:
        names = guidance.as_commands([verb.name for verb in verbs])
    if caller.read_only:
        shown = VERBS["context"].tool if tools else "`hermes-kanban context`"
        text = guidance.READER.format(task=caller.task_id, context=shown)
        return "reader", caller.task_id, f"{text}\n"
    text = guidance.guide(names, task=caller.task_id, may_assign=caller.rights.may_assign)
    return caller.kind, caller.task_id, text


def _has_tools(profiles: Mapping[str, Profile], name: str | None) -> bool:
    """Whether agents of that profile are given the tools; an unknown one is on its own."""
    from hermes_kanban.workers.runtimes import runtime_named

    profile = profiles.get(name or "")
    return profile is not None and runtime_named(profile.runtime).has_tools


def _set(name: str) -> str | None:
    """A variable's value; clients leave ``${NAME}`` where they do not know one."""
    value = os.environ.get(name)
    return None if not value or value.startswith("${") else value
