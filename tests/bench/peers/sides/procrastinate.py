"""procrastinate: defer, then fetch and finish as its worker does, without its logging."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import procrastinate
import psycopg
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status

from tests.bench.peers.databases import address_for
from tests.bench.peers.side import Body, Task

HEARTBEAT_SECONDS = 1
PATIENCE_SECONDS = 10
SCHEMA = "SELECT 1 FROM pg_tables WHERE tablename = 'procrastinate_jobs'"


def open_side(folder: Path, *, at_once: int | None) -> Procrastinate:
    del at_once
    return Procrastinate(address_for(folder))


class Procrastinate:
    def __init__(self, address: str) -> None:
        self.address = address
        self.body: Body = lambda number: None
        self.putting = procrastinate.App(connector=self._connector(sync=True))
        self.putting.open()
        with psycopg.connect(address) as conn:
            if conn.execute(SCHEMA).fetchone() is None:
                self.putting.schema_manager.apply_schema()
        self.deferred = self.putting.configure_task("work", queue="bench")
        self.last = 0

    def _connector(self, *, sync: bool) -> procrastinate.BaseConnector:
        kind = procrastinate.SyncPsycopgConnector if sync else procrastinate.PsycopgConnector
        return kind(conninfo=self.address)

    def put(self, task: Task) -> None:
        self.last = self.deferred.defer(task=task)

    def drain(self, body: Body, done: Callable[[int, bool], None], idle_seconds: float) -> None:
        del idle_seconds
        asyncio.run(self._drain(body, done))

    async def _drain(self, body: Body, done: Callable[[int, bool], None]) -> None:
        async with procrastinate.App(connector=self._connector(sync=False)).open_async() as app:
            manager = app.job_manager
            worker = await manager.register_worker()
            while job := await manager.fetch_job(queues=None, worker_id=worker):
                number = job.task_kwargs["task"]["number"]
                body(number)
                try:
                    await manager.finish_job(job, Status.SUCCEEDED, delete_job=False)
                except ConnectorException:
                    done(number, False)
                else:
                    done(number, True)

    def wait(self, body: Body) -> None:
        """Its own worker, as it comes, for ever."""
        app = procrastinate.App(connector=self._connector(sync=False))

        @app.task(name="work", queue="bench")
        async def work(task: Task) -> None:
            body(task["number"])

        app.run_worker()

    def recover(self) -> bool:
        return asyncio.run(self._retry_stalled())

    async def _retry_stalled(self) -> bool:
        deadline = time.monotonic() + PATIENCE_SECONDS
        async with procrastinate.App(connector=self._connector(sync=False)).open_async() as app:
            manager = app.job_manager
            while time.monotonic() < deadline:
                stalled = list(
                    await manager.get_stalled_jobs(seconds_since_heartbeat=HEARTBEAT_SECONDS)
                )
                for job in stalled:
                    await manager.retry_job(job)
                if stalled:
                    return True
                await asyncio.sleep(0.05)
        return False

    def kept(self) -> str:
        with psycopg.connect(self.address) as conn:
            events = conn.execute(
                "SELECT count(*) FROM procrastinate_events WHERE job_id = %s", (self.last,)
            ).fetchone()
        assert events is not None
        return f"its row with its arguments, no result, {events[0]} events"

    def close(self) -> None:
        self.putting.close()
