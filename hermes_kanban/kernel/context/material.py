"""What the board knows that a worker of a task should: read as of one moment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from hermes_kanban.kernel import reads
from hermes_kanban.kernel.hosts import workspace_of
from hermes_kanban.kernel.live import host_of
from hermes_kanban.model.records import Event, Run, Task
from hermes_kanban.store.protocol import BoardConnection, fetch_all, fetch_value

SHOWN_COMMENTS: Final = 50
SHOWN_ATTEMPTS: Final = 10
SHOWN_PARENTS: Final = 100
SHOWN_STEPS: Final = 50
SHOWN_FILES: Final = 100

# Who held the task, and who decided what about it.
STEPS: Final = (
    "accepted",
    "adopted",
    "approved",
    "archived",
    "assigned",
    "blocked",
    "changes_requested",
    "claimed",
    "dismissed",
    "gave_up",
    "reopened",
    "review_requested",
    "triaged",
    "unblocked",
    "undone",
    "waiting",
)
_ANSWERS: Final = ("unblocked", "reopened")
_ENDINGS: Final = (
    "crashed",
    "exited",
    "protocol_violation",
    "rate_limited",
    "spawn_failed",
    "timed_out",
)


class Parent(NamedTuple):
    """A parent, and what the last run that handed something over left; ``by`` is who that was."""

    id: str
    title: str
    status: str
    result: str | None
    run_id: int | None
    by: str | None
    summary: str | None
    metadata: str | None
    completed_at: int | None
    linked_at: int


class File(NamedTuple):
    """One attachment; ``size`` is in bytes."""

    task_id: str
    id: int
    name: str
    size: int
    media_type: str


class Said(NamedTuple):
    """A comment, or the words that came with a verb."""

    at: int
    author: str
    run_id: int | None
    body: str


class Material(NamedTuple):
    """All of it, each list oldest first and one longer than is shown, so that this can be said.

    ``workspace`` is None where the reader has no business there, or where only another host knows
    it; ``elsewhere`` are the runs that were on another host than the one that goes on now.
    """

    task: Task
    workspace: str | None
    attempt: int
    parents: list[Parent]
    runs: list[Run]
    outputs: dict[int, str]
    steps: list[Event]
    said: list[Said]
    files: list[File]
    elsewhere: frozenset[int] = frozenset()

    def texts(self) -> Iterator[str | None]:
        """Every text that people or agents wrote."""
        task = self.task
        yield from (task.id, task.title, task.body, task.result, *task.skills)
        for parent in self.parents:
            yield from (parent.title, parent.result, parent.summary, parent.metadata)
        for run in self.runs:
            yield from (run.error, run.summary, str(run.metadata or ""))
        yield from self.outputs.values()
        for said in self.said:
            yield from (said.author, said.body)
        for step in self.steps:
            yield from (step.actor, str(step.payload.get("reason", "")))
        for file in self.files:
            yield from (file.name, file.media_type)


def read(conn: BoardConnection, task_id: str, *, own: bool) -> Material:
    """What there is to tell, to the task's ``own`` worker; NotFound if there is no such task."""
    task = reads.get_task(conn, task_id)
    runs = _runs(conn, task_id)
    run = _current(conn, task) if own else None
    place = workspace_of(conn, task, run) if own else None
    return Material(
        task=task,
        workspace=None if place is None else str(place),
        attempt=max(1, fetch_value(conn, _ATTEMPTS, {"id": task_id})),
        parents=[
            Parent(*row)
            for row in fetch_all(conn, _PARENTS, {"id": task_id, "limit": SHOWN_PARENTS + 1})
        ],
        runs=runs,
        outputs=_outputs(conn, task_id),
        steps=_events(conn, task_id, STEPS, SHOWN_STEPS + 1),
        said=_said(conn, task_id),
        files=_files(conn, task_id),
        elsewhere=frozenset() if run is None else _elsewhere(run, runs),
    )


def _current(conn: BoardConnection, task: Task) -> Run | None:
    """The run that goes on now, where it matters on which host that is."""
    known = conn.shared and task.current_run_id is not None
    return reads.get_run(conn, task.current_run_id or 0) if known else None


def _elsewhere(current: Run, runs: list[Run]) -> frozenset[int]:
    """Which of the runs were on another host than the current one: what they left lies there."""
    here = host_of(current)
    return frozenset(run.id for run in runs if host_of(run) not in (None, here))


def since(conn: BoardConnection, told: Material, run_id: int) -> Material:
    """What of it is new to a worker that goes on with the conversation of its run ``run_id``.

    The body only if it was edited since; why that run ended is new too. NotFound without that run.
    """
    run = reads.get_run(conn, run_id)
    ended_at = run.started_at if run.ended_at is None else run.ended_at
    edited = fetch_value(conn, _EDITED_SINCE, {"id": told.task.id, "run": run_id})
    return told._replace(
        task=told.task if edited else msgspec.structs.replace(told.task, body=None, result=None),
        parents=[
            one
            for one in told.parents
            if max(one.completed_at or 0, one.linked_at) >= run.started_at
        ],
        runs=[one for one in told.runs if one.id >= run_id],
        steps=[one for one in told.steps if one.created_at >= ended_at],
        said=[one for one in told.said if one.at >= run.started_at and one.run_id != run_id],
    )


_EDITED_SINCE: Final = """
SELECT max(id) FROM task_events WHERE task_id = :id AND kind = 'edited' AND id > (
    SELECT max(c.id) FROM task_events c WHERE c.run_id = :run AND c.kind = 'claimed')
"""
_ATTEMPTS: Final = "SELECT count(*) FROM task_runs WHERE task_id = :id AND claim_lock IS NOT NULL"
_PARENTS: Final = """
SELECT p.id, p.title, p.status, p.result, r.id,
    CASE WHEN r.claim_lock IS NULL OR r.profile IS NULL THEN r.claimer ELSE r.profile END,
    r.summary, r.metadata, p.completed_at, l.created_at
FROM task_links l
JOIN tasks p ON p.id = l.parent_id
LEFT JOIN task_runs r ON r.id = (
    SELECT max(x.id) FROM task_runs x WHERE x.task_id = p.id AND x.outcome IN
        ('completed', 'review'))
WHERE l.child_id = :id ORDER BY p.seq LIMIT :limit
"""
_RUNS: Final = (
    f"SELECT {reads.RUN_COLUMNS} FROM task_runs r"
    " WHERE r.task_id = :id AND r.ended_at IS NOT NULL ORDER BY r.id DESC LIMIT :limit"
)
_COMMENTS: Final = (
    "SELECT created_at, author, run_id, body FROM task_comments WHERE task_id = :id"
    " ORDER BY id DESC LIMIT :limit"
)
_FILES: Final = """
SELECT task_id, id, name, size, media_type FROM task_attachments WHERE task_id = :id
UNION
SELECT a.task_id, a.id, a.name, a.size, a.media_type
FROM task_links l JOIN task_attachments a ON a.task_id = l.parent_id WHERE l.child_id = :id
ORDER BY 2 LIMIT :limit
"""


def _runs(conn: BoardConnection, task_id: str) -> list[Run]:
    rows = fetch_all(conn, _RUNS, {"id": task_id, "limit": SHOWN_ATTEMPTS + 1})
    return [reads.run_of(row) for row in reversed(rows)]


def _outputs(conn: BoardConnection, task_id: str) -> dict[int, str]:
    """The last output of the runs that ended without a word, as their events keep it."""
    return {
        event.run_id: event.payload["output"]
        for event in _events(conn, task_id, _ENDINGS, 2 * SHOWN_ATTEMPTS)
        if event.run_id is not None and event.payload.get("output")
    }


def _said(conn: BoardConnection, task_id: str) -> list[Said]:
    """The newest comments, and what people answered when they unblocked or reopened the task."""
    newest = {"id": task_id, "limit": SHOWN_COMMENTS + 1}
    comments = [Said(*row) for row in reversed(fetch_all(conn, _COMMENTS, newest))]
    answers = [
        Said(event.created_at, event.actor, event.run_id, event.payload["reason"])
        for event in _events(conn, task_id, _ANSWERS, SHOWN_COMMENTS + 1)
        if event.payload.get("reason")
    ]
    return sorted([*comments, *answers], key=lambda one: one.at)[-SHOWN_COMMENTS - 1 :]


def _files(conn: BoardConnection, task_id: str) -> list[File]:
    rows = fetch_all(conn, _FILES, {"id": task_id, "limit": SHOWN_FILES + 1})
    return [File(*row) for row in rows]


def _events(conn: BoardConnection, task_id: str, kinds: tuple[str, ...], limit: int) -> list[Event]:
    """The newest events of these kinds, oldest first."""
    bounds: dict[str, Any] = {f"k{at}": kind for at, kind in enumerate(kinds)}
    named = ", ".join(f":{name}" for name in bounds)
    rows = fetch_all(
        conn,
        f"SELECT {reads.EVENT_COLUMNS} FROM task_events WHERE task_id = :id"
        f" AND kind IN ({named}) ORDER BY id DESC LIMIT :limit",
        bounds | {"id": task_id, "limit": limit},
    )
    return [reads.event_of(row) for row in reversed(rows)]
