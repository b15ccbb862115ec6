"""persist-queue's SQLiteAckQueue: put, get, ack; opening it takes up what was not acknowledged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from persistqueue import Empty, SQLiteAckQueue

from tests.bench.peers.side import Body, Task


def open_side(folder: Path, *, at_once: int | None) -> Acknowledged:
    del at_once
    return Acknowledged(folder)


class Acknowledged:
    def __init__(self, folder: Path) -> None:
        self.queue = SQLiteAckQueue(str(folder), multithreading=True)

    def put(self, task: Task) -> None:
        self.queue.put(task)

    def drain(self, body: Body, done: Callable[[int, bool], None], idle_seconds: float) -> None:
        del idle_seconds
        while True:
            try:
                item = self.queue.get(block=False, raw=True)
            except Empty:
                return
            number = item["data"]["number"]
            body(number)
            accepted = self.queue.ack(id=item["pqid"]) is not None
            done(number, accepted)

    def recover(self) -> bool:
        return False

    def kept(self) -> str:
        rows = self.queue.queue()
        return "its row, with one time" if rows else "nothing"

    def close(self) -> None:
        self.queue.close()
