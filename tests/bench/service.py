"""A real gateway in a process of its own, for as long as a bench needs it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.health import read_health
from hermes_kanban.paths import board_paths

PATIENCE_SECONDS = 30.0


@contextmanager
def gateway(*arguments: str) -> Iterator[int]:
    """The pid of a gateway that has looked at the default board; it is stopped at the end.

    ``arguments`` are those of the interpreter, ``-m gateway`` by default.
    """
    command = [sys.executable, *(arguments or ("-m", "gateway"))]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await_condition(lambda: _has_looked(process.pid), "the gateway does not start")
        yield process.pid
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _has_looked(pid: int) -> bool:
    record = read_health(board_paths(None).health)
    return record is not None and record.pid == pid


def await_condition(condition, complaint: str, pause: float = 0.01) -> None:  # type: ignore[no-untyped-def]
    """Wait until the condition is true; AssertionError after half a minute."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(pause)


def cpu_seconds(pid: int) -> float:
    """What all threads of a process have used so far."""
    tasks = Path(f"/proc/{pid}/task")
    spent = (int((tasks / tid / "schedstat").read_text().split()[0]) for tid in os.listdir(tasks))
    return sum(spent) / 1e9
