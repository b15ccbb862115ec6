"""A person with a board before them who does a bit of everything, until told to stop.

``python -m hermes_kanban.selftest.person BOARD SEED ACKNOWLEDGED``. Whatever the board says it has
done goes into the file ACKNOWLEDGED, as the kind of its event and the task. What the board rightly
refuses is no fault; anything else that is raised ends this process.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from hermes_kanban import kernel as kb
from hermes_kanban.selftest.place import WORKER

REFUSALS: Final = (kb.IllegalTransition, kb.InvalidInput, kb.NotFound, kb.StaleRun)
OPEN_MOST: Final = 12
PAUSE_SECONDS: Final = 0.02
LEASE_SECONDS: Final = 1
KNOWN_MOST: Final = 60


class Person:
    """Acts on one board."""

    def __init__(self, conn: kb.BoardConnection, seed: str, acknowledged: str) -> None:
        self._conn = conn
        self._chance = random.Random(seed)
        self._file = os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._stopping = False
        signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def act_until_stopped(self) -> None:
        """One verb after the other."""
        while not self._stopping:
            try:
                self._chance.choice(_ACTS)(self)
            except REFUSALS:
                continue
            finally:
                time.sleep(self._chance.uniform(0, PAUSE_SECONDS))

    def _done(self, kind: str, task_id: str, did: object = True) -> None:
        if did:
            os.write(self._file, f"{kind} {task_id}\n".encode())

    def _some(self, *statuses: str, assignee: str | None = None) -> str:
        """A task in one of these statuses; NotFound if there is none."""
        found = kb.list_tasks(self._conn, status=statuses, assignee=assignee, limit=KNOWN_MOST)
        if not found:
            raise kb.NotFound("task", "/".join(statuses), "")
        return self._chance.choice(found).id

    def file_work(self) -> None:
        open_tasks = kb.list_tasks(
            self._conn, status=("todo", "ready", "running"), assignee=WORKER, limit=OPEN_MOST
        )
        if len(open_tasks) < OPEN_MOST:
            parents = [self._chance.choice(open_tasks).id] if open_tasks else []
            parents = parents if self._chance.random() < 0.4 else []
            made = kb.create_task(self._conn, title="work", assignee=WORKER, parents=parents)
            self._done("created", made)

    def file_a_note(self) -> None:
        key = f"key-{self._chance.randrange(1_000)}"
        before = kb.newest_event_id(self._conn)
        made = kb.create_task(self._conn, title="note", idempotency_key=key, triage=True)
        # The key may name a task that is there already.
        events = kb.list_events(self._conn, made, after=before)
        self._done("created", made, any(one.kind == "created" for one in events))

    def do_one(self) -> None:
        made = kb.create_task(self._conn, title="by hand")
        self._done("created", made)
        task = kb.claim_task(self._conn, made, ttl_seconds=LEASE_SECONDS)
        if task is None:
            return
        self._done("claimed", made)
        proof: dict[str, Any] = {"run_id": task.current_run_id, "claim_lock": task.claim_lock}
        way = self._chance.randrange(4)
        if way == 0:
            return  # left to its lease
        kb.heartbeat_claim(self._conn, made, ttl_seconds=LEASE_SECONDS, **proof)
        if way == 1:
            did: object = kb.block_task(self._conn, made, reason="which one?", **proof)
            self._done("blocked", made, did)
        else:
            self._done("completed", made, kb.complete_task(self._conn, made, result="42", **proof))

    def comment(self) -> None:
        task_id = self._some("todo", "ready", "running", "blocked", "triage", "done")
        kb.add_comment(self._conn, task_id, "half way")
        self._done("commented", task_id)

    def prioritise(self) -> None:
        task_id = self._some("todo", "ready")
        did = kb.prioritise_task(self._conn, task_id, self._chance.randrange(9))
        self._done("prioritised", task_id, did)

    def link(self) -> None:
        parent, child = self._some("todo", "ready"), self._some("todo", "ready")
        self._done("linked", child, kb.link_tasks(self._conn, parent, child))

    def complete(self) -> None:
        task_id = self._some("ready", "running", "blocked", assignee=WORKER)
        self._done("completed", task_id, kb.complete_task(self._conn, task_id, result="by hand"))

    def block(self) -> None:
        task_id = self._some("ready", "running", assignee=WORKER)
        self._done("blocked", task_id, kb.block_task(self._conn, task_id, reason="wait"))

    def unblock(self) -> None:
        task_id = self._some("blocked")
        self._done("unblocked", task_id, kb.unblock_task(self._conn, task_id, reason="go on"))

    def accept(self) -> None:
        task_id = self._some("triage")
        self._done("accepted", task_id, kb.accept_task(self._conn, task_id))

    def reclaim(self) -> None:
        task_id = self._some("running")
        self._done("reclaimed", task_id, kb.reclaim_task(self._conn, task_id))

    def reopen(self) -> None:
        task_id = self._some("done")
        self._done("reopened", task_id, kb.reopen_task(self._conn, task_id))

    def cancel(self) -> None:
        task_id = self._some("running", "ready", assignee=WORKER)
        self._done("archived", task_id, kb.cancel_task(self._conn, task_id))

    def archive(self) -> None:
        task_id = self._some("done")
        self._done("archived", task_id, kb.archive_task(self._conn, task_id))


_ACTS: Final[list[Callable[[Person], None]]] = [
    *[Person.file_work] * 8,
    *[Person.do_one] * 4,
    *[Person.comment] * 3,
    *[Person.unblock] * 3,
    *[Person.archive] * 3,
    Person.file_a_note,
    Person.prioritise,
    Person.link,
    Person.complete,
    Person.block,
    Person.accept,
    Person.reclaim,
    Person.reopen,
    Person.cancel,
]


if __name__ == "__main__":
    slug, given_seed, file = sys.argv[1:]
    Person(kb.connect(slug), given_seed, file).act_until_stopped()
    os._exit(0)
