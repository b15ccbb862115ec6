"""Numbers about a board, read off its indexes: statuses, people waiting, and what runs."""

from __future__ import annotations

from typing import Final

import msgspec

from hermes_kanban.kernel.live import live_runs
from hermes_kanban.kernel.reads import newest_event_id
from hermes_kanban.model.words import STATUSES
from hermes_kanban.store.protocol import BoardConnection, fetch_all, fetch_value, reading

DAY_SECONDS: Final = 86_400
RECENT_EVENTS: Final = 20_000


class Stats(msgspec.Struct, frozen=True):
    """Counts of tasks by status, of open tasks by assignee, and of ended runs of the last day.

    ``oldest_ready_seconds`` is the age of the oldest ready task, ``in_progress`` the runs that take
    a place now, ``newest_event_id`` the board's position.
    """

    tasks: dict[str, int]
    assignees: dict[str, dict[str, int]]
    outcomes_last_day: dict[str, int]
    in_progress: int
    oldest_ready_seconds: int | None
    newest_event_id: int


def stats(conn: BoardConnection) -> Stats:
    """The board in numbers, as of one moment."""
    with reading(conn):
        now = conn.clock.now()
        counted = dict(fetch_all(conn, _BY_STATUS))
        oldest = fetch_value(conn, _OLDEST_READY)
        newest = newest_event_id(conn)
        return Stats(
            tasks={status: counted.get(status, 0) for status in STATUSES},
            assignees=assignees(conn),
            outcomes_last_day=_outcomes(conn, newest, now - DAY_SECONDS),
            in_progress=len(live_runs(conn)),
            oldest_ready_seconds=None if oldest is None else max(0, now - oldest),
            newest_event_id=newest,
        )


_BY_STATUS: Final = "SELECT status, count(*) FROM tasks GROUP BY status"
_OLDEST_READY: Final = "SELECT created_at FROM tasks WHERE status = 'ready' ORDER BY seq LIMIT 1"
_OPEN_BY_ASSIGNEE: Final = """
SELECT assignee, status, count(*) FROM tasks
WHERE status IN ('triage', 'todo', 'ready', 'running', 'review', 'blocked')
GROUP BY assignee, status ORDER BY assignee
"""
_RECENT_OUTCOMES: Final = """
SELECT kind, count(*) FROM task_events
WHERE id > :after AND created_at >= :since AND kind IN
    ('completed', 'blocked', 'review_requested', 'waiting', 'crashed', 'timed_out',
     'spawn_failed', 'protocol_violation', 'rate_limited', 'reclaimed', 'cancelled')
GROUP BY kind
"""


def assignees(conn: BoardConnection) -> dict[str, dict[str, int]]:
    """Open tasks by assignee and status; ``-`` stands for nobody."""
    found: dict[str, dict[str, int]] = {}
    for assignee, status, count in fetch_all(conn, _OPEN_BY_ASSIGNEE):
        found.setdefault(assignee or "-", {})[status] = count
    return found


def _outcomes(conn: BoardConnection, newest: int, since: int) -> dict[str, int]:
    """Closing events of the last day, looking back a bounded number of events."""
    after = max(0, newest - RECENT_EVENTS)
    return dict(fetch_all(conn, _RECENT_OUTCOMES, {"after": after, "since": since}))


def database_bytes(conn: BoardConnection, *, on_server: bool) -> int:
    """What the board's tables take; of a file, with the log beside it."""
    if on_server:
        found: int = fetch_value(conn, _SCHEMA_BYTES)
        return found
    files = (conn.paths.database, conn.paths.database.with_name(f"{conn.paths.database.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


_SCHEMA_BYTES: Final = (
    "SELECT cast(coalesce(sum(pg_total_relation_size(oid)), 0) as bigint) FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = to_regnamespace(current_schema())"
)
