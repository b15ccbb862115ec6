"""Commands that end a run: where the board cannot be reached, what was handed in is kept."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hermes_kanban import kernel as kb
from hermes_kanban.paths import board_paths
from hermes_kanban.surfaces.cli import answers
from hermes_kanban.surfaces.cli.errors import Conflict
from hermes_kanban.surfaces.cli.session import OWN_RUN, OWN_TASK, Session

if TYPE_CHECKING:
    from hermes_kanban.verbs import Caller


def apply(
    session: Session,
    tasks: Sequence[str],
    verb: str,
    asked: Mapping[str, Any],
    call: answers.Verb,
    *,
    then: answers.Then | None = None,
) -> None:
    """Like ``answers.apply``; ``asked`` is the verb's request, kept for a board that is away."""
    if session.afar:
        _call_afar(session, tasks, verb, asked, then)
        return
    session.patient = False
    try:
        answers.apply(session, tasks, call, then=then)
    except kb.BoardUnreachable:
        caller = _worker(session, tasks) if then is None else None
        if caller is None:
            raise
        _keep(session, caller, verb, asked)


def _call_afar(
    session: Session,
    tasks: Sequence[str],
    verb: str,
    asked: Mapping[str, Any],
    then: answers.Then | None,
) -> None:
    from hermes_kanban.surfaces.cli import afar

    if len(tasks) > 1 or then is not None:
        raise Conflict("through a gateway one command ends one run, and takes no other")
    afar.call(session, verb, asked, tasks[0])


def _worker(session: Session, tasks: Sequence[str]) -> Caller | None:
    """The run that acts on its one task; None for people, whose work is not lost with a command."""
    from hermes_kanban.config import load_last_good
    from hermes_kanban.verbs import worker

    run = str(session.run) if session.run is not None else os.environ.get(OWN_RUN, "")
    if len(tasks) != 1 or not run.isdecimal():
        return None
    if session.run is None and session.own_task() != tasks[0]:
        return None
    if (standing := session.standing()) is not None:
        standing.check(as_person=session.as_person, task=os.environ.get(OWN_TASK))
    given = session.lock if session.run is not None else os.environ.get("HERMES_KANBAN_CLAIM_LOCK")
    profiles = load_last_good(board_paths(session.board).home).profiles
    profile = os.environ.get("HERMES_PROFILE")
    return worker(tasks[0], int(run), given or None, profile=profile, profiles=profiles)


def _keep(session: Session, caller: Caller, name: str, asked: Mapping[str, Any]) -> None:
    from hermes_kanban.verbs import VERBS
    from hermes_kanban.verbs.keeping import NotTaken, hand_in
    from hermes_kanban.verbs.perform import decode

    session.close()
    request = decode(VERBS[name], {key: value for key, value in asked.items() if value is not None})
    task_id = caller.task_id or ""
    try:
        told = hand_in(
            board_paths(session.board),
            lambda: kb.connect(session.board, for_worker=True),
            caller,
            VERBS[name],
            request,
        )
    except NotTaken as error:
        raise Conflict(str(error)) from None
    handed_in = {"task_id": task_id, "run_id": caller.run_id, "verb": name, "waits": told.waits}
    session.answer("handed_in", handed_in, [told.text])
