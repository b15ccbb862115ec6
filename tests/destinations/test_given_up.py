"""What hangs is given up, leaves nothing behind, and keeps nobody from being served."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import pytest

from hermes_kanban import notify
from hermes_kanban.notify.message import AboutEvent, Message, Outcome
from tests.destinations.conftest import SECRET, World
from tests.destinations.receiver import Receiver

PATIENCE_SECONDS = 0.5
LOOKUPS = 40


class _Silent:
    def info(self, event: str, **keys: Any) -> None: ...


def message(text: str = "hello") -> Message:
    event = AboutEvent(id=1, kind="created", actor="system", run_id=None, created_at=0)
    return Message(
        dedup_key="b:1:1", board="b", subscription=1, event=event, task=None, text=text
    )  # fmt: skip


async def send(destination: str, seconds: float = PATIENCE_SECONDS) -> Outcome:
    return await notify.send(destination, message(), _Silent(), timeout_seconds=seconds)


class Mute:
    """Takes connections and says nothing; ``ended`` counts those that the other side closed."""

    def __init__(self, greeting: bytes) -> None:
        self.greeting = greeting
        self.ended = threading.Semaphore(0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        try:
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._hold, args=(connection,), daemon=True).start()
        except OSError:
            return

    def _hold(self, connection: socket.socket) -> None:
        with connection:
            connection.sendall(self.greeting)
            try:
                while connection.recv(4096):
                    pass
            except OSError:
                pass
        self.ended.release()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def mute() -> Iterator[Callable[[bytes], Mute]]:
    running: list[Mute] = []

    def start(greeting: bytes = b"") -> Mute:
        running.append(Mute(greeting))
        return running[-1]

    yield start
    for one in running:
        one.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_webhook_that_never_answers(world: World, mute: Any, scheme: str) -> None:
    server = mute()
    webhook = {"url": f"{scheme}://127.0.0.1:{server.port}/", "secret": SECRET}
    world.configure(allow_private=["127.0.0.1"], webhooks={"ops": webhook})
    assert anyio.run(send, "webhook:ops") == notify.retry("no end within 0.5 s")
    assert server.ended.acquire(timeout=60)


@pytest.mark.parametrize("greeting", [b"", b"220 hello\r\n", b"220 hello\r\n250 half\r\n250-"])
def test_a_mail_server_that_goes_silent(world: World, mute: Any, greeting: bytes) -> None:
    server = mute(greeting)
    mail = {"host": "127.0.0.1", "port": server.port, "sender": "a@b.example", "security": "none"}
    world.configure(mail=mail)
    assert anyio.run(send, "email:mara@example.org") == notify.retry("no end within 0.5 s")
    assert server.ended.acquire(timeout=60)


def test_names_that_nobody_resolves_hold_up_no_others(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More lookups hang than the event loop has threads, of webhooks and of mail."""
    over, real = threading.Event(), socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **keys: Any) -> Any:
        if host == "stuck.example":
            over.wait(60)
            raise OSError
        return real(host, *arguments, **keys)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    world.configure(
        allow_private=["127.0.0.1"],
        webhooks={
            "good": {"url": f"http://127.0.0.1:{receiver.port}/", "secret": SECRET},
            "stuck": {"url": "https://stuck.example/", "secret": SECRET},
        },
        mail={"host": "stuck.example", "sender": "a@b.example"},
    )

    async def all_at_once() -> Outcome:
        async with anyio.create_task_group() as group:
            for number in range(LOOKUPS):
                group.start_soon(send, ("webhook:stuck", "email:a@b.example")[number % 2], 30)
            await anyio.sleep(0)
            outcome = await send("webhook:good", 10)
            group.cancel_scope.cancel()
            return outcome

    try:
        assert anyio.run(all_at_once).kind == "delivered"
    finally:
        over.set()
