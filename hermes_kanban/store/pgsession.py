"""Sessions with a PostgreSQL server: how one is opened, what it is set to, and trying again.

The address is libpq's (https://www.postgresql.org/docs/current/libpq-connect.html), with all its
parameters, and so are the environment (``PGPASSFILE``, ``PGSERVICE`` …) and ``~/.pgpass``.
"""

from __future__ import annotations

import os
import random
import select
import time
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import conninfo

from hermes_kanban.config.database import Server, server_of
from hermes_kanban.store import pgerrors, pgpooler, rows

LEAST_VERSION: Final = 130000
PATIENCE_SECONDS: Final = 3.0
"""How long a server that does not answer is tried again before that is said."""
_PATIENT_PAUSE_SECONDS: Final = 0.3
FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 5.0
STATEMENT_SECONDS: Final = 60
IDLE_IN_TRANSACTION_SECONDS: Final = 10

# A line that went dead is noticed in this time on both sides, not after a quarter of an hour:
# with something under way by the user timeout, else by probes.
_DEAD_AFTER_MS: Final = 15_000
_PROBES: Final = {"keepalives_idle": 5, "keepalives_interval": 5, "keepalives_count": 2}
# What the address, or the environment, may say otherwise.
_DEFAULTS: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    "tcp_user_timeout": _DEAD_AFTER_MS,
    **_PROBES,
}
_IN_ENVIRONMENT: Final = {"connect_timeout": "PGCONNECT_TIMEOUT"}
_SETTINGS: Final = {
    **{f"tcp_{name}": str(value) for name, value in _PROBES.items()},
    "tcp_user_timeout": str(_DEAD_AFTER_MS),
    # For what has no BEGIN, a flow that is sent as one.
    "default_transaction_isolation": "read committed",
    "jit": "off",
    # What is read is read by keys. A plan that was made while the board was empty would read all
    # of it, and is kept until the table's next statistics; planning anew each time costs more than
    # most statements.
    "plan_cache_mode": "force_generic_plan",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
}
# Whoever waits for the writer lock and is gone must not get it first.
_SINCE_14: Final = {"client_connection_check_interval": "5s"}
_TIME: Final = "extract(epoch FROM clock_timestamp())::float8"
TIME: Final = f"SELECT {_TIME}"
"""Gives the server's Unix time."""


class Opened(NamedTuple):
    """A session, and the server's Unix time as it was opened."""

    session: psycopg.Connection[Any]
    server_time: float


def open_session(server: Server | str, name: str) -> psycopg.Connection[Any]:
    """A session with the database, under a name that other sessions see; it commits by itself.

    Raises BoardUnreachable, or ConfigError for a password that is not to be had.
    """
    return opened(server, name).session


def opened(
    server: Server | str,
    name: str,
    *,
    settings: dict[str, str] | None = None,
    patience_seconds: float = 0.0,
) -> Opened:
    """The same with further ``settings``, and the time.

    A server that is starting, or gone for a moment, is tried again for ``patience_seconds``.
    """
    pauses = Pauses(_PATIENT_PAUSE_SECONDS)
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            return _opened(server, name, settings or {})
        except (psycopg.Error, UnicodeError) as error:
            left = deadline - time.monotonic()
            if pgerrors.is_for_good(error) or left <= 0:
                raise pgerrors.no_connection(error) from None
        time.sleep(min(pauses.next(), left))


def hang_up_if_broken(session: psycopg.Connection[Any]) -> None:
    """Close a session at which the server, while nothing was asked, has hung up.

    Costs a look at the socket. Found before a change is sent, nobody has to ask what became of it.
    """
    if session.closed:
        return
    says_something = select.poll()
    says_something.register(session.pgconn.socket, select.POLLIN)
    try:
        # A farewell may come before the end; other news of the server mean nothing here.
        while says_something.poll(0):
            session.pgconn.consume_input()
    except psycopg.OperationalError:
        session.close()


class Pauses:
    """How long to wait before each next try: doubling, bounded, and for no two the same."""

    def __init__(self, longest_seconds: float = LONGEST_PAUSE_SECONDS) -> None:
        self._seconds, self._longest = FIRST_PAUSE_SECONDS, longest_seconds

    def next(self) -> float:
        """Seconds."""
        seconds, self._seconds = self._seconds, min(2 * self._seconds, self._longest)
        return seconds * random.uniform(0.5, 1.0)


def parameters(server: Server | str, name: str) -> dict[str, Any]:
    """What libpq is told: the address, the password that a file holds, and our own defaults.

    Raises ``psycopg.Error`` for an address that is none, and ConfigError.
    """
    server = server_of(server)
    given = conninfo.conninfo_to_dict(server.address)
    defaults = {
        key: value
        for key, value in _DEFAULTS.items()
        if os.environ.get(_IN_ENVIRONMENT.get(key, "")) is None
    }
    password = None if "password" in given else server.password()
    secret = {} if password is None else {"password": password}
    ours = {"application_name": name, "client_encoding": "utf8"}
    return defaults | given | secret | ours


def hurrying(hurried: bool) -> dict[str, str]:
    """The settings by which the server ends what takes long, or those for all of a board."""
    return {
        "statement_timeout": f"{STATEMENT_SECONDS * hurried}s",
        # A writer that stands still holds up every other one.
        "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_SECONDS * hurried}s",
    }


def settings_text(session: psycopg.AsyncConnection[Any]) -> str:
    """What a session is set to, as statements."""
    return statements(_settings(session))


def statements(settings: dict[str, str]) -> str:
    """Statements that set a session so."""
    return "".join(f"SET {key} = '{value}'; " for key, value in settings.items())


def _settings(session: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> dict[str, str]:
    """Raises KanbanError for a server that is too old."""
    version = session.info.server_version
    if version < LEAST_VERSION:
        raise pgerrors.too_old(version)
    return _SETTINGS | hurrying(True) | (_SINCE_14 if version >= 140000 else {})


def _opened(server: Server | str, name: str, settings: dict[str, str]) -> Opened:
    session: psycopg.Connection[Any] = psycopg.connect(
        "",
        autocommit=True,
        prepare_threshold=None,  # flows prepare their own, and psycopg would drop them all
        row_factory=rows.named_rows,
        **parameters(server, name),
    )
    try:
        rows.adapt(session)
        wanted = _settings(session) | settings
        columns = "".join(f"set_config('{key}', %s, false), " for key in wanted)
        query = f"SELECT {columns}pg_backend_pid(), {_TIME}".encode()
        row = session.execute(query, list(wanted.values())).fetchall()[0]
        if row[-2] != session.info.backend_pid:
            pgpooler.refuse_sharing(server, session)
    except BaseException:
        session.close()
        raise
    return Opened(session, float(row[-1]))
