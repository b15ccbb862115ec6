"""Fixtures of the kernel's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hermes_kanban import kernel as kb
from tests.support.boards import ABoard
from tests.support.payloads import undeclared


@pytest.fixture
def stays_sound(board: ABoard) -> Iterator[None]:
    """Whatever a test does through the kernel leaves a board on which every invariant holds."""
    yield
    assert kb.check(board.conn) == []
    assert undeclared(board.conn) == set()
