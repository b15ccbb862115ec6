"""The kernel: sync functions over one board, connection first, keyword arguments after the id.

    from hermes_kanban import kernel as kb

    conn = kb.connect()
    task_id = kb.create_task(conn, title="Count the words", assignee="counter")

Each verb is one transaction: it is applied whole, or it raises and has changed nothing. ``batch``
joins several. No function sleeps or takes longer than a second, apart from the bounded wait for
the writer lock; ``check`` and ``replay`` are exempt.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hermes_kanban.kernel.archive import (
        adopt_result,
        archive_task,
        cancel_task,
        reopen_task,
    )
    from hermes_kanban.kernel.boards import (
        create_board,
        get_board,
        list_boards,
        pause,
        resume,
    )
    from hermes_kanban.kernel.check import Violation, check
    from hermes_kanban.kernel.claim import (
        claim_task,
        heartbeat_claim,
        register_worker,
    )
    from hermes_kanban.kernel.comments import (
        add_comment,
    )
    from hermes_kanban.kernel.context import build_worker_context
    from hermes_kanban.kernel.create import (
        create_task,
    )
    from hermes_kanban.kernel.dispatch import (
        DispatchReport,
        Sweep,
        dispatch_once,
        unblock_due,
    )
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
    from hermes_kanban.kernel.finish import (
        block_task,
        complete_task,
        reclaim_task,
    )
    from hermes_kanban.kernel.gates import (
        recompute_ready,
    )
    from hermes_kanban.kernel.links import (
        link_tasks,
        unlink_tasks,
    )
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
    from hermes_kanban.kernel.replay import Replayed, replay
    from hermes_kanban.kernel.review import (
        approve_task,
        request_changes,
        request_review,
    )
    from hermes_kanban.kernel.stats import Stats, assignees, stats
    from hermes_kanban.kernel.waiting import (
        wait_for,
    )
    from hermes_kanban.kernel.why import (
        why,
    )
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
    from hermes_kanban.store.opening import (
        connect,
        init_db,
    )
    from hermes_kanban.store.sqlite import (
        BoardConnection,
    )

# Loaded at first use: a command that lists tasks does not import the dispatcher.
_HOMES = {
    "hermes_kanban.kernel.archive": (
        "adopt_result",
        "archive_task",
        "cancel_task",
        "reopen_task",
    ),
    "hermes_kanban.kernel.boards": (
        "create_board",
        "get_board",
        "list_boards",
        "pause",
        "resume",
    ),
    "hermes_kanban.kernel.check": ("Violation", "check"),
    "hermes_kanban.kernel.claim": (
        "claim_task",
        "heartbeat_claim",
        "register_worker",
    ),
    "hermes_kanban.kernel.comments": ("add_comment",),
    "hermes_kanban.kernel.context": ("build_worker_context",),
    "hermes_kanban.kernel.create": ("create_task",),
    "hermes_kanban.kernel.dispatch": (
        "DispatchReport",
        "Sweep",
        "dispatch_once",
        "unblock_due",
    ),
    "hermes_kanban.kernel.edits": (
        "accept_task",
        "assign_task",
        "edit_task",
        "prioritise_task",
        "promote_task",
        "schedule_task",
        "triage_task",
        "unblock_task",
    ),
    "hermes_kanban.kernel.finish": (
        "block_task",
        "complete_task",
        "reclaim_task",
    ),
    "hermes_kanban.kernel.gates": ("recompute_ready",),
    "hermes_kanban.kernel.links": (
        "link_tasks",
        "unlink_tasks",
    ),
    "hermes_kanban.kernel.reads": (
        "get_run",
        "get_task",
        "latest_run",
        "list_comments",
        "list_events",
        "list_links",
        "list_runs",
        "list_tasks",
        "newest_event_id",
    ),
    "hermes_kanban.kernel.recover": (
        "advance_stops",
        "detect_crashed_workers",
        "enforce_max_runtime",
        "import_exit_records",
        "recover_orphaned_claims",
        "release_stale_claims",
        "renew_leases",
    ),
    "hermes_kanban.kernel.replay": ("Replayed", "replay"),
    "hermes_kanban.kernel.review": (
        "approve_task",
        "request_changes",
        "request_review",
    ),
    "hermes_kanban.kernel.stats": ("Stats", "assignees", "stats"),
    "hermes_kanban.kernel.waiting": ("wait_for",),
    "hermes_kanban.kernel.why": ("why",),
    "hermes_kanban.model": (
        "Board",
        "BoardBusy",
        "BoardDamaged",
        "BoardTooNew",
        "Comment",
        "ConfigError",
        "Delivery",
        "DiskFull",
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
        "Task",
    ),
    "hermes_kanban.store.opening": (
        "connect",
        "init_db",
    ),
    "hermes_kanban.store.sqlite": ("BoardConnection",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"the kernel has no {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})


class _Kernel(ModuleType):
    """Importing ``kernel.check`` binds that module here; the verb of the same name wins."""

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and name in _HOME_OF:
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Kernel


@contextmanager
def batch(conn: BoardConnection) -> Iterator[None]:
    """Join verbs in one transaction: all of them, or none.

    A verb that raises inside undoes only itself; the error ends the batch unless it is caught.
    """
    from hermes_kanban.store.sqlite import write

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
    "Replayed",
    "Run",
    "StaleRun",
    "Stats",
    "Subscription",
    "Sweep",
    "Task",
    "Violation",
    "accept_task",
    "add_comment",
    "adopt_result",
    "advance_stops",
    "approve_task",
    "archive_task",
    "assign_task",
    "assignees",
    "batch",
    "block_task",
    "build_worker_context",
    "cancel_task",
    "check",
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
    "replay",
    "request_changes",
    "request_review",
    "resume",
    "schedule_task",
    "stats",
    "triage_task",
    "unblock_due",
    "unblock_task",
    "unlink_tasks",
    "wait_for",
    "why",
]
