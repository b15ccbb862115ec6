"""Where a self-test takes place: a home inside the user's home, so that nothing else sees it.

On the same disk as the user's boards, but in no folder where a gateway of the user's, which may
serve all boards of its home, would find one.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from hermes_kanban.paths import BoardPaths

FOLDER: Final = "selftest"
# By it, and by a board whose name ends with the stamp, processes of one self-test are known.
MARKER: Final = "HERMES_SELFTEST"
WORKER: Final = "worker"
_CALLERS: Final = ("HERMES_", "TRACEPARENT")


class Place:
    """One self-test's home; ``stamp`` names it and marks every process that it starts."""

    def __init__(self, users_home: Path, stamp: str | None = None) -> None:
        now = time.strftime("%Y%m%d-%H%M%S")
        self.stamp = stamp or f"{now}-{os.getpid()}"
        self.home = users_home / FOLDER / self.stamp
        self.witness = self.home / "witness"
        self.notices = self.home / "notices"
        self._made: list[Path] = []

    def prepare(self) -> None:
        """Make the folder and its configuration. Raises OSError."""
        missing = [one for one in self.home.parents if not one.exists()]
        for folder in (*reversed(missing), self.home):
            folder.mkdir(mode=0o700)
            self._made.insert(0, folder)
        text = yaml.safe_dump({"kanban": _SETTINGS, "profiles": {WORKER: self._worker()}})
        (self.home / "config.yaml").write_text(text, encoding="utf-8")

    def _worker(self) -> dict[str, Any]:
        agent = Path(__file__).with_name("agent.py")
        return {
            "argv": [sys.executable, "-I", "-S", str(agent), str(self.witness)],
            "env": {MARKER: self.stamp},
        }

    def board(self, stage: str) -> str:
        """The slug of a stage's board."""
        return f"{stage}-{self.stamp}"

    def paths(self, slug: str) -> BoardPaths:
        """The files of one of its boards."""
        root = self.home / "boards" / slug
        return BoardPaths(slug, root, root / "board.db")

    def environment(self) -> dict[str, str]:
        """The caller's, without what would lead to a board of the caller's."""
        return without_boards(os.environ) | {
            "HERMES_KANBAN_HOME": str(self.home),
            MARKER: self.stamp,
        }

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """This process, too, knows no other home for as long as the block lasts."""
        before = dict(os.environ)
        wanted = self.environment()
        os.environ.clear()
        os.environ.update(wanted)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def look_command(self, slug: str) -> str:
        """What to type to look at one of its boards."""
        home = shlex.quote(str(self.home))
        return f"HERMES_KANBAN_HOME={home} hermes-kanban --board {slug} check --deep"

    def remove(self) -> None:
        """Remove the folder, and those above it that it made and that are empty now."""
        shutil.rmtree(self.home, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.home.parent.rmdir()
            for folder in self._made[1:]:
                if folder != self.home.parent:
                    folder.rmdir()


_SETTINGS: Final = {
    "max_in_progress": 6,
    # A task that is killed again and again is tried again and again.
    "max_retries": 1_000,
    "max_runs": 1_000,
    "backoff_base_seconds": 1,
    "backoff_max_seconds": 1,
    "stop_grace_seconds": 0.3,
    # Whether there is room is judged before it starts.
    "min_free_mb": 0,
}


def without_boards(environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` without anything that names a home, a board, a task or a setting."""
    return {name: text for name, text in environ.items() if not name.startswith(_CALLERS)}
