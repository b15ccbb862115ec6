"""Taking away workspaces that nobody needs any more.

A scratch workspace goes once its task is finished, its processes are gone and no open child may
still read it; a worktree once its task is archived. Uncommitted work is never thrown away.
"""

from __future__ import annotations

import contextlib
from typing import Final

from hermes_kanban import kernel as kb
from hermes_kanban.model.errors import InvalidInput, NotFound
from hermes_kanban.store.sqlite import BoardConnection, fetch_value
from hermes_kanban.workers import workspace

REMOVED_AT_ONCE: Final = 50

_STILL_NEEDED: Final = """
SELECT 1 FROM task_links l JOIN tasks c ON c.id = l.child_id
WHERE l.parent_id = :id AND c.status NOT IN ('done', 'archived')
UNION
SELECT 1 FROM task_runs r
WHERE r.task_id = :id AND r.worker_pid IS NOT NULL AND r.exited_at IS NULL
"""


def sweep_workspaces(conn: BoardConnection) -> list[str]:
    """Remove what is no longer needed; return the task ids whose workspace is gone."""
    root = conn.paths.workspaces
    if not root.is_dir():
        return []
    removed: list[str] = []
    for folder in root.iterdir():
        if len(removed) == REMOVED_AT_ONCE:
            break
        if folder.name.startswith("t_") and _is_spent(conn, folder.name):
            task = kb.get_task(conn, folder.name)
            with contextlib.suppress(OSError, InvalidInput):
                if workspace.remove(task, conn.paths).state == "removed":
                    removed.append(task.id)
    return removed


def _is_spent(conn: BoardConnection, task_id: str) -> bool:
    try:
        task = kb.get_task(conn, task_id)
    except NotFound:
        return False
    finished = ("archived",) if task.workspace_kind == "worktree" else ("done", "archived")
    if task.status not in finished or task.workspace_kind == "dir":
        return False
    return fetch_value(conn, _STILL_NEEDED, {"id": task_id}) is None
