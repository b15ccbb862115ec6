"""The board as its events tell it, kept beside the real one: what every rule is judged against."""

from __future__ import annotations

from typing import Any

from tests.simulation.spec import CLOSING, TOUCHES


class Task:
    """A task as folded so far, and what the rules count."""

    __slots__ = (
        "blocks",
        "claims",
        "columns",
        "id",
        "last_at",
        "last_event",
        "rate_limits",
        "runs",
    )

    def __init__(self, task_id: str) -> None:
        self.id = task_id
        self.columns: dict[str, Any] = {}
        self.runs: list[Run] = []
        self.last_at = 0
        self.last_event = 0
        self.claims = 0
        self.blocks = 0
        self.rate_limits = 0

    def __getitem__(self, column: str) -> Any:
        return self.columns.get(column)

    @property
    def status(self) -> str:
        status: str = self.columns["status"]
        return status

    @property
    def current(self) -> int | None:
        return self.columns.get("current_run_id")

    def closed_as_parent(self) -> bool:
        """Whether a child need not wait for it any more."""
        if self.status == "archived":
            return self.columns.get("completed_at") is not None
        return self.status == "done"


class Run:
    """A run as folded so far."""

    __slots__ = ("claimed_by", "columns", "id", "task_id")

    def __init__(self, run_id: int, task_id: str) -> None:
        self.id = run_id
        self.task_id = task_id
        self.claimed_by = 0
        self.columns: dict[str, Any] = {}

    def __getitem__(self, column: str) -> Any:
        return self.columns.get(column)

    @property
    def open(self) -> bool:
        return self.columns.get("ended_at") is None

    @property
    def registered(self) -> bool:
        """A process is known that has not exited."""
        return self.columns.get("worker_pid") is not None and self.columns.get("exited_at") is None


class Shadow:
    """Tasks, runs and links, event by event."""

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.runs: dict[int, Run] = {}
        self.parents: dict[str, dict[str, bool]] = {}
        self.children: dict[str, list[str]] = {}
        self.paused = False
        self.draining: set[str] = set()
        self.clock_shifted = 0
        self.fenced: set[tuple[int, str]] = set()

    def learn(self, task_id: str | None, kind: str, actor: str, payload: dict[str, Any]) -> None:
        """One more event."""
        if task_id is None:
            if kind in ("paused", "resumed"):
                self.paused = kind == "paused"
            elif kind == "clock_shifted":
                self.clock_shifted += payload["seconds"]
            elif kind == "host_drained":
                self.draining.add(payload["host"]["host_id"])
            elif kind == "host_resumed":
                self.draining.discard(payload["host"]["host_id"])
            elif kind == "purged":
                self._forget(payload["task_id"])
            return
        task = self.tasks.get(task_id)
        if task is None:
            task = self.tasks[task_id] = Task(task_id)
        task.columns.update(payload.get("task", {}))
        if part := payload.get("run"):
            run = self.runs.get(part["id"])
            if run is None:
                run = self.runs[part["id"]] = Run(part["id"], task_id)
                task.runs.append(run)
            run.columns.update(part)
        if link := payload.get("link"):
            self._link(link)
        self._count(task, kind, actor, payload)

    def _forget(self, task_id: str) -> None:
        """A task is purged; its children were unlinked by events of their own."""
        for run in self.tasks.pop(task_id).runs:
            del self.runs[run.id]
        for parent in self.parents.pop(task_id, {}):
            self.children[parent].remove(task_id)
        self.children.pop(task_id, None)

    def _link(self, link: dict[str, Any]) -> None:
        parent, child = link["parent_id"], link["child_id"]
        known = self.parents.setdefault(child, {})
        if link["op"] == "add":
            known[parent] = True
            self.children.setdefault(parent, []).append(child)
        elif link["op"] == "release":
            known[parent] = False
        else:
            known.pop(parent, None)
            self.children[parent].remove(child)

    def _count(self, task: Task, kind: str, actor: str, payload: dict[str, Any]) -> None:
        by_person = actor.startswith("person:")
        if kind == "claimed":
            task.claims += 1
        elif by_person and kind in TOUCHES:
            task.claims = 0
        if kind in CLOSING and payload.get("run", {}).get("outcome"):
            task.rate_limits = task.rate_limits + 1 if kind == "rate_limited" else 0
        if kind == "blocked":
            task.blocks += 1
        elif by_person and (
            kind in ("edited", "commented", "accepted", "undone")
            or (kind == "unblocked" and payload.get("reason"))
        ):
            task.blocks = 0

    def open_parents(self, task_id: str) -> list[str]:
        """The parents that hold the task back."""
        return [
            parent
            for parent, holds in self.parents.get(task_id, {}).items()
            if holds and not self.tasks[parent].closed_as_parent()
        ]

    def reaches(self, start: str, goal: str) -> bool:
        """Whether a way leads from ``start`` down to ``goal``."""
        seen, frontier = {start}, [start]
        while frontier:
            here = frontier.pop()
            if here == goal:
                return True
            for child in self.children.get(here, ()):
                if child not in seen:
                    seen.add(child)
                    frontier.append(child)
        return False

    def open_below(self, task_id: str) -> list[str]:
        """The open descendants of a task."""
        below = [one for one in self.tasks if one != task_id and self.reaches(task_id, one)]
        return [one for one in below if self.tasks[one].status not in ("done", "archived")]

    def live_runs(self) -> list[Run]:
        """Runs that take a place: open, or with a process that has not exited."""
        return [run for run in self.runs.values() if run.open or run.registered]
