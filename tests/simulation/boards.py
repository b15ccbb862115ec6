"""Boards for histories: a file copied from a template made once, in memory where there is such."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from hermes_kanban import kernel as kb
from hermes_kanban.config import Config

SLUG = "simulated"
BOARD_ID = "5" * 32
_SHARED_MEMORY = Path("/dev/shm")
_OURS = ("HERMES_", "XDG_RUNTIME_DIR")


class Home:
    """A home in a temporary folder, with one template of a board; for one process at a time."""

    def __init__(self) -> None:
        where = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None
        self._folder = tempfile.TemporaryDirectory(prefix="hk-simulation-", dir=where)
        self._kept = {name: value for name, value in os.environ.items() if name.startswith(_OURS)}
        for name in self._kept:
            del os.environ[name]
        self._kept["LOGNAME"] = os.environ.get("LOGNAME", "")
        os.environ["HERMES_KANBAN_HOME"] = self._folder.name
        os.environ["LOGNAME"] = "tester"
        kb.create_board("template")
        template = Path(self._folder.name) / "boards" / "template" / "board.db"
        conn = sqlite3.connect(template)
        conn.execute("UPDATE boards SET board_id = ?", (BOARD_ID,))
        conn.commit()
        conn.close()
        self._template = template

    def board(self) -> Board:
        """A fresh board."""
        folder = self._template.parent.parent / SLUG
        folder.mkdir()
        shutil.copyfile(self._template, folder / "board.db")
        return Board(self._folder.name, folder)

    def close(self) -> None:
        """Remove everything, and give the environment back."""
        self._folder.cleanup()
        del os.environ["HERMES_KANBAN_HOME"]
        os.environ.update(self._kept)


class Board:
    """One board's folder, and how it is configured in a history."""

    def __init__(self, home: str, folder: Path) -> None:
        self.home = home
        self._folder = folder

    def connect(self) -> Any:
        """A connection as the kernel makes it, but for power loss, of which there is none here."""
        conn = kb.connect(SLUG)
        conn.execute("PRAGMA synchronous = OFF")
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
