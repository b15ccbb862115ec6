"""What is said beside the answer of a verb: why the task that was touched may not start.

Cheap, and never a reason to refuse or to fail: what was asked for is done. A board that is out of
reach by then gives no warning.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import msgspec

from hermes_kanban import health
from hermes_kanban import kernel as kb
from hermes_kanban.kernel.placement import unserved

# A task in one of these starts by itself, or is meant to later.
_WILL_START: Final = frozenset({"triage", "todo", "ready", "blocked"})
_NAMED: Final = 5


class Caution(msgspec.Struct, frozen=True):
    """One warning: ``code`` is a stable word, ``text`` the sentence with what to do."""

    code: str
    text: str


def about_task(conn: kb.BoardConnection, task_id: str) -> list[Caution]:
    """Why the task may wait longer than whoever touched it thinks; empty for one that is over."""
    with suppress(kb.KanbanError):
        task = kb.get_task(conn, task_id)
        if task.status in _WILL_START:
            return [
                *about_assignee(conn, task.assignee),
                *_about_parents(conn, task),
                *_about_board(conn),
            ]
    return []


def about_assignee(conn: kb.BoardConnection, assignee: str | None) -> list[Caution]:
    """Whether a host starts what is assigned so, in the words of ``why``."""
    if assignee is None:
        text = "it is assigned to nobody; assign it, or claim it by hand"
        return [Caution("unassigned", text)]
    with suppress(kb.KanbanError):
        hold = unserved(conn, assignee)
        return [] if hold is None else [_unserved(conn, assignee, hold)]
    return []


def _unserved(conn: kb.BoardConnection, assignee: str, hold: kb.Hold) -> Caution:
    if hold.code == "no_profile":
        near = _near(assignee, conn.config.profiles)
        text = f"no profile is called {assignee}; add it to config.yaml{near}"
    elif hold.code == "draining":
        text = f"{hold.text}; let it go on: {hold.lifted_by}"
    else:
        text = f"{hold.text}; it waits until {hold.lifted_by}"
    return Caution(hold.code, text)


def _near(name: str, profiles: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, list(profiles), n=1)
    return f", or assign it to {near[0]}" if near else ""


def _about_parents(conn: kb.BoardConnection, task: kb.Task) -> list[Caution]:
    """Parents that nothing will close by itself."""
    found = []
    for link in kb.list_links(conn, task.id):
        if link.child_id != task.id or link.released_at is not None:
            continue
        parent = kb.get_task(conn, link.parent_id)
        if parent.status == "archived" and parent.completed_at is None:
            text = (
                f"its parent {parent.id} was archived without being done; unlink it, or reopen"
                " the parent"
            )
            found.append(Caution("parent_archived", text))
        elif parent.status in ("blocked", "triage"):
            text = f"its parent {parent.id} is {_stands(parent)}; {task.id} waits for it"
            found.append(Caution(f"parent_{parent.status}", text))
    return found[:_NAMED]


def _stands(parent: kb.Task) -> str:
    if parent.status == "triage":
        return "in triage"
    return f"blocked: {(parent.block_reason or '').strip()[:200]}"


def _about_board(conn: kb.BoardConnection) -> list[Caution]:
    found = []
    board = kb.get_board(conn)
    if board.paused_at is not None:
        text = f"the board was paused by {board.paused_by}; let it go on: hermes-kanban resume"
        found.append(Caution("paused", text))
    if not health.is_served(conn):
        text = "no gateway is running; start one with: hermes-kanban up"
        found.append(Caution("no_gateway", text))
    return found
