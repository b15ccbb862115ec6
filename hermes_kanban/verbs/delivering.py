"""Hand-overs that wait on this host's disk, handed in once the board can be reached again.

Whoever ended up with one keeps it, whoever comes next delivers it: the tool that kept it for a
while, the gateway of this host at each of its looks. The board takes it once, however often and by
how many it is handed in.
"""

from __future__ import annotations

import sqlite3
from typing import Final, Literal

import msgspec

from hermes_kanban import handovers
from hermes_kanban import kernel as kb
from hermes_kanban.handovers import HandOver
from hermes_kanban.kernel.live import LiveRun
from hermes_kanban.redact import one_line, redact
from hermes_kanban.tokens import token_hash
from hermes_kanban.verbs.caller import Caller, worker
from hermes_kanban.verbs.perform import perform
from hermes_kanban.verbs.table import AGENTS

Outcome = Literal["accepted", "fenced", "refused"]

AFAR_SECONDS: Final = 30
"""How long after an outage an agent on another machine may take; more than its longest pause."""


class Delivery(msgspec.Struct, frozen=True):
    """What became of one hand-over; ``why`` says it of one that was not accepted."""

    name: str
    task_id: str
    run_id: int
    verb: str
    outcome: Outcome
    why: str = ""


class HandOvers:
    """Implements ``ports.HandOvers``.

    ``delivered`` tells of each that does not wait any more, ``waiting`` why one by that name still
    does although the board can be reached: each reason once.
    """

    def __init__(self) -> None:
        self.reachable_since: int | None = None
        self.held: set[int] = set()
        self.delivered: list[Delivery] = []
        self.waiting: dict[str, str] = {}
        self._reasons: dict[str, str] = {}

    def deliver(self, conn: kb.BoardConnection) -> None:
        """Hand in what waits on this host's disk."""
        self.held.clear()
        for name in handovers.waiting(handovers.place(conn.paths.root)):
            self._deliver(conn, name)

    def settled(self, conn: kb.BoardConnection, run: LiveRun) -> bool:
        """False while one of the run waits here, or may on its way from another machine.

        An agent there tries again every few seconds, so that after an outage it comes soon.
        """
        done = self._deliver(conn, str(run.id)) and not self._may_come_from_afar(conn, run)
        if not done:
            self.held.add(run.id)
        return done

    def _deliver(self, conn: kb.BoardConnection, name: str) -> bool:
        try:
            delivery = deliver(conn, name)
        except Exception as error:
            # Also a fault of ours: it must cost neither this one nor the look at all the others.
            if not isinstance(error, kb.BoardUnreachable):
                self._waits(name, redact(one_line(f"{type(error).__name__}: {error}")))
            return False
        self._reasons.pop(name, None)
        if delivery is not None:
            self.delivered.append(delivery)
        return True

    def _waits(self, name: str, why: str) -> None:
        if self._reasons.get(name) != why:
            self._reasons[name] = why
            self.waiting[name] = why

    def _may_come_from_afar(self, conn: kb.BoardConnection, run: LiveRun) -> bool:
        if run.token_hash is None or self.reachable_since is None:
            return False
        still_open = kb.get_run(conn, run.id).ended_at is None
        return still_open and conn.clock.now() < self.reachable_since + AFAR_SECONDS


def deliver(conn: kb.BoardConnection, name: str) -> Delivery | None:
    """Hand in the one of that name; None if there is none.

    Raises BoardUnreachable and what else time may heal, with the hand-over left where it is.
    """
    folder = handovers.place(conn.paths.root)
    try:
        asked = handovers.read(folder, name)
    except ValueError as error:
        handovers.set_aside(folder, name, f"it cannot be read: {error}")
        return Delivery(name, "", 0, "", "refused", "it cannot be read")
    if asked is None:
        return None
    files = folder / name / handovers.FILES if asked.artifacts else None
    caller = _caller(conn, asked, kb.Kept(files))
    outcome, why = _hand_in(conn, caller, asked)
    if outcome == "refused":
        handovers.set_aside(folder, name, why)
    else:
        handovers.drop(folder, name)
    return Delivery(name, caller.task_id or "", caller.run_id or 0, asked.verb, outcome, why)


def _caller(conn: kb.BoardConnection, asked: HandOver, kept: kb.Kept) -> Caller:
    """The run that handed it in: by id and lock, or by its token where it had no more."""
    task_id, run_id, lock = asked.task_id, asked.run_id, asked.claim_lock
    if asked.token:
        run = kb.run_of_token(conn, token_hash(asked.token), or_ended=True)
        task_id, run_id, lock = (run.task_id, run.id, run.claim_lock) if run else ("", 0, None)
    return worker(task_id, run_id, lock, profile=None, profiles={}, kept=kept)


def _hand_in(conn: kb.BoardConnection, caller: Caller, asked: HandOver) -> tuple[Outcome, str]:
    arguments = asked.arguments | ({"artifacts": asked.artifacts} if asked.artifacts else {})
    verb = AGENTS.get(asked.verb)
    if verb is None or not verb.ends_run:
        return "refused", f"{asked.verb} ends no run"
    try:
        try:
            perform(conn, caller, verb, arguments)
        except kb.InvalidInput as error:
            if error.field != "created_cards":
                raise
            # Nobody is there any more to name the right ones.
            perform(conn, caller, verb, arguments | {"created_cards": []})
    except kb.AcceptedBefore:
        return "accepted", ""
    except kb.WriteRefused as refused:
        return "fenced", str(refused)
    except kb.KanbanError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        return "refused", str(error)
    return "accepted", ""
