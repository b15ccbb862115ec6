"""Where a board keeps what attached files hold: in its folder, or beside its rows.

With SQLite it is the folder. On PostgreSQL the hosts of a board share its rows and no folder: there
a content lies in the table ``attachment_contents``, written by the transaction that writes the
first row which names it, and the folder of each home is a cache.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from hermes_kanban.store import contents
from hermes_kanban.store.contents import Content


class Keeping(Protocol):
    """The contents of one board, whose folder is ``root``."""

    root: Path
    in_rows: bool
    """Whether they lie beside the rows."""

    def has(self, content: Content) -> bool:
        """Whether the board has it, as far as its size tells; nothing is fetched."""

    def bring(self, content: Content) -> bool:
        """Whether the folder has it by now, fetched if need be. Raises OSError: no room for it."""

    def renew(self, content: Content) -> bool:
        """Fetch it again, since the folder's copy turned out altered; False: there is no other."""

    def keep(self, content: Content, file: int) -> None:
        """Keep what the descriptor ``file`` holds, for the rows that this transaction writes."""

    def drop(self, names: Iterable[str]) -> None:
        """Forget these (SHA-256), whose last row this transaction removes; files go after it."""

    def listed(self) -> list[Content]:
        """What lies beside the rows."""

    def fill(self) -> list[Content]:
        """Put beside the rows what they name and this host has in files alone; what was put."""

    def altered(self) -> set[str]:
        """The SHA-256 of each that lies beside the rows and holds something else."""


class InFolder:
    """``Keeping`` in files of the board's folder, and nowhere else."""

    in_rows = False

    def __init__(self, root: Path) -> None:
        self.root = root

    def has(self, content: Content) -> bool:
        """By the size of its file."""
        return contents.is_kept(self.root, content)

    def bring(self, content: Content) -> bool:
        """It is there, or it is nowhere."""
        return contents.is_kept(self.root, content)

    def renew(self, content: Content) -> bool:
        """There is no other."""
        del content
        return False

    def keep(self, content: Content, file: int) -> None:
        """Once more, where a purge or ``gc`` removed the file since it was kept."""
        if not contents.is_kept(self.root, content):
            os.close(contents.keep(self.root, contents.of_file(file), content))

    def drop(self, names: Iterable[str]) -> None:
        """Nothing lies beside the rows."""

    def listed(self) -> list[Content]:
        """Nothing lies beside the rows."""
        return []

    def fill(self) -> list[Content]:
        """Nothing lies beside the rows."""
        return []

    def altered(self) -> set[str]:
        """Nothing lies beside the rows."""
        return set()
