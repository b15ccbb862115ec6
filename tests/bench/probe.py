"""The real gateway, noting when it calls for a supervisor: ``python -m tests.bench.probe FILE``.

Each line of FILE is a task's id and the monotonic time at which its spawn was called.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import gateway.dispatcher
from gateway.__main__ import run
from hermes_kanban.config import Config
from hermes_kanban.model import Run, Task
from hermes_kanban.store.protocol import BoardConnection
from hermes_kanban.workers.spawn import SpawnedSupervisor, spawner_for


def main(file: str) -> int:
    notes = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)

    def noting(conn: BoardConnection, config: Config) -> Callable[[Task, Run], SpawnedSupervisor]:
        spawner = spawner_for(conn, config)

        def call(task: Task, run: Run) -> SpawnedSupervisor:
            os.write(notes, f"{task.id} {time.monotonic()}\n".encode())
            return spawner(task, run)

        return call

    gateway.dispatcher.spawner_for = noting  # type: ignore[attr-defined,assignment]
    return run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
