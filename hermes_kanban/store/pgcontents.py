"""What attached files hold, beside the rows of a board on PostgreSQL; its folder is a cache."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hermes_kanban.store import backup_files, contents
from hermes_kanban.store.contents import Content
from hermes_kanban.store.files import remove_below
from hermes_kanban.store.keeping import InFolder
from hermes_kanban.store.protocol import BoardConnection, fetch_all, reading, write

if TYPE_CHECKING:
    from hermes_kanban.store.postgres import PostgresConnection

_HAS: Final = "SELECT 1 FROM attachment_contents WHERE sha256 = :sha256 AND size = :size"
_DATA: Final = "SELECT data FROM attachment_contents WHERE sha256 = :sha256 AND size = :size"
_KEEP: Final = """
INSERT INTO attachment_contents (sha256, size, data) VALUES (:sha256, :size, :data)
ON CONFLICT (sha256) DO UPDATE SET size = excluded.size, data = excluded.data
"""
_DROP: Final = "DELETE FROM attachment_contents WHERE sha256 = :sha256"
_KEPT: Final = "SELECT sha256, size FROM attachment_contents ORDER BY sha256"
_ALTERED: Final = """
SELECT sha256 FROM attachment_contents
WHERE length(data) <> size OR encode(sha256(data), 'hex') <> sha256
"""
_PLACES: Final = (
    "SELECT path FROM task_attachments WHERE sha256 = :sha256 AND size = :size ORDER BY id"
)


class InRows(InFolder):
    """``Keeping`` in ``attachment_contents``; what the folder has of it can be fetched again."""

    in_rows = True

    def __init__(self, conn: PostgresConnection) -> None:
        super().__init__(conn.paths.root)
        self._conn = conn

    def has(self, content: Content) -> bool:
        """By its row."""
        return self._conn.execute(_HAS, _of(content)).fetchone() is not None

    def bring(self, content: Content) -> bool:
        """From the folder, else from its row, which is compared with its name on the way."""
        if super().bring(content):
            return True
        row = self._conn.execute(_DATA, _of(content)).fetchone()
        if row is None:
            return False
        try:
            os.close(contents.keep(self.root, contents.of_bytes(row[0]), content))
        except contents.Changed:
            return False
        return True

    def renew(self, content: Content) -> bool:
        """The folder's copy goes, and the row's takes its place."""
        if not self.has(content):
            return False
        with contextlib.suppress(OSError):
            remove_below(self.root, contents.FOLDER, content.sha256)
        return self.bring(content)

    def keep(self, content: Content, file: int) -> None:
        """In its row, where what is there is not sent again, and in the folder as it was."""
        super().keep(content, file)
        if not self.has(content):
            self._conn.execute(_KEEP, _of(content) | {"data": _read(file, content)})

    def drop(self, names: Iterable[str]) -> None:
        """Their rows go with the transaction."""
        for name in names:
            self._conn.execute(_DROP, {"sha256": name})

    def listed(self) -> list[Content]:
        """By their rows."""
        return [Content(*row) for row in self._conn.execute(_KEPT).fetchall()]

    def fill(self) -> list[Content]:
        """A board of before had each in the folder of the home in which it was attached."""
        found = []
        for content in _lacking(self._conn):
            if (file := _file_of(self._conn, content)) is None:
                continue
            try:
                with write(self._conn, "keep-content"):
                    self.keep(content, file)
            finally:
                os.close(file)
            found.append(content)
        return found

    def altered(self) -> set[str]:
        """The server reads them all."""
        return {str(name) for (name,) in self._conn.execute(_ALTERED).fetchall()}


def _of(content: Content) -> dict[str, Any]:
    return {"sha256": content.sha256, "size": content.size}


def _read(file: int, content: Content) -> bytes:
    """All of an open file. Raises Changed if it is not that content."""
    read = contents.of_file(file)
    if contents.measure(read, content.size) != content:
        raise contents.Changed
    parts, size = [], 0
    while part := read(content.size - size, size):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _lacking(conn: BoardConnection) -> list[Content]:
    with reading(conn):
        kept = set(conn.files.listed())
        return [one for one in backup_files.named_in(conn) if one not in kept]


def _file_of(conn: BoardConnection, content: Content) -> int | None:
    """A descriptor of an unaltered copy on this host."""
    for root in (conn.paths.root, *_other_homes(conn, content)):
        file = contents.open_kept(root, content)
        if file is None:
            continue
        if contents.measure(contents.of_file(file), content.size) == content:
            return file
        os.close(file)
    return None


def _other_homes(conn: BoardConnection, content: Content) -> Iterator[Path]:
    for (stored,) in fetch_all(conn, _PLACES, _of(content)):
        if (root := contents.root_named(stored, content)) is not None:
            yield root
