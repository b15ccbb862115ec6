"""Boards for histories: a file copied from a template, in memory where there is such; or a schema
of a PostgreSQL database, whose rows go between two histories."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from hermes_kanban import kernel as kb
from hermes_kanban.config import Config
from tests.simulation.on_postgres import OnPostgres
from tests.simulation.on_sqlite import OnSqlite
from tests.support import stores

SLUG = "simulated"
BOARD_ID = "5" * 32
_SHARED_MEMORY = Path("/dev/shm")
_OURS = ("HERMES_", "XDG_RUNTIME_DIR")


class Home:
    """A home in a temporary folder, for boards on one store; for one process at a time.

    ``database`` is where those on PostgreSQL lie; without it they are files. ``comparable``
    leaves out what the stores are meant to differ in (see ``OnPostgres``).
    """

    def __init__(
        self, database: stores.Database | None = None, *, comparable: bool = False
    ) -> None:
        where = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None
        self._folder = tempfile.TemporaryDirectory(prefix="hk-simulation-", dir=where)
        self._kept = {name: value for name, value in os.environ.items() if name.startswith(_OURS)}
        for name in self._kept:
            del os.environ[name]
        self._kept["LOGNAME"] = os.environ.get("LOGNAME", "")
        os.environ["HERMES_KANBAN_HOME"] = self._folder.name
        os.environ["LOGNAME"] = "tester"
        self._boards = Path(self._folder.name) / "boards"
        self._database = database
        self._comparable = comparable
        if database is None:
            self._template = self._make_template()
        else:
            os.environ["HERMES_KANBAN_DATABASE"] = database.address

    def _make_template(self) -> Path:
        kb.create_board("template")
        template = self._boards / "template" / "board.db"
        conn = sqlite3.connect(template)
        conn.execute("UPDATE boards SET board_id = ?", (BOARD_ID,))
        conn.commit()
        conn.close()
        return template

    def board(self) -> Board:
        """A fresh board."""
        folder = self._boards / SLUG
        if self._database is not None:
            self._database.clear()
            return Board(self._folder.name, folder, OnPostgres(comparable=self._comparable))
        folder.mkdir()
        shutil.copyfile(self._template, folder / "board.db")
        return Board(self._folder.name, folder, OnSqlite())

    def close(self) -> None:
        """Remove everything, and give the environment back."""
        self._folder.cleanup()
        del os.environ["HERMES_KANBAN_HOME"]
        os.environ.pop("HERMES_KANBAN_DATABASE", None)
        os.environ.update(self._kept)


@contextmanager
def a_home(server: str) -> Iterator[Home]:
    """A home of this process's own, on that server (``postgresql://…/{database}``) or in files."""
    if not server:
        yield (home := Home())
        home.close()
        return
    name = f"simulation_{os.getpid()}"
    database = stores.Database(server, name, slug=SLUG, board_id=BOARD_ID)
    yield (home := Home(database))
    home.close()
    database.close()


class Board:
    """One board's folder, and how it is configured in a history."""

    def __init__(self, home: str, folder: Path, seam: Any) -> None:
        self.home = home
        self._folder = folder
        self.seam = seam

    def connect(self) -> Any:
        """A connection as the kernel makes it, but for power loss, of which there is none here."""
        conn = kb.connect(SLUG)
        self.seam.prepare(conn)
        return conn

    def remove(self) -> None:
        """The history is over."""
        shutil.rmtree(self._folder)

    def config_for(self, rng: random.Random) -> Config:
        """Small numbers, so that limits are met within a few steps."""
        given: dict[str, Any] = {
            "kanban": {
                "max_retries": rng.choice((0, 1, 3, 5)),
                "max_runs": rng.choice((2, 2, 3, 6, 20)),
                "lease_seconds": 300,
                "linger_seconds": 30,
                "stop_grace_seconds": 5,
                "max_spawn": rng.choice((1, 2, 8)),
                "max_in_progress": rng.choice((2, 3, 5)),
                "max_in_progress_per_tenant": {"b": 1},
                "resources": {"gpu": 1},
                "backoff_base_seconds": 10,
                "backoff_max_seconds": 60,
                "rate_limit_base_seconds": 15,
                "min_free_mb": 64,
            },
            "profiles": {
                "coder": {"argv": ["/bin/true"], "on_exit_zero": "protocol_violation"},
                "writer": {
                    "argv": ["/bin/true"],
                    "on_exit_zero": "complete",
                    "max_in_progress": 2,
                    "max_runtime_seconds": 120,
                },
                "painter": {"argv": ["/bin/true"], "resources": {"gpu": 1}},
                "lead": {"argv": ["/bin/true"], "orchestrator": True},
            },
        }
        return msgspec.convert(given, Config)
