"""What several tests of the PostgreSQL store stand on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support import server, stores
from tests.support.boards import ABoard
from tests.support.relay import Relay, relay


@pytest.fixture
def line(board: ABoard, monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    """What lies between a connection that is opened from now on and the server."""
    del board
    with (
        tempfile.TemporaryDirectory(prefix="hk-") as folder,
        relay(stores.address(), Path(folder)) as made,
    ):
        monkeypatch.setenv("HERMES_KANBAN_DATABASE", made.address)
        yield made


@pytest.fixture
def database() -> Iterator[tuple[Path, str]]:
    """A server of the test's own, to be killed: its folder, and an address on it."""
    with tempfile.TemporaryDirectory(prefix="hk-own-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        address = server.start(folder)
        with (folder / "data" / "postgresql.conf").open("a") as settings:
            settings.write("synchronous_commit = on\n")
        with psycopg.connect(address.format(database="postgres"), autocommit=True) as admin:
            admin.execute("SELECT pg_reload_conf()")
            admin.execute("CREATE DATABASE board")
        yield folder, address.format(database="board")
        server.stop(folder)
