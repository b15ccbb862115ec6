"""What it runs on, and what it is told: Python, SQLite, configuration, clock."""

from __future__ import annotations

import platform
import sqlite3
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

from hermes_kanban import kernel as kb
from hermes_kanban import present
from hermes_kanban.config import load
from hermes_kanban.doctor.finding import Finding
from hermes_kanban.notify.settings import not_installed
from hermes_kanban.store import sqlite_version

_AHEAD_SECONDS: Final = 120
# This was written later.
_EARLIEST: Final = 1_780_000_000


def python() -> Iterator[Finding]:
    """Which Python and which of us; a wheel without its page was built wrong."""
    version = metadata.version("hermes-kanban")
    page = Path(__file__).parents[1] / "surfaces" / "static" / "index.html"
    if not page.is_file():
        yield Finding.fault(
            f"this installation of {version} lacks the web board",
            "install it again: pipx install --force hermes-kanban",
        )
        return
    where = sys.executable
    yield Finding.ok(f"hermes-kanban {version}, Python {platform.python_version()} ({where})")


def sqlite() -> Iterator[Finding]:
    """Whether this SQLite can hold a board."""
    try:
        sqlite_version.refuse_old()
    except kb.KanbanError as refused:
        what, _, remedy = str(refused).partition("; ")
        yield Finding.fault(what, remedy)
        return
    if problem := sqlite_version.caution():
        # Nothing that a person has to do, so no warning: every older system would have it.
        yield Finding.ok(problem)
        return
    yield Finding.ok(f"SQLite {sqlite3.sqlite_version}")


def configuration(home: Path) -> Iterator[Finding]:
    """Whether all that is configured can be read, and what it needs is installed."""
    try:
        config = load(home)
    except kb.ConfigError as error:
        yield Finding.fault(str(error), "correct that line; until then the last good one holds")
        return
    lacking = not_installed(config.notify)
    for line in lacking:
        what, _, remedy = line.rpartition(": ")
        yield Finding.fault(what, remedy)
    if not lacking:
        count = len(config.files)
        yield Finding.ok(
            f"{count} {'file' if count == 1 else 'files'}, {_profiles(len(config.profiles))}"
            if count
            else "no file: the defaults hold"
        )


def _profiles(count: int) -> str:
    return f"{count} {'profile' if count == 1 else 'profiles'}"


def clock() -> Iterator[Finding]:
    """Whether the clock has been where the boards were."""
    now = int(time.time())
    if now < _EARLIEST:
        yield Finding.fault(
            f"the clock says {present.moment(now)}", "set it, and let it be kept: timedatectl"
        )
        return
    for slug, ahead in _ahead(now):
        if ahead > _AHEAD_SECONDS:
            yield Finding.warning(
                f"the clock is {present.duration(ahead)} behind the newest event of board {slug}",
                "if it is wrong, set it: timedatectl; the board's times stand still meanwhile",
            )
            return
    yield Finding.ok(f"it is {present.moment(now)}")


def _ahead(now: int) -> Iterator[tuple[str, int]]:
    for slug, board in kb.list_boards():
        if isinstance(board, kb.KanbanError):
            continue
        conn = kb.connect(slug)
        try:
            newest = kb.list_events(conn, after=kb.newest_event_id(conn) - 1)
            yield slug, max((event.created_at - now for event in newest), default=0)
        finally:
            conn.close()
