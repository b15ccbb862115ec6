"""Links: a parent must be done before its child may be ready. They form a DAG."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, Final

from hermes_kanban import lifecycle
from hermes_kanban.kernel import gates, limits
from hermes_kanban.kernel.fencing import Author, author, check_run_quota, task_state, unknown_task
from hermes_kanban.kernel.inherit import ask_handed_on, follow, inherit
from hermes_kanban.kernel.replay import LinkPart
from hermes_kanban.lifecycle import TaskState
from hermes_kanban.model.errors import InvalidInput, NotFound
from hermes_kanban.store.protocol import BoardConnection, Transaction, write

_INSERT_LINK: Final = (
    "INSERT INTO task_links (parent_id, child_id, created_at) VALUES (:parent, :child, :now)"
    " ON CONFLICT (parent_id, child_id) DO NOTHING"
)
_DELETE_LINK: Final = (
    "DELETE FROM task_links WHERE parent_id = :parent AND child_id = :child RETURNING parent_id"
)


def link_tasks(
    conn: BoardConnection,
    parent_id: str,
    child_id: str,
    *,
    actor: str | None = None,
    run_id: int | None = None,
    claim_lock: str | None = None,
) -> bool:
    """Make ``child_id`` wait for ``parent_id``; False if it does so already.

    A ready child with an open parent is demoted; a running one stays. Raises InvalidInput for a
    cycle (its path is shown) or an archived parent.
    """
    with write(conn, "link") as tx:
        by = author(tx, run_id, claim_lock, actor)
        check_run_quota(tx, by.run_id, "links", limits.LINKS_PER_RUN)
        reaches = tx.ask(_REACHES, {"start": child_id, "goal": parent_id})
        linked = tx.ask(_LINKED, {"parent": parent_id, "child": child_id})
        gated = gates.ask_open_parent(tx, child_id)
        handed = ask_handed_on(tx, [parent_id])
        child, parent = _both(tx, child_id, parent_id)
        if parent["status"] == "archived" and parent["completed_at"] is None:
            raise InvalidInput("parent", "tasks that can still be done", f"{parent_id} is archived")
        if reaches():
            shown = " → ".join([parent_id, *path(tx, child_id, parent_id)])
            raise InvalidInput("link", "links without a cycle", f"would close the cycle {shown}")
        if linked():
            return False
        add_links(tx, child, [parent_id], by)
        inherit(tx, [child_id], [parent_id], handed)
        gates.settle_after_link_change(tx, child, gated() or gates.is_open(parent))
        if child["status"] not in ("done", "archived") and gates.is_open(parent):
            above = [(parent_id, parent["effective_priority"])]
            gates.raise_ancestors(tx, child_id, child["effective_priority"], above)
        return True


def _both(tx: Transaction, child_id: str, parent_id: str) -> tuple[TaskState, TaskState]:
    found = {task["id"]: task for task in lifecycle.load_each(tx, (child_id, parent_id))}
    for task_id in (child_id, parent_id):
        if task_id not in found:
            raise unknown_task(task_id)
    return found[child_id], found[parent_id]


def add_links(tx: Transaction, child: TaskState, parents: Iterable[str], by: Author) -> None:
    """Insert links that are not there yet, with one event each."""
    for parent_id in parents:
        now = lifecycle.moment(tx, child)
        lifecycle.transition("link", child["status"])
        tx.put(_INSERT_LINK, {"parent": parent_id, "child": child["id"], "now": now})
        payload = _link_payload("add", parent_id, child["id"])
        lifecycle.record(tx, child, "linked", by.actor, payload, run_id=by.run_id, at=now)


def _link_payload(op: str, parent_id: str, child_id: str) -> dict[str, Any]:
    return {"link": {"op": op, "parent_id": parent_id, "child_id": child_id}}


def unlink_tasks(
    conn: BoardConnection,
    parent_id: str,
    child_id: str,
    *,
    actor: str | None = None,
    run_id: int | None = None,
    claim_lock: str | None = None,
) -> bool:
    """Remove a link; False if there is none. A child without open parents is promoted."""
    with write(conn, "unlink") as tx:
        by = author(tx, run_id, claim_lock, actor)
        child = task_state(tx, child_id)
        gone = tx.run(_DELETE_LINK, {"parent": parent_id, "child": child_id}).fetchall()
        if not gone:
            _must_exist(tx, parent_id)
            return False
        lifecycle.apply(
            tx,
            "unlink",
            child,
            actor=by.actor,
            run_id=by.run_id,
            facts=_link_payload("remove", parent_id, child_id),
        )
        follow(tx, [child_id, parent_id])
        gates.settle_after_link_change(tx, child)
        parent = lifecycle.load(tx, parent_id)
        if parent is not None and parent["status"] not in ("done", "archived"):
            gates.settle_priority(tx, parent)
        return True


def write_link(tx: Transaction, child: TaskState, part: LinkPart) -> None:
    """Write the row that ``part`` adds or removes; its event is the caller's."""
    key: dict[str, Any] = {"parent": part.parent_id, "child": part.child_id}
    if part.op == "add":
        tx.put(_INSERT_LINK, key | {"now": lifecycle.moment(tx, child)})
        inherit(tx, [part.child_id], [part.parent_id])
    else:
        tx.run(_DELETE_LINK, key).fetchall()
        follow(tx, [part.child_id, part.parent_id])


def release_link(tx: Transaction, parent_id: str, child: TaskState, actor: str) -> None:
    """Let a child go on without its parent; the link stays as history."""
    now = lifecycle.moment(tx, child)
    tx.run(
        "UPDATE task_links SET released_at = :now WHERE parent_id = :parent AND child_id = :child",
        {"now": now, "parent": parent_id, "child": child["id"]},
    )
    payload = _link_payload("release", parent_id, child["id"])
    lifecycle.apply(tx, "release", child, actor=actor, facts=payload)
    gates.settle_after_link_change(tx, child)


def _must_exist(tx: Transaction, task_id: str) -> None:
    if tx.one("SELECT 1 FROM tasks WHERE id = :id", {"id": task_id}) is None:
        raise NotFound("task", task_id)


_LINKED: Final = "SELECT 1 FROM task_links WHERE parent_id = :parent AND child_id = :child"
_REACHES: Final = """
WITH RECURSIVE below (id) AS (
    SELECT cast(:start AS text)
    UNION SELECT l.child_id FROM below b JOIN task_links l ON l.parent_id = b.id
)
SELECT 1 FROM below WHERE id = :goal LIMIT 1
"""
# Ordered, so that of several ways the same is shown on both stores.
_CHILDREN: Final = "SELECT child_id FROM task_links WHERE parent_id = :id ORDER BY child_id"


def path(tx: Transaction, start: str, goal: str) -> list[str]:
    """The tasks from ``start`` down to ``goal`` along the links, empty if there is no way."""
    came_from: dict[str, str | None] = {start: None}
    frontier = deque([start])
    while frontier:
        here = frontier.popleft()
        if here == goal:
            return _walk_back(came_from, goal)
        for (child,) in tx.all(_CHILDREN, {"id": here}):
            if child not in came_from:
                came_from[child] = here
                frontier.append(child)
    return []


def _walk_back(came_from: dict[str, str | None], goal: str) -> list[str]:
    path, here = [], goal
    while here is not None:
        path.append(here)
        here = came_from[here]  # type: ignore[assignment]
    return path[::-1]
