"""The order in which ready tasks start: effective priority, then fair between tenants, then seq.

The queue index keeps the ready tasks by (assignee, tenant, priority, seq). Groups are found by
jumping from one to the next, so a look costs what there are groups, not what there are tasks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

import msgspec

from hermes_kanban.kernel import eligibility
from hermes_kanban.kernel.eligibility import World
from hermes_kanban.model.records import Hold
from hermes_kanban.store.protocol import (
    BoardConnection,
    Row,
    ask_all,
    fetch_all,
    fetch_one,
    fetch_value,
)

HELD_SHOWN: Final = 10

_DUE: Final = (
    " AND (eligible_at IS NULL OR eligible_at <= :now)"
    " AND (scheduled_at IS NULL OR scheduled_at <= :now)"
)
_COLUMNS: Final = (
    "id, seq, assignee, tenant, effective_priority, eligible_at, scheduled_at,"
    " workspace_kind, workspace_path, skills"
)
# How many ready tasks of a group a look goes through behind those that miss a skill.
SKILLS_LOOK: Final = 1_000
SKILLS_PAGE: Final = 100
# Left to itself SQLite reads these off the status index, which costs what there are ready tasks.
# The store drops the hint for a database that does not know it.
# Nobody and the first name apart: the databases differ in where they sort what is null.
_FIRST_ASSIGNEES: Final = (
    "SELECT assignee FROM (SELECT assignee FROM tasks INDEXED BY tasks_queue"
    " WHERE status = 'ready' AND assignee IS NULL LIMIT 1) AS keys_0 UNION ALL"
    " SELECT assignee FROM (SELECT assignee FROM tasks INDEXED BY tasks_queue"
    " WHERE status = 'ready' AND assignee > '' ORDER BY assignee LIMIT 1) AS keys_1"
)
_NEXT_ASSIGNEE: Final = (
    "SELECT assignee FROM tasks INDEXED BY tasks_queue WHERE status = 'ready'"
    " AND assignee > :after ORDER BY assignee LIMIT 1"
)


class Candidates(msgspec.Struct):
    """Tasks to try in order, and what was held back, by the code of the hold."""

    tasks: list[Any]
    held: dict[str, list[str]]


def candidates(conn: BoardConnection, world: World, limit: int) -> Candidates:
    """Up to ``limit`` eligible tasks in dispatch order."""
    found = Candidates([], {})
    everything = eligibility.board_hold(world)
    heads: list[Any] = []
    for assignee in _assignees(conn):
        hold = everything or eligibility.profile_hold(world, assignee)
        if hold is not None:
            _hold_back(conn, found, hold.code, assignee)
            continue
        heads += _heads_of(conn, world, found, assignee, limit)
    found.tasks = _fair_order(world, heads, limit)
    return found


def has_due(conn: BoardConnection, assignees: Collection[str | None] | None) -> bool:
    """Whether a due task is there at all, held or not; of these assignees only, of all if None."""
    given: dict[str, Any] = {"now": conn.clock.now()}
    of = ""
    if assignees is not None:
        names = {f"name_{at}": name for at, name in enumerate(assignees) if name is not None}
        given |= names
        listed = ", ".join(f":{name}" for name in names) or "NULL"
        of = f" AND (assignee IN ({listed}){' OR assignee IS NULL' * (None in assignees)})"
    sql = f"SELECT 1 FROM tasks INDEXED BY tasks_queue WHERE status = 'ready'{of}{_DUE} LIMIT 1"
    return fetch_one(conn, sql, given) is not None


def unheld(
    conn: BoardConnection,
    world: World,
    assignees: Iterable[str | None] | None,
    limit: int,
) -> list[Any]:
    """Up to ``limit`` due tasks in dispatch order that no process holds, caps or no caps.

    Of these assignees only, of all if None.
    """
    heads: list[Any] = []
    folders = list(world.folders)
    for assignee in _assignees(conn) if assignees is None else assignees:
        for tenant in _tenants(conn, assignee):
            most = limit + len(world.processes)
            due = _head(conn, world, assignee, tenant, most)
            found = [row for row in due if eligibility.process_hold(world, row) is None]
            if len(found) < limit and len(due) == most and folders:
                due = _head(conn, world, assignee, tenant, most, past=folders)
                found = [row for row in due if eligibility.process_hold(world, row) is None]
            heads += found[:limit]
    return _fair_order(world, heads, limit)


def _assignees(conn: BoardConnection) -> Iterator[str | None]:
    first = [row[0] for row in fetch_all(conn, _FIRST_ASSIGNEES)]
    if None in first:
        yield None
    assignee = next((name for name in first if name is not None), None)
    while assignee is not None:
        yield assignee
        assignee = fetch_value(conn, _NEXT_ASSIGNEE, {"after": assignee})


def _heads_of(
    conn: BoardConnection, world: World, found: Candidates, assignee: str | None, limit: int
) -> list[Any]:
    heads: list[Any] = []
    for tenant in _tenants(conn, assignee):
        hold = eligibility.tenant_hold(world, tenant)
        # So many that the tasks of live processes leave ``limit`` of them.
        most = limit + len(world.processes) if hold is None else HELD_SHOWN
        due = _head(conn, world, assignee, tenant, most)
        free = []
        for row in due:
            reason = hold or _row_hold(world, row)
            if reason is None:
                free.append(row)
            else:
                found.held.setdefault(reason.code, []).append(row["id"])
        if hold is None and len(free) < limit and len(due) == most:
            free = _further(conn, world, assignee, tenant, due, free, limit)
        heads += free[:limit]
    return heads


def _row_hold(world: World, row: Row) -> Hold | None:
    return eligibility.process_hold(world, row) or eligibility.skills_hold(world, row)


def _further(
    conn: BoardConnection,
    world: World,
    assignee: str | None,
    tenant: str | None,
    due: list[Any],
    free: list[Any],
    limit: int,
) -> list[Any]:
    """What is free behind the first tasks of a group, where too few of those are."""
    folders, most = list(world.folders), len(due)
    if folders:
        due = _head(conn, world, assignee, tenant, most, past=folders)
        free = [row for row in due if _row_hold(world, row) is None]
    if world.skills is None:
        return free
    seen, full = len(due), len(due) == most
    while len(free) < limit and full and seen < SKILLS_LOOK:
        due = _head(conn, world, assignee, tenant, SKILLS_PAGE, past=folders, after=due[-1])
        free += [row for row in due if _row_hold(world, row) is None]
        seen, full = seen + len(due), len(due) == SKILLS_PAGE
    return free


def _of(assignee: str | None) -> str:
    return "assignee IS NULL" if assignee is None else "assignee = :assignee"


def _tenants(conn: BoardConnection, assignee: str | None) -> Iterator[str | None]:
    where = f"SELECT {{}} FROM tasks WHERE status = 'ready' AND {_of(assignee)} AND {{}}"
    parameters = {"assignee": assignee, "after": ""}
    following = where.format("tenant", "tenant > :after ORDER BY tenant LIMIT 1")
    of_none = ask_all(conn, where.format("1", "tenant IS NULL LIMIT 1"), parameters)
    named = ask_all(conn, following, parameters)
    if of_none():
        yield None
    found = named()
    while found:
        ((tenant,),) = found
        yield tenant
        found = fetch_all(conn, following, parameters | {"after": tenant})


def _head(
    conn: BoardConnection,
    world: World,
    assignee: str | None,
    tenant: str | None,
    limit: int,
    past: list[str] | None = None,
    after: Row | None = None,
) -> list[Any]:
    """The first tasks of a group that are due, ``after`` one of them.

    ``past`` leaves those of these folders out.
    """
    of_tenant = "tenant IS NULL" if tenant is None else "tenant = :tenant"
    folders = {f"folder_{at}": folder for at, folder in enumerate(past or [])}
    listed = ", ".join(f":{name}" for name in folders)
    elsewhere = f" AND (workspace_kind <> 'dir' OR workspace_path NOT IN ({listed}))"
    sql = (
        f"SELECT {_COLUMNS} FROM tasks WHERE status = 'ready' AND {_of(assignee)}"
        f" AND {of_tenant}{_DUE}{elsewhere if folders else ''}{_BEHIND if after else ''}"
        " ORDER BY effective_priority DESC, seq LIMIT :limit"
    )
    given = {"assignee": assignee, "tenant": tenant, "now": world.now, "limit": limit}
    if after is not None:
        given |= {"above": after["effective_priority"], "last": after["seq"]}
    return fetch_all(conn, sql, given | folders)


_BEHIND: Final = (
    " AND (effective_priority < :above OR (effective_priority = :above AND seq > :last))"
)


def _hold_back(conn: BoardConnection, found: Candidates, code: str, assignee: str | None) -> None:
    held = found.held.setdefault(code, [])
    if len(held) >= HELD_SHOWN:
        return
    rows = fetch_all(
        conn,
        f"SELECT id FROM tasks WHERE status = 'ready' AND {_of(assignee)} LIMIT :limit",
        {"assignee": assignee, "limit": HELD_SHOWN - len(held)},
    )
    held += [row[0] for row in rows]


def _fair_order(world: World, heads: list[Any], limit: int) -> list[Any]:
    """Highest priority first; among equals the tenant with the fewest places, then age."""
    load = dict(world.by_tenant)
    ordered: list[Any] = []
    waiting = sorted(heads, key=lambda row: (-row["effective_priority"], row["seq"]))
    if len({row["tenant"] for row in waiting}) <= 1:
        return waiting[:limit]
    while waiting and len(ordered) < limit:
        best = min(
            waiting,
            key=lambda row: (
                -row["effective_priority"],
                load.get(row["tenant"], 0),
                row["seq"],
            ),
        )
        waiting.remove(best)
        load[best["tenant"]] = load.get(best["tenant"], 0) + 1
        ordered.append(best)
    return ordered


_NEXT_DUE: Final = """
SELECT
    (SELECT min(eligible_at) FROM tasks INDEXED BY tasks_ready_later
     WHERE status = 'ready' AND eligible_at > :now),
    (SELECT min(scheduled_at) FROM tasks INDEXED BY tasks_scheduled
     WHERE status = 'ready' AND scheduled_at > :now),
    (SELECT min(eligible_at) FROM tasks INDEXED BY tasks_transient
     WHERE status = 'blocked' AND block_kind = 'transient' AND eligible_at > :now)
"""


def next_due(conn: BoardConnection, now: int) -> int | None:
    """When the next task becomes due by time alone (Unix seconds), or None."""
    times = fetch_one(conn, _NEXT_DUE, {"now": now})
    return min((at for at in times if at is not None), default=None)
