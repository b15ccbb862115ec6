"""The closed vocabularies of the board: statuses, outcomes, block kinds, event kinds."""

from __future__ import annotations

from typing import Final, Literal

Status = Literal["triage", "todo", "ready", "running", "review", "blocked", "done", "archived"]
STATUSES: Final[tuple[Status, ...]] = (
    "triage",
    "todo",
    "ready",
    "running",
    "review",
    "blocked",
    "done",
    "archived",
)

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
OUTCOMES: Final[tuple[Outcome, ...]] = (
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
)
FAILURES: Final[frozenset[str]] = frozenset(
    {"crashed", "timed_out", "spawn_failed", "protocol_violation"}
)

BlockKind = Literal["needs_input", "capability", "transient", "dependency"]
BLOCK_KINDS: Final[tuple[BlockKind, ...]] = ("needs_input", "capability", "transient", "dependency")

WorkspaceKind = Literal["scratch", "dir", "worktree"]
WORKSPACE_KINDS: Final[tuple[WorkspaceKind, ...]] = ("scratch", "dir", "worktree")

CLOSING_EVENTS: Final[frozenset[str]] = frozenset(
    {
        "completed",
        "blocked",
        "review_requested",
        "waiting",
        "crashed",
        "timed_out",
        "spawn_failed",
        "protocol_violation",
        "rate_limited",
        "reclaimed",
        "cancelled",
    }
)

BOARD_EVENTS: Final[frozenset[str]] = frozenset(
    {"paused", "resumed", "clock_shifted", "purged", "restored"}
)

EVENT_KINDS: Final[frozenset[str]] = (
    CLOSING_EVENTS
    | BOARD_EVENTS
    | frozenset(
        {
            "created",
            "accepted",
            "triaged",
            "promoted",
            "demoted",
            "edited",
            "prioritised",
            "scheduled",
            "commented",
            "linked",
            "unlinked",
            "released",
            "attached",
            "assigned",
            "claimed",
            "spawned",
            "unblocked",
            "approved",
            "changes_requested",
            "gave_up",
            "archived",
            "reopened",
            "adopted",
            "stop_requested",
            "exited",
            "fenced",
            "parent_reopened",
        }
    )
)

DELIVERY_STATES: Final[tuple[str, ...]] = ("waiting", "delivered", "dead")
