"""Where a task works: what may be asked for, and which folder and branch that means."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Protocol

from hermes_kanban.kernel import limits
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.model.records import Task
from hermes_kanban.paths import BoardPaths
from hermes_kanban.store.protocol import BoardConnection, fetch_value

ALLOWED: Final = (
    "scratch, dir:<absolute path>, worktree or worktree:<absolute path of a repository>"
)
PATH_BYTES: Final = 4096
# A folder's name below the workspaces root; no task id looks like the quarantine's.
_TASK_FOLDER: Final = re.compile(r"t_[a-z0-9]{1,64}")

Kind = Literal["scratch", "dir", "worktree"]


class Choice(NamedTuple):
    """The kind of a workspace, and its folder or repository where the kind has one."""

    kind: Kind
    path: str | None


def workspace_columns(
    conn: BoardConnection, workspace: str | None, branch: str | None
) -> dict[str, Any]:
    """The task columns for what a caller asked for. Raises InvalidInput."""
    choice = parse_workspace(workspace, conn.default_workdir)
    limits.text("branch", branch, limits.NAME_CHARACTERS)
    if branch is not None and choice.kind != "worktree":
        raise InvalidInput("branch", "only with a worktree", f"was given with {choice.kind}")
    return {"workspace_kind": choice.kind, "workspace_path": choice.path, "branch": branch}


def parse_workspace(text: str | None, default_workdir: str | None = None) -> Choice:
    """The workspace that ``text`` asks for; ``default_workdir`` is the board's.

    Without a text the board's default decides: a git repository gives a worktree of it, another
    folder is itself the workspace, none gives scratch. Raises InvalidInput for anything else,
    for relative paths, and for paths that lead through a link.
    """
    if not text:
        return _default_choice(default_workdir)
    kind, colon, path = text.partition(":")
    if kind == "scratch" and not colon:
        return Choice("scratch", None)
    if kind == "dir" and path:
        return Choice("dir", _plain_folder(path))
    if kind == "worktree" and path:
        return Choice("worktree", _plain_folder(path))
    if kind == "worktree" and not colon:
        if not default_workdir:
            allowed = "worktree:<absolute path of a repository>"
            raise InvalidInput("workspace", allowed, "names no repository and the board has none")
        return Choice("worktree", _plain_folder(default_workdir))
    raise InvalidInput("workspace", ALLOWED, f"{text!r} is not known")


def _default_choice(default_workdir: str | None) -> Choice:
    if not default_workdir:
        return Choice("scratch", None)
    folder = _plain_folder(default_workdir)
    return Choice("worktree" if (Path(folder) / ".git").exists() else "dir", folder)


def _plain_folder(text: str) -> str:
    """``text`` if it is absolute and reached without a link; so it stays under what it names."""
    limits.text("workspace", text, PATH_BYTES)
    if not text.startswith("/"):
        raise InvalidInput("workspace", "an absolute path", f"{text!r} is relative")
    # Only a trailing or double slash is forgiven; ".." is not resolved but refused.
    path = "/" + "/".join(part for part in text.split("/") if part)
    if {".", ".."} & set(path.split("/")):
        raise InvalidInput("workspace", "a path without . and ..", f"{text!r} leaves its folder")
    real = os.path.realpath(path)
    if real != path:
        raise InvalidInput("workspace", real, f"{text!r} leads through a link")
    return path


class Placed(Protocol):
    """What a workspace is found by: a task, or what is known of one that was purged."""

    @property
    def id(self) -> str: ...
    @property
    def workspace_kind(self) -> str: ...
    @property
    def workspace_path(self) -> str | None: ...


def directory(task: Placed, paths: BoardPaths) -> Path:
    """The folder in which the task's agent works; it need not exist yet."""
    if task.workspace_kind == "dir":
        return Path(task.workspace_path or "")
    return paths.workspaces / folder_name(task)


def folder_name(task: Placed) -> str:
    """The task's folder below the workspaces root."""
    if not _TASK_FOLDER.fullmatch(task.id):
        raise InvalidInput("task id", "t_ and letters and digits", f"{task.id!r} names no folder")
    return task.id


_STILL_READ: Final = """
SELECT 1 FROM task_links l JOIN tasks c ON c.id = l.child_id
WHERE l.parent_id = :id AND c.status NOT IN ('done', 'archived')
UNION
SELECT 1 FROM task_runs r
WHERE r.task_id = :id AND r.worker_pid IS NOT NULL AND r.exited_at IS NULL
"""


def is_spent(conn: BoardConnection, task: Task) -> bool:
    """True when nobody needs the task's workspace any more.

    A scratch workspace is spent once its task is finished, its processes have exited and no open
    child may still read it; a worktree only once its task is archived; a ``dir`` never.
    """
    finished = {"scratch": ("done", "archived"), "worktree": ("archived",)}
    if task.status not in finished.get(task.workspace_kind, ()):
        return False
    return fetch_value(conn, _STILL_READ, {"id": task.id}) is None


def branch_of(task: Task) -> str | None:
    """The branch of the task's worktree, the same for every run; None for another workspace."""
    if task.workspace_kind != "worktree":
        return None
    return task.branch or f"hermes-kanban/{task.id}"
