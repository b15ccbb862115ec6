"""Every kind of event of the board: what it means, and what its payload may say.

The parts ``task``, ``run``, ``link`` and ``board`` are the columns that the transaction changed,
with their new values: from them alone the rows can be made again. The other keys say more.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class EventKind(NamedTuple):
    """One kind, and the keys that its payload may have."""

    meaning: str
    payload: tuple[str, ...] = ()


PAYLOAD: Final[dict[str, str]] = {
    "artifacts": "the attachments made of declared files; of late work, the files themselves",
    "attachment": "the file: `id`, `name`, `media_type`, `size`, `sha256`, `path`",
    "block_kind": "what kind of thing is missing",
    "block_reason": "the reason that came too late",
    "board": "the changed columns of the board",
    "board_id": "the new id of the board",
    "clock_shifted": "the seconds by which a set clock moved the time",
    "branch": "its branch",
    "comment": "what was said with it",
    "comment_id": "the comment",
    "comments": "how many comments",
    "deliveries": "how many deliveries",
    "delivery": "the changed columns of the delivery",
    "due": "true: its time had come",
    "ended_run_id": "the run that ended by it",
    "error": "what went wrong",
    "event_id": "the event of the delivery",
    "events": "how many events",
    "failures": "failures in a row",
    "file": "the backup that was read",
    "files": "how many files were attached",
    "from_board_id": "the board's id before",
    "from_run_id": "the run whose late result it is",
    "host": "the host: `host_id`, `name`, and what of it changed",
    "imported": "where it came from: `source`, `id`, `status`, and what no column holds",
    "inherited": "true: the priority is that of a task which waits for it",
    "kept": "where the board as it was lies",
    "leases": "how many leases",
    "lifted_by": "who or what lifts the block",
    "link": "the link: `op` (add, remove, release), `parent_id`, `child_id`",
    "links": "how many links",
    "made": "how many tasks were made",
    "metadata": "the metadata that came too late",
    "mended": "true: `check --fix` wrote it, and `reason` says why",
    "noun": "the kind of row that was mended",
    "output": "the end of what the process wrote",
    "parent_id": "the parent by which it came",
    "parents": "the tasks it waits for",
    "purged": "true: the parent is gone for good",
    "reason": "why",
    "result": "the result that came too late",
    "row_id": "the row that was mended",
    "run": "the changed columns of the run",
    "run_id": "the run",
    "run_ids": "its runs",
    "runs": "how many runs",
    "seconds": "by how much the clock was set; below 0: back",
    "seq": "its number",
    "source": "the name of the source",
    "subscription": "the changed columns of the subscription",
    "summary": "the summary that came too late",
    "suspended_seconds": "how long the machine slept",
    "swept": "true: the safety net found it",
    "task": "the changed columns of the task",
    "task_id": "the task's id",
    "tasks": "how many tasks",
    "undid": "what was taken back: `event`, `kind`, `origin`",
    "unknown_ids": "ids that are no task of this board",
    "updated": "how many tasks were brought up to date",
    "verb": "what the late worker asked for",
    "waiting": "the tasks that wait for it",
    "waits_for": "the tasks it waits for",
    "was": "what stood there",
    "woken": "true: a subscription woke its agent by it",
    "workspace_kind": "the kind of its workspace",
    "workspace_path": "where that lies",
}

_MOVED: Final = ("task", "reason", "lifted_by")
_FAILED: Final = ("task", "run", "output", "lifted_by")

EVENTS: Final[dict[str, EventKind]] = {
    "accepted": EventKind("A task in triage may go ahead.", ("task",)),
    "adopted": EventKind("A late result was taken over.", ("task", "from_run_id")),
    "approved": EventKind("A task in review is done.", ("task", "comment")),
    "archived": EventKind("A task was put out of sight.", ("task", "reason", "undid")),
    "assigned": EventKind("A task got another assignee.", ("task", "ended_run_id")),
    "attached": EventKind("A file was attached.", ("attachment",)),
    "blocked": EventKind(
        "A task stops until what it lacks is there.",
        ("task", "run", "reason", "block_kind", "lifted_by", "parent_id"),
    ),
    "cancelled": EventKind("A run was given up with its task.", ("task", "run")),
    "changes_requested": EventKind("A task in review went back to work.", ("task", "comment")),
    "claimed": EventKind("A run was opened.", ("task", "run")),
    "clock_shifted": EventKind(
        "The wall clock was set, and what waits for a time was moved along.",
        ("seconds", "suspended_seconds", "leases", "tasks", "deliveries"),
    ),
    "commented": EventKind("Somebody wrote a comment.", ("comment_id",)),
    "completed": EventKind("A task is done.", ("task", "run", "artifacts", "from_run_id")),
    "crashed": EventKind("A worker died or ended with an error.", _FAILED),
    "created": EventKind("A task was filed.", ("task", "parents", "woken", "imported")),
    "demoted": EventKind("A ready task waits for a parent again.", ("task", "parent_id")),
    "dismissed": EventKind("A late result was put aside.", ("from_run_id",)),
    "edited": EventKind("What a task says, or how it runs, was changed.", ("task",)),
    "exited": EventKind("The processes of a run are gone.", ("run", "error")),
    "fenced": EventKind(
        "A worker that was no longer current was refused; once for each verb of a run.",
        ("verb", "reason", "result", "summary", "metadata", "artifacts", "block_reason"),
    ),
    "gave_up": EventKind(
        "A task failed too often and was blocked.", ("run_id", "error", "failures", "lifted_by")
    ),
    "host_drained": EventKind(
        "A host starts nothing new; what runs there goes on.", ("host", "reason")
    ),
    "host_joined": EventKind("A gateway of a host dispatches the board too.", ("host",)),
    "host_left": EventKind("The gateway of a host has ended.", ("host",)),
    "host_lost": EventKind("A host is not heard of any more.", ("host",)),
    "host_resumed": EventKind("A host starts tasks again.", ("host",)),
    "imported": EventKind(
        "Tasks came from elsewhere.",
        ("source", "made", "updated", "comments", "runs", "links", "files"),
    ),
    "linked": EventKind("A task waits for another.", ("link",)),
    "mended": EventKind(
        "`check --fix` put a row right.",
        (
            *("reason", "task", "run", "link", "attachment", "delivery", "subscription"),
            *("noun", "row_id", "event_id", "inherited", "lifted_by", "was"),
        ),
    ),
    "parent_reopened": EventKind("A parent of a running task was reopened.", ("parent_id",)),
    "paused": EventKind("The board starts nothing new.", ("board", "reason")),
    "prioritised": EventKind("A priority changed.", ("task", "inherited", "waiting")),
    "promoted": EventKind("A task became ready.", ("task", "parent_id", "swept")),
    "protocol_violation": EventKind("A worker ended without a word.", _FAILED),
    "purged": EventKind(
        "A task was removed for good.",
        (
            *("task_id", "seq", "run_ids", "events", "comments", "deliveries"),
            *("workspace_kind", "workspace_path", "branch"),
        ),
    ),
    "rate_limited": EventKind("A worker met a rate limit; it is tried again.", _FAILED),
    "reclaimed": EventKind("A run was closed and its task goes back.", _FAILED),
    "released": EventKind("A child no longer waits for a parent that was given up.", ("link",)),
    "reopened": EventKind("A finished task went back to work.", ("task", "reason")),
    "restored": EventKind(
        "The board was restored from a backup.", ("board_id", "from_board_id", "file", "kept")
    ),
    "resumed": EventKind("The board starts tasks again.", ("board",)),
    "review_requested": EventKind(
        "A worker asks for a review of what it did.", ("task", "run", "artifacts")
    ),
    "scheduled": EventKind("When a task may start was changed.", ("task", "clock_shifted")),
    "spawn_failed": EventKind("No worker could be started.", _FAILED),
    "spawned": EventKind("A worker was started.", ("task", "run")),
    "stop_requested": EventKind("A worker is to be stopped.", ("run",)),
    "timed_out": EventKind("A worker took too long.", _FAILED),
    "triaged": EventKind("A task was put aside until a person accepts it.", _MOVED),
    "unblocked": EventKind("A block was lifted.", ("task", "reason", "parent_id", "due")),
    "undone": EventKind("A verb was taken back.", ("task", "link", "undid", "lifted_by")),
    "unlinked": EventKind("A task no longer waits for another.", ("link", "purged")),
    "waiting": EventKind("A worker waits for subtasks.", ("task", "run", "waits_for")),
    "warned": EventKind("A text names tasks that are not there.", ("reason", "unknown_ids")),
}
