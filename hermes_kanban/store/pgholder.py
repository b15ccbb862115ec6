"""Who has a board's writer lock, as far as the server shows its sessions to us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psycopg

from hermes_kanban.model.errors import KanbanError

if TYPE_CHECKING:
    from hermes_kanban.store.postgres import PostgresConnection

_HOLDER: Final = """
SELECT a.application_name, coalesce(a.client_hostname, host(a.client_addr)), a.pid
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
  AND (l.classid::bigint << 32) | l.objid::bigint = %s LIMIT 1
"""


def holder(conn: PostgresConnection, key: int) -> str:
    """The process and its verb, in words."""
    try:
        row = conn.session.execute(_HOLDER, (key,)).fetchone()
    except (psycopg.Error, KanbanError):
        row = None
    if row is None:
        return "another process"
    label, host, backend = row
    program, _, rest = (label or "").partition(" ")
    pid, _, verb = rest.partition(" ")
    where = f" on {host}" if host else ""
    if program != "hermes-kanban":
        return f"database session {backend}{where}"
    return f"process {pid}{where} ({verb or 'unknown verb'})"
