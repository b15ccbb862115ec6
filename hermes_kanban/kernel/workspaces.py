"""Where a task's worker works: which kind of workspace, and which folder that is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hermes_kanban.kernel import limits
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.model.records import Task
from hermes_kanban.paths import BoardPaths
from hermes_kanban.store.sqlite import BoardConnection, fetch_value

PATH_BYTES = 4096
ALLOWED = "scratch, dir:<absolute path>, worktree, worktree:<absolute path of the repository>"


def workspace_columns(
    conn: BoardConnection, workspace: str | None, branch: str | None
) -> dict[str, Any]:
    """The task columns for what a caller asked for; the board's default workdir when silent.

    ``dir:<path>`` works in that folder. ``worktree:<path>`` works in a git worktree of that
    repository, which lies under the board's own root. Raises InvalidInput.
    """
    kind, path = _asked(conn, workspace)
    limits.text("branch", branch, limits.NAME_CHARACTERS)
    if branch is not None and kind != "worktree":
        raise InvalidInput("branch", "only with a worktree workspace", f"was given with {kind}")
    return {"workspace_kind": kind, "workspace_path": path, "branch": branch}


def _asked(conn: BoardConnection, workspace: str | None) -> tuple[str, str | None]:
    if workspace is None:
        return _default(conn)
    kind, colon, path = workspace.partition(":")
    if kind not in ("scratch", "dir", "worktree") or (kind == "scratch" and colon):
        raise InvalidInput("workspace", ALLOWED, f"is {workspace!r}")
    if kind == "scratch":
        return "scratch", None
    if kind == "worktree" and not colon:
        workdir = fetch_value(conn, "SELECT default_workdir FROM boards")
        if workdir is None:
            allowed = "worktree:<absolute path>, since this board has no default workdir"
            raise InvalidInput("workspace", allowed, "names no repository")
        path = workdir
    return kind, _absolute(path)


def _default(conn: BoardConnection) -> tuple[str, str | None]:
    workdir = fetch_value(conn, "SELECT default_workdir FROM boards")
    if workdir is None:
        return "scratch", None
    return ("worktree" if os.path.exists(os.path.join(workdir, ".git")) else "dir"), workdir


def _absolute(path: str) -> str:
    limits.required("workspace", path, PATH_BYTES)
    if not os.path.isabs(path) or os.path.normpath(path) != path.rstrip("/"):
        raise InvalidInput("workspace", "an absolute path without '..'", f"{path!r} is not one")
    return path.rstrip("/") or "/"


def directory(task: Task, paths: BoardPaths) -> Path:
    """The folder in which the task's worker runs."""
    if task.workspace_kind == "dir" and task.workspace_path:
        return Path(task.workspace_path)
    return paths.workspaces / task.id


def branch_name(task: Task) -> str | None:
    """The branch of a worktree task: the one asked for, else one of its own."""
    if task.workspace_kind != "worktree":
        return None
    return task.branch or f"hermes-kanban/{task.id}"
