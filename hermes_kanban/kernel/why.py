"""Why is nothing happening? Every hold has a reason, a since, and an end or what lifts it."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from hermes_kanban.kernel import eligibility, reads
from hermes_kanban.kernel.gates import OPEN_PARENT
from hermes_kanban.model.records import Hold, Task
from hermes_kanban.store.protocol import BoardConnection, fetch_all, reading

_OPEN_PARENTS: Final = f"""
SELECT p.id, p.status, l.created_at FROM task_links l JOIN tasks p ON p.id = l.parent_id
WHERE l.child_id = :id AND {OPEN_PARENT} ORDER BY p.seq LIMIT 50
"""


def why(conn: BoardConnection, task_id: str) -> list[Hold]:
    """What the task waits for; empty when it runs, is finished, or would start at the next look."""
    with reading(conn):
        return _holds(_Look(conn), reads.get_task(conn, task_id))


def why_each(conn: BoardConnection, task_ids: Iterable[str]) -> dict[str, list[Hold]]:
    """The same for several tasks, as of one moment; a task that is gone is left out."""
    with reading(conn):
        look = _Look(conn)
        found = {one: reads.find_task(conn, one) for one in dict.fromkeys(task_ids)}
        return {one: _holds(look, task) for one, task in found.items() if task is not None}


class _Look:
    """One look at a board, which serves every task that is asked about."""

    def __init__(self, conn: BoardConnection) -> None:
        self.conn = conn

    @functools.cached_property
    def world(self) -> eligibility.World:
        """What eligibility depends on besides the task itself."""
        return eligibility.survey(self.conn)


def _holds(look: _Look, task: Task) -> list[Hold]:
    if task.status == "ready":
        return _ready(look, task)
    return _BY_STATUS.get(task.status, _nothing)(look.conn, task)


def _nothing(conn: BoardConnection, task: Task) -> list[Hold]:
    del conn, task
    return []


def _ready(look: _Look, task: Task) -> list[Hold]:
    row = {name: getattr(task, name) for name in Task.__struct_fields__}
    found = eligibility.holds(look.world, row)
    since = _since(look.conn, task)
    return [
        hold if hold.since is not None else msgspec.structs.replace(hold, since=since)
        for hold in found
    ]


def _todo(conn: BoardConnection, task: Task) -> list[Hold]:
    holds = []
    waiting_since = _since(conn, task)
    for parent_id, status, since in fetch_all(conn, _OPEN_PARENTS, {"id": task.id}):
        # Without its title: an agent may have written that, and this text is told unmarked.
        text = f"its parent {parent_id} is {status}"
        if status == "archived":
            lifted = (
                f"hermes-kanban unlink {parent_id} {task.id}, or hermes-kanban reopen {parent_id}"
            )
        else:
            lifted = f"{parent_id} is done; see: hermes-kanban why {parent_id}"
        holds.append(Hold("open_parent", text, lifted, since=max(since, waiting_since)))
    return holds or [
        Hold(
            "overlooked",
            "no parent holds it back; the sweep promotes it at the next look",
            f"hermes-kanban promote {task.id}",
            since=waiting_since,
        )
    ]


def _blocked(conn: BoardConnection, task: Task) -> list[Hold]:
    since, payload = _status_event(conn, task)
    lifted = payload.get("lifted_by") or f"hermes-kanban unblock {task.id}"
    until = task.eligible_at if task.block_kind == "transient" else None
    code = f"blocked_{task.block_kind}"
    return [Hold(code, task.block_reason or "it is blocked", lifted, since=since, until=until)]


def _triage(conn: BoardConnection, task: Task) -> list[Hold]:
    since, payload = _status_event(conn, task)
    lifted = f"hermes-kanban accept {task.id}"
    if reason := payload.get("reason"):
        return [Hold("triage", reason, lifted, since=since)]
    return [Hold("unaccepted", "it waits for a person to accept it", lifted, since=since)]


def _review(conn: BoardConnection, task: Task) -> list[Hold]:
    text = "it waits for a review"
    lifted = f"hermes-kanban approve {task.id}, or hermes-kanban request-changes {task.id} COMMENT"
    return [Hold("review", text, lifted, since=_since(conn, task))]


def _since(conn: BoardConnection, task: Task) -> int:
    return _status_event(conn, task)[0]


def _status_event(conn: BoardConnection, task: Task) -> tuple[int, dict[str, Any]]:
    """When the task got its status, and what the newest event that speaks of it says."""
    facts: dict[str, Any] = {}
    rows = fetch_all(
        conn,
        "SELECT kind, payload, created_at FROM task_events WHERE task_id = :id"
        f" AND kind NOT IN ({_NO_STATUS}) ORDER BY id DESC LIMIT 10",
        {"id": task.id},
    )
    for kind, payload, at in rows:
        decoded = msgspec.json.decode(payload)
        if kind in ("gave_up", "triaged", "blocked") and not facts:
            facts = decoded
        if decoded.get("task", {}).get("status") == task.status:
            return at, decoded | facts
    return task.created_at, facts


# Of the events that a task may have any number of, none tells its status.
_NO_STATUS: Final = (
    "'commented', 'edited', 'prioritised', 'scheduled', 'assigned', 'attached', 'linked',"
    " 'unlinked', 'released', 'fenced', 'spawned', 'stop_requested', 'exited', 'adopted',"
    " 'dismissed', 'parent_reopened', 'warned'"
)

_BY_STATUS: Final = {
    "todo": _todo,
    "blocked": _blocked,
    "triage": _triage,
    "review": _review,
}
