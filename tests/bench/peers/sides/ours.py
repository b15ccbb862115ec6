"""The board by its kernel, in the loop that an outside worker would write."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from hermes_kanban import kernel as kb
from tests.bench.peers.side import RESULT, Body, Task

READY = "SELECT id, title FROM tasks WHERE status = 'ready' AND claim_lock IS NULL LIMIT 1"
LEASE_SECONDS = 1  # short, so that the test of a killed worker need not wait
PATIENCE_SECONDS = 10


def open_side(folder: Path, *, at_once: int | None, durability: str = "full") -> Ours:
    del at_once
    folder.joinpath("config.yaml").write_text(f"kanban: {{durability: {durability}}}\n")
    os.environ["HERMES_KANBAN_HOME"] = str(folder)
    if "BENCH_POSTGRES" in os.environ:
        from tests.bench.peers.databases import address_for

        os.environ["HERMES_KANBAN_DATABASE"] = address_for(folder)
    return Ours()


class Ours:
    def __init__(self) -> None:
        self.conn = kb.connect()

    def put(self, task: Task) -> None:
        kb.create_task(
            self.conn,
            title=f"{task['number']} {task['title']}",
            body=task["body"],
            assignee="coder",
            actor="person:bench",
        )

    def drain(self, body: Body, done: Callable[[int, bool], None], idle_seconds: float) -> None:
        del idle_seconds
        while (row := self.conn.execute(READY).fetchone()) is not None:
            task = kb.claim_task(self.conn, row[0], claimer="bench", ttl_seconds=LEASE_SECONDS)
            if task is None:
                continue
            number = int(task.title.partition(" ")[0])
            body(number)
            accepted = kb.complete_task(
                self.conn,
                task.id,
                result=RESULT,
                run_id=task.current_run_id,
                claim_lock=task.claim_lock,
            )
            done(number, bool(accepted))

    def recover(self) -> bool:
        """Once the lease has run out; a gateway makes this call at every look."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not kb.release_stale_claims(self.conn):
            assert time.monotonic() < deadline, "the lease does not run out"
            time.sleep(0.05)
        return True

    def kept(self) -> str:
        (task,) = kb.list_tasks(self.conn)
        runs, events = kb.list_runs(self.conn, task.id), kb.list_events(self.conn, task.id)
        return f"task with its result, {len(runs)} run, {len(events)} events"

    def close(self) -> None:
        self.conn.close()
