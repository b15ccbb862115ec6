"""The closed vocabularies of the board: statuses, outcomes, block kinds, event kinds."""

from __future__ import annotations

from typing import Final, Literal, get_args

from hermes_kanban.model.event_kinds import EVENTS

Status = Literal["triage", "todo", "ready", "running", "review", "blocked", "done", "archived"]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)

Outcome = Literal[
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
    "cancelled",
]
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
FAILURES: Final[frozenset[str]] = frozenset(
    {"crashed", "timed_out", "spawn_failed", "protocol_violation"}
)

BlockKind = Literal["needs_input", "capability", "transient", "dependency"]
BLOCK_KINDS: Final[tuple[BlockKind, ...]] = get_args(BlockKind)

WorkspaceKind = Literal["scratch", "dir", "worktree"]
WORKSPACE_KINDS: Final[tuple[WorkspaceKind, ...]] = get_args(WorkspaceKind)

# A run is closed by an event of its outcome's name; only a review is asked for, not done.
CLOSING_EVENTS: Final[frozenset[str]] = frozenset(OUTCOMES) - {"review"} | {"review_requested"}

BOARD_EVENTS: Final[frozenset[str]] = frozenset(
    {"paused", "resumed", "clock_shifted", "purged", "restored", "mended", "imported"}
    | {"host_joined", "host_drained", "host_resumed", "host_lost", "host_left"}
)

EVENT_KINDS: Final[frozenset[str]] = frozenset(EVENTS)

NOTIFY_MODES: Final[tuple[str, ...]] = ("notify", "wake", "notify_and_wake")
DELIVERY_STATES: Final[tuple[str, ...]] = ("waiting", "delivered", "dead")
LISTED_STATES: Final[tuple[str, ...]] = (*DELIVERY_STATES, "dropped")
