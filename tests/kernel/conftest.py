"""Fixtures of the kernel's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model.event_kinds import EVENTS
from tests.support.boards import ABoard


@pytest.fixture
def stays_sound(board: ABoard) -> Iterator[None]:
    """Whatever a test does through the kernel leaves a board on which every invariant holds."""
    yield
    assert kb.check(board.conn) == []
    assert _undeclared(board.conn) == []


def _undeclared(conn: kb.BoardConnection) -> list[str]:
    """What the payloads of events say that ``EVENTS`` does not tell."""
    found = []
    for event in kb.list_events(conn, limit=10_000):
        mended = {"mended", "reason"} if event.payload.get("mended") else set()
        more = event.payload.keys() - EVENTS[event.kind].payload - mended
        found += [f"{event.kind}: {key}" for key in sorted(more)]
    return found
