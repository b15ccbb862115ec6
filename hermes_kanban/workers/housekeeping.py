"""Taking away workspaces that nobody needs any more. Uncommitted work is never thrown away."""

from __future__ import annotations

import contextlib
from typing import Final, NamedTuple

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.workspaces import is_spent
from hermes_kanban.model.errors import InvalidInput, NotFound
from hermes_kanban.model.records import Task
from hermes_kanban.store.protocol import BoardConnection
from hermes_kanban.workers import workspace

REMOVED_AT_ONCE: Final = 50


class Swept(NamedTuple):
    """The ids of tasks whose workspace is gone, and of those whose was moved to quarantine."""

    removed: list[str]
    quarantined: list[str]


def sweep_workspaces(conn: BoardConnection) -> Swept:
    """Remove what is spent, some at a time; a folder that cannot go is tried again next time."""
    swept = Swept([], [])
    for task in _with_folder(conn):
        if len(swept.removed) >= REMOVED_AT_ONCE:
            break
        if is_spent(conn, task):
            with contextlib.suppress(OSError, InvalidInput):
                state = workspace.remove(task, conn.paths).state
                if state == "removed":
                    swept.removed.append(task.id)
                elif state == "quarantined":
                    swept.quarantined.append(task.id)
    return swept


def _with_folder(conn: BoardConnection) -> list[Task]:
    root = conn.paths.workspaces
    names = [folder.name for folder in root.iterdir()] if root.is_dir() else []
    found = []
    for name in names:
        with contextlib.suppress(NotFound):
            found.append(kb.get_task(conn, name))
    return found
