"""From an event to the message that tells of it, and how many messages a second go out."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import yaml

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import subscriptions
from tests.bench import boards
from tests.bench.measure import Figure, fresh_home, percentile, plain
from tests.bench.service import await_condition, gateway, memory_kib

EVENTS: Final = 300
# Between two events, so that each finds the notifier asleep and comes at any moment.
REST_SECONDS: Final = (0.02, 0.12)
OWED: Final = 1_000
NIGHT: Final = 10_000
NIGHT_SECONDS: Final = 300.0
WEBHOOKS: Final = 4
SECRET: Final = "only-for-measuring-it"
_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def measure() -> list[Figure]:
    """Figures of webhooks on loopback, without TLS, each commit synced."""
    with _receiver() as receiver:
        return [
            *_latency(receiver),
            plain("deliveries, one subscription in order", _rate(receiver, 1), "/s"),
            plain(f"deliveries, {WEBHOOKS} webhooks", _rate(receiver, WEBHOOKS), "/s"),
            *_night(receiver),
        ]


class _Receiver:
    """Takes POSTs as fast as it can; ``arrivals`` are the times at which each was read."""

    def __init__(self) -> None:
        self.arrivals: list[float] = []
        self.port = 0
        self.loop = asyncio.new_event_loop()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, and the end of its connection."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = head.partition("content-length:")[2].partition("\r\n")[0]
            await reader.readexactly(int(length))
            self.arrivals.append(time.monotonic())
            writer.write(_ANSWER)
            await writer.drain()
        writer.close()


@contextmanager
def _receiver() -> Iterator[_Receiver]:
    receiver = _Receiver()
    loop = receiver.loop
    server = loop.run_until_complete(asyncio.start_server(receiver.take, "127.0.0.1", 0))
    receiver.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield receiver
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.close()


@contextmanager
def _board(receiver: _Receiver, webhooks: int) -> Iterator[kb.BoardConnection]:
    """A board that tells each webhook of every task created; no gateway runs yet."""
    url = f"http://127.0.0.1:{receiver.port}/"
    named = {f"w{number}": {"url": url, "secret": SECRET} for number in range(webhooks)}
    settings = {"notify": {"allow_private": ["127.0.0.1"], "webhooks": named}}
    with fresh_home() as home:
        boards.configure(Path(home), yaml.safe_dump(settings))
        with kb.connect() as conn:
            for name in named:
                subscriptions.subscribe(
                    conn, destination=f"webhook:{name}", filter={"kinds": ["created"]}
                )
            receiver.arrivals.clear()
            yield conn


def _latency(receiver: _Receiver) -> list[Figure]:
    """Milliseconds from the end of the commit to the request that has been read."""
    chance, taken = random.Random(EVENTS), []
    with _board(receiver, 1) as conn, gateway():
        for number in range(EVENTS):
            kb.create_task(conn, title=f"task {number}")
            committed = time.monotonic()
            await_condition(lambda: len(receiver.arrivals) > number, "no message", pause=0.001)  # noqa: B023
            taken.append((receiver.arrivals[number] - committed) * 1_000)
            time.sleep(chance.uniform(*REST_SECONDS))
    return [
        plain("an event, from commit to webhook, p50", percentile(taken, 0.5), "ms"),
        plain("an event, from commit to webhook, p99", percentile(taken, 0.99), "ms"),
    ]


def _rate(receiver: _Receiver, webhooks: int) -> float:
    """Messages a second that a gateway sends of those owed when it starts, marks and all."""
    return _worked_off(receiver, webhooks, OWED)[0]


def _night(receiver: _Receiver) -> list[Figure]:
    """The same for ten times as many, and what more of memory that takes."""
    _, little = _worked_off(receiver, WEBHOOKS, OWED)
    rate, much = _worked_off(receiver, WEBHOOKS, NIGHT)
    return [
        plain(f"deliveries, {NIGHT:,} owed after a night", rate, "/s"),
        plain(f"the gateway's memory at most, {OWED:,} owed", little, "MiB"),
        plain(f"the gateway's memory at most, {NIGHT:,} owed", much, "MiB"),
    ]


def _worked_off(receiver: _Receiver, webhooks: int, owed: int) -> tuple[float, float]:
    """Messages a second when so many are owed at its start, and its most memory in MiB."""
    with _board(receiver, webhooks) as conn:
        with kb.batch(conn):
            for number in range(owed // webhooks):
                kb.create_task(conn, title=f"task {number}")
        with gateway() as pid:
            await_condition(
                lambda: len(receiver.arrivals) == owed,
                "not all has arrived",
                patience=NIGHT_SECONDS,
            )
            most = memory_kib(pid, "status", "VmHWM") / 1024
    return (owed - 1) / (receiver.arrivals[-1] - receiver.arrivals[0]), most
