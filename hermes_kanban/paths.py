"""Where things lie: the home, its boards and the files of one board."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from hermes_kanban.model.errors import InvalidInput

DEFAULT_BOARD = "default"
SOCKET_PATH_BYTES = 100
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def home() -> Path:
    """The folder that holds everything; ``HERMES_KANBAN_HOME`` wins over ``HERMES_HOME``."""
    if explicit := os.environ.get("HERMES_KANBAN_HOME"):
        return Path(explicit).expanduser().absolute()
    if hermes := os.environ.get("HERMES_HOME"):
        return Path(hermes).expanduser().absolute() / "hermes-kanban"
    return Path.home() / ".hermes" / "hermes-kanban"


def check_slug(slug: str) -> str:
    """``slug`` itself, or InvalidInput: it becomes a folder name."""
    if not _SLUG.fullmatch(slug):
        allowed = "lower-case letters, digits and '-', 64 at most, such as 'default'"
        raise InvalidInput("board", allowed, f"{slug!r} is no board name")
    return slug


class BoardPaths(NamedTuple):
    """The files of one board; ``root`` is the only folder under which anything is ever removed."""

    slug: str
    root: Path
    database: Path
    named_by_file: bool = False

    @property
    def home(self) -> Path:
        """The home that the board lies in, whose configuration holds for it.

        A worker is told its board by the file alone; a board outside any home has the caller's.
        """
        boards = self.root.parent
        return boards.parent if boards.name == "boards" else home()

    @property
    def writer_lock(self) -> Path:
        return self.root / "board.lock"

    @property
    def dispatcher_lock(self) -> Path:
        return self.root / "dispatcher.lock"

    @property
    def notifier_lock(self) -> Path:
        return self.root / "notifier.lock"

    @property
    def health(self) -> Path:
        return self.root / "health.json"

    def standby(self, pid: int) -> Path:
        """Where a gateway that stands by says that it does."""
        return self.root / f"health.standby-{pid}.json"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def backups(self) -> Path:
        return self.root / "backups"

    @property
    def workspaces(self) -> Path:
        override = os.environ.get("HERMES_KANBAN_WORKSPACES_ROOT")
        return Path(override).absolute() if override else self.root / "workspaces"

    def run_dir(self, run_id: int) -> Path:
        """The folder of one run: ``spec.json``, ``log``, ``exit.json``."""
        return self.runs / str(run_id)

    def doorbell(self, board_id: str) -> Path:
        """The socket that wakes the board's gateway; short enough for ``sun_path``."""
        return self._bell(board_id, "doorbell.sock", "")

    def notifier_bell(self, board_id: str) -> Path:
        """The socket of a notifier whose gateway does not dispatch the board."""
        return self._bell(board_id, "notifier.sock", "-notifier")

    def _bell(self, board_id: str, name: str, suffix: str) -> Path:
        near = self.root / name
        if len(os.fsencode(near)) <= SOCKET_PATH_BYTES:
            return near
        import hashlib  # rarely needed, and slow to import
        import tempfile

        name = f"hk-{hashlib.sha256(board_id.encode()).hexdigest()[:16]}{suffix}.sock"
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        folder = Path(runtime) if runtime else Path(tempfile.gettempdir()) / f"hk-{os.getuid()}"
        return folder / name


def board_paths(board: str | None = None) -> BoardPaths:
    """The files of ``board``, else of ``HERMES_KANBAN_DB``, ``HERMES_KANBAN_BOARD``, ``default``.

    There is no stored current board. Raises InvalidInput for an impossible name.
    """
    if board is None and (file := os.environ.get("HERMES_KANBAN_DB")):
        return paths_of_file(Path(file).expanduser().absolute())
    slug = check_slug(board or os.environ.get("HERMES_KANBAN_BOARD") or DEFAULT_BOARD)
    root = home() / "boards" / slug
    return BoardPaths(slug, root, root / "board.db")


def paths_of_file(database: Path) -> BoardPaths:
    """The files of a board named by its database; any name but ``board.db`` gets ``<name>.d``."""
    if database.name == "board.db":
        return BoardPaths(database.parent.name or DEFAULT_BOARD, database.parent, database, True)
    return BoardPaths(database.stem, database.with_name(database.name + ".d"), database, True)
