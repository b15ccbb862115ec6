"""Boards with the machine's own clock, commands that write down what they get, and a notifier."""

from __future__ import annotations

import io
import json
import shlex
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from gateway.notifier import NO_SENDERS, BoardNotifier
from gateway.senders import Senders
from gateway.wakeup import Pulse
from hermes_kanban import kernel as kb
from hermes_kanban import logs
from hermes_kanban.config import LiveConfig
from hermes_kanban.config.settings import LoggingSettings
from hermes_kanban.kernel import outbox, subscriptions
from hermes_kanban.model import Delivery
from tests.support.boards import isolate

WAIT_SECONDS = 60.0
POLL_SECONDS = 0.01


class Inbox:
    """A file to which a command appends each message it gets; ``command`` is its destination."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def command(self, then: str = "") -> str:
        """A destination that keeps the message and goes on with ``then``, a line of shell."""
        script = f"cat >> {shlex.quote(str(self.file))}; {then}"
        return "command:" + shlex.join(["/bin/sh", "-c", script])

    def messages(self) -> list[dict[str, Any]]:
        if not self.file.exists():
            return []
        return [json.loads(line) for line in self.file.read_text().splitlines()]

    def titles(self) -> list[str]:
        return [message["task"]["title"] for message in self.messages()]


class World:
    """A home with one board, seen from outside its notifier."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "home"
        self.conn = kb.connect()
        self.log = io.StringIO()
        logs.configure(LoggingSettings(format="json"), self.log, strict=True)

    def inbox(self, name: str = "inbox") -> Inbox:
        return Inbox(self.root / name)

    def subscribe(self, destination: str, **keys: Any) -> int:
        keys = {"filter": {"kinds": ["created"]}} | keys
        return subscriptions.subscribe(self.conn, destination=destination, **keys)

    def create(self, title: str = "Count the words", **keys: Any) -> str:
        return kb.create_task(self.conn, title=title, **keys)

    def deliveries(self, state: str | None = None) -> list[Delivery]:
        found: list[Delivery] = []
        while page := outbox.list_outbox(
            self.conn, state=state, after=found[-1].id if found else 0, limit=10_000
        ):
            found += page
        return found

    def delivered(self) -> int:
        """How many deliveries have arrived, counted where they lie: tests ask this all the time."""
        (count,) = self.conn.execute(
            "SELECT count(*) FROM deliveries WHERE state = 'delivered'"
        ).fetchone()
        return int(count)

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The lines of that event in the gateway's log."""
        lines = map(json.loads, self.log.getvalue().splitlines())
        return [line for line in lines if line["event"] == event]

    @asynccontextmanager
    async def notifier(
        self, senders: Senders = NO_SENDERS, *, poll_seconds: float = 0.25
    ) -> AsyncIterator[None]:
        """The notifier watcher of the board, as a gateway runs it that does not dispatch."""
        pulse = Pulse(self.conn.paths, poll_seconds)
        watcher = BoardNotifier(None, LiveConfig(self.home), pulse, logs.get_logger(), senders)
        async with anyio.create_task_group() as group:
            group.start_soon(pulse.run)
            group.start_soon(watcher.serve)
            try:
                yield
            finally:
                group.cancel_scope.cancel()

    def deliver_until(self, condition: Callable[[], object]) -> None:
        """Let a notifier run until ``condition`` is true."""

        async def run() -> None:
            async with self.notifier():
                await until(condition)

        anyio.run(run)


async def until(condition: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
    """Wait in the event loop for a condition; AssertionError if it does not come true."""
    with anyio.move_on_after(seconds):
        while not condition():
            await anyio.sleep(POLL_SECONDS)
        return
    raise AssertionError(f"did not come true within {seconds:.0f} s")


@pytest.fixture
def world(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An empty board, without a notifier; on every store."""
    isolate(tmp_path / "home", monkeypatch)
    world = World(tmp_path)
    yield world
    world.conn.close()
