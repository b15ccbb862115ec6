"""Dependencies as gates: open parents, promotion, demotion, inherited priority.

A parent is *open* for a child when it is not done, not archived after being done, and the link is
not released. Every verb keeps its neighbours right in its own transaction, so the cost grows with
a task's own links and never with the board.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from hermes_kanban import lifecycle
from hermes_kanban.lifecycle import TaskState
from hermes_kanban.store.protocol import BoardConnection, Transaction, ask_all, write

# A parent p that holds its child back, given the link l.
OPEN_PARENT: Final = (
    "l.released_at IS NULL AND p.status <> 'done'"
    " AND (p.status <> 'archived' OR p.completed_at IS NULL)"
)
NO_OPEN_PARENT: Final = (
    "NOT EXISTS (SELECT 1 FROM task_links l JOIN tasks p ON p.id = l.parent_id"
    f" WHERE l.child_id = t.id AND {OPEN_PARENT})"
)
# A process of a run of t that may still be there.
LIVE_PROCESS: Final = (
    "EXISTS (SELECT 1 FROM task_runs e"
    " WHERE e.task_id = t.id AND e.worker_pid IS NOT NULL AND e.exited_at IS NULL)"
)
_HAS_OPEN_PARENT: Final = (
    "SELECT 1 FROM task_links l JOIN tasks p ON p.id = l.parent_id"
    f" WHERE l.child_id = :id AND {OPEN_PARENT} LIMIT 1"
)
_CHILDREN: Final = (
    "SELECT t.id FROM task_links l JOIN tasks t ON t.id = l.child_id"
    " WHERE l.parent_id = :id AND l.released_at IS NULL AND {condition} ORDER BY t.seq"
)
# Children that no other parent holds: whether this one is done already does not matter.
_RELEASABLE: Final = _CHILDREN.format(
    condition="(t.status = 'todo' OR (t.status = 'blocked' AND t.block_kind = 'dependency'))"
    " AND NOT EXISTS (SELECT 1 FROM task_links l JOIN tasks p ON p.id = l.parent_id"
    f" WHERE l.child_id = t.id AND l.parent_id <> :id AND {OPEN_PARENT})"
)
_GATED_AGAIN: Final = _CHILDREN.format(condition="t.status IN ('ready', 'running')")
_WAITING_CHILDREN: Final = _CHILDREN.format(condition="t.status = 'todo'")
_UNFINISHED_CHILDREN: Final = _CHILDREN.format(condition="t.status NOT IN ('done', 'archived')")
_WAITING_SLICE: Final = f"""
SELECT todo.id, todo.seq, {NO_OPEN_PARENT.replace("t.id", "todo.id")} AS overlooked
FROM (SELECT id, seq FROM tasks WHERE status = 'todo' AND seq > :after
      ORDER BY seq LIMIT :limit) todo
"""
_LOST_PARENT: Final = (
    "SELECT p.id FROM task_links l JOIN tasks p ON p.id = l.parent_id"
    " WHERE l.child_id = :id AND l.released_at IS NULL"
    " AND p.status = 'archived' AND p.completed_at IS NULL ORDER BY p.seq LIMIT 1"
)
PARENT_REOPENED: Final = "parent_reopened"


def has_open_parent(tx: Transaction, task_id: str) -> bool:
    """True while some parent holds the task back."""
    return ask_open_parent(tx, task_id)()


def ask_open_parent(tx: Transaction, task_id: str) -> Callable[[], bool]:
    """The same, asked with what else is read."""
    rows = tx.ask(_HAS_OPEN_PARENT, {"id": task_id})
    return lambda: bool(rows())


def is_open(parent: TaskState) -> bool:
    """Whether a parent holds back a child whose link is not released."""
    status = parent["status"]
    return status != "done" and (status != "archived" or parent["completed_at"] is None)


def resting_status(tx: Transaction, task_id: str) -> str:
    """R*: ``ready``, or ``todo`` while a parent is open."""
    return resting(has_open_parent(tx, task_id))


def resting(gated: bool) -> str:
    """R* of a task that is ``gated`` by an open parent, or is not."""
    return "todo" if gated else "ready"


def settle_at_rest(tx: Transaction, task: TaskState) -> None:
    """A task that came to rest behind a parent archived undone would wait for ever: block it."""
    if task["status"] == "todo":
        lost = tx.value(_LOST_PARENT, {"id": task["id"]})
        if lost is not None:
            lose_parent(tx, task, lost)


def lose_parent(tx: Transaction, child: TaskState, parent_id: str) -> None:
    """todo → blocked, since a parent was archived without being done."""
    lifecycle.apply(
        tx,
        "lose_parent",
        child,
        actor="system",
        changes={
            "block_kind": "needs_input",
            "block_reason": f"its parent {parent_id} was archived without being done",
        },
        facts={
            "parent_id": parent_id,
            "lifted_by": (
                f"hermes-kanban unlink {parent_id} {child['id']},"
                f" then hermes-kanban unblock {child['id']}"
            ),
        },
    )


def release_children(tx: Transaction, parent_id: str) -> None:
    """Promote the children whose last open parent just closed."""
    _release(tx, parent_id, [row[0] for row in tx.all(_RELEASABLE, {"id": parent_id})])


def _release(tx: Transaction, parent_id: str, child_ids: Iterable[str]) -> None:
    for child in lifecycle.load_each(tx, child_ids):
        _let_go(tx, child, facts={"parent_id": parent_id})


Asked = Callable[[], list[Any]]
"""Rows that were asked for with what else is read."""


def ask_neighbours(tx: Transaction, task_id: str) -> Asked:
    """Who is to hear when this task is done; may be asked before it is, with what else is read."""
    return tx.ask(_NEIGHBOURS, {"id": task_id})


def no_neighbours() -> list[Any]:
    """In the place of what is asked, where it is known that nobody is."""
    return []


def task_finished(tx: Transaction, task_id: str, neighbours: Asked | None = None) -> None:
    """A task is done: its children may go on, and its open parents inherit from it no longer."""
    # Sorted here, since for the few that there are a database takes longer to prepare for it.
    found = sorted((neighbours or ask_neighbours(tx, task_id))(), key=lambda row: (row[2], row[0]))
    _release(tx, task_id, [row["id"] for row in found if row["is_child"]])
    _settle_each(tx, [row["id"] for row in found if not row["is_child"]])


def _let_go(tx: Transaction, child: TaskState, facts: dict[str, Any]) -> None:
    if child["status"] == "blocked":
        unblock_by_system(tx, child, facts)
    else:
        lifecycle.apply(tx, "promote", child, actor="system", facts=facts)


def unblock_by_system(tx: Transaction, task: TaskState, facts: dict[str, Any]) -> None:
    """A due ``transient`` or a ``dependency`` without open parents goes back where it was."""
    to = "review" if task["blocked_from"] == "review" else resting_status(tx, task["id"])
    lifecycle.apply(tx, "unblock", task, actor="system", to=to, facts=facts)
    settle_at_rest(tx, task)


def gate_children(tx: Transaction, parent_id: str) -> None:
    """A parent is open again: ready children go back to ``todo``, running ones are told."""
    for row in tx.all(_GATED_AGAIN, {"id": parent_id}):
        child = lifecycle.load(tx, row[0])
        if child is None:
            continue
        facts = {"parent_id": parent_id}
        if child["status"] == "ready":
            lifecycle.apply(tx, "demote", child, actor="system", facts=facts)
        else:
            run_id = child["current_run_id"]
            lifecycle.record(tx, child, PARENT_REOPENED, "system", facts, run_id=run_id)


def ask_waiting_children(tx: Transaction, parent_id: str) -> Asked:
    """The children in ``todo`` behind an unreleased link, their ids first."""
    return tx.ask(_WAITING_CHILDREN, {"id": parent_id})


def ask_unfinished_children(tx: Transaction, parent_id: str) -> Asked:
    """The children behind an unreleased link that are neither done nor archived, ids first."""
    return tx.ask(_UNFINISHED_CHILDREN, {"id": parent_id})


def settle_after_link_change(tx: Transaction, child: TaskState, gated: bool | None = None) -> None:
    """After a link came or went: promote, demote or unblock the child as its parents now say.

    ``gated`` is whether one of them is open, if that is known.
    """
    status = child["status"]
    if gated is None:
        gated = has_open_parent(tx, child["id"])
    if status == "ready" and gated:
        lifecycle.apply(tx, "demote", child, actor="system")
    elif not gated and (
        status == "todo" or (status == "blocked" and child["block_kind"] == "dependency")
    ):
        _let_go(tx, child, facts={})


def ask_waiting_slice(conn: BoardConnection, after: int, limit: int | None) -> Asked:
    """What ``recompute_ready`` looks at."""
    return ask_all(conn, _WAITING_SLICE, {"after": after, "limit": limit or 2**31})


def recompute_ready(
    conn: BoardConnection,
    *,
    after: int = 0,
    limit: int | None = None,
    asked: Asked | None = None,
) -> tuple[list[str], int]:
    """The safety net: promote ``todo`` tasks that no parent holds back.

    Looks at ``limit`` tasks with ``seq`` above ``after`` (all of them without a limit) and returns
    the promoted ids and the ``seq`` to go on from, 0 when the end was reached. ``asked`` is that
    look, if it was asked before.
    """
    rows = (asked or ask_waiting_slice(conn, after, limit))()
    overlooked = [row["id"] for row in rows if row["overlooked"]]
    promoted = []
    for task_id in overlooked:
        with write(conn, "promote") as tx:
            task = lifecycle.load(tx, task_id)
            if task and task["status"] == "todo" and not has_open_parent(tx, task_id):
                lifecycle.apply(tx, "promote", task, actor="system", facts={"swept": True})
                promoted.append(task_id)
    reached_end = limit is None or len(rows) < limit
    return promoted, 0 if reached_end else rows[-1]["seq"]


def _unordered(select: str) -> str:
    return select.partition(" ORDER BY ")[0]


_PARENTS_OF: Final = (
    "SELECT p.id, p.effective_priority FROM task_links l JOIN tasks p ON p.id = l.parent_id"
    " WHERE l.child_id = :id AND l.released_at IS NULL"
    " AND p.status NOT IN ('done', 'archived') ORDER BY l.parent_id"
)
_NEIGHBOURS: Final = (
    f"{_unordered(_RELEASABLE).replace('SELECT t.id', 'SELECT t.id, 1 AS is_child, t.seq', 1)}"
    f" UNION ALL {_unordered(_PARENTS_OF).replace('p.effective_priority', '0, 0', 1)}"
)
_PRIORITY_OF: Final = (
    "SELECT max(t.effective_priority) FROM task_links l JOIN tasks t ON t.id = l.child_id"
    " WHERE l.parent_id = :id AND l.released_at IS NULL"
    " AND t.status NOT IN ('done', 'archived')"
)


def raise_ancestors(
    tx: Transaction, task_id: str, priority: int, parents: Iterable[tuple[str, int]]
) -> None:
    """Let every open ancestor inherit ``priority`` where its own effective one is lower.

    ``parents`` are its open ones that may be lower, with their effective priorities.
    """
    frontier: list[str] = []
    while True:
        for parent_id, effective in parents:
            if effective < priority:
                _inherit(tx, parent_id, priority, waiting=task_id)
                frontier.append(parent_id)
        if not frontier:
            return
        parents = tx.all(_PARENTS_OF, {"id": frontier.pop()})


def effective_priority(tx: Transaction, task_id: str, own: int) -> int:
    """The higher of a task's own priority and what its open children pass on."""
    inherited = tx.value(_PRIORITY_OF, {"id": task_id})
    return own if inherited is None else max(own, inherited)


def settle_priority(tx: Transaction, task: TaskState) -> None:
    """After a task's children changed: recompute its priority and its ancestors'."""
    effective = effective_priority(tx, task["id"], task["priority"])
    if effective != task["effective_priority"]:
        changed = lifecycle.update_task(tx, task, {"effective_priority": effective})
        lifecycle.record(tx, task, "prioritised", "system", {"task": changed, "inherited": True})
        settle_ancestors(tx, task["id"])


def ask_open_parents(tx: Transaction, task_id: str) -> Asked:
    """The parents that inherit from a task: id and effective priority."""
    return tx.ask(_PARENTS_OF, {"id": task_id})


def settle_ancestors(tx: Transaction, task_id: str, parents: Asked | None = None) -> None:
    """Recompute the effective priority of the open parents, upwards as long as one changes."""
    _settle_each(tx, [row[0] for row in (parents or ask_open_parents(tx, task_id))()])


def _settle_each(tx: Transaction, parent_ids: Iterable[str]) -> None:
    # One after the other: what one passes on may change the next.
    for parent_id in parent_ids:
        parent = lifecycle.load(tx, parent_id)
        if parent is not None:
            settle_priority(tx, parent)


def _inherit(tx: Transaction, task_id: str, priority: int, waiting: str) -> None:
    task = lifecycle.load(tx, task_id)
    if task is not None:
        changed = lifecycle.update_task(tx, task, {"effective_priority": priority})
        facts = {"task": changed, "inherited": True, "waiting": waiting}
        lifecycle.record(tx, task, "prioritised", "system", facts)
