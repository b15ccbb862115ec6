"""What a PostgreSQL server is, as far as a board needs it to be otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    import psycopg

_SERVER: Final = b"""
SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only') = 'on',
    current_setting('fsync') = 'on',
    coalesce(current_setting('idle_session_timeout', true), '0') NOT IN ('0', '0ms'),
    current_setting('max_connections')::bigint
        - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
    has_database_privilege(current_database(), 'CREATE'), current_user, current_database()
"""
_UNWRITABLE: Final = rb"""
SELECT n.nspname, pg_get_userbyid(n.nspowner), current_user,
    pg_has_role(n.nspowner, 'MEMBER') OR has_schema_privilege(n.oid, 'USAGE')
FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
WHERE n.nspname LIKE 'kanban\_%' AND c.relname = 'task_events' AND c.relkind = 'r'
  AND NOT (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'INSERT'))
ORDER BY 1
"""


class ServerState(NamedTuple):
    """How the server is set, and what the session's user may do in its database."""

    is_standby: bool
    is_read_only: bool
    syncs: bool
    ends_idle_sessions: bool
    sessions_left: int
    may_create: bool
    user: str
    database: str


def state_of(session: psycopg.Connection[Any]) -> ServerState:
    """Of the server behind a session. Raises psycopg.Error."""
    (row,) = session.execute(_SERVER).fetchall()
    return ServerState(*row)


class Unwritable(NamedTuple):
    """The schema of a board that the session's user may not write.

    ``is_ours`` where its owner meant the user to have to do with it.
    """

    schema: str
    owner: str
    user: str
    is_ours: bool


def unwritable_schemas(session: psycopg.Connection[Any]) -> list[Unwritable]:
    """Those there are, by name. Raises psycopg.Error."""
    return [Unwritable(*row) for row in session.execute(_UNWRITABLE).fetchall()]
