"""A process that ends by SIGKILL at one step of what it does, counted from one.

A step is a statement that is about to run, a commit that has just returned, or, where files are
made, a call that changes a folder or a file. The interpreter tells of every call into C, so that
nothing in the verbs knows of it.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from types import FrameType, TracebackType
from typing import Any, Final

_STATEMENTS: Final = frozenset({"backup", "commit", "execute", "executemany", "executescript"})
_FILES: Final = frozenset(
    {"fsync", "link", "mkdir", "open", "rename", "replace", "unlink", "write"}
)


class Abrupt:
    """Counts the steps inside its block; the process is gone at step ``at``, if there is one."""

    def __init__(self, at: int | None = None) -> None:
        self.steps = 0
        self._at = at
        self._in_transaction = False

    def __enter__(self) -> Abrupt:
        sys.setprofile(self._watch)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        sys.setprofile(None)

    def step(self) -> None:
        """One more step: perhaps the last."""
        self.steps += 1
        if self.steps == self._at:
            die()

    def _watch(self, _frame: FrameType, event: str, function: Any) -> None:
        if event == "c_call":
            if (conn := _connection(function)) is not None:
                self._in_transaction = conn.in_transaction
                self.step()
            elif _changes_files(function):
                self.step()
        elif event == "c_return" and (conn := _connection(function)) is not None:
            if self._in_transaction and not conn.in_transaction:
                self.step()
            self._in_transaction = conn.in_transaction


def _connection(function: Any) -> sqlite3.Connection | None:
    """The connection on which ``function`` runs a statement, None if it does something else."""
    if getattr(function, "__name__", "") not in _STATEMENTS:
        return None
    owner = getattr(function, "__self__", None)
    if isinstance(owner, sqlite3.Cursor):
        return owner.connection
    return owner if isinstance(owner, sqlite3.Connection) else None


def _changes_files(function: Any) -> bool:
    return getattr(function, "__name__", "") in _FILES and function.__module__ == "posix"


def die() -> None:
    """This process is gone, as by ``kill -9``."""
    os.kill(os.getpid(), signal.SIGKILL)
