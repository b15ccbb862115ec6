"""What a board holds as one number: boards of the same rows have the same, wherever they lie."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from hermes_kanban.store.protocol import BoardConnection, reading, takes_long


class Table(NamedTuple):
    """A table with its columns and the key in whose order its rows are told."""

    name: str
    columns: tuple[str, ...]
    key: str

    @property
    def rows(self) -> str:
        """All of them, in order."""
        return f"SELECT {', '.join(self.columns)} FROM {self.name} ORDER BY {self.key}"


def _table(name: str, columns: str, key: str = "id") -> Table:
    return Table(name, tuple(columns.split()), key)


# Every table, after those whose rows it names. Which hosts write a board and what the board is
# called belong to the place and not to what it holds; attached files are told apart.
TABLES: Final = (
    _table("boards", "name icon default_workdir paused_at paused_by", "board_id"),
    _table(
        "tasks",
        "seq id title body status assignee tenant priority effective_priority skills model"
        " idempotency_key created_at created_by created_run_id scheduled_at eligible_at started_at"
        " completed_at result block_kind block_reason blocked_from claim_lock claim_expires"
        " worker_pid current_run_id last_heartbeat_at max_runtime_seconds max_retries"
        " consecutive_failures workspace_kind workspace_path branch workflow_template_id"
        " current_step_key provider resume",
        "seq",
    ),
    _table(
        "task_runs",
        "id task_id profile claimer claimer_identity claim_lock claim_expires worker_pid"
        " worker_identity last_heartbeat_at started_at ended_at outcome exited_at exit_code"
        " stop_requested_at stop_reason stop_by fenced_count log_path summary metadata error resume"
        " runtime session usage token_hash inbox_cursor",
    ),
    _table("task_events", "id task_id run_id kind actor payload created_at"),
    _table("task_links", "parent_id child_id created_at released_at", "parent_id, child_id"),
    _table("task_comments", "id task_id run_id author body created_at"),
    _table("task_attachments", "id task_id run_id name size media_type sha256 path created_at"),
    _table(
        "kanban_notify_subs",
        "id task_id filter destination mode cursor start_event_id created_by created_at ended_at"
        " options root_id",
    ),
    _table(
        "deliveries",
        "id sub_id event_id dedup_key state attempts next_attempt_at delivered_at reason batch"
        " receipt closed_at wake_at dropped_at",
    ),
    _table("said", "key answer created_at", "key"),
    _table(
        "imports", "first_event_id last_event_id source imported_by imported_at", "first_event_id"
    ),
    _table("imported_tasks", "source foreign_id task_id seen", "source, foreign_id"),
)
_encode = msgspec.json.Encoder().encode


class Fingerprint:
    """SHA-256 over rows, in the order in which they are told."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, table: str, row: list[Any] | tuple[Any, ...]) -> None:
        """One row, its columns in the order of ``TABLES``."""
        self._digest.update(_encode((table, row)))
        self._digest.update(b"\n")

    def value(self) -> str:
        """As hex."""
        return self._digest.hexdigest()


def rows(
    conn: BoardConnection, columns: Mapping[str, tuple[str, ...]] | None = None
) -> Iterator[tuple[Table, tuple[Any, ...]]]:
    """Every row of the board, of all tables or of those ``columns``; only inside ``reading``."""
    for table in TABLES:
        told = table.columns if columns is None else columns.get(table.name, ())
        for row in conn.stream(table._replace(columns=told).rows) if told else ():
            yield table, row


@takes_long
def fingerprint(conn: BoardConnection, columns: Mapping[str, tuple[str, ...]] | None = None) -> str:
    """That of the board as it is now, or of those columns alone; reads a few rows at a time."""
    found = Fingerprint()
    with reading(conn):
        for table, row in rows(conn, columns):
            found.add(table.name, row)
    return found.value()
