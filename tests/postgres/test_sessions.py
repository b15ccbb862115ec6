"""A server that is gone is told soon, and one that comes back in time is waited for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from gateway.wakeup import Pulse
from gateway.web_boards import GatewayBoards
from hermes_kanban import kernel as kb
from hermes_kanban.config import load
from hermes_kanban.paths import board_paths
from hermes_kanban.store import pgsession
from hermes_kanban.surfaces.rest.boards import Connections
from tests.support.boards import ABoard
from tests.support.relay import Relay

pytestmark = pytest.mark.stores("postgres")


@pytest.fixture
def connections(line: Relay) -> Iterator[Connections]:
    """Those of a server over HTTP, to the default board."""
    del line
    paths = board_paths("default")
    pulses = {"default": ("default", Pulse(paths))}
    kept = Connections(GatewayBoards(lambda: pulses, lambda: None), lambda: load(paths.home))
    yield kept
    kept.close()


def create(connections: Connections, title: str) -> str:
    with connections.use("default") as conn:
        return kb.create_task(conn, title=title)


def test_a_change_after_the_server_went_is_refused_at_once(
    connections: Connections, line: Relay, board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it was sent: nobody need ask, for a quarter of a minute, whether it was kept."""
    monkeypatch.setattr(pgsession, "PATIENCE_SECONDS", 0.1)
    create(connections, "before")
    line.go_away()
    with pytest.raises(kb.BoardUnreachable, match="cannot connect"):
        create(connections, "away")
    line.come_back()
    create(connections, "after")
    assert [task.title for task in kb.list_tasks(board.conn)] == ["before", "after"]


def test_a_change_after_a_restart_is_made_once(
    connections: Connections, line: Relay, board: ABoard
) -> None:
    create(connections, "before")
    line.go_away()
    line.come_back()
    trips = line.round_trips
    create(connections, "after")
    assert line.round_trips == trips + 2  # that of the session, and that of the task
    assert [task.title for task in kb.list_tasks(board.conn)] == ["before", "after"]


@pytest.mark.parametrize("away_seconds", [0.5, 2.0, 2.9])
def test_a_restart_of_three_seconds_is_ridden_out(
    line: Relay, monkeypatch: pytest.MonkeyPatch, away_seconds: float
) -> None:
    passed = [0.0]

    def sleep(seconds: float) -> None:
        if passed[0] < away_seconds <= passed[0] + seconds:
            line.come_back()
        passed[0] += seconds

    clock = SimpleNamespace(monotonic=lambda: passed[0], sleep=sleep)
    monkeypatch.setattr(pgsession, "time", clock)
    line.go_away()
    with contextlib.closing(kb.connect("default")) as conn:
        assert kb.list_tasks(conn) == []
    assert away_seconds <= passed[0] <= pgsession.PATIENCE_SECONDS
