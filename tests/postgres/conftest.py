"""What several tests of the PostgreSQL store stand on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import stores
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
