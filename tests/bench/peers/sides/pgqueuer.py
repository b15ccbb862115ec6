"""pgqueuer over asyncpg: enqueue, then dequeue and log as its worker does."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import EntrypointExecutionParameter, Queries

from tests.bench.peers.databases import address_for
from tests.bench.peers.side import Body, Task

HEARTBEAT = timedelta(seconds=1)


def open_side(folder: Path, *, at_once: int | None, batch: str = "1") -> Queue:
    del at_once
    return Queue(address_for(folder), int(batch))


class Queue:
    def __init__(self, address: str, batch: int) -> None:
        self.address = address
        self.batch = batch
        self.runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self.conn: asyncpg.Connection = self._run(asyncpg.connect(address))
        self.queries = Queries(AsyncpgDriver(self.conn))
        if not self._run(self.queries.schema_is_installed()):
            self._run(self.queries.install())
        self.manager = uuid.uuid4()

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(coroutine)

    def put(self, task: Task) -> None:
        self._run(self.queries.enqueue("work", json.dumps(task).encode()))

    def drain(self, body: Body, done: Callable[[int, bool], None], idle_seconds: float) -> None:
        del idle_seconds
        self._run(self._drain(body, done))

    async def _drain(self, body: Body, done: Callable[[int, bool], None]) -> None:
        while jobs := await self.queries.dequeue(
            self.batch,
            {"work": EntrypointExecutionParameter(concurrency_limit=0)},
            self.manager,
            None,
            HEARTBEAT,
        ):
            for job in jobs:
                body(_number(job))
            await self.queries.log_jobs([(job, "successful", None) for job in jobs])
            for job in jobs:
                done(_number(job), True)  # it answers the same whoever holds the job now

    def wait(self, body: Body) -> None:
        """Its own worker, as it comes, for ever."""
        worker = PgQueuer(AsyncpgDriver(self.conn))

        @worker.entrypoint("work")
        async def work(job: Job) -> None:
            body(_number(job))

        self._run(worker.run())

    def recover(self) -> bool:
        """Once its heartbeat is stale; every dequeue looks for such jobs."""
        time.sleep(HEARTBEAT.total_seconds() + 0.2)
        return True

    def kept(self) -> str:
        lines = [one.status for one in self._run(self.queries.queue_log())]
        return f"no row, {len(lines)} lines in a log without what was put: {', '.join(lines)}"

    def close(self) -> None:
        self._run(self.conn.close())
        self.runner.close()


def _number(job: Job) -> int:
    assert job.payload is not None
    return int(json.loads(job.payload)["number"])
