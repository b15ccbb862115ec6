"""Who has an advisory lock, as far as the server shows its sessions to us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import psycopg

from hermes_kanban.model.errors import KanbanError

if TYPE_CHECKING:
    from hermes_kanban.store.postgres import PostgresConnection

IDLE_SESSIONS_END_SINCE: Final = 140000
_OF_THE_LOCK: Final = """
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
  AND (l.classid::bigint << 32) | l.objid::bigint = %s
"""
_HOLDER: Final = (
    "SELECT a.application_name, coalesce(a.client_hostname, host(a.client_addr)), a.pid"
    f" {_OF_THE_LOCK} LIMIT 1"
).encode()
# Sessions of other users are not shown to us.
_DISPLACE: Final = (
    f"SELECT pg_terminate_backend(a.pid) {_OF_THE_LOCK}"
    " AND a.state_change < clock_timestamp() - make_interval(secs => %s)"
).encode()


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


def pid(session: psycopg.Connection[Any], key: int) -> str:
    """That of the process that has the lock, on whatever host; empty where nothing tells it.

    Raises psycopg.Error.
    """
    row = session.execute(_HOLDER, (key,)).fetchone()
    program, _, rest = ((row and row[0]) or "").partition(" ")
    return rest.partition(" ")[0] if program == "hermes-kanban" else ""


def displace(session: psycopg.Connection[Any], key: int, silent_seconds: float) -> None:
    """End the session that has the lock if it said nothing for so long. Raises psycopg.Error."""
    session.execute(_DISPLACE, (key, silent_seconds))


def end_once_silent(session: psycopg.Connection[Any], seconds: float) -> None:
    """Have the server end the session once it said nothing for so long. Raises psycopg.Error.

    So that a holder which stands still gives way whatever its user is: who stands by sees, and may
    end, sessions of its own user alone.
    """
    if session.info.server_version >= IDLE_SESSIONS_END_SINCE:
        milliseconds = str(round(seconds * 1000)).encode()
        session.execute(b"SET idle_session_timeout = " + milliseconds)


def try_take(session: psycopg.Connection[Any], key: int) -> bool:
    """Take the lock for the session without waiting; True if it has it. Raises psycopg.Error."""
    ((taken,),) = session.execute(b"SELECT pg_try_advisory_lock(%s)", (key,)).fetchall()
    return bool(taken)


def speak(session: psycopg.Connection[Any]) -> None:
    """Let the server hear that the session's owner lives. Raises psycopg.Error once it is lost."""
    session.execute(b"SELECT 1")
