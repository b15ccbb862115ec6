"""Attachments and their files: what a row names is there, and is still what was attached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hermes_kanban.kernel import attachments
from hermes_kanban.kernel.invariants.violation import Violation
from hermes_kanban.kernel.leftovers import attachment_parts
from hermes_kanban.model.records import Attachment
from hermes_kanban.store import contents
from hermes_kanban.store.protocol import BoardConnection

FILE: Final = 14
_ROWS: Final = f"SELECT {attachments.COLUMNS} FROM task_attachments ORDER BY id"


def missing_files(conn: BoardConnection) -> Iterator[Violation]:
    """Rows whose file is gone or was cut off, as far as it should be in this folder."""
    for one in _rows(conn):
        here = attachment_parts(conn.paths, one.path) is not None
        if here and attachments.locate(conn, one) is None:
            why = f"has no file of {one.size} bytes at {one.path}"
            yield Violation(FILE, "attachment", str(one.id), why)


def altered_files(conn: BoardConnection) -> Iterator[Violation]:
    """Files that hold something else than was attached; reads all of them, each once."""
    sound: dict[str, bool] = {}
    for one in _rows(conn):
        if one.sha256 not in sound:
            sound[one.sha256] = _is_sound(conn, one)
        if not sound[one.sha256]:
            why = f"its file {one.path} holds something else than was attached"
            yield Violation(FILE, "attachment", str(one.id), why)


def _rows(conn: BoardConnection) -> Iterator[Attachment]:
    for row in conn.stream(_ROWS):
        yield Attachment(*row)


def _is_sound(conn: BoardConnection, one: Attachment) -> bool:
    """True also where there is no file to read: that is told by itself."""
    if attachments.locate(conn, one) is None:
        return True
    with attachments.open_attachment(conn, one) as file:
        found = contents.measure(contents.of_file(file.fileno()), one.size)
    return found.sha256 == one.sha256
