"""How a write on PostgreSQL begins: a transaction, the board's advisory lock, and a first look."""

from __future__ import annotations

import functools
import os
from typing import Any, Final, NamedTuple

import psycopg

from hermes_kanban.store import dialect, schema
from hermes_kanban.store.dialect import Numbered
from hermes_kanban.store.pgflow import Flow, Reply
from hermes_kanban.store.protocol import NotWorth, Worth

_NAME_BYTES: Final = 63
# Not READ WRITE: a database that was set to be only read, before it is moved say, stays as it is.
_BEGIN: Final = Numbered(b"BEGIN ISOLATION LEVEL READ COMMITTED")
BEGIN_READ: Final = Numbered(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
COMMIT: Final = Numbered(b"COMMIT")
# Who has the lock is told by the name of its session.
_SAY: Final = (
    "SELECT set_config('lock_timeout', :milliseconds, true),"
    " set_config('application_name', :name, true),"
)
# The transaction gets its number with the lock: one that only looked at it leaves no trace.
_LOCK: Final = "pg_advisory_xact_lock(:key)::text || pg_current_xact_id()::text"
_TAKE: Final = dialect.numbered(f"{_SAY} {_LOCK}")
_TAKE_LONG: Final = dialect.statement(
    f"{_SAY} set_config('statement_timeout', '0', true),"
    " set_config('idle_in_transaction_session_timeout', '0', true),"
    " set_config('synchronous_commit', 'on', true), pg_advisory_xact_lock(:key)"
)
# Ends the transaction at a board of another version.
_LOOK: Final = (
    b"extract(epoch FROM clock_timestamp())::float8 AS now,"
    b" 1 / (SELECT coalesce(max(version) <= %d, false)::integer FROM schema_migrations) AS fit"
)
VERSION: Final = Numbered(
    b"SELECT version, name FROM schema_migrations ORDER BY version DESC LIMIT 1"
)

NotFit = psycopg.errors.DivisionByZero
"""What the server says where the board is of a version that nobody here may write, or of none."""


class Beginning(NamedTuple):
    """What a write begins with, asked and not yet answered."""

    locking: Reply
    looking: Reply
    worth: Worth | None

    def seen(self) -> tuple[str, float]:
        """The transaction's number and the server's time, once all is answered.

        Raises NotWorth where the lock was not asked for.
        """
        server_time, _ = self.looking.fetchone()
        _, _, number, *found = self.locking.fetchone()
        if self.worth is not None and found != [self.worth.wanted]:
            raise NotWorth(*found)
        return str(number), server_time


def look() -> bytes:
    """What a write gives of the board: the server's time ``now``, and that it is fit to be written.

    As columns of a statement of its own after the lock, since a statement sees the moment at which
    it began to wait: the look itself, or what writes all that there is to write.
    """
    return _look(schema.SCHEMA_VERSION)


def is_fit(version: int | None) -> bool:
    """Whether a board of that version may be written by this program."""
    return version is not None and version <= schema.SCHEMA_VERSION


@functools.lru_cache(maxsize=4)
def _look(version: int) -> bytes:
    return _LOOK % version


def take(flow: Flow, wait_seconds: float, verb: str, key: int) -> None:
    """Ask for the lock ``key`` in a flow that is sent as one: that is a transaction by itself."""
    flow.send(_TAKE, _given(wait_seconds, verb, key))


def begin(flow: Flow, wait_seconds: float, verb: str, key: int, worth: Worth | None) -> Beginning:
    """Ask for the lock ``key``, for a verb that others see; with ``worth`` only where it is."""
    flow.send(_BEGIN)
    given = _given(wait_seconds, verb, key)
    if worth is None:
        locking = flow.send(_TAKE, given)
    else:
        locking = flow.send(
            _if_worth(worth.sql), given | worth.parameters | {"wanted": worth.wanted}
        )
    return Beginning(locking, flow.send(Numbered(b"SELECT " + look())), worth)


def begin_long(session: psycopg.Connection[Any], wait_seconds: float, verb: str, key: int) -> None:
    """Begin without a flow what may take its time: without limits, and lasting once committed."""
    session.execute(_BEGIN.text)
    session.execute(_TAKE_LONG, _given(wait_seconds, verb, key))


def _given(wait_seconds: float, verb: str, key: int) -> dict[str, Any]:
    milliseconds = max(1, round(wait_seconds * 1000))
    return {"milliseconds": str(milliseconds), "name": label(verb), "key": key}


def label(verb: str) -> str:
    """The name of a session that writes, as others see it."""
    return f"hermes-kanban {os.getpid()} {verb}"[:_NAME_BYTES].replace("'", "")


@functools.lru_cache(maxsize=64)
def _if_worth(sql: str) -> Numbered:
    # What is read does not depend on a row: it is read once, and before the lock is asked for.
    return dialect.numbered(f"{_SAY} CASE WHEN ({sql}) = :wanted THEN {_LOCK} END, ({sql})")
