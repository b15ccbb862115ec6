"""The trees of the board that still have something to do: each by its first task, with counts."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from hermes_kanban.kernel import limits, reads
from hermes_kanban.store.protocol import BoardConnection, fetch_all, reading

TREES: Final = 20
TREES_LIMIT: Final = 200
# Whatever is over waits for nobody, and nobody waits for it.
_OVER: Final = ("done", "archived")


class Grove(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks that are linked with each other, by the first of them that waits for none of them.

    ``counts`` say how many of its tasks have each status, ``open`` how many are not over.
    """

    root: str
    title: str
    status: str
    counts: dict[str, int]
    open: int


class Trees(msgspec.Struct, frozen=True, kw_only=True):
    """Trees with open tasks, those with the most first; there are ``all`` of them."""

    trees: list[Grove]
    all: int
    cursor: int


def trees(conn: BoardConnection, *, limit: int = TREES) -> Trees:
    """The largest trees of the board that have an open task. Raises InvalidInput."""
    limits.whole("limit", limit, 1, TREES_LIMIT)
    with reading(conn):
        tasks = {row["id"]: row for row in fetch_all(conn, _LINKED)}
        links = [tuple(row) for row in fetch_all(conn, _LINKS)]
        cursor = reads.newest_event_id(conn)
    children = {child for _, child in links}
    found = [_grove(some, children) for some in _joined(tasks, links)]
    alive = sorted((one for one in found if one.open > 0), key=lambda one: -one.open)
    return Trees(trees=alive[:limit], all=len(alive), cursor=cursor)


# Oldest first, which makes the first of a tree the same each time.
_LINKED: Final = """
SELECT t.id, t.title, t.status FROM tasks t WHERE EXISTS
    (SELECT 1 FROM task_links l WHERE l.parent_id = t.id OR l.child_id = t.id) ORDER BY t.seq
"""
_LINKS: Final = "SELECT parent_id, child_id FROM task_links"


def _joined(tasks: dict[str, Any], links: list[tuple[Any, ...]]) -> list[list[Any]]:
    """The tasks in the groups that their links make."""
    leader = {task_id: task_id for task_id in tasks}

    def of(task_id: str) -> str:
        while leader[task_id] != task_id:
            leader[task_id] = task_id = leader[leader[task_id]]
        return task_id

    for parent, child in links:
        leader[of(child)] = of(parent)
    groups: dict[str, list[Any]] = {}
    for task_id, row in tasks.items():
        groups.setdefault(of(task_id), []).append(row)
    return list(groups.values())


def _grove(tasks: list[Any], children: set[str]) -> Grove:
    first = next(row for row in tasks if row["id"] not in children)
    counts: dict[str, int] = {}
    for row in tasks:
        counts[row["status"]] = counts.get(row["status"], 0) + 1
    return Grove(
        root=first["id"],
        title=first["title"],
        status=first["status"],
        counts=counts,
        open=len(tasks) - sum(counts.get(status, 0) for status in _OVER),
    )
