"""Servers that hang, refuse, answer garbage or are gone: tried again, and in nobody's way."""

from __future__ import annotations

import tracemalloc
from typing import Any

import anyio
import anyio.abc
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban import notify
from hermes_kanban.kernel import outbox, subscriptions
from hermes_kanban.notify.message import Message, Outcome
from hermes_kanban.store.protocol import write
from tests.notify.conftest import World, until

MOST_MEMORY = 4 * 2**20
ANSWERS = {
    "ok": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "busy": b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 77\r\n\r\n",
    "broken": b"HTTP/1.1 500 Internal Server Error\r\n\r\n",
    "gone": b"HTTP/1.1 410 Gone\r\n\r\n",
    "garbage": b"\x00\xff\x00 what do you want?\r\n\r\n",
}


class Servers:
    """One server for each way to answer, and one that answers nothing."""

    def __init__(self) -> None:
        self.ports: dict[str, int] = {"vanished": 1}
        self.got: dict[str, int] = {}

    async def start(self, group: anyio.abc.TaskGroup) -> None:
        for name in (*ANSWERS, "hangs"):
            listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
            self.ports[name] = listener.extra(anyio.abc.SocketAttribute.local_port)
            group.start_soon(self._serve, name, listener)

    async def _serve(self, name: str, listener: anyio.abc.Listener[Any]) -> None:
        async with listener:
            await listener.serve(self._answering(name))

    def _answering(self, name: str):  # type: ignore[no-untyped-def]
        async def answer(stream: anyio.abc.SocketStream) -> None:
            async with stream:
                await stream.receive()
                self.got[name] = self.got.get(name, 0) + 1
                if name == "hangs":
                    await anyio.sleep_forever()
                await stream.send(ANSWERS[name])

        return answer


class Posting:
    """Posts a message to one of the servers over HTTP, as a platform's adapter would."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers

    async def send(self, address: str, message: Message) -> Outcome:
        async with await anyio.connect_tcp("127.0.0.1", self._servers.ports[address]) as stream:
            await stream.send(f"POST / HTTP/1.1\r\nX-Id: {message.dedup_key}\r\n\r\n".encode())
            head = (await stream.receive()).decode("ascii")
        status = int(head.split()[1])
        if status == 429:
            return notify.retry("429", float(head.split("Retry-After: ")[1].split()[0]))
        if status == 410:
            return notify.dead("410 Gone")
        return notify.delivered() if status == 200 else notify.retry(f"{status}")

    async def close(self, _address: str, _receipt: str, _text: str) -> None:
        raise AssertionError


def test_each_is_tried_again_in_its_own_way_and_holds_up_nobody(world: World) -> None:
    servers = Servers()
    names = ("hangs", "busy", "broken", "gone", "garbage", "vanished", "ok")
    subs = {
        name: subscriptions.subscribe(
            world.conn, destination=f"matrix:{name}", filter={"kinds": ["created"]}
        )
        for name in names
    }

    async def run() -> None:
        async with anyio.create_task_group() as group:
            await servers.start(group)
            async with world.notifier(senders={"matrix": Posting(servers)}):
                for number in range(20):
                    world.create(f"task {number}")
                await until(
                    lambda: (
                        servers.got.get("ok") == 20
                        and servers.got.get("hangs")
                        and len(world.deliveries("dead")) == 20
                        and len(world.logged("notify.retry")) >= 4
                    )
                )
            group.cancel_scope.cancel()

    anyio.run(run)
    heads = {one.sub_id: one for one in reversed(world.deliveries())}
    assert heads[subs["ok"]].state == "delivered"
    assert heads[subs["gone"]].reason == "410 Gone"
    assert (heads[subs["hangs"]].state, heads[subs["hangs"]].attempts) == ("waiting", 0)
    for name, reason in (("broken", "500"), ("garbage", "UnicodeDecodeError"), ("busy", "429")):
        head = heads[subs[name]]
        assert (head.state, head.attempts) == ("waiting", 1), name
        assert str(head.reason).startswith(reason)
    assert "OSError" in str(heads[subs["vanished"]].reason) or "Connection" in str(
        heads[subs["vanished"]].reason
    )
    due = heads[subs["busy"]].next_attempt_at
    assert due is not None
    assert due - world.conn.clock.now() > 60  # what it asked for, not our own five seconds
    for name in ("busy", "broken", "garbage", "vanished", "hangs"):
        later = [one for one in world.deliveries() if one.sub_id == subs[name]][1:]
        assert {one.attempts for one in later} == {0}, "nothing overtakes"
    assert kb.check(world.conn) == []


@pytest.mark.parametrize(
    "owed", [1_000, pytest.param(10_000, marks=pytest.mark.torture)], ids=["few", "many"]
)
def test_a_night_offline_is_worked_off_with_bounded_memory(world: World, owed: int) -> None:
    """All is owed at once and goes out in digests, without being read at once."""
    sub_id = subscriptions.subscribe(
        world.conn,
        destination="matrix:ok",
        filter={"kinds": ["created"]},
        options={"digest_seconds": 1},
    )
    with write(world.conn, "a night"):
        for number in range(owed):
            world.create(f"task {number}")
    kept: list[int] = []

    class Counting:
        async def send(self, _address: str, message: Message) -> Outcome:
            kept.append(len(message.items))
            return notify.delivered()

        async def close(self, _address: str, _receipt: str, _text: str) -> None:
            raise AssertionError

    while outbox.advance_cursors(world.conn):
        pass

    async def run() -> None:
        async with world.notifier(senders={"matrix": Counting()}):
            await until(lambda: sum(kept) == owed, seconds=300)

    tracemalloc.start()
    try:
        anyio.run(run)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert kept == [50] * (owed // 50)
    print(f"{owed} owed: at most {peak / 2**20:.1f} MiB")
    assert peak < MOST_MEMORY
    assert {one.sub_id for one in world.deliveries("delivered")} == {sub_id}
