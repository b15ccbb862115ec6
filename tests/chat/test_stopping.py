"""The gateway's chats stop whatever hangs in them: nothing is waited for that may not end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import structlog

from gateway.chat import desk, service
from gateway.chat.adapter import Incoming
from gateway.chat.service import ChatService
from hermes_kanban.config import LiveConfig
from tests.chat.test_desk import CHAT, MARA, Chat

TELEGRAM = "chat: {telegram: {token: 'x', chats: [-100], users: [1]}}\n"


class Hanging:
    """A call that ends when it is let go, which nobody does before the test has ended."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.let_go = threading.Event()

    def __call__(self, *_: Any, **__: Any) -> Any:
        self.begun.set()
        self.let_go.wait()
        raise RuntimeError("too late")


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    """It is let go after a while all the same: then the test fails, and does not hang itself."""
    made = Hanging()
    timer = threading.Timer(20.0, made.let_go.set)
    timer.start()
    yield made
    timer.cancel()
    made.let_go.set()


async def stopped(hanging: Hanging, call: Any, *arguments: Any) -> bool:
    """Whether what hangs in ``call`` was left behind when that was cancelled."""
    async with anyio.create_task_group() as group:
        group.start_soon(call, *arguments)
        while not hanging.begun.is_set():
            await anyio.sleep(0.01)
        group.cancel_scope.cancel()
    return not hanging.let_go.is_set()


def test_a_command_that_hangs_is_left_behind(
    board: Any, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "slash", hanging)
    said = Incoming(place=CHAT, user=MARA, text="/kanban list", key="1")
    assert anyio.run(stopped, hanging, Chat(board).desk.said, said)


def test_a_package_that_takes_its_time_is_left_behind(
    board: Any, hanging: Hanging, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(service, "make", hanging)
    (tmp_path / "config.yaml").write_text(TELEGRAM)
    chats = ChatService(
        tmp_path, LiveConfig(tmp_path), dict, {}, structlog.get_logger(), changed=lambda: None
    )
    assert anyio.run(stopped, hanging, chats.serve)
