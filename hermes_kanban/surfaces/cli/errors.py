"""From what went wrong to one line on standard error and an exit code."""

from __future__ import annotations

import sqlite3
from typing import Final

import click

from hermes_kanban import present
from hermes_kanban.model.errors import (
    AlreadyDecided,
    BoardBusy,
    BoardMoved,
    CannotUndo,
    ConfigError,
    IllegalTransition,
    InUse,
    InvalidInput,
    KanbanError,
    NotAllowed,
    NotFound,
    StaleRun,
    WriteRefused,
)

DONE: Final = 0
FAILED: Final = 1
MISUSE: Final = 2
MISSING: Final = 3
CONFLICT: Final = 4
INTERRUPTED: Final = 130
EXIT_CODES: Final = {
    DONE: "done",
    FAILED: "failed",
    MISUSE: "misuse or bad configuration",
    MISSING: "not found",
    CONFLICT: "conflict",
    INTERRUPTED: "interrupted by Ctrl-C",
}

# The last two: bytes that are no text, and numbers that no row can hold, from the command line.
EXPECTED: Final = (
    KanbanError,
    click.ClickException,
    OSError,
    sqlite3.Error,
    UnicodeEncodeError,
    OverflowError,
)


class Conflict(KanbanError):
    """The board said no: a refused worker, a lost claim, a task that moved on."""


CODES: Final[tuple[tuple[type[Exception], int], ...]] = (
    (NotFound, MISSING),
    (Conflict, CONFLICT),
    (IllegalTransition, CONFLICT),
    (AlreadyDecided, CONFLICT),
    (CannotUndo, CONFLICT),
    (StaleRun, CONFLICT),
    (InUse, CONFLICT),
    (NotAllowed, CONFLICT),
    (WriteRefused, CONFLICT),
    (BoardBusy, CONFLICT),
    (BoardMoved, CONFLICT),
    (InvalidInput, MISUSE),
    (ConfigError, MISUSE),
    (click.UsageError, MISUSE),
    (UnicodeEncodeError, MISUSE),
    (OverflowError, MISUSE),
)


def exit_code(error: Exception) -> int:
    """The documented exit code of an error."""
    return next((code for kind, code in CODES if isinstance(error, kind)), FAILED)


def one_line(error: Exception) -> str:
    """What to tell the user: what was wrong, and what to do."""
    subjects = [note for note in getattr(error, "__notes__", ()) if note not in str(error)]
    return present.clean(": ".join([*subjects, _text(error)]))


def _misuse(error: click.UsageError) -> str:
    if isinstance(error, (click.NoSuchOption, click.BadParameter)):
        from hermes_kanban.surfaces.cli import meant

        return meant.option(error) if isinstance(error, click.NoSuchOption) else meant.choice(error)
    return error.format_message().rstrip(".")


def _text(error: Exception) -> str:
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "hermes-kanban"
        said = _misuse(error)
        return f"{said}{' See' if said.endswith('?') else '; see'}: {path} --help"
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, OSError) and error.strerror and not isinstance(error, KanbanError):
        from hermes_kanban import oserrors

        return oserrors.one_line(error)
    if isinstance(error, UnicodeEncodeError):
        return "an argument is not valid text; give it in UTF-8"
    if isinstance(error, OverflowError):
        return "a number is too large; give one of at most 18 digits"
    return str(error) or type(error).__name__
