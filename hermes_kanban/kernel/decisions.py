"""Questions and their decisions: the same question is answered once, whoever asks on how many ways.

A question is an event: a task was blocked, handed in for review, given up or put into triage, or a
run that was refused had a result. It is open until the task leaves the status into which it came
with it, or until somebody takes the result over or puts it aside; undoing that opens it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import msgspec

from hermes_kanban.model.errors import AlreadyDecided, InvalidInput
from hermes_kanban.model.records import Decision
from hermes_kanban.redact import one_line
from hermes_kanban.store.protocol import BoardConnection, Transaction, fetch_all, fetch_one

QUESTION_KINDS: Final = ("blocked", "review_requested", "gave_up", "triaged")
LATE: Final = "fenced"
TEXT_CHARACTERS: Final = 200

# What brings a task into a status in which it asks.
_ASKED_IN: Final = {
    "blocked": ("blocked", "gave_up"),
    "review": ("review_requested",),
    "triage": ("blocked", "triaged"),
}
# What brings a task back to where it asked, without asking anew.
_COMES_BACK: Final = ("undone", "unblocked", "mended")
# Where the event itself changes no status.
_STATUS_OF: Final = {"gave_up": "blocked", "triaged": "triage"}
# By kind of event: the verb, and what is said of whoever did it.
_VERBS: Final = {
    "accepted": ("accept", "accepted"),
    "adopted": ("adopt", "taken over"),
    "approved": ("approve", "approved"),
    "archived": ("archive", "archived"),
    "assigned": ("assign", "given to another"),
    "blocked": ("block", "blocked"),
    "changes_requested": ("request_changes", "sent back"),
    "completed": ("complete", "completed"),
    "dismissed": ("dismiss", "put aside"),
    "triaged": ("triage", "put into triage"),
    "unblocked": ("unblock", "unblocked"),
    "undone": ("undo", "taken back"),
}


class _Task(msgspec.Struct, frozen=True):
    status: str | None = None


class _Undid(msgspec.Struct, frozen=True):
    event: int = 0


class _Told(msgspec.Struct, frozen=True):
    """What an event's payload says that matters here."""

    task: _Task = _Task()
    verb: str | None = None
    from_run_id: int | None = None
    undid: _Undid | None = None
    reason: str | None = None
    comment: str | None = None


_decode = msgspec.json.Decoder(_Told).decode


class _Step(NamedTuple):
    """One event of a task, read."""

    id: int
    kind: str
    actor: str
    run_id: int | None
    at: int
    told: _Told


def decision_of(conn: BoardConnection, task_id: str, event_id: int) -> Decision | None:
    """Who decided the question and how; None while it is open, or if the event asks nothing."""
    question = _question(conn, task_id, event_id)
    if question is None:
        return None
    if question.kind == LATE:
        return _decision_about(question, _steps(conn, _ABOUT_RESULTS, task_id, event_id))
    return _departure(question, _steps(conn, _MOVES, task_id, event_id))


def open_question(conn: BoardConnection, task_id: str, status: str) -> int | None:
    """The event by which the task came into this status and asks a person; None if none did."""
    if status not in _ASKED_IN:
        return None
    listed = ", ".join(f"'{kind}'" for kind in _ASKED_IN[status])
    sql = (
        f"SELECT id FROM task_events WHERE task_id = :id AND kind IN ({listed})"
        " ORDER BY id DESC LIMIT 1"
    )
    row = fetch_one(conn, sql, {"id": task_id})
    return None if row is None else int(row[0])


def must_be_open(tx: Transaction, task_id: str, question: int | None) -> None:
    """AlreadyDecided, naming who was first, if the question is not open any more.

    ``question`` None: whoever decides did not see one. InvalidInput if the event is no question of
    this task.
    """
    if question is None:
        return
    if _question(tx.conn, task_id, question) is None:
        allowed = "the event by which the task asks, of this very task"
        raise InvalidInput("question", allowed, f"is {question}")
    decision = decision_of(tx.conn, task_id, question)
    if decision is not None:
        raise AlreadyDecided(task_id, decision, sentence(decision, tx.now))


def sentence(decision: Decision, now: int | None = None) -> str:
    """``answered by person:mara 2 min ago: 30 days``; without ``now`` it does not say when."""
    word = _VERBS[decision.kind][1] if decision.kind in _VERBS else decision.kind.replace("_", " ")
    if decision.kind == "unblocked" and decision.text:
        word = "answered"
    when = "" if now is None else f" {_ago(now - decision.at)}"
    said = one_line(decision.text)
    if len(said) > TEXT_CHARACTERS:
        said = said[: TEXT_CHARACTERS - 1] + "…"
    return f"{word} by {decision.by}{when}" + (f": {said}" if said else "")


def _ago(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return "just now"


def _question(conn: BoardConnection, task_id: str, event_id: int) -> _Step | None:
    row = fetch_one(conn, _QUESTION, {"task": task_id, "id": event_id})
    if row is None:
        return None
    step = _read(row)
    if step.kind == LATE:
        return step if step.told.verb in ("complete", "request_review") else None
    return step


_COLUMNS: Final = "id, kind, actor, run_id, created_at, payload"
_ASKING: Final = ", ".join(f"'{kind}'" for kind in QUESTION_KINDS)
_QUESTION: Final = (
    f"SELECT {_COLUMNS} FROM task_events WHERE id = :id AND task_id = :task"
    f" AND kind IN ({_ASKING}, '{LATE}')"
)
# Whatever changed the status, or asked again.
_MOVES: Final = (
    f"SELECT {_COLUMNS} FROM task_events WHERE task_id = :task AND id > :id"
    f" AND (kind IN ({_ASKING}) OR payload LIKE '%\"status\":%') ORDER BY id"
)
_ABOUT_RESULTS: Final = (
    f"SELECT {_COLUMNS} FROM task_events WHERE task_id = :task AND id > :id"
    " AND kind IN ('adopted', 'dismissed', 'completed', 'undone') ORDER BY id"
)


def _steps(conn: BoardConnection, sql: str, task_id: str, after: int) -> Iterable[_Step]:
    return map(_read, fetch_all(conn, sql, {"task": task_id, "id": after}))


def _read(row: Any) -> _Step:
    try:
        told = _decode(row["payload"])
    except (msgspec.MsgspecError, UnicodeError):
        told = _Told()  # ``check`` tells of it
    return _Step(row[0], row[1], row[2], row[3], row[4], told)


def _departure(question: _Step, steps: Iterable[_Step]) -> Decision | None:
    """The step by which the task left the status into which the question brought it.

    None while it is there. A task that came back without asking anew, because a step was undone or
    because it was only blocked for a while, still asks.
    """
    asked = question.told.task.status or _STATUS_OF.get(question.kind, "blocked")
    status, left = asked, None
    for step in steps:
        to = step.told.task.status or status
        if status == asked != to:
            left = step
        elif status != asked == to:
            if step.kind not in _COMES_BACK:
                break
            left = None
        status = to
    return None if left is None else _decided(left)


def _decision_about(question: _Step, steps: Iterable[_Step]) -> Decision | None:
    """The newest step that took the run's result over or put it aside, and was not undone."""
    deciding: dict[int, _Step] = {}
    for step in steps:
        if step.kind == "undone":
            undid = 0 if step.told.undid is None else step.told.undid.event
            if undid in deciding:
                deciding.clear()
        elif step.told.from_run_id == question.run_id:
            deciding[step.id] = step
    return _decided(next(reversed(deciding.values()))) if deciding else None


def _decided(step: _Step) -> Decision:
    kind = step.kind
    if kind == "completed" and step.told.from_run_id is not None:
        kind = "adopted"  # which is also written, but changes no status
    verb = _VERBS[kind][0] if kind in _VERBS else kind
    text = step.told.reason or step.told.comment or ""
    return Decision(step.actor, step.at, verb, text, kind, step.id)
