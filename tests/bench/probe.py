"""The real gateway, noting when it calls for a supervisor: ``python -m tests.bench.probe FILE``.

Each line of FILE is a task's id and the monotonic time at which its spawn was called.
"""

from __future__ import annotations

import os
import sys
import time

import gateway.dispatcher
from gateway.__main__ import run
from hermes_kanban.model import Run, Task
from hermes_kanban.workers.spawn import SpawnedSupervisor, Spawner


def main(file: str) -> int:
    notes = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)

    class NotingSpawner(Spawner):
        def __call__(self, task: Task, run: Run) -> SpawnedSupervisor:
            os.write(notes, f"{task.id} {time.monotonic()}\n".encode())
            return super().__call__(task, run)

    gateway.dispatcher.Spawner = NotingSpawner  # type: ignore[misc]
    return run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
