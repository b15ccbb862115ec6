"""What a supervisor needs to make a workspace ready, and how one is taken away again.

Removal follows no link and only ever happens under the board's own workspaces root. Making a
workspace ready is ``prepare``, which runs inside the supervisor.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from hermes_kanban.kernel.workspaces import Placed, branch_of, directory, folder_name
from hermes_kanban.model import InvalidInput, Task
from hermes_kanban.paths import BoardPaths

QUARANTINE = "quarantine"
GIT_SECONDS = 120.0


class Removal(NamedTuple):
    """What became of a workspace: ``path`` is where it lies now, None once it is removed."""

    state: Literal["removed", "absent", "kept", "quarantined"]
    path: Path | None


def description(task: Task, paths: BoardPaths) -> dict[str, Any]:
    """What ``prepare`` needs to know to make the workspace ready."""
    path = str(directory(task, paths))
    if task.workspace_kind == "dir":
        return {"kind": "dir", "path": path}
    place: dict[str, Any] = {
        "kind": task.workspace_kind,
        "path": path,
        "root": str(paths.workspaces),
    }
    if task.workspace_kind == "worktree":
        place |= {"repository": task.workspace_path or "", "branch": branch_of(task)}
    return place


def remove(task: Placed, paths: BoardPaths) -> Removal:
    """Take the task's workspace away; only after its processes are confirmed gone.

    A ``dir`` is a person's and kept. A worktree goes only if nothing in it is uncommitted (its
    commits stay on the branch); otherwise it is moved into quarantine. Repeating it is harmless.
    Raises InvalidInput if the folder is a link or not the board's own, OSError if it cannot go.
    """
    if task.workspace_kind == "dir":
        return Removal("kept", directory(task, paths))
    name = folder_name(task)
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


def _remove_worktree(task: Placed, paths: BoardPaths, root: int) -> Removal:
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


def _quarantine(task: Placed, paths: BoardPaths, root: int, repository: Path) -> Path:
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
