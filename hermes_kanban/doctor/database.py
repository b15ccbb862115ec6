"""The PostgreSQL server of the boards: reachable, entered safely, and set as a board needs it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from hermes_kanban.config import Server, load_last_good
from hermes_kanban.doctor.finding import Finding
from hermes_kanban.model.errors import KanbanError
from hermes_kanban.paths import board_paths

if TYPE_CHECKING:
    from psycopg import Connection

_FEW_SESSIONS: Final = 20
_NAMED: Final = 3


def database(home: Path) -> Iterator[Finding]:
    """Nothing where the boards lie in files."""
    server = load_last_good(home).kanban.server
    if not server:
        return
    from hermes_kanban.store.pgsession import PATIENCE_SECONDS, opened

    try:
        session, _ = opened(server, "hermes-kanban doctor", patience_seconds=PATIENCE_SECONDS)
    except KanbanError as error:
        what, _, remedy = str(error).partition("; ")
        yield Finding.fault(what, remedy)
        return
    with contextlib.closing(session):
        found = [*_entry(server, session), *_settings(session), *_boards(session)]
        yield from found
        if not found:
            info = session.info
            sealed = ", by TLS" if session.pgconn.ssl_in_use else ""
            version = f"{info.server_version // 10000}.{info.server_version % 10000}"
            yield Finding.ok(f"PostgreSQL {version} at {info.host}{sealed}")
        yield from _of_others(session)


def _entry(server: Server, session: Connection[Any]) -> Iterator[Finding]:
    info = session.info
    if not session.pgconn.ssl_in_use and not _is_here(info.host):
        yield Finding.warning(
            f"what goes to {info.host} and back is not encrypted, the password's proof included",
            "add ?sslmode=verify-full&sslrootcert=/path/to/ca.pem to kanban.database",
        )
    with contextlib.suppress(ValueError):
        if urlsplit(server.address).password:
            yield Finding.warning(
                "the password of the database stands in kanban.database",
                "write it into a file that only you may read, and name that in"
                " kanban.database_password_file",
            )


def _is_here(host: str) -> bool:
    return host.startswith(("/", "@", "127.")) or host in ("", "localhost", "::1")


def _settings(session: Connection[Any]) -> Iterator[Finding]:
    from hermes_kanban.store import pgserver

    found = pgserver.state_of(session)
    user, name = found.user, found.database
    if found.is_standby:
        yield Finding.fault(
            "the server is a standby, which takes no writes", "name the primary in kanban.database"
        )
    elif found.is_read_only:
        yield Finding.fault(
            "default_transaction_read_only is on there, so no write is taken",
            f"if that is not on purpose: ALTER DATABASE {name} SET default_transaction_read_only"
            " = off, or where else it was set",
        )
    if not found.syncs:
        yield Finding.warning(
            "the server's fsync is off: its machine must not lose power", "set fsync = on there"
        )
    if found.ends_idle_sessions:
        yield Finding.warning(
            "the server ends sessions that are idle for a while, and with them roles of gateways",
            f"ALTER ROLE {user} SET idle_session_timeout = 0",
        )
    if found.sessions_left < _FEW_SESSIONS:
        yield Finding.warning(
            f"the server takes only {found.sessions_left} more sessions",
            "raise max_connections there",
        )
    if not found.may_create:
        yield Finding.warning(
            f"{user} may create no boards in {name}", f"GRANT CREATE ON DATABASE {name} TO {user}"
        )


def _boards(session: Connection[Any]) -> Iterator[Finding]:
    """Those that the user has to do with, and cannot write."""
    from hermes_kanban.store import pgserver

    closed = [one for one in pgserver.unwritable_schemas(session) if one.is_ours]
    if closed:
        schema, user, more = closed[0].schema, closed[0].user, len(closed) - 1
        yield Finding.fault(
            f"{user} may not write the board in schema {schema}"
            + (f" (and {more} more)" if more else ""),
            f"ALTER SCHEMA {schema} OWNER TO {user}, and its tables and sequences with it",
        )


def _of_others(session: Connection[Any]) -> Iterator[Finding]:
    """Those of other users, which everything passes over; one has the name of the board here."""
    from hermes_kanban.store import pgserver
    from hermes_kanban.store.pgnames import schema_of

    closed = [one for one in pgserver.unwritable_schemas(session) if not one.is_ours]
    if closed:
        named = [f"{one.schema} of {one.owner}" for one in closed[:_NAMED]]
        more = f" and {len(closed) - _NAMED} more" if len(closed) > _NAMED else ""
        yield Finding.ok(f"boards of other users are passed over: {', '.join(named)}{more}")
    slug = board_paths(None).slug
    for one in closed:
        if one.schema == schema_of(slug):
            yield Finding.warning(
                f"the board {slug} is {one.owner}'s, and closed to {one.user}",
                "export HERMES_KANBAN_BOARD=NAME for one of your own; hermes-kanban boards list",
            )
