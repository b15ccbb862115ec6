"""The errors a caller may meet: one base, few named children.

Each message says what was wrong, what is allowed and what to do. ``BoardBusy``,
``BoardDamaged``, ``BoardTooNew`` and ``DiskFull`` also derive from
``sqlite3.OperationalError``, so code written against plain SQLite keeps its handlers.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from hermes_kanban.model.records import Decision, Refused


class KanbanError(Exception):
    """Base of everything the board raises on purpose."""


class NotFound(KanbanError):
    """The named task, run, board or subscription does not exist."""

    def __init__(self, noun: str, name: object, hint: str = "") -> None:
        self.noun, self.name = noun, name
        super().__init__(f"no {noun} {name!s}" + (f"; {hint}" if hint else ""))


class IllegalTransition(KanbanError):
    """The lifecycle table does not allow ``verb`` from ``status``.

    ``allowed`` lists the statuses from which the verb is legal.
    """

    def __init__(self, verb: str, status: str, allowed: Iterable[str], hint: str = "") -> None:
        self.verb, self.status, self.allowed = verb, status, tuple(allowed)
        listed = ", ".join(self.allowed) or "nothing"
        message = f"cannot {verb} a task that is {status}; allowed from: {listed}"
        super().__init__(message + (f"; {hint}" if hint else ""))


class CannotUndo(KanbanError):
    """A verb cannot be taken back; ``reason`` says why and ``instead`` what to do."""

    def __init__(self, verb: str, reason: str, instead: str) -> None:
        self.verb, self.reason, self.instead = verb, reason, instead
        super().__init__(f"cannot undo {verb}: {reason}; instead: {instead}")


class AlreadyDecided(KanbanError):
    """Somebody was first to decide the question; ``decision`` says who and how."""

    def __init__(self, task_id: str, decision: Decision, sentence: str) -> None:
        self.task_id, self.decision = task_id, decision
        super().__init__(f"{task_id} was {sentence}")


class InvalidInput(KanbanError, ValueError):
    """A value is not acceptable; ``field`` names it and ``allowed`` says what is.

    ``problem`` is what is wrong with it, without its name.
    """

    def __init__(self, field: str, allowed: str, problem: str = "is not valid") -> None:
        self.field, self.allowed, self.problem = field, allowed, problem
        super().__init__(f"{field} {problem}; allowed: {allowed}")


class StaleRun(KanbanError):
    """A run that has ended, or a lock that is not its own, tried to write.

    ``now`` says in words what became of its task.
    """

    def __init__(self, run_id: int, task_id: str, now: str) -> None:
        self.run_id, self.task_id, self.now = run_id, task_id, now
        super().__init__(
            f"run {run_id} of {task_id} has ended or was given another lock; "
            f"only a current run may write; {now}"
        )


class NotAllowed(KanbanError):
    """The caller's rights end before this; ``allowed`` says what they reach, ``instead`` a way."""

    def __init__(self, problem: str, allowed: str, instead: str) -> None:
        self.allowed, self.instead = allowed, instead
        super().__init__(f"{problem}; allowed: {allowed}; {instead}")


class WriteRefused(KanbanError):
    """A worker's write was not applied, since its run is not the current one."""

    def __init__(self, refused: Refused) -> None:
        self.refused = refused
        holder = f"; held by {refused.holder} in run {refused.current_run_id}"
        super().__init__(f"refused: {refused.reason}" + (holder if refused.holder else ""))


class InUse(KanbanError):
    """Something that still lives stands in the way; ``holder`` names it."""

    def __init__(self, what: str, holder: str, hint: str) -> None:
        self.holder = holder
        super().__init__(f"{what}: {holder}; {hint}")


class ConfigError(KanbanError):
    """The configuration is wrong; the message names key, file, line and the nearest valid key."""


class BoardBusy(KanbanError, sqlite3.OperationalError):
    """The writer lock was not free within the bounded wait; ``holder`` names who has it."""

    def __init__(self, holder: str, waited_seconds: float) -> None:
        self.holder = holder
        super().__init__(
            f"the board is busy: {holder} has held it for over {waited_seconds:.0f} s; try again"
        )


class BoardDamaged(KanbanError, sqlite3.OperationalError):
    """The file is not a board, or is one that is damaged; it was left untouched."""


class BoardTooNew(KanbanError, sqlite3.OperationalError):
    """A newer hermes-kanban wrote this board; this version must not touch it."""


class BoardMoved(KanbanError, sqlite3.OperationalError):
    """The board lies elsewhere now, or is on its way here; the message says where to find it."""


class DiskFull(KanbanError, sqlite3.OperationalError):
    """The disk has no room; nothing was changed."""


class BoardUnreachable(KanbanError, sqlite3.OperationalError):
    """The database server does not answer, or broke off; the message says what became of it all."""


class FateUnknown(BoardUnreachable):
    """It broke off while a change was being committed: nobody knows whether that was kept."""


class NotNow(KanbanError, sqlite3.OperationalError):
    """The database refused a statement for a reason of its own: the same may be taken later."""


class IdTaken(KanbanError, sqlite3.IntegrityError):
    """A task has the id that was drawn for a new one; nothing was changed."""


class AcceptedBefore(KanbanError):
    """A hand-over that was repeated is the one by which its run has ended; nothing was changed."""

    def __init__(self, task_id: str, run_id: int) -> None:
        self.task_id, self.run_id = task_id, run_id
        super().__init__(f"run {run_id} of {task_id} has ended by this very hand-over")
