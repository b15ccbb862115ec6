"""The graph around a task: everything that it waits for and that waits for it, and so on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from hermes_kanban.kernel import limits, reads
from hermes_kanban.kernel.gates import OPEN_PARENT
from hermes_kanban.model.records import Link
from hermes_kanban.store.protocol import BoardConnection, fetch_all, reading

NODES: Final = 500
NODES_LIMIT: Final = 2_000
_AT_ONCE: Final = 400


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One task of a graph; ``open_parents`` hold it back now."""

    id: str
    title: str
    status: str
    assignee: str | None
    block_kind: str | None
    priority: int
    created_at: int
    started_at: int | None
    completed_at: int | None
    open_parents: int


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks and the links between them, breadth first from ``root``.

    ``cut`` says that there are more: the nearest ``limit`` of them are here.
    """

    root: str
    nodes: list[Node]
    links: list[Link]
    cut: bool
    cursor: int


def tree(conn: BoardConnection, task_id: str, *, limit: int = NODES) -> Tree:
    """The connected tasks around ``task_id``, the nearest first. Raises NotFound."""
    limits.whole("limit", limit, 1, NODES_LIMIT)
    with reading(conn):
        reads.must_exist(conn, task_id)
        ids = {task_id: None}
        links: dict[tuple[str, str], Link] = {}
        edge, cut = [task_id], False
        while edge and not cut:
            found = [link for some in _slices(edge) for link in _links(conn, some)]
            links |= {(link.parent_id, link.child_id): link for link in found}
            new = dict.fromkeys(end for link in found for end in (link.parent_id, link.child_id))
            edge = [one for one in new if one not in ids]
            cut = len(ids) + len(edge) > limit
            edge = edge[: limit - len(ids)]
            ids |= dict.fromkeys(edge)
        nodes = {one.id: one for some in _slices(list(ids)) for one in _nodes(conn, some)}
        return Tree(
            root=task_id,
            nodes=[nodes[one] for one in ids],
            links=[
                link for (parent, child), link in links.items() if {parent, child} <= ids.keys()
            ],
            cut=cut,
            cursor=reads.newest_event_id(conn),
        )


def _slices(ids: list[str]) -> Iterable[list[str]]:
    return (ids[at : at + _AT_ONCE] for at in range(0, len(ids), _AT_ONCE))


def _links(conn: BoardConnection, ids: list[str]) -> list[Link]:
    names, values = _placed(ids)
    columns = "parent_id, child_id, created_at, released_at"
    sql = (
        f"SELECT {columns} FROM task_links WHERE parent_id IN ({names})"
        f" UNION SELECT {columns} FROM task_links WHERE child_id IN ({names})"
    )
    return [Link(*row) for row in fetch_all(conn, sql, values)]


def _nodes(conn: BoardConnection, ids: list[str]) -> list[Node]:
    names, values = _placed(ids)
    told = [name for name in Node.__struct_fields__ if name != "open_parents"]
    sql = (
        f"SELECT {', '.join(f't.{name}' for name in told)}, (SELECT count(*) FROM task_links l"
        f" JOIN tasks p ON p.id = l.parent_id WHERE l.child_id = t.id AND {OPEN_PARENT})"
        f" FROM tasks t WHERE t.id IN ({names})"
    )
    rows = fetch_all(conn, sql, values)
    return [Node(**dict(zip(Node.__struct_fields__, row, strict=True))) for row in rows]


def _placed(ids: list[str]) -> tuple[str, dict[str, Any]]:
    names = ", ".join(f":id_{at}" for at in range(len(ids)))
    return names, {f"id_{at}": one for at, one in enumerate(ids)}
