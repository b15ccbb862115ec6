"""dbos with its SQLite system database: workflows put on a queue, run by an executor's threads.

An executor takes what it may hold and runs it on threads of its own, so there is no claim by hand;
it looks at the queue every 10 ms here, where the default is a second.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from dbos import DBOS, DBOSClient, DBOSConfig

from tests.bench.peers.side import RESULT, Body, Task

QUEUE = "bench"
VERSION = "1"
LOOK_SECONDS = 0.01
WATCH_SECONDS = 0.004
OPEN = (
    "SELECT count(*) FROM workflow_status WHERE status = 'ENQUEUED' OR (status = 'PENDING' AND ?)"
)


def open_side(folder: Path, *, at_once: int | None) -> Executor:
    return Executor(folder, at_once)


class Executor:
    def __init__(self, folder: Path, at_once: int | None) -> None:
        self.file = folder / "dbos.sqlite"
        self.at_once = at_once
        self.launched = False
        self.body: Body = lambda number: None
        self.config: DBOSConfig = {
            "name": "bench",
            "system_database_url": f"sqlite:///{self.file}",
            "application_version": VERSION,
            "console_log_level": "ERROR",
        }
        # Processes that race need names of their own; one that is started again keeps its own.
        if name := os.environ.get("BENCH_EXECUTOR"):
            self.config["executor_id"] = name
        if not self.file.exists():
            self._launch()
            DBOS.destroy(destroy_registry=True)
            self.launched = False
        self.client = DBOSClient(system_database_url=f"sqlite:///{self.file}")
        self.last = ""

    def put(self, task: Task) -> None:
        handle = self.client.enqueue(
            {"queue_name": QUEUE, "workflow_name": "work", "app_version": VERSION}, task
        )
        self.last = handle.workflow_id

    def drain(self, body: Body, done: Callable[[int, bool], None], idle_seconds: float) -> None:
        running: set[int] = set()
        finished: dict[int, str] = {}

        def noting(number: int) -> None:
            running.add(number)
            body(number)
            finished[number] = str(DBOS.workflow_id)

        self.body = noting
        self._launch()
        idle_since = time.monotonic()
        told: set[int] = set()
        while True:
            time.sleep(WATCH_SECONDS)
            # Another process may hold some for ever: what counts at the end is what waits.
            left = self._open(everybody=not idle_seconds)
            if left or running != finished.keys():
                idle_since = time.monotonic()
            for number in finished.keys() - told if not left else ():
                told.add(number)
                done(number, not idle_seconds or self._is_ours(finished[number]))
            if not left and time.monotonic() >= idle_since + idle_seconds:
                return

    def recover(self) -> bool:
        return False

    def kept(self) -> str:
        status = self.client.retrieve_workflow(self.last).get_status()
        steps = self.client.list_workflow_steps(self.last)
        assert status.output == _result()
        return f"its row, with input, result and times, {len(steps)} steps"

    def close(self) -> None:
        self.client.destroy()
        if self.launched:
            DBOS.destroy(destroy_registry=True)

    def _is_ours(self, workflow_id: str) -> bool:
        """Whether the result that stands is that of this process, once there is one."""
        return bool(self.client.retrieve_workflow(workflow_id).get_result() == _result())

    def _open(self, everybody: bool) -> int:
        conn = sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=30)
        try:
            return int(conn.execute(OPEN, (everybody,)).fetchone()[0])
        finally:
            conn.close()

    def _launch(self) -> None:
        DBOS(config=self.config)

        @DBOS.workflow(name="work")
        def work(task: Task) -> str:
            self.body(task["number"])
            return _result()

        DBOS.launch()
        self.launched = True
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=self.at_once,
            polling_interval_sec=LOOK_SECONDS,
            on_conflict="always_update",
        )


def _result() -> str:
    """One that tells whose it is."""
    return f"{os.getpid():<8}".ljust(len(RESULT), "r")
