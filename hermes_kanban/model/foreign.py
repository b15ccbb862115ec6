"""A task of another tracker, in the board's words: what readers of foreign files hand over.

Times are Unix seconds, UTC, and None where the source does not know them.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

# Where a foreign task ends up; "ready" becomes "todo" by itself while a parent is open.
ForeignStatus = Literal["triage", "ready", "review", "blocked", "done", "archived"]

# How a foreign run may have ended; one that never did is taken for reclaimed.
ForeignOutcome = Literal[
    "completed",
    "blocked",
    "review",
    "waiting",
    "crashed",
    "timed_out",
    "spawn_failed",
    "protocol_violation",
    "rate_limited",
    "reclaimed",
]


class ForeignComment(msgspec.Struct):
    """``key`` tells it from the task's other comments, however often the file is read."""

    key: str
    author: str
    body: str
    at: int | None = None


class ForeignRun(msgspec.Struct):
    """An attempt; not ``claimed``: it only keeps a hand-over, and nobody ever worked on it."""

    key: str
    profile: str | None
    claimer: str
    started_at: int
    ended_at: int
    outcome: ForeignOutcome
    summary: str | None = None
    error: str | None = None
    metadata: dict[str, Any] | None = None
    claimed: bool = True


class ForeignFile(msgspec.Struct):
    """A file of a task: one that lies at ``path``, or ``data``."""

    name: str
    path: str | None = None
    data: bytes | None = None
    media_type: str | None = None
    at: int | None = None


class ForeignTask(msgspec.Struct):
    """One task, with what it waits for, its thread and its attempts.

    ``parents`` are foreign ids. ``was`` is its status in the source's own word, ``ended_at`` when
    it got there; ``completed`` says that it was done before it was archived. ``rest`` is what the
    board has no column for; it is kept in the first event. ``notes`` say what was changed.
    """

    id: str
    title: str
    status: ForeignStatus
    was: str
    body: str | None = None
    assignee: str | None = None
    tenant: str | None = None
    priority: int = 0
    skills: list[str] = []
    model: str | None = None
    workspace: str | None = None
    branch: str | None = None
    idempotency_key: str | None = None
    max_runtime_seconds: int | None = None
    max_retries: int | None = None
    created_by: str = "person:import"
    created_at: int | None = None
    ended_at: int | None = None
    completed: bool = False
    result: str | None = None
    block_kind: str | None = None
    block_reason: str | None = None
    parents: list[str] = []
    comments: list[ForeignComment] = []
    runs: list[ForeignRun] = []
    files: list[ForeignFile] = []
    rest: dict[str, Any] = {}
    notes: list[str] = []
