"""A role on a board that one process of a host has at a time: dispatcher, notifier."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from hermes_kanban.regular import read_regular


class RoleLock:
    """An flock that lasts as long as its holder; the file names the holder's pid."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def try_take(self) -> bool:
        """Take the lock without waiting; True if it is ours now."""
        if self._descriptor >= 0:
            return True
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        # The name is for people; a full disk must not cost the lock.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return True

    def holder(self) -> str:
        """The pid of whoever has the lock, as far as the file says."""
        try:
            return read_regular(self._path).decode("ascii").strip() or "unknown"
        except (OSError, ValueError):
            return "unknown"

    def release(self) -> None:
        """Let another take over."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
