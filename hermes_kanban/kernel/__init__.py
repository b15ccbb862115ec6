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

# Loaded at first use: a command that lists tasks does not import the dispatcher. A type checker
# reads the same names below, and a test holds the two together.
_HOMES = {
    "hermes_kanban.kernel.archive": "adopt_result archive_task cancel_task reopen_task",
    "hermes_kanban.kernel.attachments": (
        "add_attachment attachment_path find_attachment list_attachments open_attachment "
        "save_attachment"
    ),
    "hermes_kanban.kernel.attention": "attention Attention",
    "hermes_kanban.kernel.boards": "create_board get_board list_boards pause resume",
    "hermes_kanban.kernel.cards": "Card CardPage cards Counts counts",
    "hermes_kanban.kernel.check": "check replay_differences Violation",
    "hermes_kanban.kernel.claim": "claim_task heartbeat_claim register_worker",
    "hermes_kanban.kernel.clocks": "ClockShift follow_clock",
    "hermes_kanban.kernel.comments": "add_comment",
    "hermes_kanban.kernel.context": "build_worker_context context_page ContextPage",
    "hermes_kanban.kernel.create": "create_task",
    "hermes_kanban.kernel.decisions": "decision_of",
    "hermes_kanban.kernel.dispatch": "dispatch_once DispatchReport Sweep unblock_due",
    "hermes_kanban.kernel.edits": (
        "accept_task assign_task edit_task prioritise_task promote_task schedule_task "
        "triage_task unblock_task"
    ),
    "hermes_kanban.kernel.exporting": "export_board Exported load_board Loaded",
    "hermes_kanban.kernel.fencing": "Kept must_be_current stale",
    "hermes_kanban.kernel.finish": "block_task complete_task reclaim_task",
    "hermes_kanban.kernel.finding": "Filter",
    "hermes_kanban.kernel.fingerprint": "fingerprint",
    "hermes_kanban.kernel.gates": "recompute_ready",
    "hermes_kanban.kernel.gateways": "other_gateways",
    "hermes_kanban.kernel.gc": "BACKUPS_KEPT gc GcReport LOG_DAYS",
    "hermes_kanban.kernel.history": "diff Diff moment Moment task_at TaskAt tasks_at",
    "hermes_kanban.kernel.hosts": "drain_host Host join_host leave_host list_hosts resume_host",
    "hermes_kanban.kernel.inbox": "Inbox News peek_inbox take_inbox",
    "hermes_kanban.kernel.importing": "import_tasks Imported imported_ids",
    "hermes_kanban.kernel.late": "dismiss_result",
    "hermes_kanban.kernel.links": "link_tasks unlink_tasks",
    "hermes_kanban.kernel.mend": "mend MendReport",
    "hermes_kanban.kernel.deliveries": "Matter Owing",
    "hermes_kanban.kernel.purge": "purge_task Purged",
    "hermes_kanban.kernel.reads": (
        "find_run get_run get_task last_conversation latest_run list_comments list_events "
        "list_links list_runs list_tasks near_task_ids newest_event_id run_of_token"
    ),
    "hermes_kanban.kernel.recover": (
        "advance_stops detect_crashed_workers enforce_max_runtime import_exit_records "
        "recover_orphaned_claims release_stale_claims renew_leases"
    ),
    "hermes_kanban.kernel.relocating": "relocate Relocated",
    "hermes_kanban.kernel.replay": "replay Replayed",
    "hermes_kanban.kernel.restore": "restore Restored",
    "hermes_kanban.kernel.review": "approve_task request_changes request_review",
    "hermes_kanban.kernel.stats": "assignees Stats stats",
    "hermes_kanban.kernel.taking": "claim_next ready_tasks",
    "hermes_kanban.kernel.timeline": "Timeline timeline Trends trends",
    "hermes_kanban.kernel.tree": "Tree tree",
    "hermes_kanban.kernel.trees": "Trees trees",
    "hermes_kanban.kernel.undo": "can_undo undo Undone",
    "hermes_kanban.kernel.waiting": "wait_for",
    "hermes_kanban.kernel.why": "why why_each",
    "hermes_kanban.model": (
        "AlreadyDecided Attachment Board BoardBusy BoardDamaged BoardMoved BoardTooNew "
        "BoardUnreachable CannotUndo Comment ConfigError Decision Delivery DiskFull Event Hold "
        "Identity IllegalTransition InvalidInput KanbanError Link NotAllowed NotFound Refused Run "
        "StaleRun Subscription Task Usage WriteRefused"
    ),
    "hermes_kanban.model.errors": "AcceptedBefore FateUnknown InUse NotNow",
    "hermes_kanban.store.backup": "backup",
    "hermes_kanban.store.backup_files": "files_of_backup",
    "hermes_kanban.store.opening": "connect init_db",
    "hermes_kanban.store.protocol": "BoardConnection reading",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

if TYPE_CHECKING:
    from hermes_kanban.kernel.archive import adopt_result as adopt_result
    from hermes_kanban.kernel.archive import archive_task as archive_task
    from hermes_kanban.kernel.archive import cancel_task as cancel_task
    from hermes_kanban.kernel.archive import reopen_task as reopen_task
    from hermes_kanban.kernel.attachments import add_attachment as add_attachment
    from hermes_kanban.kernel.attachments import attachment_path as attachment_path
    from hermes_kanban.kernel.attachments import find_attachment as find_attachment
    from hermes_kanban.kernel.attachments import list_attachments as list_attachments
    from hermes_kanban.kernel.attachments import open_attachment as open_attachment
    from hermes_kanban.kernel.attachments import save_attachment as save_attachment
    from hermes_kanban.kernel.attention import Attention as Attention
    from hermes_kanban.kernel.attention import attention as attention
    from hermes_kanban.kernel.boards import create_board as create_board
    from hermes_kanban.kernel.boards import get_board as get_board
    from hermes_kanban.kernel.boards import list_boards as list_boards
    from hermes_kanban.kernel.boards import pause as pause
    from hermes_kanban.kernel.boards import resume as resume
    from hermes_kanban.kernel.cards import Card as Card
    from hermes_kanban.kernel.cards import CardPage as CardPage
    from hermes_kanban.kernel.cards import Counts as Counts
    from hermes_kanban.kernel.cards import cards as cards
    from hermes_kanban.kernel.cards import counts as counts
    from hermes_kanban.kernel.check import Violation as Violation
    from hermes_kanban.kernel.check import check as check
    from hermes_kanban.kernel.check import replay_differences as replay_differences
    from hermes_kanban.kernel.claim import claim_task as claim_task
    from hermes_kanban.kernel.claim import heartbeat_claim as heartbeat_claim
    from hermes_kanban.kernel.claim import register_worker as register_worker
    from hermes_kanban.kernel.clocks import ClockShift as ClockShift
    from hermes_kanban.kernel.clocks import follow_clock as follow_clock
    from hermes_kanban.kernel.comments import add_comment as add_comment
    from hermes_kanban.kernel.context import ContextPage as ContextPage
    from hermes_kanban.kernel.context import build_worker_context as build_worker_context
    from hermes_kanban.kernel.context import context_page as context_page
    from hermes_kanban.kernel.create import create_task as create_task
    from hermes_kanban.kernel.decisions import decision_of as decision_of
    from hermes_kanban.kernel.deliveries import Matter as Matter
    from hermes_kanban.kernel.deliveries import Owing as Owing
    from hermes_kanban.kernel.dispatch import DispatchReport as DispatchReport
    from hermes_kanban.kernel.dispatch import Sweep as Sweep
    from hermes_kanban.kernel.dispatch import dispatch_once as dispatch_once
    from hermes_kanban.kernel.dispatch import unblock_due as unblock_due
    from hermes_kanban.kernel.edits import accept_task as accept_task
    from hermes_kanban.kernel.edits import assign_task as assign_task
    from hermes_kanban.kernel.edits import edit_task as edit_task
    from hermes_kanban.kernel.edits import prioritise_task as prioritise_task
    from hermes_kanban.kernel.edits import promote_task as promote_task
    from hermes_kanban.kernel.edits import schedule_task as schedule_task
    from hermes_kanban.kernel.edits import triage_task as triage_task
    from hermes_kanban.kernel.edits import unblock_task as unblock_task
    from hermes_kanban.kernel.exporting import Exported as Exported
    from hermes_kanban.kernel.exporting import Loaded as Loaded
    from hermes_kanban.kernel.exporting import export_board as export_board
    from hermes_kanban.kernel.exporting import load_board as load_board
    from hermes_kanban.kernel.fencing import Kept as Kept
    from hermes_kanban.kernel.fencing import must_be_current as must_be_current
    from hermes_kanban.kernel.fencing import stale as stale
    from hermes_kanban.kernel.finding import Filter as Filter
    from hermes_kanban.kernel.fingerprint import fingerprint as fingerprint
    from hermes_kanban.kernel.finish import block_task as block_task
    from hermes_kanban.kernel.finish import complete_task as complete_task
    from hermes_kanban.kernel.finish import reclaim_task as reclaim_task
    from hermes_kanban.kernel.gates import recompute_ready as recompute_ready
    from hermes_kanban.kernel.gateways import other_gateways as other_gateways
    from hermes_kanban.kernel.gc import BACKUPS_KEPT as BACKUPS_KEPT
    from hermes_kanban.kernel.gc import LOG_DAYS as LOG_DAYS
    from hermes_kanban.kernel.gc import GcReport as GcReport
    from hermes_kanban.kernel.gc import gc as gc
    from hermes_kanban.kernel.history import Diff as Diff
    from hermes_kanban.kernel.history import Moment as Moment
    from hermes_kanban.kernel.history import TaskAt as TaskAt
    from hermes_kanban.kernel.history import diff as diff
    from hermes_kanban.kernel.history import moment as moment
    from hermes_kanban.kernel.history import task_at as task_at
    from hermes_kanban.kernel.history import tasks_at as tasks_at
    from hermes_kanban.kernel.hosts import Host as Host
    from hermes_kanban.kernel.hosts import drain_host as drain_host
    from hermes_kanban.kernel.hosts import join_host as join_host
    from hermes_kanban.kernel.hosts import leave_host as leave_host
    from hermes_kanban.kernel.hosts import list_hosts as list_hosts
    from hermes_kanban.kernel.hosts import resume_host as resume_host
    from hermes_kanban.kernel.importing import Imported as Imported
    from hermes_kanban.kernel.importing import import_tasks as import_tasks
    from hermes_kanban.kernel.importing import imported_ids as imported_ids
    from hermes_kanban.kernel.inbox import Inbox as Inbox
    from hermes_kanban.kernel.inbox import News as News
    from hermes_kanban.kernel.inbox import peek_inbox as peek_inbox
    from hermes_kanban.kernel.inbox import take_inbox as take_inbox
    from hermes_kanban.kernel.late import dismiss_result as dismiss_result
    from hermes_kanban.kernel.links import link_tasks as link_tasks
    from hermes_kanban.kernel.links import unlink_tasks as unlink_tasks
    from hermes_kanban.kernel.mend import MendReport as MendReport
    from hermes_kanban.kernel.mend import mend as mend
    from hermes_kanban.kernel.purge import Purged as Purged
    from hermes_kanban.kernel.purge import purge_task as purge_task
    from hermes_kanban.kernel.reads import find_run as find_run
    from hermes_kanban.kernel.reads import get_run as get_run
    from hermes_kanban.kernel.reads import get_task as get_task
    from hermes_kanban.kernel.reads import last_conversation as last_conversation
    from hermes_kanban.kernel.reads import latest_run as latest_run
    from hermes_kanban.kernel.reads import list_comments as list_comments
    from hermes_kanban.kernel.reads import list_events as list_events
    from hermes_kanban.kernel.reads import list_links as list_links
    from hermes_kanban.kernel.reads import list_runs as list_runs
    from hermes_kanban.kernel.reads import list_tasks as list_tasks
    from hermes_kanban.kernel.reads import near_task_ids as near_task_ids
    from hermes_kanban.kernel.reads import newest_event_id as newest_event_id
    from hermes_kanban.kernel.reads import run_of_token as run_of_token
    from hermes_kanban.kernel.recover import advance_stops as advance_stops
    from hermes_kanban.kernel.recover import detect_crashed_workers as detect_crashed_workers
    from hermes_kanban.kernel.recover import enforce_max_runtime as enforce_max_runtime
    from hermes_kanban.kernel.recover import import_exit_records as import_exit_records
    from hermes_kanban.kernel.recover import recover_orphaned_claims as recover_orphaned_claims
    from hermes_kanban.kernel.recover import release_stale_claims as release_stale_claims
    from hermes_kanban.kernel.recover import renew_leases as renew_leases
    from hermes_kanban.kernel.relocating import Relocated as Relocated
    from hermes_kanban.kernel.relocating import relocate as relocate
    from hermes_kanban.kernel.replay import Replayed as Replayed
    from hermes_kanban.kernel.replay import replay as replay
    from hermes_kanban.kernel.restore import Restored as Restored
    from hermes_kanban.kernel.restore import restore as restore
    from hermes_kanban.kernel.review import approve_task as approve_task
    from hermes_kanban.kernel.review import request_changes as request_changes
    from hermes_kanban.kernel.review import request_review as request_review
    from hermes_kanban.kernel.stats import Stats as Stats
    from hermes_kanban.kernel.stats import assignees as assignees
    from hermes_kanban.kernel.stats import stats as stats
    from hermes_kanban.kernel.taking import claim_next as claim_next
    from hermes_kanban.kernel.taking import ready_tasks as ready_tasks
    from hermes_kanban.kernel.timeline import Timeline as Timeline
    from hermes_kanban.kernel.timeline import Trends as Trends
    from hermes_kanban.kernel.timeline import timeline as timeline
    from hermes_kanban.kernel.timeline import trends as trends
    from hermes_kanban.kernel.tree import Tree as Tree
    from hermes_kanban.kernel.tree import tree as tree
    from hermes_kanban.kernel.trees import Trees as Trees
    from hermes_kanban.kernel.trees import trees as trees
    from hermes_kanban.kernel.undo import Undone as Undone
    from hermes_kanban.kernel.undo import can_undo as can_undo
    from hermes_kanban.kernel.undo import undo as undo
    from hermes_kanban.kernel.waiting import wait_for as wait_for
    from hermes_kanban.kernel.why import why as why
    from hermes_kanban.kernel.why import why_each as why_each
    from hermes_kanban.model import AlreadyDecided as AlreadyDecided
    from hermes_kanban.model import Attachment as Attachment
    from hermes_kanban.model import Board as Board
    from hermes_kanban.model import BoardBusy as BoardBusy
    from hermes_kanban.model import BoardDamaged as BoardDamaged
    from hermes_kanban.model import BoardMoved as BoardMoved
    from hermes_kanban.model import BoardTooNew as BoardTooNew
    from hermes_kanban.model import BoardUnreachable as BoardUnreachable
    from hermes_kanban.model import CannotUndo as CannotUndo
    from hermes_kanban.model import Comment as Comment
    from hermes_kanban.model import ConfigError as ConfigError
    from hermes_kanban.model import Decision as Decision
    from hermes_kanban.model import Delivery as Delivery
    from hermes_kanban.model import DiskFull as DiskFull
    from hermes_kanban.model import Event as Event
    from hermes_kanban.model import Hold as Hold
    from hermes_kanban.model import Identity as Identity
    from hermes_kanban.model import IllegalTransition as IllegalTransition
    from hermes_kanban.model import InvalidInput as InvalidInput
    from hermes_kanban.model import KanbanError as KanbanError
    from hermes_kanban.model import Link as Link
    from hermes_kanban.model import NotAllowed as NotAllowed
    from hermes_kanban.model import NotFound as NotFound
    from hermes_kanban.model import Refused as Refused
    from hermes_kanban.model import Run as Run
    from hermes_kanban.model import StaleRun as StaleRun
    from hermes_kanban.model import Subscription as Subscription
    from hermes_kanban.model import Task as Task
    from hermes_kanban.model import Usage as Usage
    from hermes_kanban.model import WriteRefused as WriteRefused
    from hermes_kanban.model.errors import AcceptedBefore as AcceptedBefore
    from hermes_kanban.model.errors import FateUnknown as FateUnknown
    from hermes_kanban.model.errors import InUse as InUse
    from hermes_kanban.model.errors import NotNow as NotNow
    from hermes_kanban.store.backup import backup as backup
    from hermes_kanban.store.backup_files import files_of_backup as files_of_backup
    from hermes_kanban.store.opening import connect as connect
    from hermes_kanban.store.opening import init_db as init_db
    from hermes_kanban.store.protocol import BoardConnection as BoardConnection
    from hermes_kanban.store.protocol import reading as reading


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
    from hermes_kanban.store.protocol import write

    with write(conn, "batch"):
        yield
