"""Taking away workspaces that nobody needs any more. Uncommitted work is never thrown away."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.gc import Leftover
from hermes_kanban.kernel.leftovers import PurgedTask, purged_tasks
from hermes_kanban.kernel.workspaces import Placed, is_spent
from hermes_kanban.model.errors import InvalidInput, NotFound
from hermes_kanban.store.files import size_below
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
    for task in spent_workspaces(conn):
        if len(swept.removed) >= REMOVED_AT_ONCE:
            break
        with contextlib.suppress(OSError, InvalidInput):
            state = workspace.remove(task, conn.paths).state
            if state == "removed":
                swept.removed.append(task.id)
            elif state == "quarantined":
                swept.quarantined.append(task.id)
    return swept


def clear_workspaces(conn: BoardConnection, dry_run: bool) -> list[Leftover]:
    """Remove all that is spent, or only list it: the ``workspaces`` that ``gc`` asks for."""
    cleared = []
    for task in spent_workspaces(conn):
        size = size_below(conn.paths.workspaces, task.id)
        why = "nobody needs it any more"
        if not dry_run:
            try:
                state = workspace.remove(task, conn.paths).state
            except (OSError, InvalidInput):
                continue
            if state == "quarantined":
                size, why = 0, "holds uncommitted work: moved to quarantine"
        cleared.append(Leftover("workspace", f"{conn.paths.workspaces.name}/{task.id}", why, size))
    return cleared


def spent_workspaces(conn: BoardConnection) -> Iterator[Placed]:
    """The tasks whose workspace is there and spent; those that were purged among them.

    A folder of a task that the board never knew, or knew before a restore, is left alone.
    """
    root = conn.paths.workspaces
    names = sorted(folder.name for folder in root.iterdir()) if root.is_dir() else []
    purged: dict[str, PurgedTask] | None = None
    for name in names:
        try:
            task = kb.get_task(conn, name)
        except NotFound:
            purged = purged_tasks(conn) if purged is None else purged
            if name in purged:
                yield purged[name]
        else:
            if is_spent(conn, task):
                yield task
