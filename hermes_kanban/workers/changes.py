"""What a task has changed in its workspace, as git tells it; nothing is written there.

The repository is an agent's, and so is its configuration: git is told to run no hook, monitor,
filter, diff program or transport that it names, and to look into no repository within it. What is
no text, or too long, is left out and said to be.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
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
    # Larger files are told to differ, and not read.
    *("-c", "core.bigFileThreshold=2m"),
)
_DIFF: Final = (
    *("diff", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames"),
    "--ignore-submodules=dirty",
)
# An allowed protocol of the repository's own would count more than one that we forbid by ``-c``.
_NO_TRANSPORT: Final = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}
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
    git = _Git(place, time.monotonic() + GIT_SECONDS)
    top = git.ask("rev-parse", "--show-toplevel")
    if top is None or os.path.realpath(top.strip()) != os.path.realpath(place):
        return NO_CHANGES
    base = _base(task, git)
    if base is None:
        return NO_CHANGES
    git.forbid_filters()
    files = _files(git, base)
    untracked = _untracked(git)
    diff = git.ask(*_DIFF, base, limit=DIFF_BYTES) or ""
    for name in untracked[:UNTRACKED_SHOWN]:
        if len(diff.encode()) < DIFF_BYTES:
            diff += _as_new(git, name)
    shown, cut = _cut(diff)
    files += [ChangedFile(name, "untracked", None, None) for name in untracked]
    cut = cut or len(untracked) > UNTRACKED_SHOWN or len(files) > FILES
    return Changes(base, files[:FILES], shown, cut)


def _base(task: Task, git: _Git) -> str | None:
    head = git.ask("rev-parse", "--verify", "HEAD^{commit}")
    if head is None:
        return None
    if task.workspace_kind != "worktree" or task.workspace_path is None:
        return head.strip()
    repository = _Git(Path(task.workspace_path), git.until)
    theirs = repository.ask("rev-parse", "--verify", "HEAD^{commit}")
    left = theirs and git.ask("merge-base", head.strip(), theirs.strip())
    return (left or head).strip()


def _files(git: _Git, base: str) -> list[ChangedFile]:
    letters = (git.ask(*_DIFF, "--name-status", "-z", base) or "").split("\0")
    changes = dict(zip(letters[1::2], letters[0::2], strict=False))
    found = []
    for line in (git.ask(*_DIFF, "--numstat", "-z", base) or "").split("\0"):
        added, _, rest = line.partition("\t")
        removed, _, name = rest.partition("\t")
        if name:
            change = _LETTERS.get(changes.get(name, "M")[:1], "changed")
            found.append(ChangedFile(name, change, _number(added), _number(removed)))
    return found


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _untracked(git: _Git) -> list[str]:
    listed = git.ask("ls-files", "--others", "--exclude-standard", "-z") or ""
    return [name for name in listed.split("\0") if name]


def _as_new(git: _Git, name: str) -> str:
    """An untracked file as if it had been added; git compares it with nothing."""
    words = (*_DIFF, "--no-index", "--", os.devnull, name)
    return git.ask(*words, limit=DIFF_BYTES, differing=True) or ""


def _cut(diff: str) -> tuple[str, bool]:
    encoded = diff.encode()
    if len(encoded) <= DIFF_BYTES:
        return diff, False
    whole_lines = encoded[:DIFF_BYTES].rpartition(b"\n")[0]
    return whole_lines.decode("utf-8", "replace") + "\n", True


class _Git:
    """git in one folder, whose answers come before ``until``, a moment of the monotonic clock."""

    def __init__(self, folder: Path, until: float) -> None:
        self._folder = folder
        self.until = until
        inherited = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
        self._environment = inherited | {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "LC_ALL": "C.UTF-8",
            **_NO_TRANSPORT,
        }

    def forbid_filters(self) -> None:
        """From now on no file is read through a program that the configuration names."""
        told = self.ask("config", "--null", "--name-only", "--get-regexp", r"^filter\.") or ""
        # Not by ``-c``, where a name ends at its first equals sign.
        names = {name.rpartition(".")[0] for name in told.split("\0") if name}
        empty = [
            (f"{name}.{key}", value)
            for name in sorted(names)
            for key, value in (("clean", ""), ("process", ""), ("required", "false"))
        ]
        self._environment["GIT_CONFIG_COUNT"] = str(len(empty))
        for at, (key, value) in enumerate(empty):
            self._environment |= {f"GIT_CONFIG_KEY_{at}": key, f"GIT_CONFIG_VALUE_{at}": value}

    def ask(self, *arguments: str, limit: int = LIST_BYTES, differing: bool = False) -> str | None:
        """What git says, one byte more than ``limit`` at most; None if it fails or takes too long.

        ``differing``: an exit code 1 says that there are differences.
        """
        try:
            process = subprocess.Popen(
                ["git", "-C", str(self._folder), *_QUIET, *arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError:
            return None
        watch = threading.Timer(max(0.0, self.until - time.monotonic()), process.kill)
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
