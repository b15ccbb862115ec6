"""The order in which ready tasks start: effective priority, then fair between tenants, then seq.

The queue index keeps the ready tasks by (assignee, tenant, priority, seq). Groups are found by
jumping from one to the next, so a look costs what there are groups, not what there are tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final, NamedTuple

import msgspec

from hermes_kanban.kernel import eligibility
from hermes_kanban.kernel.eligibility import World
from hermes_kanban.model.records import Hold
from hermes_kanban.store.protocol import (
    BoardConnection,
    Row,
    Worth,
    ask_all,
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
_FIRST: Final = "SELECT t.{key} FROM tasks AS t INDEXED BY tasks_queue WHERE t.status = 'ready'"
_NAME: Final = (
    _FIRST.format(key="assignee") + " AND t.assignee > {after} ORDER BY t.assignee LIMIT 1"
)
_TENANT: Final = (
    _FIRST.format(key="tenant")
    + " AND {of} AND t.tenant > {after} ORDER BY t.assignee, t.tenant LIMIT 1"
)
# Not by EXISTS, which PostgreSQL would answer by reading all that are without a tenant.
_WITHOUT: Final = (
    f"({_FIRST.format(key='seq')} AND {{of}} AND t.tenant IS NULL LIMIT 1) IS NOT NULL"
)
# Assignee and tenant are the same in all: but where they are null PostgreSQL sees that the index is
# sorted only if it is asked for the whole of that order.
_IN_ORDER: Final = "ORDER BY assignee, tenant, effective_priority DESC, seq LIMIT :limit"
_NOBODYS: Final = "t.assignee IS NULL"
_NAMED: Final = "t.assignee = {group}.assignee"
# Those of nobody apart: the databases differ in where they sort what is null. Behind the last
# name, and behind the last tenant of each, comes one that is null.
_GROUPS: Final = f"""
WITH RECURSIVE names (assignee) AS (
    SELECT ({_NAME.format(after="''")})
    UNION ALL
    SELECT ({_NAME.format(after="n.assignee")}) FROM names AS n WHERE n.assignee IS NOT NULL
),
nobodys (tenant) AS (
    SELECT ({_TENANT.format(of=_NOBODYS, after="''")})
    UNION ALL
    SELECT ({_TENANT.format(of=_NOBODYS, after="g.tenant")})
    FROM nobodys AS g WHERE g.tenant IS NOT NULL
),
named (assignee, tenant) AS (
    SELECT n.assignee, ({_TENANT.format(of=_NAMED.format(group="n"), after="''")})
    FROM names AS n WHERE n.assignee IS NOT NULL
    UNION ALL
    SELECT g.assignee, ({_TENANT.format(of=_NAMED.format(group="g"), after="g.tenant")})
    FROM named AS g WHERE g.tenant IS NOT NULL
)
SELECT cast(NULL AS text) AS assignee, g.tenant FROM nobodys AS g
WHERE g.tenant IS NOT NULL OR {_WITHOUT.format(of=_NOBODYS)}
UNION ALL
SELECT g.assignee, g.tenant FROM named AS g
WHERE g.tenant IS NOT NULL OR {_WITHOUT.format(of=_NAMED.format(group="g"))}
"""

Groups = Callable[[], dict[str | None, list[str | None]]]


class Candidates(msgspec.Struct):
    """Tasks to try in order, and some that were held back, in order by the code of the hold."""

    tasks: list[Any]
    held: dict[str, list[str]]


def ask_groups(conn: BoardConnection) -> Groups:
    """The tenants that each assignee has ready tasks of, to be asked with what else is read."""
    asked = ask_all(conn, _GROUPS)

    def groups() -> dict[str | None, list[str | None]]:
        found: dict[str | None, list[str | None]] = {}
        for assignee, tenant in sorted(map(tuple, asked()), key=_null_first):
            found.setdefault(assignee, []).append(tenant)
        return found

    return groups


def _null_first(group: tuple[str | None, str | None]) -> tuple[str, str]:
    return group[0] or "", group[1] or ""


def candidates(conn: BoardConnection, world: World, limit: int, groups: Groups) -> Candidates:
    """Up to ``limit`` eligible tasks in dispatch order, from the groups that were asked."""
    everything = eligibility.board_hold(world)
    looks: list[_Look] = []
    asked_held: dict[str, list[Callable[[], list[Any]]]] = {}
    for assignee, tenants in groups().items():
        hold = everything or eligibility.profile_hold(world, assignee)
        if hold is not None:
            asked = asked_held.setdefault(hold.code, [])
            if len(asked) < HELD_SHOWN:  # each of them has one at least
                asked.append(ask_all(conn, _READY_OF.format(of=_of(assignee)), _some(assignee)))
            continue
        looks += [_look(conn, world, assignee, tenant, limit) for tenant in tenants]
    held = {
        code: sorted((row for rows in some for row in rows()), key=_turn)[:HELD_SHOWN]
        for code, some in asked_held.items()
    }
    heads = [row for look in looks for row in _heads_of(conn, world, held, look, limit)]
    in_order = {code: [row["id"] for row in sorted(some, key=_turn)] for code, some in held.items()}
    return Candidates(_fair_order(world, heads, limit), in_order)


def any_due(conn: BoardConnection, assignees: Collection[str | None] | None) -> Worth:
    """A due task is there at all, held or not; of these assignees only, of all if None."""
    given: dict[str, Any] = {"now": conn.clock.now()}
    of = ""
    if assignees is not None:
        names = {f"name_{at}": name for at, name in enumerate(assignees) if name is not None}
        given |= names
        listed = ", ".join(f":{name}" for name in names) or "NULL"
        of = f" AND (assignee IN ({listed}){' OR assignee IS NULL' * (None in assignees)})"
    sql = f"SELECT 1 FROM tasks INDEXED BY tasks_queue WHERE status = 'ready'{of}{_DUE} LIMIT 1"
    return Worth(sql, given, 1)


def unheld(
    conn: BoardConnection,
    world: World,
    assignees: Collection[str | None] | None,
    limit: int,
    groups: Groups,
) -> list[Any]:
    """Up to ``limit`` due tasks in dispatch order that no process holds, caps or no caps.

    Of these assignees only, of all if None; from the groups that were asked.
    """
    heads: list[Any] = []
    folders = list(world.folders)
    most = limit + len(world.processes)
    asked = [
        (assignee, tenant, _ask_head(conn, world, assignee, tenant, most))
        for assignee, tenants in groups().items()
        if assignees is None or assignee in assignees
        for tenant in tenants
    ]
    for assignee, tenant, rows in asked:
        due = rows()
        found = [row for row in due if eligibility.process_hold(world, row) is None]
        if len(found) < limit and len(due) == most and folders:
            due = _ask_head(conn, world, assignee, tenant, most, past=folders)()
            found = [row for row in due if eligibility.process_hold(world, row) is None]
        heads += found[:limit]
    return _fair_order(world, heads, limit)


class _Look(NamedTuple):
    """The first tasks of a group, asked, and what holds back all of it."""

    assignee: str | None
    tenant: str | None
    hold: Hold | None
    most: int
    rows: Callable[[], list[Any]]


def _look(
    conn: BoardConnection, world: World, assignee: str | None, tenant: str | None, limit: int
) -> _Look:
    hold = eligibility.tenant_hold(world, tenant)
    # So many that the tasks of live processes leave ``limit`` of them.
    most = limit + len(world.processes) if hold is None else HELD_SHOWN
    return _Look(assignee, tenant, hold, most, _ask_head(conn, world, assignee, tenant, most))


def _heads_of(
    conn: BoardConnection, world: World, held: dict[str, list[Row]], look: _Look, limit: int
) -> list[Any]:
    due = look.rows()
    free = []
    for row in due:
        reason = look.hold or _row_hold(world, row)
        if reason is None:
            free.append(row)
        else:
            held.setdefault(reason.code, []).append(row)
    if look.hold is None and len(free) < limit and len(due) == look.most:
        free = _further(conn, world, look.assignee, look.tenant, due, free, limit)
    return free[:limit]


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
        due = _ask_head(conn, world, assignee, tenant, most, past=folders)()
        free = [row for row in due if _row_hold(world, row) is None]
    if world.skills is None:
        return free
    seen, full = len(due), len(due) == most
    while len(free) < limit and full and seen < SKILLS_LOOK:
        further = _ask_head(conn, world, assignee, tenant, SKILLS_PAGE, past=folders, after=due[-1])
        due = further()
        free += [row for row in due if _row_hold(world, row) is None]
        seen, full = seen + len(due), len(due) == SKILLS_PAGE
    return free


def _of(assignee: str | None) -> str:
    return "assignee IS NULL" if assignee is None else "assignee = :assignee"


def _ask_head(
    conn: BoardConnection,
    world: World,
    assignee: str | None,
    tenant: str | None,
    limit: int,
    past: list[str] | None = None,
    after: Row | None = None,
) -> Callable[[], list[Any]]:
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
        f" {_IN_ORDER}"
    )
    given = {"assignee": assignee, "tenant": tenant, "now": world.now, "limit": limit}
    if after is not None:
        given |= {"above": after["effective_priority"], "last": after["seq"]}
    return ask_all(conn, sql, given | folders)


_BEHIND: Final = (
    " AND (effective_priority < :above OR (effective_priority = :above AND seq > :last))"
)


# Those without a tenant apart: the databases differ in whether what is null comes first.
_READY_OF: Final = " UNION ALL ".join(
    "SELECT * FROM (SELECT id, effective_priority, seq FROM tasks"
    f" WHERE status = 'ready' AND {{of}} AND tenant {null} {_IN_ORDER}) AS {name}"
    for name, null in (("untenanted", "IS NULL"), ("tenanted", "IS NOT NULL"))
)


def _some(assignee: str | None) -> dict[str, Any]:
    return {"assignee": assignee, "limit": HELD_SHOWN}


def _turn(row: Row) -> tuple[int, int]:
    return -row["effective_priority"], row["seq"]


def _fair_order(world: World, heads: list[Any], limit: int) -> list[Any]:
    """Highest priority first; among equals the tenant with the fewest places, then age."""
    load = dict(world.by_tenant)
    ordered: list[Any] = []
    waiting = sorted(heads, key=_turn)
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


_SOONEST: Final = (
    "(SELECT {time} FROM tasks INDEXED BY {index} WHERE status = {of} AND {time} > :now"
    " ORDER BY {time} LIMIT 1)"
)
# Not by min(), of which PostgreSQL may read them all: its plan may be one of when there was none.
_NEXT_DUE: Final = "SELECT " + ", ".join(
    _SOONEST.format(time=time, index=index, of=of)
    for time, index, of in (
        ("eligible_at", "tasks_ready_later", "'ready'"),
        ("scheduled_at", "tasks_scheduled", "'ready'"),
        ("eligible_at", "tasks_transient", "'blocked' AND block_kind = 'transient'"),
    )
)


def ask_next_due(conn: BoardConnection, now: int) -> Callable[[], int | None]:
    """When the next task becomes due by time alone (Unix seconds), or None."""
    asked = ask_all(conn, _NEXT_DUE, {"now": now})
    return lambda: min(
        (at for (times,) in [asked()] for at in times if at is not None), default=None
    )
