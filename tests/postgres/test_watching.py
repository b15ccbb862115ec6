"""How a watcher hears of a board on a server, also over a line that fails."""

from __future__ import annotations

import anyio
import pytest

from gateway import sources
from gateway.wakeup import Pulse
from hermes_kanban import kernel as kb
from tests.support.boards import ABoard
from tests.support.relay import Relay

pytestmark = pytest.mark.stores("postgres")


async def newest_is(pulse: Pulse, wanted: int) -> None:
    with anyio.fail_after(60):
        while pulse.newest != wanted:
            await anyio.sleep(0.01)


def test_what_comes_while_a_line_is_away_or_silent_is_seen_once_there_is_one(
    board: ABoard, line: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "ANSWER_SECONDS", 1.0)
    pulse = Pulse(board.conn.paths)

    def change() -> int:
        board.create()
        return kb.newest_event_id(board.conn)

    async def watch() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(pulse.run)
            await newest_is(pulse, change())
            line.go_away()
            missed = change()
            line.come_back()
            await newest_is(pulse, missed)
            line.stall()
            await newest_is(pulse, change())
            line.go_away()
            line.stall_at(b"LISTEN")
            line.come_back()
            missed = change()
            await newest_is(pulse, missed)
            assert line.has_stalled
            group.cancel_scope.cancel()

    anyio.run(watch)
