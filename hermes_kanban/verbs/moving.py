"""Moving a task to another status: which verb that is, whether it may be, and why not.

A column of a board is a status, and dropping a card on it is one of the verbs that people have. The
lifecycle table says which; where a task comes to rest depends on its parents besides.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from hermes_kanban import kernel as kb
from hermes_kanban import lifecycle
from hermes_kanban.model.words import STATUSES
from hermes_kanban.verbs.verb import Call, Verb
from hermes_kanban.verbs.working import AboutTask

Target = Literal["triage", "todo", "ready", "running", "review", "blocked", "done", "archived"]
Needs = Literal["reason", "comment"]


class MoveTo(AboutTask, kw_only=True):
    to: Target
    text: Annotated[str, Meta(description="the reason, the answer or the comment")] | None = None


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One status that a task is not in.

    ``verb`` takes it there, None if none does; ``why_not`` says what stands in the way, None where
    nothing does. ``needs`` is what must be said with it. ``stops_work``: a worker is stopped.
    """

    to: Target
    verb: str | None
    allowed: bool
    why_not: str | None
    needs: Needs | None
    stops_work: bool


class Moves(msgspec.Struct, frozen=True):
    """Where a task may go from where it is; ``verbs`` are those that its status allows a person."""

    id: str
    status: str
    moves: list[Move]
    verbs: list[str]


class Moved(msgspec.Struct, frozen=True):
    """Where the task is now, and by which verb; ``changed`` is False where it was there already."""

    id: str
    status: str
    verb: str | None
    changed: bool


class IllegalMove(kb.IllegalTransition):
    """The task cannot be brought there; the message says why and where it can go."""

    def __init__(self, move: Move, moves: Moves) -> None:
        possible = [one.to for one in moves.moves if one.allowed]
        super().__init__(f"move to {move.to}", moves.status, possible)
        listed = ", ".join(possible) or "nothing"
        self.args = (f"{moves.id} stays {moves.status}: {move.why_not}; it can go to: {listed}",)


# Of several the first that is legal.
_WAYS: Final[dict[str, tuple[str, ...]]] = {
    "triage": ("triage",),
    "todo": ("accept", "promote", "unblock", "request_changes", "reopen", "reclaim"),
    "ready": ("accept", "promote", "unblock", "request_changes", "reopen", "reclaim"),
    "running": (),
    "review": ("unblock",),
    "blocked": ("block",),
    "done": ("approve", "complete"),
    "archived": ("archive", "cancel"),
}
_NEEDS: Final[dict[str, Needs]] = {"block": "reason", "request_changes": "comment"}
_NO_WAY: Final = {
    "running": "only the dispatcher starts a task, or a worker that claims it",
    "review": "only its worker hands a task in for review",
}


def moves_of(conn: kb.BoardConnection, task_id: str) -> Moves:
    """Where the task may go, as of one moment."""
    with kb.reading(conn):
        task = kb.get_task(conn, task_id)
        open_parents = _open_parents(conn, task)
        found = [_move(task, to, open_parents) for to in STATUSES if to != task.status]
        return Moves(task.id, task.status, found, legal_verbs(task.status))


def legal_verbs(status: str) -> list[str]:
    """The verbs of people that the lifecycle allows in that status, in the table's order."""
    from hermes_kanban.verbs.table import VERBS

    found = [row.verb for row in lifecycle.TABLE if "person" in row.by and status in row.sources]
    # What the kernel does by another row besides: ending the run first, or without one.
    if status == "running":
        found += ["assign", "archive"]
    elif status not in ("done", "archived"):
        found.append("cancel")
    return [verb for verb in dict.fromkeys(found) if verb in VERBS]


def _open_parents(conn: kb.BoardConnection, task: kb.Task) -> list[kb.Task]:
    parents = [
        kb.get_task(conn, link.parent_id)
        for link in kb.list_links(conn, task.id)
        if link.child_id == task.id and link.released_at is None
    ]
    return [one for one in parents if one.status != "done" and one.completed_at is None]


def _move(task: kb.Task, to: Target, open_parents: list[kb.Task]) -> Move:
    verb = next((verb for verb in _WAYS[to] if _is_legal(verb, task.status, to)), None)
    why_not = None
    if verb is None:
        why_not = _NO_WAY.get(to) or _no_verb(task, to, open_parents)
    elif (lands := _lands(verb, task, open_parents)) not in (None, to):
        why_not = _lands_elsewhere(task, to, str(lands), open_parents)
    return Move(
        to=to,
        verb=verb,
        allowed=why_not is None,
        why_not=why_not,
        needs=_NEEDS.get(verb or ""),
        stops_work=task.status == "running",
    )


def _is_legal(verb: str, status: str, to: str) -> bool:
    return any(
        row.verb == verb and "person" in row.by and status in row.sources and to in row.to
        for row in lifecycle.TABLE
    )


def _lands(verb: str, task: kb.Task, open_parents: list[kb.Task]) -> str | None:
    """Where the verb takes the task, if that is not for the caller to say."""
    if verb == "unblock" and task.blocked_from == "review":
        return "review"
    if verb in ("accept", "unblock", "request_changes", "reopen", "reclaim"):
        return "todo" if open_parents else "ready"
    if verb == "promote" and open_parents:
        return "todo"
    return None


def _lands_elsewhere(task: kb.Task, to: str, lands: str, open_parents: list[kb.Task]) -> str:
    if to == "review":
        return _NO_WAY["review"]
    if lands == "todo":
        return _waits(task, open_parents)
    if lands == "review":
        return "it was blocked in review and goes back there"
    return "no parent of it is open, so it would be ready at once"


def _waits(task: kb.Task, open_parents: list[kb.Task]) -> str:
    return f"{open_parents[0].id} is open, and {task.id} waits for it"


def _no_verb(task: kb.Task, to: str, open_parents: list[kb.Task]) -> str:
    if to in ("todo", "ready") and task.status in ("todo", "ready"):
        return _waits(task, open_parents) if open_parents else "it waits for no parent"
    return f"no verb takes a task from {task.status} to {to}"


def _moves(call: Call, asked: AboutTask) -> Moves:
    return moves_of(call.conn, asked.task_id)


def _move_to(call: Call, asked: MoveTo) -> Moved:
    conn = call.conn
    with kb.batch(conn):
        moves = moves_of(conn, asked.task_id)
        if asked.to == moves.status:
            return Moved(asked.task_id, moves.status, None, False)
        move = next(one for one in moves.moves if one.to == asked.to)
        if not move.allowed or move.verb is None:
            raise IllegalMove(move, moves)
        _DO[move.verb](conn, asked.task_id, asked.text, {"actor": call.caller.actor})
        now = kb.get_task(conn, asked.task_id).status
    return Moved(asked.task_id, now, move.verb, True)


def _block(conn: kb.BoardConnection, task_id: str, text: str | None, by: dict[str, Any]) -> None:
    kb.block_task(conn, task_id, reason=text or "", kind="needs_input", **by)


_DO: Final[dict[str, Any]] = {
    "triage": lambda conn, task_id, text, by: kb.triage_task(conn, task_id, reason=text, **by),
    "accept": lambda conn, task_id, _, by: kb.accept_task(conn, task_id, **by),
    "promote": lambda conn, task_id, _, by: kb.promote_task(conn, task_id, **by),
    "unblock": lambda conn, task_id, text, by: kb.unblock_task(conn, task_id, reason=text, **by),
    "request_changes": lambda conn, task_id, text, by: kb.request_changes(
        conn, task_id, comment=text or "", **by
    ),
    "reopen": lambda conn, task_id, text, by: kb.reopen_task(conn, task_id, reason=text, **by),
    "reclaim": lambda conn, task_id, text, by: kb.reclaim_task(conn, task_id, reason=text, **by),
    "block": _block,
    "approve": lambda conn, task_id, text, by: kb.approve_task(conn, task_id, comment=text, **by),
    "complete": lambda conn, task_id, text, by: kb.complete_task(conn, task_id, summary=text, **by),
    "archive": lambda conn, task_id, _, by: kb.archive_task(conn, task_id, **by),
    "cancel": lambda conn, task_id, text, by: kb.cancel_task(conn, task_id, reason=text, **by),
}


MOVING = (
    Verb(
        name="moves",
        request=AboutTask,
        response=Moves,
        function=_moves,
        sentence="Where a task may go from where it is, by which verb, and why not elsewhere.",
        changes=False,
    ),
    Verb(
        name="move",
        request=MoveTo,
        response=Moved,
        function=_move_to,
        sentence="Bring a task to another status, by the verb that does that.",
    ),
)
