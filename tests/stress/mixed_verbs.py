"""Processes of mixed verbs and readers that tail the events, to be killed at any time.

python -m tests.stress.mixed_verbs worker SEED ACKNOWLEDGEMENTS STOP
python -m tests.stress.mixed_verbs reader SEEN STOP

A worker writes a line down after each verb that returned. Every verb of a person has an actor that
no other has, every claim a claimer, so whether it is on the board can be asked. Both end when the
file ``STOP`` is there.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import outbox, subscriptions

# What a caller may hear while others change the same tasks; everything else is a fault.
REFUSALS = (kb.IllegalTransition, kb.InvalidInput, kb.NotFound, kb.StaleRun)
POOL = 40
VERBS_A_CONNECTION = 40
BATCH_EVENTS = 5
Told = dict[str, Any] | None


class Worker:
    """One process: draws a verb and a task, does it, writes down that it returned."""

    def __init__(self, seed: str, acknowledgements: Path) -> None:
        self.chance = random.Random(seed)
        self.name = f"{os.getpid()}-{seed}"
        self.count = 0
        self.conn = kb.connect()
        self.file = os.open(acknowledgements, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.runs: list[tuple[str, int]] = []
        self.subs: list[int] = []
        self.tasks: list[str] = []
        self.verbs: list[Callable[[], Told]] = [
            self.create, self.create, self.create_child, self.claim, self.claim, self.claim,
            self.heartbeat, self.complete, self.complete, self.block, self.review, self.wait_for,
            self.complete_by_person, self.block_by_person, self.unblock, self.unblock, self.link,
            self.link, self.unlink, self.comment, self.edit, self.assign, self.prioritise,
            self.schedule, self.archive, self.cancel, self.reopen, self.reopen, self.triage,
            self.accept, self.approve, self.request_changes, self.reclaim, self.subscribe,
            self.unsubscribe, self.owe, self.sweep, self.batch, self.broken_batch, self.pause,
        ]  # fmt: skip

    def go_on(self, stop: Path) -> None:
        """Until the stop file is there."""
        while not stop.exists():
            self.count += 1
            if self.count % VERBS_A_CONNECTION == 0:
                self.conn.close()
                self.conn = kb.connect()
            if self.count % 8 == 1:
                self.tasks = [task.id for task in newest(self.conn, POOL)]
            verb = self.chance.choice(self.verbs)
            if not self.tasks:
                verb = self.create
            try:
                told = verb()
            except REFUSALS:
                continue
            if told is not None:
                line = json.dumps({"verb": verb.__name__} | told)
                os.write(self.file, line.encode() + b"\n")
        self.conn.close()

    @property
    def token(self) -> str:
        return f"{self.name}-{self.count}"

    @property
    def actor(self) -> str:
        return f"person:{self.token}"

    @property
    def task(self) -> str:
        return self.chance.choice(self.tasks)

    def by_person(self, changed: object) -> Told:
        """A verb that changed something has an event by its actor."""
        return {"actor": self.actor} if changed else None

    @contextmanager
    def run(self) -> Iterator[tuple[str, int]]:
        """A run of this process, if there is one; whatever becomes of it, it is tried once."""
        if not self.runs:
            raise kb.NotFound("run", "of this process")
        yield self.runs.pop(self.chance.randrange(len(self.runs)))

    def create(self) -> Told:
        key = self.token if self.chance.random() < 0.2 else None
        task_id = kb.create_task(
            self.conn, title=self.token, actor=self.actor, idempotency_key=key,
            priority=self.chance.randrange(3), assignee=self.chance.choice(["a", "b", None]),
        )  # fmt: skip
        return {"task": task_id, "actor": self.actor}

    def create_child(self) -> Told:
        parents = [self.task, self.task]
        task_id = kb.create_task(self.conn, title=self.token, parents=parents, actor=self.actor)
        return {"task": task_id, "actor": self.actor}

    def claim(self) -> Told:
        ready = kb.list_tasks(self.conn, status="ready", limit=20)
        task_id = self.chance.choice(ready).id if ready else self.task
        claimed = kb.claim_task(
            self.conn, task_id, claimer=self.token, ttl_seconds=self.chance.choice([1, 60])
        )
        if claimed is None or claimed.current_run_id is None:
            return None
        self.runs.append((task_id, claimed.current_run_id))
        return {"claimer": self.token, "run": claimed.current_run_id}

    def heartbeat(self) -> Told:
        with self.run() as (task_id, run_id):
            if not kb.heartbeat_claim(self.conn, task_id, run_id=run_id, ttl_seconds=60):
                return {"fenced": run_id}
            self.runs.append((task_id, run_id))
            return {"beat": run_id}

    def complete(self) -> Told:
        with self.run() as (task_id, run_id):
            done = kb.complete_task(
                self.conn, task_id, run_id=run_id, result=self.token, summary=self.token
            )
            closed = {"run": run_id, "outcome": "completed", "summary": self.token}
            return closed if done else {"fenced": run_id}

    def block(self) -> Told:
        with self.run() as (task_id, run_id):
            done = kb.block_task(self.conn, task_id, run_id=run_id, reason=self.token)
            return {"run": run_id, "outcome": "blocked"} if done else {"fenced": run_id}

    def review(self) -> Told:
        with self.run() as (task_id, run_id):
            done = kb.request_review(self.conn, task_id, run_id=run_id, summary=self.token)
            closed = {"run": run_id, "outcome": "review", "summary": self.token}
            return closed if done else {"fenced": run_id}

    def wait_for(self) -> Told:
        with self.run() as (task_id, run_id):
            done = kb.wait_for(self.conn, task_id, [self.task], run_id=run_id)
            return {"run": run_id, "outcome": "waiting"} if done else {"fenced": run_id}

    def complete_by_person(self) -> Told:
        return self.by_person(kb.complete_task(self.conn, self.task, actor=self.actor))

    def block_by_person(self) -> Told:
        kind = self.chance.choice(["needs_input", "capability", "transient", "dependency"])
        return self.by_person(
            kb.block_task(self.conn, self.task, reason="why", kind=kind, actor=self.actor)
        )

    def unblock(self) -> Told:
        blocked = kb.list_tasks(self.conn, status="blocked", limit=20)
        task_id = self.chance.choice(blocked).id if blocked else self.task
        return self.by_person(kb.unblock_task(self.conn, task_id, reason="so", actor=self.actor))

    def link(self) -> Told:
        return self.by_person(kb.link_tasks(self.conn, self.task, self.task, actor=self.actor))

    def unlink(self) -> Told:
        child = self.task
        links = kb.list_links(self.conn, child)
        parents = [link.parent_id for link in links if link.child_id == child]
        parent = self.chance.choice(parents) if parents else self.task
        return self.by_person(kb.unlink_tasks(self.conn, parent, child, actor=self.actor))

    def comment(self) -> Told:
        comment = kb.add_comment(self.conn, self.task, self.token, actor=self.actor)
        return {"comment": comment, "body": self.token, "actor": self.actor}

    def edit(self) -> Told:
        return self.by_person(
            kb.edit_task(self.conn, self.task, title=self.token, actor=self.actor)
        )

    def assign(self) -> Told:
        to = self.chance.choice(["a", "b", "c"])
        return self.by_person(kb.assign_task(self.conn, self.task, to, actor=self.actor))

    def prioritise(self) -> Told:
        number = self.chance.randrange(9)
        return self.by_person(kb.prioritise_task(self.conn, self.task, number, actor=self.actor))

    def schedule(self) -> Told:
        at = int(time.time()) + self.chance.randrange(3)
        return self.by_person(kb.schedule_task(self.conn, self.task, at, actor=self.actor))

    def archive(self) -> Told:
        release = self.chance.random() < 0.5
        return self.by_person(
            kb.archive_task(self.conn, self.task, release=release, actor=self.actor)
        )

    def cancel(self) -> Told:
        if self.chance.random() < 0.7:
            return None
        return self.by_person(kb.cancel_task(self.conn, self.task, tree=True, actor=self.actor))

    def reopen(self) -> Told:
        done = kb.list_tasks(self.conn, status=["done", "archived"], limit=400)
        task_id = self.chance.choice(done).id if done else self.task
        return self.by_person(kb.reopen_task(self.conn, task_id, actor=self.actor))

    def triage(self) -> Told:
        return self.by_person(kb.triage_task(self.conn, self.task, actor=self.actor))

    def accept(self) -> Told:
        return self.by_person(kb.accept_task(self.conn, self.task, actor=self.actor))

    def approve(self) -> Told:
        return self.by_person(kb.approve_task(self.conn, self.in_review(), actor=self.actor))

    def request_changes(self) -> Told:
        return self.by_person(
            kb.request_changes(self.conn, self.in_review(), comment="no", actor=self.actor)
        )

    def in_review(self) -> str:
        found = kb.list_tasks(self.conn, status="review", limit=20)
        return self.chance.choice(found).id if found else self.task

    def reclaim(self) -> Told:
        return self.by_person(kb.reclaim_task(self.conn, self.task, actor=self.actor))

    def subscribe(self) -> Told:
        sub = subscriptions.subscribe(
            self.conn, destination="log", task_id=self.task, actor=self.actor
        )
        self.subs.append(sub)
        return {"sub": sub}

    def unsubscribe(self) -> Told:
        if not self.subs:
            return None
        sub = self.subs.pop()
        subscriptions.unsubscribe(self.conn, sub, actor=self.actor)
        return {"sub": sub, "ended": True}

    def owe(self) -> Told:
        outbox.advance_cursors(self.conn)
        return {}

    def sweep(self) -> Told:
        kb.release_stale_claims(self.conn)
        kb.unblock_due(self.conn)
        kb.recompute_ready(self.conn)
        return {}

    def batch(self) -> Told:
        """As many events as ``BATCH_EVENTS`` says, or none."""
        actor = f"person:batch-{self.token}"
        with kb.batch(self.conn):
            first = kb.create_task(self.conn, title="first", actor=actor)
            second = kb.create_task(self.conn, title="second", actor=actor)
            child = kb.create_task(self.conn, title="third", actor=actor)
            kb.link_tasks(self.conn, second, child, actor=actor)
            kb.add_comment(self.conn, first, "x", actor=actor)
        return {"actor": actor}

    def broken_batch(self) -> Told:
        """No event at all."""
        actor = f"person:broken-{self.token}"
        with kb.batch(self.conn):
            first = kb.create_task(self.conn, title="never", actor=actor)
            kb.link_tasks(self.conn, first, first, actor=actor)
        raise AssertionError("a task was made its own parent")

    def pause(self) -> Told:
        with kb.batch(self.conn):
            if not kb.pause(self.conn, actor=self.actor):
                return None
            kb.resume(self.conn, actor=self.actor)
        return {"actor": self.actor}


def newest(conn: kb.BoardConnection, count: int) -> list[kb.Task]:
    """The newest tasks, by their seq."""
    row = conn.execute("SELECT coalesce(max(seq), 0) FROM tasks").fetchone()
    return kb.list_tasks(conn, after=max(0, row[0] - count), limit=count, status=list(STATUSES))


STATUSES = ("triage", "todo", "ready", "running", "review", "blocked", "done", "archived")


def tail(seen: Path, stop: Path) -> None:
    """Read the events by a cursor as they come; write down every id that was seen."""
    conn = kb.connect()
    ids: list[int] = []
    while True:
        stopping = stop.exists()
        events = kb.list_events(conn, after=ids[-1] if ids else 0, limit=200)
        ids += [event.id for event in events]
        if stopping and not events:
            break
    seen.write_text(json.dumps(ids))
    conn.close()


def main() -> None:
    if sys.argv[1] == "reader":
        tail(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        Worker(sys.argv[2], Path(sys.argv[3])).go_on(Path(sys.argv[4]))


if __name__ == "__main__":
    main()
