"""huey with its SQLite storage, as its consumer uses it: dequeue, then execute."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from huey import SqliteHuey

from tests.bench.peers.side import RESULT, Body, Task


def open_side(folder: Path, *, at_once: int | None) -> Huey:
    del at_once
    return Huey(folder)


class Huey:
    def __init__(self, folder: Path) -> None:
        self.huey = SqliteHuey(filename=str(folder / "huey.db"))
        self.body: Body = lambda number: None
        self.last = ""

        @self.huey.task()
        def work(task: Task) -> str:
            self.body(task["number"])
            return RESULT

        self.work = work

    def put(self, task: Task) -> None:
        self.last = self.work(task).id

    def drain(self, body: Body, done: Callable[[int, bool], None], idle_seconds: float) -> None:
        del idle_seconds
        self.body = body
        while (task := self.huey.dequeue()) is not None:
            accepted = self.huey.execute(task) == RESULT
            done(task.args[0]["number"], accepted)

    def recover(self) -> bool:
        return False

    def kept(self) -> str:
        found = self.huey.storage.has_data_for_key(self.last)
        return "its result, until it is read" if found else "nothing"

    def close(self) -> None:
        self.huey.storage.close()
