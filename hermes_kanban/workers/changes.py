"""What a task has changed in its workspace, as git tells it; nothing is written there.

The repository is an agent's: git is told to run no hook, file monitor or diff program of its, and
what is no text, or too long, is left out and said to be.
"""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from typing import Final, Literal, NamedTuple

from hermes_kanban.model import Task

GIT_SECONDS: Final = 20.0
DIFF_BYTES: Final = 512 * 1024
LIST_BYTES: Final = 4 * 1024 * 1024
FILES: Final = 500
UNTRACKED_SHOWN: Final = 20

Change = Literal["added", "changed", "deleted", "renamed", "untracked"]

_QUIET: Final = (
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.quotePath=false"),
    *("-c", "protocol.allow=never"),
)
_DIFF: Final = ("diff", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames")
_LETTERS: Final[dict[str, Change]] = {"A": "added", "D": "deleted", "R": "renamed"}


class ChangedFile(NamedTuple):
    """One file that differs; the numbers of lines are None where git takes it for no text."""

    path: str
    change: Change
    added: int | None
    removed: int | None


class Changes(NamedTuple):
    """What differs from ``base``, a commit; None and nothing where there is no repository."""

    base: str | None
    files: list[ChangedFile]
    diff: str
    cut: bool


NO_CHANGES: Final = Changes(None, [], "", False)


def changes_in(task: Task, place: Path) -> Changes:
    """What is different in the folder where the task works.

    A worktree is compared with the commit at which its branch left the repository's own; any other
    folder with its newest commit.
    """
    top = _git(place, "rev-parse", "--show-toplevel")
    if top is None or os.path.realpath(top.strip()) != os.path.realpath(place):
        return NO_CHANGES
    base = _base(task, place)
    if base is None:
        return NO_CHANGES
    files = _files(place, base)
    untracked = _untracked(place)
    diff = _git(place, *_DIFF, base, limit=DIFF_BYTES) or ""
    for name in untracked[:UNTRACKED_SHOWN]:
        if len(diff.encode()) < DIFF_BYTES:
            diff += _as_new(place, name)
    shown, cut = _cut(diff)
    files += [ChangedFile(name, "untracked", None, None) for name in untracked]
    cut = cut or len(untracked) > UNTRACKED_SHOWN or len(files) > FILES
    return Changes(base, files[:FILES], shown, cut)


def _base(task: Task, place: Path) -> str | None:
    head = _git(place, "rev-parse", "--verify", "HEAD^{commit}")
    if head is None:
        return None
    if task.workspace_kind != "worktree" or task.workspace_path is None:
        return head.strip()
    theirs = _git(Path(task.workspace_path), "rev-parse", "--verify", "HEAD^{commit}")
    left = theirs and _git(place, "merge-base", head.strip(), theirs.strip())
    return (left or head).strip()


def _files(place: Path, base: str) -> list[ChangedFile]:
    letters = (_git(place, *_DIFF, "--name-status", "-z", base) or "").split("\0")
    changes = dict(zip(letters[1::2], letters[0::2], strict=False))
    found = []
    for line in (_git(place, *_DIFF, "--numstat", "-z", base) or "").split("\0"):
        added, _, rest = line.partition("\t")
        removed, _, name = rest.partition("\t")
        if name:
            change = _LETTERS.get(changes.get(name, "M")[:1], "changed")
            found.append(ChangedFile(name, change, _number(added), _number(removed)))
    return found


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _untracked(place: Path) -> list[str]:
    listed = _git(place, "ls-files", "--others", "--exclude-standard", "-z") or ""
    return [name for name in listed.split("\0") if name]


def _as_new(place: Path, name: str) -> str:
    """An untracked file as if it had been added; git compares it with nothing."""
    words = (*_DIFF, "--no-index", "--", os.devnull, name)
    return _git(place, *words, limit=DIFF_BYTES, differing=True) or ""


def _cut(diff: str) -> tuple[str, bool]:
    encoded = diff.encode()
    if len(encoded) <= DIFF_BYTES:
        return diff, False
    whole_lines = encoded[:DIFF_BYTES].rpartition(b"\n")[0]
    return whole_lines.decode("utf-8", "replace") + "\n", True


def _git(
    folder: Path, *arguments: str, limit: int = LIST_BYTES, differing: bool = False
) -> str | None:
    """What git says in ``folder``, one byte more than ``limit`` at most; None if it fails.

    ``differing``: an exit code 1 says that there are differences.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment = clean | {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C.UTF-8",
    }
    try:
        process = subprocess.Popen(
            ["git", "-C", str(folder), *_QUIET, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None
    watch = threading.Timer(GIT_SECONDS, process.kill)
    watch.start()
    try:
        with process:
            assert process.stdout is not None
            told = process.stdout.read(limit + 1)
            cut_off = len(told) > limit
            if cut_off:
                process.kill()
        code = process.returncode
    finally:
        watch.cancel()
    if code and not cut_off and not (differing and code == 1):
        return None
    return told.decode("utf-8", "replace")
