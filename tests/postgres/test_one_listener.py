"""One listener a chat account over all hosts: whoever stands by takes over, whatever it went by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from gateway.chat.platforms import MODULES
from gateway.chat.service import ChatService
from gateway.chat.states import CONNECTED, STANDBY
from gateway.locks import chat_lock
from hermes_kanban import logs
from hermes_kanban.config import LiveConfig
from hermes_kanban.store.opening import server_of
from tests.support.boards import ABoard

pytestmark = pytest.mark.stores("postgres")


class Platform:
    """An account in a chat in which nobody says anything; this module stands for its adapter's."""

    async def __aenter__(self) -> Platform:
        return self

    async def __aexit__(self, *exception: object) -> None:
        pass

    async def listen(self) -> None:
        await anyio.sleep_forever()


MADE: list[Platform] = []


def adapter(context: object) -> Platform:
    del context
    MADE.append(Platform())
    return MADE[-1]


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(60):
        while not condition():
            await anyio.sleep(0.02)


def test_one_that_stood_by_as_its_settings_changed_takes_over(
    board: ABoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODULES, "matrix", __name__)
    MADE.clear()
    paths = board.conn.paths

    def configure(*rooms: str) -> None:
        account = "homeserver: 'https://h', user: '@b:h', access_token: secret"
        text = f"chat: {{matrix: {{{account}, rooms: [{', '.join(rooms)}]}}}}\n"
        (paths.home / "config.yaml").write_text(text)

    configure("'#one:h'")
    theirs = chat_lock(tmp_path / "theirs", server_of(paths), "matrix", "secret")
    assert theirs.try_take()
    turns: list[str] = []
    service = ChatService(
        paths.home,
        LiveConfig(paths.home),
        boards=dict,
        senders={},
        log=logs.get_logger(),
        changed=lambda: turns.append(service.states.get("matrix", "")),
    )

    async def run() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(service.serve)
            await until(lambda: turns == [STANDBY])
            configure("'#one:h'", "'#two:h'")
            await until(lambda: len(MADE) == 2)
            await anyio.to_thread.run_sync(theirs.release)
            await until(lambda: turns[-1] == CONNECTED)
            group.cancel_scope.cancel()

    anyio.run(run)
