"""The sample plan: take the inventory, measure each package, join the measures into a report."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hermes_kanban import kernel as kb
from hermes_kanban.demo.home import MEASURER, REPORTER, SURVEYOR
from hermes_kanban.demo.packages import packages
from hermes_kanban.kernel.live import live_runs
from hermes_kanban.model.words import STATUSES

KEY: Final = "demo:"
# Holds that end when another run does.
_PASSING: Final = frozenset(
    {"max_in_progress", "profile_cap", "resource", "tenant_cap", "earlier_process"}
)


def is_empty(conn: kb.BoardConnection) -> bool:
    """Whether nobody has ever filed a task here."""
    return not kb.list_tasks(conn, status=STATUSES, limit=1)


def file_plan(conn: kb.BoardConnection, source: Path) -> int:
    """File the plan over the packages below ``source``, whole or not at all; how many tasks."""
    found = packages(source)
    with kb.batch(conn):
        inventory = _create(
            conn,
            "inventory",
            title="Take the inventory",
            body=f"List the packages of {source}, their files and lines.",
            assignee=SURVEYOR,
        )
        measures = [
            _file_measure(conn, name, _bytes(source, files), inventory)
            for name, files in found.items()
        ]
        _create(
            conn,
            "report",
            title="Write the report",
            body="Join what the parents measured into one readable report.",
            assignee=REPORTER,
            parents=measures,
        )
    return len(measures) + 2


def _file_measure(conn: kb.BoardConnection, package: str, size: int, inventory: str) -> str:
    return _create(
        conn,
        f"measure:{package}",
        title=f"Measure {short(package)}",
        body=f"Measure size, complexity and maintainability with radon.\n\npackage: {package}",
        assignee=MEASURER,
        parents=[inventory],
        # The longest first, so that none of them is still at it when all others are done.
        priority=size // 1024,
    )


def short(package: str) -> str:
    """A package's name without what most of them begin with."""
    return package.removeprefix("hermes_kanban.")


def _create(
    conn: kb.BoardConnection,
    key: str,
    *,
    title: str,
    body: str,
    assignee: str,
    parents: list[str] | None = None,
    priority: int = 0,
) -> str:
    return kb.create_task(
        conn,
        title=title,
        body=body,
        assignee=assignee,
        parents=parents or [],
        priority=priority,
        idempotency_key=KEY + key,
        workspace="scratch",
    )


def _bytes(source: Path, files: list[Path]) -> int:
    return sum((source / file).stat().st_size for file in files)


def tasks(conn: kb.BoardConnection) -> list[kb.Task]:
    """The plan's tasks as they are now, as they were filed, without archived ones."""
    found = kb.list_tasks(conn, limit=10_000)
    return [task for task in found if (task.idempotency_key or "").startswith(KEY)]


def is_measure(task: kb.Task) -> bool:
    """Whether it is one of the plan's measuring tasks."""
    return (task.idempotency_key or "").startswith(f"{KEY}measure:")


def unfinished(conn: kb.BoardConnection) -> list[kb.Task]:
    """The plan's tasks that are not done."""
    return [task for task in tasks(conn) if task.status != "done"]


def is_idle(conn: kb.BoardConnection) -> bool:
    """Whether nothing runs, and nothing of the plan will start by itself."""
    return not live_runs(conn) and not any(_will_move(conn, task) for task in unfinished(conn))


def _will_move(conn: kb.BoardConnection, task: kb.Task) -> bool:
    if task.status == "blocked":
        return task.block_kind == "transient"
    if task.status != "ready":
        return task.status == "running"
    return all(hold.until or hold.code in _PASSING for hold in kb.why(conn, task.id))


def obstacles(conn: kb.BoardConnection) -> list[str]:
    """Why the plan is not finished: a line for each task that somebody has to see to."""
    waiting = unfinished(conn)
    stuck = [task for task in waiting if task.status != "todo"] or waiting
    return [
        f"{task.title} ({task.id}) is {task.status}: {hold.text}; lifted by: {hold.lifted_by}"
        for task in stuck
        for hold in kb.why(conn, task.id)[:1]
    ]
