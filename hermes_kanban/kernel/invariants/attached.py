"""Attachments and their files: what a row names is there, and is still what was attached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hermes_kanban.kernel import attachments
from hermes_kanban.kernel.invariants.violation import Violation
from hermes_kanban.kernel.leftovers import attachment_parts
from hermes_kanban.model.records import Attachment
from hermes_kanban.store import contents
from hermes_kanban.store.contents import Content
from hermes_kanban.store.protocol import BoardConnection

FILE: Final = 14
_ROWS: Final = f"SELECT {attachments.COLUMNS} FROM task_attachments ORDER BY id"


def missing_files(conn: BoardConnection) -> Iterator[Violation]:
    """Rows whose file is gone or was cut off, as far as it should be with this board."""
    beside_rows = set(conn.files.listed())
    for one in _rows(conn):
        if Content(one.sha256, one.size) in beside_rows:
            continue
        here = attachment_parts(conn.paths, one.path) is not None
        if here and attachments.is_missing(conn, one):
            why = f"has no file of {one.size} bytes at {one.path}"
            yield Violation(FILE, "attachment", str(one.id), why)


def altered_files(conn: BoardConnection) -> Iterator[Violation]:
    """Files that hold something else than was attached; reads all of them, each once."""
    beside_rows = {one.sha256 for one in conn.files.listed()}
    sound = dict.fromkeys(beside_rows, True) | dict.fromkeys(conn.files.altered(), False)
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
    if attachments.is_missing(conn, one):
        return True
    with attachments.open_attachment(conn, one) as file:
        found = contents.measure(contents.of_file(file.fileno()), one.size)
    return found.sha256 == one.sha256
