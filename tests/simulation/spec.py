"""What the contract allows, written down a second time to be held against the kernel."""

from __future__ import annotations

from typing import Final

RESTING: Final = frozenset({"ready", "todo"})
ANY_BUT_ARCHIVED: Final = frozenset(
    {"triage", "todo", "ready", "running", "review", "blocked", "done"}
)
NOT_RUNNING: Final = frozenset({"triage", "todo", "ready", "blocked"})

# Event kind → pairs of statuses that its transaction may take the task from and to.
_EDGES: Final[dict[str, list[tuple[str, str]]]] = {
    "accepted": [("triage", "R*")],
    "triaged": [(s, "triage") for s in ("todo", "ready", "blocked", "review")],
    "promoted": [("todo", "ready")],
    "demoted": [("ready", "todo")],
    "claimed": [("ready", "running")],
    "completed": [(s, "done") for s in (*sorted(NOT_RUNNING), "running", "review")],
    "blocked": [
        *((s, to) for s in ("running", "todo", "ready", "review") for to in ("blocked", "triage")),
    ],
    "unblocked": [("blocked", "R*"), ("blocked", "review")],
    "review_requested": [("running", "review")],
    "approved": [("review", "done")],
    "changes_requested": [("review", "R*")],
    "waiting": [("running", "R*"), ("running", "triage")],
    "rate_limited": [("running", "R*"), ("running", "triage")],
    "reclaimed": [("running", "R*"), ("running", "triage")],
    "cancelled": [("running", "archived")],
    "archived": [(s, "archived") for s in sorted(ANY_BUT_ARCHIVED - {"running"})],
    "reopened": [("done", "R*"), ("archived", "R*")],
} | {
    kind: [("running", "R*"), ("running", "blocked"), ("running", "triage")]
    for kind in ("crashed", "timed_out", "spawn_failed", "protocol_violation")
}
EDGES: Final = {
    kind: frozenset(
        (source, to)
        for source, target in pairs
        for to in (sorted(RESTING) if target == "R*" else (target,))
    )
    for kind, pairs in _EDGES.items()
}

# Verb of a person → statuses from which it is legal.
LEGAL: Final[dict[str, frozenset[str]]] = {
    "accept": frozenset({"triage"}),
    "triage": frozenset({"todo", "ready", "blocked", "review"}),
    "promote": frozenset({"todo"}),
    "edit": ANY_BUT_ARCHIVED,
    "prioritise": ANY_BUT_ARCHIVED,
    "schedule": ANY_BUT_ARCHIVED,
    "comment": ANY_BUT_ARCHIVED,
    "assign": ANY_BUT_ARCHIVED,
    "complete": NOT_RUNNING | {"running"},
    "block": frozenset({"todo", "ready", "review", "running"}),
    "unblock": frozenset({"blocked"}),
    "approve": frozenset({"review"}),
    "request_changes": frozenset({"review"}),
    "reopen": frozenset({"done", "archived"}),
    "cancel": ANY_BUT_ARCHIVED - {"done"},
    "archive": ANY_BUT_ARCHIVED,
    "reclaim": frozenset({"running"}),
    "adopt": NOT_RUNNING | {"review", "done"},
    "dismiss": ANY_BUT_ARCHIVED,
    "purge": frozenset({"archived"}),
}

FAILURES: Final = frozenset({"crashed", "timed_out", "spawn_failed", "protocol_violation"})
CLOSING: Final = FAILURES | {
    "completed",
    "blocked",
    "review_requested",
    "waiting",
    "rate_limited",
    "reclaimed",
    "cancelled",
}
OUTCOME_OF: Final = {"review_requested": "review"}
# After one of these by a person the runs that nobody touched are counted anew.
TOUCHES: Final = frozenset(
    {
        "accepted",
        "edited",
        "prioritised",
        "scheduled",
        "commented",
        "linked",
        "unlinked",
        "assigned",
        "unblocked",
        "reopened",
        "reclaimed",
        "changes_requested",
        "promoted",
        "undone",
    }
)
BLOCKS_BEFORE_TRIAGE: Final = 3
ELSEWHERE_MARGIN_SECONDS: Final = 60
JUMP_SECONDS: Final = 5
