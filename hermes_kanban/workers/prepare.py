"""Makes a run's workspace ready, inside the supervisor and before the agent starts.

Light at import: only a git worktree pays for the heavier modules. Every function may be
repeated: a retry finds what the attempt before it left.
"""

import posix

from hermes_kanban.regular import read_regular

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Git = Callable[..., "tuple[int, str]"]

GIT_SECONDS = 600.0
_FOLDER = 0o040000


class WorkspaceFailed(Exception):
    """The workspace cannot be used; the message says why, in one line, for the board."""


def scratch(root: str, path: str) -> None:
    """A private folder of the task under the board's own ``root``."""
    for folder in (root, path):
        try:
            posix.mkdir(folder, 0o700)
        except FileExistsError:
            if _kind(folder) != _FOLDER:
                raise WorkspaceFailed(f"{folder} is a link or a file, not a folder") from None
        except OSError as error:
            raise WorkspaceFailed(f"cannot make the workspace {folder}: {error}") from None


def directory(path: str) -> None:
    """The folder that a person named must be there, and be reached without a link."""
    try:
        handle = posix.open(path, posix.O_RDONLY | posix.O_DIRECTORY | posix.O_CLOEXEC)
    except OSError as error:
        raise WorkspaceFailed(f"cannot use the workspace {path}: {error.strerror}") from None
    try:
        real = _real_path(path, handle)
    finally:
        posix.close(handle)
    if real != path:
        raise WorkspaceFailed(f"the workspace {path} leads through a link to {real}")


def worktree(root: str, path: str, repository: str, branch: str, env: "Mapping[str, str]") -> None:
    """A git worktree of ``repository`` on ``branch`` at ``path``; a right one is reused."""
    git = _git(env)
    scratch(root, path)
    common = _common_folder(git, repository)
    if common is None:
        raise WorkspaceFailed(f"{repository} is not the top of a git repository")
    if posix.listdir(path):
        if _is_half_made(git, path):
            _run(git, repository, "worktree", "remove", "--force", "--force", path)
        else:
            _check_existing(git, path, common, branch)
            return
    _add(git, repository, path, branch)


def _add(git: "Git", repository: str, path: str, branch: str) -> None:
    # Forgets worktrees whose folder is gone, so that a task can have its own back.
    _run(git, repository, "worktree", "prune")
    known, _ = git(repository, "show-ref", "--verify", "--quiet", f"refs/heads/{branch}")
    target = [path, branch] if known == 0 else ["-b", branch, path]
    _run(git, repository, "worktree", "add", *target)


def _check_existing(git: "Git", path: str, common: str, branch: str) -> None:
    if _common_folder(git, path) != common:
        raise WorkspaceFailed(f"{path} holds files that are not a worktree of this repository")
    code, head = git(path, "symbolic-ref", "--short", "--quiet", "HEAD")
    if code or head != branch:
        found = head if not code else "a detached commit"
        raise WorkspaceFailed(f"the worktree {path} is on {found}, not on the branch {branch}")


def _is_half_made(git: "Git", path: str) -> bool:
    """Git keeps a worktree locked as ``initializing`` until its files are all there."""
    code, folder = git(path, "rev-parse", "--absolute-git-dir")
    if code or "/worktrees/" not in folder:
        return False
    try:
        return read_regular(folder + "/locked").strip() == b"initializing"
    except OSError:
        return False


def _common_folder(git: "Git", path: str) -> str | None:
    # Without the ceiling a plain folder inside another repository would pass for a worktree.
    code, text = git(path, "rev-parse", "--path-format=absolute", "--git-common-dir")
    if code:
        return None
    top_code, top = git(path, "rev-parse", "--show-toplevel")
    if top_code == 0 and _real_path(path) != top:
        return None
    return text


def _run(git: "Git", folder: str, *arguments: str) -> str:
    code, text = git(folder, *arguments)
    if code:
        reason = " ".join(text.split())[-500:]
        raise WorkspaceFailed(f"git {arguments[0]} {arguments[1]} failed: {reason}")
    return text


def _git(env: "Mapping[str, str]") -> "Git":
    """A function that runs git in a folder and returns its exit code and output."""
    import subprocess

    # GIT_DIR and its kin would turn every command away from the folder it is meant for.
    clean = {name: value for name, value in env.items() if not name.startswith("GIT_")}
    clean |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}

    def run(folder: str, *arguments: str) -> "tuple[int, str]":
        try:
            done = subprocess.run(
                ["git", "-C", folder, *arguments],
                env=clean,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=GIT_SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise WorkspaceFailed("git is not installed, or not on the PATH") from None
        except subprocess.TimeoutExpired:
            raise WorkspaceFailed(f"git took longer than {GIT_SECONDS:.0f} s") from None
        return done.returncode, done.stdout.decode("utf-8", "replace").strip()

    return run


def _kind(path: str) -> int | None:
    try:
        return posix.lstat(path).st_mode & 0o170000
    except FileNotFoundError:
        return None


def _real_path(path: str, handle: int | None = None) -> str:
    if handle is not None:
        try:
            return posix.readlink(f"/proc/self/fd/{handle}")
        except OSError:
            pass
    import os.path

    return os.path.realpath(path)
