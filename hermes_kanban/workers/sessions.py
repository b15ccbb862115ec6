"""Which conversation a run goes on with: the task's wish, else the profile's habit."""

from __future__ import annotations

import os

from hermes_kanban import kernel as kb
from hermes_kanban.config import Profile
from hermes_kanban.machine import machine
from hermes_kanban.model import Run
from hermes_kanban.workers import environment
from hermes_kanban.workers.runtimes import runtime_named


def session_to_resume(conn: kb.BoardConnection, run: Run, profile: Profile) -> str | None:
    """The runtime's name of the conversation to go on with, None to begin one."""
    last = conversation_to_resume(conn, run, profile)
    return None if last is None else last.session


def conversation_to_resume(conn: kb.BoardConnection, run: Run, profile: Profile) -> Run | None:
    """The earlier run whose conversation ``run`` goes on with, None to begin one.

    Only a conversation of the same task, profile, runtime and host can be gone on with: the
    client keeps it in files of its own, and not for ever.
    """
    wanted = profile.resume if run.resume is None else bool(run.resume)
    if not wanted:
        return None
    last = kb.last_conversation(conn, run)
    if last is None or last.runtime != profile.runtime:
        return None
    where = last.worker_identity
    here = where is not None and where.host == machine().host
    return last if here and _is_kept(last, profile) else None


def _is_kept(last: Run, profile: Profile) -> bool:
    runtime = runtime_named(profile.runtime)
    if runtime.keeps is None or last.session is None:
        return True
    agents = environment.inherited(os.environ, runtime.inherits) | profile.env
    return runtime.keeps(agents, last.profile or "", last.session)
