"""Subscriptions to a tree: what comes under a task that has one gets one of its own.

Below a task are those that wait for it, those that its runs created, and those that it waits for
with ``wait_for``. A task that has the same subscription already gets no second one. They end with
the one that they were inherited from.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from hermes_kanban.kernel.due import decode_options
from hermes_kanban.store.protocol import Transaction

_AT_ONCE: Final = 400


def inherit(tx: Transaction, task_ids: Iterable[str], parents: Iterable[str]) -> None:
    """Give these tasks, and all below them, what their ``parents`` hand on, from now on."""
    roots = _handed_on(tx, list(dict.fromkeys(parents)))
    if not roots:
        return
    below = _below(tx, list(dict.fromkeys(task_ids)))
    for root in roots:
        give(tx, root, below)


def inherit_from_run(tx: Transaction, task_id: str, parents: list[str], run_id: int | None) -> None:
    """A new task gets what its parents and the task of the run that created it hand on."""
    if run_id is not None:
        of_run = tx.value("SELECT task_id FROM task_runs WHERE id = :run", {"run": run_id})
        parents = [*parents, of_run]
    if parents:
        inherit(tx, [task_id], parents)


def give_below(tx: Transaction, sub_id: int, task_id: str) -> None:
    """A new subscription to a tree: every task below gets one of its own."""
    row = tx.one(f"SELECT {_COLUMNS} FROM kanban_notify_subs WHERE id = :id", {"id": sub_id})
    assert row is not None  # it was inserted in this very transaction
    give(tx, dict(zip(_NAMES, row, strict=True)), _below(tx, [task_id]))


def give(tx: Transaction, root: dict[str, Any], task_ids: list[str]) -> None:
    """One of their own to each of these tasks that has none that says the same."""
    newest = tx.value("SELECT max(id) FROM task_events") or 0
    shared = root | {"root": root["root_id"] or root["id"], "newest": newest, "now": tx.now}
    del shared["id"], shared["root_id"]
    for some in _slices(task_ids):
        names, values = _placed(some)
        tx.run(_GIVE.format(names=names), shared | values)


_NAMES: Final = ("id", "root_id", "filter", "destination", "mode", "options", "created_by")
_COLUMNS: Final = ", ".join(_NAMES)
_GIVE: Final = """
INSERT INTO kanban_notify_subs (task_id, root_id, filter, destination, mode, options, created_by,
    cursor, start_event_id, created_at)
SELECT t.id, cast(:root AS integer), :filter, :destination, :mode, :options, :created_by,
    cast(:newest AS integer), cast(:newest AS integer), cast(:now AS integer)
FROM tasks t WHERE t.id IN ({names}) AND NOT EXISTS (
    SELECT 1 FROM kanban_notify_subs s WHERE s.task_id = t.id AND s.ended_at IS NULL
        AND s.destination = :destination AND s.mode = :mode AND s.filter = :filter
        AND s.options = :options)
ORDER BY t.seq
"""


def _handed_on(tx: Transaction, parents: list[str]) -> list[dict[str, Any]]:
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for some in _slices(parents):
        names, values = _placed(some)
        sql = (
            f"SELECT {_COLUMNS} FROM kanban_notify_subs WHERE task_id IN ({names})"
            " AND ended_at IS NULL AND options IS NOT NULL ORDER BY id"
        )
        for row in tx.all(sql, values):
            one = dict(zip(_NAMES, row, strict=True))
            if decode_options(one["options"]).inherit:
                # The first of those that say the same.
                found.setdefault(tuple(row)[2:6], one)
    return list(found.values())


def _below(tx: Transaction, task_ids: list[str]) -> list[str]:
    """These tasks and all below them, the nearest first."""
    found, edge = dict.fromkeys(task_ids), task_ids
    while edge:
        near: dict[str, None] = {}
        for some in _slices(edge):
            names, values = _placed(some)
            near |= dict.fromkeys(row[0] for row in tx.all(_NEXT.format(names=names), values))
        edge = [one for one in near if one not in found]
        found |= dict.fromkeys(edge)
    return list(found)


_NEXT: Final = """
SELECT child_id FROM task_links WHERE parent_id IN ({names})
UNION SELECT t.id FROM task_runs r JOIN tasks t ON t.created_run_id = r.id
    WHERE r.task_id IN ({names})
"""


def _slices(ids: list[str]) -> Iterable[list[str]]:
    return (ids[at : at + _AT_ONCE] for at in range(0, len(ids), _AT_ONCE))


def _placed(ids: list[str]) -> tuple[str, dict[str, Any]]:
    return (
        ", ".join(f":id_{at}" for at in range(len(ids))),
        {f"id_{at}": one for at, one in enumerate(ids)},
    )
