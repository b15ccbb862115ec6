"""PostgreSQL's errors by what they mean to a caller, each with what to do.

The codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import sqlite3
from typing import Final

import psycopg

from hermes_kanban.model.errors import (
    BoardBusy,
    BoardDamaged,
    BoardTooNew,
    BoardUnreachable,
    DiskFull,
    FateUnknown,
    IdTaken,
    KanbanError,
    NotNow,
)
from hermes_kanban.store import moved, schema

_DISK_FULL: Final = "53100"
_DAMAGED: Final = frozenset({"XX001", "XX002"})
_BUSY: Final = frozenset({"55P03", "40P01", "40001"})  # lock wait, deadlock, serialisation
_NO_RIGHT: Final = "42501"
_READ_ONLY: Final = "25006"
_MISSING: Final = frozenset({"42P01", "3F000", "42703"})  # table, schema, column
_GOING: Final = frozenset({"57P01", "57P02", "57P03", "57P05", "53300"})
_CANCELLED: Final = "57014"
_STOOD_STILL: Final = "25P03"
_STANDBY: Final = "0A000"  # what a standby says to a transaction that is to write
_TASK_ID: Final = "tasks_id_key"
_CONNECTION_CLASS: Final = "08"
_OF_THE_SERVER: Final = frozenset({"53", "55", "57", "58"})  # resources, state, operator, system


class StatementFailed(KanbanError, sqlite3.DatabaseError):
    """PostgreSQL refused a statement for a reason that has no name of its own here."""


class ConstraintFailed(KanbanError, sqlite3.IntegrityError):
    """A row would have broken a rule of the schema; nothing was changed."""


def translated(error: BaseException, location: str) -> BaseException:
    """The board's own error for one of PostgreSQL's; any other comes back as it is."""
    if not isinstance(error, psycopg.Error):
        return error
    state = error.sqlstate or ""
    said = _first_line(error)
    if state == _DISK_FULL:
        return DiskFull(
            f"the PostgreSQL server has no room for {location} ({said}); nothing was changed; "
            "free some space on its disk"
        )
    if state in _DAMAGED or state in _MISSING:
        return damaged(location, said)
    if state in _BUSY:
        return BoardBusy("another program's transaction", 0)
    if state == _NO_RIGHT:
        return no_right(location, said)
    if state == _READ_ONLY:
        return NotNow(
            f"{location} is read only now ({said}); nothing was changed; name a server that "
            "accepts writes, or let default_transaction_read_only be off there"
        )
    if isinstance(error, psycopg.IntegrityError):
        if error.diag.constraint_name == _TASK_ID:
            return IdTaken(f"{location}: {said}")
        return ConstraintFailed(f"{location}: {said}")
    if state == _CANCELLED:
        return NotNow(
            f"{location}: the server ended a statement ({said}); nothing of it was kept; "
            "try again when the server has less to do"
        )
    if state == _STOOD_STILL:
        return BoardUnreachable(
            "this program stood still in the midst of a change, so the server ended its session"
            f" with {location} to let others go on; nothing of the change was kept; do it again"
        )
    if _is_loss(error, state):
        return lost(location, said)
    if state == _STANDBY or state[:2] in _OF_THE_SERVER:
        return NotNow(f"{location}: {said}; nothing of it was kept; try again later")
    return StatementFailed(f"{location}: {said}")


def _is_loss(error: psycopg.Error, state: str) -> bool:
    if state in _GOING or state.startswith(_CONNECTION_CLASS):
        return True
    return not state and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def no_right(location: str, said: str) -> NotNow:
    """The error for a schema that the session's user may not use as a board must be used."""
    return NotNow(
        f"{location} is closed to its user ({said}); let the user own the schema, or be a member "
        "of the role that does"
    )


def lost(location: str, said: str = "the server closed it") -> BoardUnreachable:
    """The error for a connection that broke; what was not committed is undone."""
    return BoardUnreachable(
        f"the connection to {location} was lost ({said}); what was under way was not kept; "
        "try again once the server is up"
    )


def unknown_fate(location: str) -> FateUnknown:
    """The error for a connection that broke while a commit was under way."""
    return FateUnknown(
        f"the connection to {location} was lost while a change was being committed and the server "
        "does not say whether it was kept; look at the task before you repeat it"
    )


def no_connection(error: Exception) -> BoardUnreachable:
    """The error for a database that cannot be reached at all.

    The server's own words name host and user. An address that is no address would be quoted
    whole, with its password.
    """
    said = _first_line(error)
    if "://" in said or "connection info string" in said:
        said = "its address cannot be understood"
    remedy = next((what for words, what in _REMEDIES.items() if words in said), _LOOK_THERE)
    return BoardUnreachable(f"cannot connect to PostgreSQL ({said}); {remedy}")


_LOOK_THERE: Final = "check kanban.database and that the server is up"
_PASSWORD: Final = "in kanban.database_password_file, ~/.pgpass or PGPASSWORD"
_REMEDIES: Final = {
    "no password supplied": f"put the password {_PASSWORD}",
    "password authentication failed": f"check the user, and the password {_PASSWORD}",
    "connection slots": "let some sessions there end, or raise max_connections",
    "too many": "let some sessions there end, or raise the limit of connections",
    "does not exist": "make it there, or name another",
    "definition of service": "name one that PGSERVICEFILE or ~/.pg_service.conf has",
    "pg_hba.conf": "let the server's pg_hba.conf admit this user from this machine",
    "SSL": "check sslmode and what the server offers",
    "certificate": "check sslmode, sslrootcert and the name of the server",
}


def is_for_good(error: Exception) -> bool:
    """Whether trying again cannot help: who is asked says no, or is not known."""
    said = str(error)
    return not isinstance(error, psycopg.OperationalError) or any(
        words in said for words in _FOR_GOOD
    )


_FOR_GOOD: Final = (
    "authentication failed",
    "no password supplied",
    "does not exist",
    "definition of service",
    "pg_hba.conf",
    "permission denied",
    "could not translate host name",
    "certificate",
    "SSL",
)


def too_new(location: str, version: int) -> BoardTooNew:
    """The error for a board of a newer hermes-kanban."""
    return BoardTooNew(
        f"{location} has schema version {version} and this hermes-kanban knows "
        f"{schema.SCHEMA_VERSION}; upgrade hermes-kanban to use this board"
    )


def unfit(location: str, version: int | None, name: str) -> KanbanError:
    """Why nobody here may write a board of that version, whose row says ``name``."""
    if version is None:
        return damaged(location, "it has no version")
    if version <= schema.SCHEMA_VERSION:
        return NotNow(f"{location} was not to be written a moment ago; try again")
    if version < moved.AWAY:
        return too_new(location, version)
    return moved.error(location, version, moved.decoded(name))


def too_old(version: int) -> KanbanError:
    """The error for a server that lacks what the board needs."""
    found = f"{version // 10000}.{version % 10000}"
    return KanbanError(f"the PostgreSQL server is version {found}; a board needs 13 or newer")


def shared_session() -> KanbanError:
    """The error for a pooler that gives each transaction another session."""
    return KanbanError(
        "the pooler before the PostgreSQL server lends its sessions by the transaction, and a board"
        " needs sessions of its own; let it pool by sessions (pool_mode = session), or name the"
        " server itself in kanban.database"
    )


def damaged(location: str, what: str) -> BoardDamaged:
    """The error for a schema that is no intact board, with what to do."""
    return BoardDamaged(
        f"{location} is not an intact board: {what}; it was left untouched; restore it from a "
        "dump (pg_restore) or drop the schema"
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
