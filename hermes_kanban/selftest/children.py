"""The processes of a self-test: how they are started, found and ended.

Whatever it starts carries its stamp in the environment, agents and their children too, so that
all of it can be found whoever its parent is by now.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Final

from hermes_kanban.selftest.place import MARKER, Place, without_boards
from hermes_kanban.workers import tree

END_SECONDS: Final = 10.0
EMPTY_SCANS: Final = 2
POLL_SECONDS: Final = 0.01


class Children:
    """Starts processes of a self-test, and ends every one that is left."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._started: list[subprocess.Popen[str]] = []
        self._warden: subprocess.Popen[str] | None = None

    def watch_over(self) -> None:
        """Let another process end them all if this one is killed."""
        argv = [sys.executable, "-m", "hermes_kanban.selftest.warden", self._place.stamp]
        self._warden = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            cwd=self._place.home,
            env=without_boards(os.environ),
            start_new_session=True,
            text=True,
        )

    def start(
        self, module: str, *arguments: str, errors: Path, talks: bool = False
    ) -> subprocess.Popen[str]:
        """``python -m module``; with ``talks`` its standard input and output are pipes."""
        pipe = subprocess.PIPE if talks else subprocess.DEVNULL
        with errors.open("ab") as stream:
            child = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                # Nothing lies there that could pass for a package.
                cwd=self._place.home,
                stdin=pipe,
                stdout=pipe if talks else stream,
                stderr=stream,
                env=self._place.environment(),
                # Ctrl-C is for the self-test, which ends them in its own time.
                start_new_session=True,
                text=True,
            )
        self._started.append(child)
        return child

    def gateway(self, slug: str) -> subprocess.Popen[str]:
        """A gateway as anybody starts it, for one board."""
        return self.start("gateway", "--board", slug, errors=self._place.home / "gateway.err")

    def marked(self) -> dict[int, int]:
        """Its processes that live, pid to start ticks; without ``/proc`` those it started itself.

        What this process started and has not waited for is left out once it has ended.
        """
        if tree.HAS_PROC:
            return marked(self._place.stamp)
        return {child.pid: 0 for child in self._started if child.poll() is None}

    def end_all(self) -> None:
        """Kill whatever is left, and wait for it to be gone; nobody is watched over any more."""
        self.end_all_but_warden()
        if self._warden is not None:
            _close(self._warden.stdin)
            self._warden.wait()
            self._warden = None

    def end_all_but_warden(self) -> None:
        """Kill whatever is left, and wait for it to be gone."""
        end_marked(self._place.stamp)
        for child in self._started:
            if child.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            _close(child.stdin, child.stdout)
        self._started.clear()


def _close(*pipes: IO[str] | None) -> None:
    for pipe in pipes:
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def marked(stamp: str) -> dict[int, int]:
    """Every process of the self-test of that stamp, pid to start ticks; not this one."""
    found = {}
    for pid, stat in tree.processes().items():
        if pid != os.getpid() and _carries(tree.read_environ(pid), stamp):
            found[pid] = stat[3]
    return found


def _carries(variables: list[bytes], stamp: str) -> bool:
    # A supervisor has next to no environment, but knows its board.
    board, end = b"HERMES_KANBAN_BOARD=", f"-{stamp}".encode()
    return f"{MARKER}={stamp}".encode() in variables or any(
        one.startswith(board) and one.endswith(end) for one in variables
    )


def end_marked(stamp: str) -> None:
    """Kill every process of that self-test until none is left."""
    if not tree.HAS_PROC:
        return
    deadline = time.monotonic() + END_SECONDS
    empty = 0
    while empty < EMPTY_SCANS and time.monotonic() < deadline:
        found = marked(stamp)
        empty = 0 if found else empty + 1
        for pid, ticks in found.items():
            tree.send(pid, ticks, signal.SIGKILL)
        time.sleep(POLL_SECONDS)
