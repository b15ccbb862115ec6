"""Subscriptions to a tree: what comes under a task that has one gets one of its own.

Below a task are those that wait for it, those that its runs created, and those that it waits for
with ``wait_for``. A task that has the same subscription already gets no second one. They follow
the tree: what leaves it hears no more, unless another tree hands the same down to it, and all of
them end with the one that they were inherited from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from hermes_kanban.kernel.due import decode_options
from hermes_kanban.store.protocol import Transaction

_AT_ONCE: Final = 400


Handed = Callable[[], list[dict[str, Any]]]


def inherit(
    tx: Transaction,
    task_ids: Iterable[str],
    parents: Iterable[str],
    handed: Handed | None = None,
) -> None:
    """Give these tasks, and all below them, what their ``parents`` hand on, from now on.

    ``handed`` is what that is, if it was asked before.
    """
    roots = (handed or ask_handed_on(tx, parents))()
    if not roots:
        return
    below = _below(tx, list(dict.fromkeys(task_ids)))
    for root in roots:
        give(tx, root, below)


def inherit_from_run(
    tx: Transaction,
    task_id: str,
    parents: list[str],
    run_id: int | None,
    handed: Handed | None = None,
) -> None:
    """A new task gets what its parents and the task of the run that created it hand on.

    ``handed`` is what the parents do, if it was asked before and there is no run.
    """
    if run_id is not None:
        of_run = tx.value("SELECT task_id FROM task_runs WHERE id = :run", {"run": run_id})
        parents = [*parents, of_run]
    if parents:
        inherit(tx, [task_id], parents, handed)


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


def end(tx: Transaction, sub_id: int) -> None:
    """End one subscription; what it waits for is given up."""
    parameters = {"id": sub_id, "now": tx.now, "reason": ENDED}
    tx.run("UPDATE kanban_notify_subs SET ended_at = :now WHERE id = :id", parameters)
    tx.run(_GIVE_UP_WAITING, parameters)
    tx.run(_PUT_ASIDE_DEAD, parameters)


ENDED: Final = "its subscription ended"
_GIVE_UP_WAITING: Final = (
    "UPDATE deliveries SET state = 'dead', reason = :reason, next_attempt_at = NULL,"
    " wake_at = NULL, dropped_at = :now WHERE sub_id = :id AND state = 'waiting'"
)
# Nothing can be done about these any more.
_PUT_ASIDE_DEAD: Final = (
    "UPDATE deliveries SET dropped_at = :now WHERE sub_id = :id AND state = 'dead'"
    " AND dropped_at IS NULL"
)


def end_tree(tx: Transaction, root_id: int) -> None:
    """A subscription to a tree has ended: so do those that were inherited from it."""
    _let_go(tx, tx.all(_HEIRS_OF, {"root": root_id}))


def follow(tx: Transaction, task_ids: Iterable[str]) -> None:
    """Something has left from above these tasks: they lose what no tree hands down any more."""
    if tx.one(_ANY_HEIR, {}) is None:
        return
    heirs: dict[int, list[Any]] = {}
    for some in _slices(_below(tx, list(dict.fromkeys(task_ids)))):
        names, values = _placed(some)
        for row in tx.all(_HEIRS_AMONG.format(names=names), values):
            heirs.setdefault(row["root_id"], []).append(row)
    for root_id, rows in heirs.items():
        top = tx.value("SELECT task_id FROM kanban_notify_subs WHERE id = :id", {"id": root_id})
        kept = set(_below(tx, [top])) if top is not None else set()
        _let_go(tx, [row for row in rows if row["task_id"] not in kept])


def _let_go(tx: Transaction, heirs: list[Any]) -> None:
    """End them, or give them to another tree that they are in and that says the same."""
    reach: dict[int, set[str]] = {}
    for heir in heirs:
        other = None
        for root_id, top in tx.all(_SAME_ROOTS, {"id": heir["id"]}):
            if root_id not in reach:
                reach[root_id] = set(_below(tx, [top]))
            if heir["task_id"] in reach[root_id]:
                other = root_id
                break
        if other is None:
            end(tx, heir["id"])
        else:
            tx.run(_GIVE_TO, {"id": heir["id"], "root": other})


_ANY_HEIR: Final = (
    "SELECT 1 FROM kanban_notify_subs WHERE root_id IS NOT NULL AND ended_at IS NULL LIMIT 1"
)
_HEIRS: Final = "SELECT id, task_id, root_id FROM kanban_notify_subs WHERE ended_at IS NULL AND"
_HEIRS_OF: Final = f"{_HEIRS} root_id = :root ORDER BY id"
_HEIRS_AMONG: Final = f"{_HEIRS} root_id IS NOT NULL AND task_id IN ({{names}}) ORDER BY id"
_SAME_ROOTS: Final = """
SELECT r.id, r.task_id FROM kanban_notify_subs s JOIN kanban_notify_subs r
    ON r.ended_at IS NULL AND r.root_id IS NULL AND r.task_id IS NOT NULL AND r.id <> s.root_id
    AND r.destination = s.destination AND r.mode = s.mode AND r.filter = s.filter
    AND r.options = s.options
WHERE s.id = :id ORDER BY r.id
"""
_GIVE_TO: Final = "UPDATE kanban_notify_subs SET root_id = :root WHERE id = :id"


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


def ask_handed_on(tx: Transaction, parents: Iterable[str]) -> Handed:
    """The subscriptions that tasks hand on to what comes under them."""
    asked = []
    for some in _slices(list(dict.fromkeys(parents))):
        names, values = _placed(some)
        sql = (
            f"SELECT {_COLUMNS} FROM kanban_notify_subs WHERE task_id IN ({names})"
            " AND ended_at IS NULL AND options IS NOT NULL ORDER BY id"
        )
        asked.append(tx.ask(sql, values))

    def handed() -> list[dict[str, Any]]:
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for row in (row for rows in asked for row in rows()):
            one = dict(zip(_NAMES, row, strict=True))
            if decode_options(one["options"]).inherit:
                # The first of those that say the same.
                found.setdefault(tuple(row)[2:6], one)
        return list(found.values())

    return handed


def near(tx: Transaction, task_id: str) -> list[str]:
    """The tasks that are right below a task."""
    return list(_next(tx, [task_id]))


def _below(tx: Transaction, task_ids: list[str]) -> list[str]:
    """These tasks and all below them, the nearest first."""
    found, edge = dict.fromkeys(task_ids), task_ids
    while edge:
        edge = [one for one in _next(tx, edge) if one not in found]
        found |= dict.fromkeys(edge)
    return list(found)


def _next(tx: Transaction, task_ids: list[str]) -> dict[str, None]:
    found: dict[str, None] = {}
    for some in _slices(task_ids):
        names, values = _placed(some)
        found |= dict.fromkeys(row[0] for row in tx.all(_NEXT.format(names=names), values))
        found |= _waited_for(tx, names, values)
    return found


_NEXT: Final = """
SELECT child_id FROM task_links WHERE parent_id IN ({names})
UNION SELECT t.id FROM task_runs r JOIN tasks t ON t.created_run_id = r.id
    WHERE r.task_id IN ({names})
"""


def _waited_for(tx: Transaction, names: str, values: dict[str, Any]) -> dict[str, None]:
    """What these tasks said they wait for, as far as it still holds them back or has."""
    found: dict[str, None] = {}
    for task_id, payload in tx.all(_WAITED.format(names=names), values):
        parents = {
            row[0]
            for row in tx.all(
                "SELECT parent_id FROM task_links WHERE child_id = :id", {"id": task_id}
            )
        }
        found |= dict.fromkeys(one for one in _waits_for(payload) if one in parents)
    return found


_WAITED: Final = (
    "SELECT task_id, payload FROM task_events WHERE task_id IN ({names}) AND kind = 'waiting'"
    " ORDER BY id"
)


class _Waiting(msgspec.Struct):
    waits_for: list[str] = []


_decode_waiting = msgspec.json.Decoder(_Waiting).decode


def _waits_for(payload: str) -> list[str]:
    try:
        return _decode_waiting(payload).waits_for
    except (msgspec.MsgspecError, UnicodeError):
        return []  # ``check`` tells of it


def _slices(ids: list[str]) -> Iterable[list[str]]:
    return (ids[at : at + _AT_ONCE] for at in range(0, len(ids), _AT_ONCE))


def _placed(ids: list[str]) -> tuple[str, dict[str, Any]]:
    return (
        ", ".join(f":id_{at}" for at in range(len(ids))),
        {f"id_{at}": one for at, one in enumerate(ids)},
    )
