"""Judges every transaction as it commits: its events against the contract, its rows against them.

It knows what no checker of the database can: which processes live, what they left on the disk, and
what the clock said.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import msgspec

from hermes_kanban.kernel.replay import RUN_COLUMNS, TASK_COLUMNS
from tests.simulation import rules
from tests.simulation.judgement import demand
from tests.simulation.scene import Event, Scene
from tests.simulation.shadow import Run, Shadow, Task
from tests.simulation.spec import EDGES, RESTING

_EVENTS: Final = (
    "SELECT id, task_id, run_id, kind, actor, payload, created_at FROM task_events"
    " WHERE id > :after ORDER BY id"
)
_TASK: Final = f"SELECT {', '.join(TASK_COLUMNS)} FROM tasks WHERE id = :id"
_LEASE: Final = "SELECT claim_lock, claim_expires, worker_pid FROM tasks WHERE id = :id"
_RUN_LEASE: Final = "SELECT claim_lock, claim_expires, worker_pid FROM task_runs WHERE id = :id"
_RUN: Final = f"SELECT {', '.join(RUN_COLUMNS)} FROM task_runs WHERE id = :id"
_SUBSCRIPTIONS: Final = (
    "SELECT id, task_id, filter, start_event_id, ended_at, destination, mode, options, root_id"
    " FROM kanban_notify_subs ORDER BY id"
)
_LEAVING: Final = ("unlinked", "purged", "undone")
_decode = msgspec.json.decode


class Oracle:
    """Follows the board's events through a connection of its own."""

    def __init__(self, observer: Any, world: Any) -> None:
        self.observer = observer
        self.world = world
        self.shadow = Shadow()
        self.newest = 0
        self.memory: list[tuple[int, str | None, str, int, str]] = []
        self.edges: Counter[tuple[str, str, str]] = Counter()
        self.kinds: Counter[str] = Counter()
        self._waits: dict[str, set[str]] = {}

    def committed(self, verb: str, low: int, high: int) -> None:
        """A transaction of ``verb`` has committed; it was told times from ``low`` to ``high``."""
        rows = self.observer.execute(_EVENTS, {"after": self.newest}).fetchall()
        subscriptions = self.observer.execute(_SUBSCRIPTIONS).fetchall()
        self.world.mail.follow(subscriptions)
        if not rows:
            return
        events = [Event(*row[:5], _decode(row[5]), row[6]) for row in rows]
        self.memory += [(row[0], row[1], row[3], row[6], row[5]) for row in rows]
        self.newest = rows[-1][0]
        scene = Scene(self.shadow, self.world, verb, low, high, events, self.world.crew.current)
        touched: dict[str, None] = {}
        runs: dict[int, None] = {}
        for at, event in enumerate(events):
            self._one(scene, at, event)
            if event.task_id is not None:
                touched[event.task_id] = None
            if part := event.payload.get("run"):
                runs[part["id"]] = None
        for rule in rules.AFTER:
            rule(scene)
        self.world.mail.judge_heirs(subscriptions, self._ties(events))
        if any(event.kind in _LEAVING for event in events):
            self.world.mail.judge_trees(subscriptions, self._below)
        for task_id in touched:
            self._rows_of(task_id)
            for one in (task_id, *self.shadow.children.get(task_id, ())):
                self._rests_rightly(one)
        for run_id in runs:
            self._run_row(self.shadow.runs[run_id])

    def _one(self, scene: Scene, at: int, event: Event) -> None:
        shadow = self.shadow
        self.world.tell(
            f"  event {event.id} {event.task_id} run {event.run_id} {event.kind} by {event.actor}"
            f" at {event.at} {json.dumps(event.payload, sort_keys=True)}"
        )
        self.kinds[event.kind] += 1
        if event.task_id is None:
            shadow.learn(None, event.kind, event.actor, event.payload)
            self.world.mail.learn(event, None, False)
            if event.kind == "purged":
                self._forget(event.payload["task_id"])
            return
        task = shadow.tasks.get(event.task_id)
        demand((task is None) == (event.kind == "created"), "10", f"first event: {event.kind}")
        before = None if task is None else dict(task.columns)
        if task is not None:
            demand(
                event.at >= task.last_at, "4", f"event {event.id} is earlier than the one before"
            )
            self._edge(event, task)
            for rule in rules.BEFORE.get(event.kind, ()):
                rule(scene, event, task)
        shadow.learn(event.task_id, event.kind, event.actor, event.payload)
        if event.kind == "claimed":
            shadow.runs[event.run_id or 0].claimed_by = event.id
        task = shadow.tasks[event.task_id]
        task.last_at, task.last_event = event.at, event.id
        self.world.mail.learn(event, task["assignee"], task["completed_at"] is not None)
        if event.kind == "waiting":
            self._waits.setdefault(event.task_id, set()).update(event.payload["waits_for"])
        following = scene.events[at + 1 :]
        for rule in rules.OF_KIND.get(event.kind, ()):
            rule(scene, event, task, before or {}, following)

    def _ties(self, events: list[Event]) -> list[tuple[str, str]]:
        """(above, below) of the tasks that these events put below another."""
        ties: list[tuple[str, str]] = []
        for event in events:
            if event.kind == "linked" and event.task_id is not None:
                ties.append((event.payload["link"]["parent_id"], event.task_id))
            if event.kind == "created" and event.run_id in self.shadow.runs:
                ties.append((self.shadow.runs[event.run_id].task_id, event.task_id or ""))
            if event.kind == "waiting":
                ties += [(event.task_id or "", below) for below in event.payload["waits_for"]]
        return ties

    def _below(self, top: str) -> set[str]:
        """A task and all below it."""
        shadow, found, edge = self.shadow, {top}, [top]
        while edge:
            here = edge.pop()
            runs = {run.id for run in shadow.runs.values() if run.task_id == here}
            made = [one.id for one in shadow.tasks.values() if one["created_run_id"] in runs]
            waited = [
                one for one in self._waits.get(here, ()) if here in shadow.children.get(one, ())
            ]
            new = {*shadow.children.get(here, ()), *made, *waited} - found
            found |= new
            edge += new
        return found

    def _forget(self, task_id: str) -> None:
        """Of a purged task nothing is left, and nobody is owed news of it any more."""
        gone = {one[0] for one in self.memory if one[1] == task_id}
        self.memory = [one for one in self.memory if one[0] not in gone]
        self.world.mail.forget(gone)

    def _edge(self, event: Event, task: Task) -> None:
        to = event.payload.get("task", {}).get("status")
        if to is None or to == task.status:
            return
        allowed = EDGES.get(event.kind, frozenset())
        taken_back = event.kind == "undone" and "running" not in (task.status, to)
        demand(
            taken_back or (task.status, to) in allowed,
            "lifecycle",
            f"{event.kind} by {event.actor} took {task.id} from {task.status} to {to}",
        )
        if not taken_back:
            self.edges[event.kind, task.status, to] += 1

    def _rows_of(self, task_id: str) -> None:
        """What the row says is what the events say (16), and the claim is mirrored (3)."""
        row = self.observer.execute(_TASK, {"id": task_id}).fetchone()
        task = self.shadow.tasks[task_id]
        demand(row is not None, "16", f"{task_id} has events and no row")
        _compare(f"task {task_id}", TASK_COLUMNS, row, task.columns)
        lease = tuple(self.observer.execute(_LEASE, {"id": task_id}).fetchone())
        if task.current is None:
            demand(lease == (None, None, None), "3", f"{task_id} does not run and has {lease}")
        else:
            of_run = self.observer.execute(_RUN_LEASE, {"id": task.current}).fetchone()
            demand(of_run is not None, "1", f"{task_id} names run {task.current}")
            demand(lease == tuple(of_run), "3", f"{task_id} has {lease}, its run {tuple(of_run)}")

    def _run_row(self, run: Run) -> None:
        row = self.observer.execute(_RUN, {"id": run.id}).fetchone()
        demand(row is not None, "16", f"run {run.id} has events and no row")
        _compare(f"run {run.id}", RUN_COLUMNS, row, run.columns)

    def _rests_rightly(self, task_id: str) -> None:
        """Ready means no open parent (8), todo means one (9); a dependency block has one (17)."""
        task = self.shadow.tasks[task_id]
        status = task.status
        if status in RESTING:
            gated = self.shadow.open_parents(task_id)
            if status == "ready":
                demand(not gated, "8", f"{task_id} is ready behind {gated}")
            else:
                demand(bool(gated), "9", f"{task_id} is todo and no parent is open")
                lost = [one for one in gated if self.shadow.tasks[one].status == "archived"]
                demand(not lost, "archive", f"{task_id} waits for {lost}, archived undone")
        elif status == "blocked" and task["block_kind"] == "dependency":
            gated = self.shadow.open_parents(task_id)
            demand(bool(gated), "17", f"{task_id} is blocked for a dependency that is closed")


def _compare(what: str, columns: tuple[str, ...], row: Any, told: dict[str, Any]) -> None:
    for column, found in zip(columns, row, strict=True):
        expected = told.get(column)
        demand(
            found == expected,
            "16",
            f"{what}: {column} is {found!r} and its events tell {expected!r}",
        )


Check = Callable[[Any], None]
