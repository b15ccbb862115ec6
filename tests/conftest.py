"""What every test may ask for: a board in a folder of its own, with a clock turned by hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.boards import ABoard, ManualClock
from tests.support.gateways import Gateways

MakeBoard = Callable[..., ABoard]


@pytest.fixture
def make_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeBoard]:
    """A function that opens boards of one home: ``make_board()``, ``make_board("other")``."""
    made: list[ABoard] = []

    def make(slug: str = "default") -> ABoard:
        made.append(ABoard(tmp_path / "home", monkeypatch, slug))
        return made[-1]

    yield make
    for board in made:
        board.close()


@pytest.fixture
def board(make_board: MakeBoard) -> ABoard:
    """The default board, empty."""
    return make_board()


@pytest.fixture
def clock(board: ABoard) -> ManualClock:
    """The clock of ``board``."""
    return board.clock


@pytest.fixture
def gateways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateways]:
    """Real gateways over an empty home; all ended when the test ends."""
    home = tmp_path / "home"
    home.mkdir()
    for name in [name for name in os.environ if name.startswith("HERMES_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(home))
    running = Gateways(home)
    yield running
    running.close()
