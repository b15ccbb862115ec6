"""After a night offline a real gateway owes thousands, one of them poisoned, to a real receiver."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from tests.destinations.conftest import SECRET, World
from tests.destinations.receiver import Receiver
from tests.support.waiting import wait_until

MOST_MORE_MEMORY = 16 * 2**20


class Night:
    """Much is owed to ``/much`` and to ``/hang``, which never answers; nothing to ``/news``."""

    def __init__(self, world: World, receiver: Receiver) -> None:
        self.world = world
        self.receiver = receiver
        self.over = threading.Event()
        self.half: int | None = None
        self.reached, self.go_on = threading.Event(), threading.Event()
        receiver.behaviour = {
            "/hang": lambda _handler: not self.over.wait(300),
            "/much": self._much,
        }
        webhooks = {
            name: {"url": f"http://127.0.0.1:{receiver.port}/{name}", "secret": SECRET}
            for name in ("much", "hang", "news")
        }
        world.configure(allow_private=["127.0.0.1"], webhooks=webhooks)
        world.gateways.open()
        self.much = world.subscribe("webhook:much")
        self.hang = world.subscribe("webhook:hang")
        world.subscribe("webhook:news", "commented")

    def _hang(self, _handler: BaseHTTPRequestHandler) -> bool:
        return not self.over.wait(300)

    def _much(self, _handler: BaseHTTPRequestHandler) -> bool:
        """Half way it waits until others have been served."""
        if len(self.receiver.messages("/much")) == self.half:
            self.reached.set()
            self.go_on.wait(300)
        return False

    def owe(self, number: int) -> list[str]:
        """So many tasks are made, in one transaction; their ids."""
        with kb.batch(self.world.conn):
            return [kb.create_task(self.world.conn, title=f"task {at}") for at in range(number)]

    def states(self) -> dict[str, int]:
        """How many deliveries to ``/much`` there are in each state."""
        rows = self.world.conn.execute(
            "SELECT state, count(*) FROM deliveries WHERE sub_id = :sub GROUP BY state",
            {"sub": self.much},
        )
        return {row[0]: row[1] for row in rows}

    def work_off(self, expected: dict[str, int]) -> int:
        """Start a gateway and let it send; the most memory that it ever had, in bytes."""
        gateway = self.world.gateways.start()
        wait_until(
            lambda: self.states() == expected,
            timeout=60,
            message=f"{expected} {self.world.gateways.errors()[-3000:]}",
            progress=lambda: len(self.receiver.requests),
            pause=0.2,
        )
        status = Path(f"/proc/{gateway.pid}/status").read_text("ascii")
        (kib,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
        self.world.gateways.kill(gateway)
        return int(kib) * 1024


@pytest.fixture
def night(world: World, receiver: Receiver) -> Any:
    made = Night(world, receiver)
    yield made
    made.go_on.set()
    made.over.set()


def test_one_row_is_poisoned_one_receiver_hangs_and_the_others_go_on(night: Night) -> None:
    owed = 400
    ids = night.owe(owed)
    conn, receiver = night.world.conn, night.receiver
    poisoned = kb.list_events(conn, ids[owed // 4])[0].id
    conn.execute("UPDATE task_events SET payload = '{' WHERE id = ?", (poisoned,))
    night.half = owed // 2
    night.world.gateways.start()
    assert night.reached.wait(60), night.world.gateways.errors()[-3000:]
    # Half of it is out, one receiver hangs, the other has not answered: who is new comes at once.
    for number in range(3):
        kb.add_comment(conn, ids[number], "news")
        night.world.until(lambda: len(receiver.messages("/news")) > number)  # noqa: B023
    assert night.states()["waiting"] == owed // 2
    night.go_on.set()
    night.world.until(lambda: night.states() == {"delivered": owed - 1, "dead": 1})
    (dead,) = night.world.deliveries("dead")
    assert (dead.sub_id, dead.event_id) == (night.much, poisoned)
    assert "cannot be written" in str(dead.reason)
    titles = [one["task"]["title"] for one in receiver.messages("/much")]
    assert titles == [f"task {number}" for number in range(owed) if number != owed // 4]
    assert len(receiver.messages("/hang")) == 1
    head = night.world.first_of(night.hang)
    assert head is not None
    assert head.state == "waiting"


@pytest.mark.torture
def test_ten_thousand_take_no_more_memory_than_one_thousand(night: Night) -> None:
    receiver = night.receiver
    night.owe(1_000)
    little = night.work_off({"delivered": 1_000})
    night.owe(10_000)
    much = night.work_off({"delivered": 11_000})
    keys = receiver.keys("/much")
    assert len(keys) == len(set(keys)) == 11_000
    events = [one["event"]["id"] for one in receiver.messages("/much")]
    assert events == sorted(events)
    told = f"{little / 2**20:.1f} MiB with 1,000, {much / 2**20:.1f} with 10,000 more"
    print(f"the most memory of the gateway: {told}")
    assert much - little < MOST_MORE_MEMORY
