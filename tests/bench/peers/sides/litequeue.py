"""litequeue: put, pop, done; a message that is held is found by ``list_locked``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from litequeue import LiteQueue

from tests.bench.peers.side import Body, Task


def open_side(folder: Path, *, at_once: int | None) -> Lite:
    del at_once
    return Lite(folder)


class Lite:
    def __init__(self, folder: Path) -> None:
        self.queue = LiteQueue(folder / "queue.db")
        self.last = ""

    def put(self, task: Task) -> None:
        self.last = self.queue.put(json.dumps(task)).message_id

    def drain(self, body: Body, done: Callable[[int, bool], None], idle_seconds: float) -> None:
        del idle_seconds
        while (message := self.queue.pop()) is not None:
            number = json.loads(message.data)["number"]
            body(number)
            self.queue.done(message.message_id)  # answers the same whoever holds the message now
            done(number, True)

    def recover(self) -> bool:
        held = list(self.queue.list_locked(0))
        for message in held:
            self.queue.retry(message.message_id)
        return bool(held)

    def kept(self) -> str:
        message = self.queue.get(self.last)
        return "its row, with three times" if message and message.done_time else "nothing"

    def close(self) -> None:
        self.queue.close()
