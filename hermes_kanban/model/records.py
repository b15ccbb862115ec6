"""Plain records of the board's rows. No input or output, no rules.

Times are integer Unix seconds, UTC. Field order is column order, so a row selected with the
matching column list becomes a record positionally.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

# Whoever has these acts as the run: no answer shows them but to their holder.
SECRET_COLUMNS: Final = frozenset({"claim_lock", "token_hash"})


class Task(msgspec.Struct, frozen=True):
    """One task, as the ``tasks`` row says."""

    seq: int
    id: str
    title: str
    body: str | None
    status: str
    assignee: str | None
    tenant: str | None
    priority: int
    effective_priority: int
    skills: list[str]
    model: str | None
    idempotency_key: str | None
    created_at: int
    created_by: str
    created_run_id: int | None
    scheduled_at: int | None
    eligible_at: int | None
    started_at: int | None
    completed_at: int | None
    result: str | None
    block_kind: str | None
    block_reason: str | None
    blocked_from: str | None
    claim_lock: str | None
    claim_expires: int | None
    worker_pid: int | None
    current_run_id: int | None
    last_heartbeat_at: int | None
    max_runtime_seconds: int | None
    max_retries: int | None
    consecutive_failures: int
    workspace_kind: str
    workspace_path: str | None
    branch: str | None
    workflow_template_id: str | None
    current_step_key: str | None
    provider: str | None = None
    resume: int | None = None


class Identity(msgspec.Struct, frozen=True):
    """A process, named so that a reused pid is never taken for it.

    ``host`` is the machine id, ``boot`` the boot id, ``pidns`` the inode of the pid namespace,
    ``start_ticks`` field 22 of ``/proc/<pid>/stat`` (clock ticks since boot, unconverted).
    """

    host: str
    boot: str
    pidns: int
    pid: int
    start_ticks: int


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run cost, as far as its runtime reports it.

    ``input``, ``cached`` (part of the input) and ``output`` are tokens, ``cost_usd`` US dollars.
    """

    input: int | None = None
    cached: int | None = None
    output: int | None = None
    cost_usd: float | None = None
    turns: int | None = None


class Run(msgspec.Struct, frozen=True):
    """One attempt at a task, as the ``task_runs`` row says."""

    id: int
    task_id: str
    profile: str | None
    claimer: str
    claimer_identity: Identity | None
    claim_lock: str | None
    claim_expires: int | None
    worker_pid: int | None
    worker_identity: Identity | None
    last_heartbeat_at: int | None
    started_at: int
    ended_at: int | None
    outcome: str | None
    exited_at: int | None
    exit_code: int | None
    stop_requested_at: int | None
    stop_reason: str | None
    stop_by: str | None
    fenced_count: int
    log_path: str | None
    summary: str | None
    metadata: dict[str, Any] | None
    error: str | None
    resume: int | None = None
    runtime: str | None = None
    session: str | None = None
    usage: Usage | None = None
    token_hash: str | None = None
    inbox_cursor: int | None = None


class Event(msgspec.Struct, frozen=True):
    """One append-only fact; ``payload`` names every column that its transaction changed."""

    id: int
    task_id: str | None
    run_id: int | None
    kind: str
    actor: str
    payload: dict[str, Any]
    created_at: int


class Link(msgspec.Struct, frozen=True):
    """``parent_id`` must be done before ``child_id`` may be ready, unless released."""

    parent_id: str
    child_id: str
    created_at: int
    released_at: int | None


class Comment(msgspec.Struct, frozen=True):
    """One comment of a task's thread."""

    id: int
    task_id: str
    run_id: int | None
    author: str
    body: str
    created_at: int


class Attachment(msgspec.Struct, frozen=True):
    """One file of a task, as the ``task_attachments`` row says.

    ``size`` is in bytes, ``sha256`` hex. ``path`` is its place below the board's folder;
    ``kernel.attachment_path`` says where it is, and brings it there.
    """

    id: int
    task_id: str
    run_id: int | None
    name: str
    size: int
    media_type: str
    sha256: str
    path: str
    created_at: int


class Board(msgspec.Struct, frozen=True):
    """The board's own row."""

    board_id: str
    slug: str
    name: str
    icon: str | None
    default_workdir: str | None
    writer_host: str | None
    writer_seen_at: int | None
    paused_at: int | None
    paused_by: str | None


class Subscription(msgspec.Struct, frozen=True):
    """Who wants to hear of what: a task or a filter, a destination, and a durable cursor.

    ``options`` say how it is delivered (``kernel.due``); ``root_id`` is the subscription to a tree
    that it was inherited from.
    """

    id: int
    task_id: str | None
    filter: dict[str, Any] | None
    destination: str
    mode: str
    cursor: int
    start_event_id: int
    created_by: str
    created_at: int
    ended_at: int | None
    options: dict[str, Any] | None = None
    root_id: int | None = None


class Delivery(msgspec.Struct, frozen=True):
    """One message owed to one destination.

    ``batch`` is the key of the digest that it is sent in, ``receipt`` the destination's own id of
    the message. ``closed_at``: nothing in that message is open any more. ``wake_at``: when its
    agent is to be woken, None if nobody is, or has been. ``dropped_at``: when it was given up by a
    person, or by the end of its subscription; it is dead then, and nobody has to look.
    """

    id: int
    sub_id: int
    event_id: int
    dedup_key: str
    state: str
    attempts: int
    next_attempt_at: int | None
    delivered_at: int | None
    reason: str | None
    batch: str | None = None
    receipt: str | None = None
    closed_at: int | None = None
    wake_at: int | None = None
    dropped_at: int | None = None


class Decision(msgspec.Struct, frozen=True):
    """How a question was decided: by whom, when, with which verb, and what was said.

    ``kind`` and ``event_id`` are those of the event that decided it.
    """

    by: str
    at: int
    verb: str
    text: str
    kind: str
    event_id: int


class Refused(msgspec.Struct, frozen=True):
    """A worker's write that was not applied; false in a condition.

    ``reason`` says why in one line, ``holder`` who holds the task now, ``current_run_id`` its run.
    """

    reason: str
    holder: str | None
    current_run_id: int | None

    def __bool__(self) -> bool:
        return False


class Hold(msgspec.Struct, frozen=True):
    """One reason why a task does not run now.

    ``code`` is a stable word, ``text`` the sentence, ``since`` and ``until`` Unix seconds where
    known, ``lifted_by`` what ends the hold: a command, or what will happen by itself.
    """

    code: str
    text: str
    lifted_by: str
    since: int | None = None
    until: int | None = None
