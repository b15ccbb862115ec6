"""The board's writer lock: one writer at a time, first come first served, a bounded wait.

SQLite's busy handler sleeps and tries again, so under many writers some starve; a kernel lock
queue does not. ``flock`` belongs to the open file description, so every connection opens its own.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
from pathlib import Path

from hermes_kanban.model.errors import BoardBusy, DiskFull, KanbanError
from hermes_kanban.regular import read_regular

HOLDER_BYTES = 64


class WriterLock:
    """An exclusive lock on ``board.lock``, held by one connection of one thread."""

    __slots__ = ("_descriptor", "_labels", "_path")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._labels: dict[str, bytes] = {}

    def acquire(self, verb: str, wait_seconds: float) -> None:
        """Take the lock and write pid and verb into it, or raise BoardBusy naming the holder."""
        if self._descriptor < 0:
            self._descriptor = self._open()
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._queue(wait_seconds)
        # Only a courtesy: on a full disk the verb itself tells that there is no room.
        with contextlib.suppress(OSError):
            os.pwrite(self._descriptor, self._labels.get(verb) or self._label(verb), 0)

    def release(self) -> None:
        """Let the next writer in."""
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the descriptor; the lock goes with it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        self.close()

    def _label(self, verb: str) -> bytes:
        # No connection crosses a fork, so the pid stays what it was.
        label = f"{os.getpid()} {verb}".ljust(HOLDER_BYTES).encode()
        self._labels[verb] = label
        return label

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull(f"no room to make {self._path}; free some space") from None
            raise KanbanError(
                f"cannot open the board's writer lock {self._path}: {error.strerror}; "
                "check the rights of the board's folder"
            ) from None

    def _queue(self, wait_seconds: float) -> None:
        """Wait in the kernel's queue, in a thread, since polling would lose the place in it."""
        waiter = _Waiter(self._descriptor)
        if waiter.wait(wait_seconds):
            return
        # The descriptor now belongs to the waiter, which closes it when its turn comes.
        self._descriptor = -1
        raise BoardBusy(self._holder(), wait_seconds)

    def _holder(self) -> str:
        try:
            pid, _, verb = read_regular(self._path).decode("ascii").partition(" ")
        except (OSError, ValueError):
            return "another process"
        return f"process {pid} ({verb.strip() or 'unknown verb'})"


class _Waiter:
    """A thread that blocks in LOCK_EX and lets go at once if its caller has given up."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._granted = threading.Event()
        self._decision = threading.Lock()
        self._given_up = False
        threading.Thread(target=self._block, name="writer-lock", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        if self._granted.wait(seconds):
            return True
        with self._decision:
            self._given_up = not self._granted.is_set()
            return not self._given_up

    def _block(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        with self._decision:
            if self._given_up:
                os.close(self._descriptor)
            else:
                self._granted.set()
