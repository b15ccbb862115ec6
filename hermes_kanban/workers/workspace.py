"""Where a task works: what may be asked for, where it lies, and how it is taken away again.

Removal follows no link and only ever happens under the board's own workspaces root. Making a
workspace ready is ``prepare``, which runs inside the supervisor.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from hermes_kanban.model import InvalidInput, Task
from hermes_kanban.paths import BoardPaths

QUARANTINE = "quarantine"
GIT_SECONDS = 120.0
ALLOWED = "scratch, dir:<absolute path>, worktree or worktree:<absolute path of a repository>"
# A folder's name below the root; no task id looks like the quarantine's.
_TASK_FOLDER = re.compile(r"t_[a-z0-9]{1,64}")

Kind = Literal["scratch", "dir", "worktree"]


class Choice(NamedTuple):
    """The kind of a workspace, and its folder or repository where the kind has one."""

    kind: Kind
    path: str | None


class Removal(NamedTuple):
    """What became of a workspace: ``path`` is where it lies now, None once it is removed."""

    state: Literal["removed", "absent", "kept", "quarantined"]
    path: Path | None


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


def directory(task: Task, paths: BoardPaths) -> Path:
    """The folder in which the task's agent works; it need not exist yet."""
    if task.workspace_kind == "dir":
        return Path(task.workspace_path or "")
    return paths.workspaces / _folder_name(task)


def branch_of(task: Task) -> str:
    """The branch of the task's worktree: the same for every run, worker or reviewer."""
    return task.branch or f"kanban/{task.id}"


def description(task: Task, paths: BoardPaths) -> dict[str, Any]:
    """What ``prepare`` needs to know to make the workspace ready."""
    path = str(directory(task, paths))
    if task.workspace_kind == "dir":
        return {"kind": "dir", "path": path}
    place = {"kind": task.workspace_kind, "path": path, "root": str(paths.workspaces)}
    if task.workspace_kind == "worktree":
        place |= {"repository": task.workspace_path or "", "branch": branch_of(task)}
    return place


def remove(task: Task, paths: BoardPaths) -> Removal:
    """Take the task's workspace away; only after its processes are confirmed gone.

    A ``dir`` is a person's and kept. A worktree goes only if nothing in it is uncommitted (its
    commits stay on the branch); otherwise it is moved into quarantine. Repeating it is harmless.
    Raises InvalidInput if the folder is a link or not the board's own, OSError if it cannot go.
    """
    if task.workspace_kind == "dir":
        return Removal("kept", directory(task, paths))
    name = _folder_name(task)
    with _own_root(paths) as root:
        if root is None or not _is_own_folder(root, name):
            return Removal("absent", None)
        if task.workspace_kind == "worktree":
            return _remove_worktree(task, paths, root)
        _remove_tree(root, name)
    return Removal("removed", None)


def quarantined(paths: BoardPaths) -> list[Path]:
    """The worktrees that were set aside since they held uncommitted work, by name."""
    folder = paths.workspaces / QUARANTINE
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _default_choice(default_workdir: str | None) -> Choice:
    if not default_workdir:
        return Choice("scratch", None)
    folder = _plain_folder(default_workdir)
    return Choice("worktree" if (Path(folder) / ".git").exists() else "dir", folder)


def _plain_folder(text: str) -> str:
    """``text`` if it is absolute and reached without a link; so it stays under what it names."""
    if "\0" in text or not text.startswith("/"):
        raise InvalidInput("workspace", "an absolute path", f"{text!r} is relative")
    # Only a trailing or double slash is forgiven; ".." is not resolved but refused.
    path = "/" + "/".join(part for part in text.split("/") if part)
    if {".", ".."} & set(path.split("/")):
        raise InvalidInput("workspace", "a path without . and ..", f"{text!r} leaves its folder")
    real = os.path.realpath(path)
    if real != path:
        raise InvalidInput("workspace", real, f"{text!r} leads through a link")
    return path


def _folder_name(task: Task) -> str:
    if not _TASK_FOLDER.fullmatch(task.id):
        raise InvalidInput("task id", "t_ and letters and digits", f"{task.id!r} names no folder")
    return task.id


@contextlib.contextmanager
def _own_root(paths: BoardPaths) -> Iterator[int | None]:
    """The workspaces root, held open: whatever is renamed meanwhile, removal stays inside it."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    try:
        root = os.open(paths.workspaces, flags)
    except FileNotFoundError:
        yield None
        return
    except NotADirectoryError:
        raise InvalidInput(
            "workspaces root", "a folder that is no link", f"{paths.workspaces} is a link or file"
        ) from None
    try:
        yield root
    finally:
        os.close(root)


def _is_own_folder(root: int, name: str) -> bool:
    """False if there is no ``name``; raises InvalidInput if it is a link, file or mount."""
    try:
        found = os.stat(name, dir_fd=root, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(found.st_mode):
        raise InvalidInput("workspace", "a folder of the board", f"{name} is a link or a file")
    if found.st_dev != os.fstat(root).st_dev:
        raise InvalidInput("workspace", "a folder of the board", f"{name} is a mounted disk")
    return True


def _remove_tree(root: int, name: str) -> None:
    try:
        shutil.rmtree(name, dir_fd=root)
    except PermissionError:
        _open_up(root, name)
        shutil.rmtree(name, dir_fd=root)


def _open_up(root: int, name: str) -> None:
    """Package caches leave folders read-only; their owner may make them writable again."""
    for _, _, _, folder in os.fwalk(name, dir_fd=root, follow_symlinks=False):
        os.fchmod(folder, 0o700)


def _remove_worktree(task: Task, paths: BoardPaths, root: int) -> Removal:
    path = directory(task, paths)
    repository = Path(task.workspace_path or "")
    if not _is_clean(path) or _git(repository, "worktree", "remove", str(path)) is None:
        return Removal("quarantined", _quarantine(task, paths, root, repository))
    return Removal("removed", None)


def _is_clean(path: Path) -> bool:
    """Whether git says that nothing would be lost; without an answer there may be work in it."""
    top = _git(path, "rev-parse", "--show-toplevel")
    # An empty or plain folder inside another repository would be judged by that one.
    if top is None or top.strip() != os.path.realpath(path):
        return False
    if _git(path, "status", "--porcelain", "--untracked-files=all") != "":
        return False
    # Commits made on no branch would go with the worktree's own HEAD.
    return bool(_git(path, "for-each-ref", "--count=1", "--contains=HEAD"))


def _quarantine(task: Task, paths: BoardPaths, root: int, repository: Path) -> Path:
    with contextlib.suppress(FileExistsError):
        os.mkdir(QUARANTINE, 0o700, dir_fd=root)
    if not _is_own_folder(root, QUARANTINE):
        raise FileNotFoundError(paths.workspaces / QUARANTINE)
    target = _free_name(paths.workspaces / QUARANTINE, task.id)
    path = directory(task, paths)
    # Git's own move keeps the worktree known to its repository; a plain one saves the files.
    if _git(repository, "worktree", "move", str(path), str(target)) is None:
        os.rename(path.name, f"{QUARANTINE}/{target.name}", src_dir_fd=root, dst_dir_fd=root)
    return target


def _free_name(folder: Path, name: str) -> Path:
    number = 1
    while os.path.lexists(folder / f"{name}-{number}"):
        number += 1
    return folder / f"{name}-{number}"


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says in ``folder``, None if it fails or there is no git."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            env=clean | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else os.fsdecode(done.stdout)
