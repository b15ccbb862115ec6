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


def await_condition(  # type: ignore[no-untyped-def]
    condition, complaint: str, pause: float = 0.01, patience: float = PATIENCE_SECONDS
) -> None:
    """Wait until the condition is true; AssertionError after that many seconds."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(pause)


def cpu_seconds(pid: int) -> float:
    """What all threads of a process have used so far."""
    tasks = Path(f"/proc/{pid}/task")
    spent = (int((tasks / tid / "schedstat").read_text().split()[0]) for tid in os.listdir(tasks))
    return sum(spent) / 1e9


def memory_kib(pid: int, file: str, key: str) -> int:
    """The number of a line ``key: number kB`` of one of the process's files."""
    for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1])
    raise LookupError(f"{file} has no {key}")
