"""The kernel: sync functions over one board, connection first, keyword arguments after the id.

    from hermes_kanban import kernel as kb

    conn = kb.connect()
    task_id = kb.create_task(conn, title="Count the words", assignee="counter")

Each verb is one transaction: it is applied whole, or it raises and has changed nothing. ``batch``
joins several. No function sleeps or takes longer than a second, apart from the bounded wait for
the writer lock; ``check`` and ``replay`` are exempt.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from hermes_kanban.kernel.archive import adopt_result, archive_task, cancel_task, reopen_task
from hermes_kanban.kernel.boards import create_board, get_board, list_boards, pause, resume
from hermes_kanban.kernel.claim import claim_task, heartbeat_claim, register_worker
from hermes_kanban.kernel.comments import add_comment
from hermes_kanban.kernel.create import create_task
from hermes_kanban.kernel.dispatch import DispatchReport, Sweep, dispatch_once, unblock_due
from hermes_kanban.kernel.edits import (
    accept_task,
    assign_task,
    edit_task,
    prioritise_task,
    promote_task,
    schedule_task,
    triage_task,
    unblock_task,
)
from hermes_kanban.kernel.finish import block_task, complete_task, reclaim_task
from hermes_kanban.kernel.gates import recompute_ready
from hermes_kanban.kernel.links import link_tasks, unlink_tasks
from hermes_kanban.kernel.reads import (
    get_run,
    get_task,
    latest_run,
    list_comments,
    list_events,
    list_links,
    list_runs,
    list_tasks,
    newest_event_id,
)
from hermes_kanban.kernel.recover import (
    advance_stops,
    detect_crashed_workers,
    enforce_max_runtime,
    import_exit_records,
    recover_orphaned_claims,
    release_stale_claims,
    renew_leases,
)
from hermes_kanban.kernel.review import approve_task, request_changes, request_review
from hermes_kanban.kernel.waiting import wait_for
from hermes_kanban.kernel.why import why
from hermes_kanban.model import (
    Board,
    BoardBusy,
    BoardDamaged,
    BoardTooNew,
    Comment,
    ConfigError,
    Delivery,
    DiskFull,
    Event,
    Hold,
    Identity,
    IllegalTransition,
    InvalidInput,
    KanbanError,
    Link,
    NotFound,
    Refused,
    Run,
    StaleRun,
    Subscription,
    Task,
)
from hermes_kanban.store.opening import connect, init_db
from hermes_kanban.store.sqlite import BoardConnection, write


@contextmanager
def batch(conn: BoardConnection) -> Iterator[None]:
    """Join verbs in one transaction: all of them, or none.

    A verb that raises inside undoes only itself; the error ends the batch unless it is caught.
    """
    with write(conn, "batch"):
        yield


__all__ = [
    "Board",
    "BoardBusy",
    "BoardConnection",
    "BoardDamaged",
    "BoardTooNew",
    "Comment",
    "ConfigError",
    "Delivery",
    "DiskFull",
    "DispatchReport",
    "Event",
    "Hold",
    "Identity",
    "IllegalTransition",
    "InvalidInput",
    "KanbanError",
    "Link",
    "NotFound",
    "Refused",
    "Run",
    "StaleRun",
    "Subscription",
    "Sweep",
    "Task",
    "accept_task",
    "add_comment",
    "adopt_result",
    "advance_stops",
    "approve_task",
    "archive_task",
    "assign_task",
    "batch",
    "block_task",
    "cancel_task",
    "claim_task",
    "complete_task",
    "connect",
    "create_board",
    "create_task",
    "detect_crashed_workers",
    "dispatch_once",
    "edit_task",
    "enforce_max_runtime",
    "get_board",
    "get_run",
    "get_task",
    "heartbeat_claim",
    "import_exit_records",
    "init_db",
    "latest_run",
    "link_tasks",
    "list_boards",
    "list_comments",
    "list_events",
    "list_links",
    "list_runs",
    "list_tasks",
    "newest_event_id",
    "pause",
    "prioritise_task",
    "promote_task",
    "reclaim_task",
    "recompute_ready",
    "recover_orphaned_claims",
    "register_worker",
    "release_stale_claims",
    "renew_leases",
    "reopen_task",
    "request_changes",
    "request_review",
    "resume",
    "schedule_task",
    "triage_task",
    "unblock_due",
    "unblock_task",
    "unlink_tasks",
    "wait_for",
    "why",
]
