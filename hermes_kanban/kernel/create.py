"""Creating tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

import msgspec

from hermes_kanban import lifecycle
from hermes_kanban.kernel import gates, limits
from hermes_kanban.kernel.fencing import Author, author, check_run_quota
from hermes_kanban.kernel.inherit import ask_handed_on, inherit_from_run
from hermes_kanban.kernel.links import add_links
from hermes_kanban.kernel.workspaces import workspace_columns
from hermes_kanban.model.errors import IdTaken, InvalidInput, NotFound
from hermes_kanban.store.protocol import BoardConnection, Transaction, fetch_value, write

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
_ID_CHARACTERS: Final = 6
DRAWS: Final = 20
NO_FREE_ID: Final = f"{DRAWS} ids were drawn, and tasks have them all: try again"

_LIVE_KEY: Final = (
    "SELECT id FROM tasks WHERE idempotency_key = :key AND idempotency_key IS NOT NULL"
    " AND status <> 'archived'"
)


def create_task(
    conn: BoardConnection,
    *,
    title: str,
    body: str | None = None,
    assignee: str | None = None,
    parents: Iterable[str] = (),
    tenant: str | None = None,
    priority: int = 0,
    skills: Iterable[str] = (),
    workspace: str | None = None,
    branch: str | None = None,
    model: str | None = None,
    provider: str | None = None,
    scheduled_at: int | None = None,
    max_runtime_seconds: int | None = None,
    max_retries: int | None = None,
    idempotency_key: str | None = None,
    triage: bool = False,
    actor: str | None = None,
    run_id: int | None = None,
    claim_lock: str | None = None,
) -> str:
    """Create a task and return its id: in ``triage``, else ``ready``, or ``todo`` behind parents.

    A repeat of ``idempotency_key`` returns the id of the live task that has it. ``run_id`` and
    ``claim_lock`` name the run that creates it. Raises InvalidInput or NotFound (a parent), having
    written nothing.
    """
    columns: dict[str, Any] = {
        "title": limits.title(title),
        "body": limits.text("body", body, limits.BODY_BYTES),
        "assignee": limits.name("assignee", assignee),
        "tenant": limits.name("tenant", tenant),
        "priority": limits.priority(priority),
        "skills": _skills_json(skills),
        "model": limits.text("model", model, limits.NAME_CHARACTERS),
        "provider": limits.text("provider", provider, limits.NAME_CHARACTERS),
        "idempotency_key": limits.text("key", idempotency_key, limits.NAME_CHARACTERS),
        "scheduled_at": limits.whole("scheduled_at", scheduled_at, 0),
        "max_runtime_seconds": limits.whole("max_runtime_seconds", max_runtime_seconds, 1),
        "max_retries": limits.whole("max_retries", max_retries, 0, 1_000),
    }
    parent_ids = _parent_ids(parents)
    by_key = {"key": idempotency_key}
    if idempotency_key is not None and (known := fetch_value(conn, _LIVE_KEY, by_key)):
        return str(known)
    for _ in range(DRAWS):
        with suppress(IdTaken), write(conn, "create") as tx:
            if idempotency_key is not None and (known := tx.value(_LIVE_KEY, by_key)):
                return str(known)
            worker = author(tx, run_id, claim_lock, actor)
            if run_id is not None:
                _check_run_limits(tx, run_id)
                check_run_quota(tx, run_id, "links", limits.LINKS_PER_RUN, len(parent_ids))
            columns |= workspace_columns(conn, workspace, branch)
            return _insert(tx, columns, parent_ids, triage, worker)
    raise IdTaken(NO_FREE_ID)


def _skills_json(skills: Iterable[str]) -> str:
    checked = limits.skills(skills)
    return msgspec.json.encode(checked).decode() if checked else "[]"


def _parent_ids(parents: Iterable[str]) -> list[str]:
    if isinstance(parents, str):
        raise InvalidInput("parents", "a list of task ids", "is one text")
    return list(dict.fromkeys(parents))


def _insert(
    tx: Transaction, columns: dict[str, Any], parents: list[str], triage: bool, by: Author
) -> str:
    above, handed = _open_above(tx, parents), None
    if parents and by.run_id is None:
        handed = ask_handed_on(tx, parents)
    opened = above()
    columns["status"] = "triage" if triage else gates.resting(bool(opened))
    columns["effective_priority"] = columns["priority"]
    columns["created_at"] = tx.now
    columns["created_by"] = by.actor
    columns["created_run_id"] = by.run_id
    columns["consecutive_failures"] = 0
    row = {column: value for column, value in columns.items() if value is not None}
    row["id"] = task_id = draw_id(tx)
    if task_id in parents:  # the link may be refused before the row is
        raise IdTaken(task_id)
    row["seq"] = tx.insert_unseen(lifecycle.insert_sql("tasks", tuple(row)), row)
    payload: dict[str, Any] = {"task": row} | ({"parents": parents} if parents else {})
    if by.actor == limits.NOTIFIER or _is_of_a_wake(tx, by.run_id):
        payload["woken"] = True
    # Before its first event, of which its subscribers hear.
    inherit_from_run(tx, task_id, parents, by.run_id, handed)
    lifecycle.append_event(tx, task_id, "created", by.actor, payload, run_id=by.run_id, at=tx.now)
    if parents:
        add_links(tx, row | {"last_event_at": tx.now}, parents, by)
        gates.raise_ancestors(tx, task_id, columns["priority"], opened)
    return task_id


def _is_of_a_wake(tx: Transaction, run_id: int | None) -> bool:
    """Whether a wake made the task of that run, or the one whose run made it, and so on."""
    if run_id is None:
        return False
    return tx.value(_FIRST_EVENT_OF_A_WAKE, {"run": run_id}) is not None


_FIRST_EVENT_OF_A_WAKE: Final = """
SELECT e.id FROM task_events e WHERE e.id = (
    SELECT f.id FROM task_events f JOIN task_runs r ON r.task_id = f.task_id
    WHERE r.id = :run ORDER BY f.id LIMIT 1)
AND e.payload LIKE '%"woken":true%'
"""


def _open_above(tx: Transaction, parents: list[str]) -> Callable[[], list[tuple[str, int]]]:
    """Those of the parents that are open, and their effective priorities."""
    asked = [(parent, tx.ask(_PARENT, {"id": parent})) for parent in parents]

    def opened() -> list[tuple[str, int]]:
        found = []
        for parent, rows in asked:
            row = next(iter(rows()), None)
            if row is None:
                raise NotFound("task", parent, "named as a parent")
            if row["status"] == "archived" and row["completed_at"] is None:
                raise InvalidInput(
                    "parents", "tasks that can still be done", f"{parent} is archived"
                )
            if gates.is_open(row):
                found.append((parent, row["effective_priority"]))
        return found

    return opened


_PARENT: Final = "SELECT status, completed_at, effective_priority FROM tasks WHERE id = :id"


def draw_id(tx: Transaction) -> str:
    """An id for a new task, which another may have."""
    bits = tx.conn.randomness.randbits(5 * _ID_CHARACTERS)
    return "t_" + "".join(
        _ALPHABET[bits >> shift & 31] for shift in range(0, 5 * _ID_CHARACTERS, 5)
    )


def _check_run_limits(tx: Transaction, run_id: int) -> None:
    created = tx.value("SELECT count(*) FROM tasks WHERE created_run_id = :run", {"run": run_id})
    if created >= limits.TASKS_PER_RUN:
        allowed = f"{limits.TASKS_PER_RUN} tasks created by one run"
        raise InvalidInput("task", allowed, f"would be number {created + 1}")
    depth = tx.value(_DEPTH, {"run": run_id})
    if depth > limits.TASK_DEPTH:
        raise InvalidInput("task", f"creation to depth {limits.TASK_DEPTH}", "is deeper")


_DEPTH: Final = """
WITH RECURSIVE ancestry (run_id, depth) AS (
    SELECT cast(:run AS integer), 1
    UNION
    SELECT t.created_run_id, a.depth + 1
    FROM ancestry a JOIN task_runs r ON r.id = a.run_id JOIN tasks t ON t.id = r.task_id
    WHERE t.created_run_id IS NOT NULL AND a.depth < 10
)
SELECT max(depth) FROM ancestry
"""
