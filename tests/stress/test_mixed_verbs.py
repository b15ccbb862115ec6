"""Many processes of mixed verbs on one board, killed, stopped and started again at random.

Whatever a process saw return is on the board; nothing is there in part; the board is sound; nobody
heard of a locked database; and who tails the events by a cursor has seen every one, in order.
"""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from hermes_kanban import kernel as kb
from tests.stress.mixed_verbs import BATCH_EVENTS
from tests.stress.power import REPOSITORY, environment
from tests.support.waiting import wait_until

PATIENCE_SECONDS = 120
EVENTS_A_DEATH = 120


class Crowd:
    """Workers and readers on one board, and the hand that kills them."""

    def __init__(self, folder: Path, workers: int, readers: int, seed: int) -> None:
        self.home = folder / "home"
        self.stop, self.stop_readers = folder / "stop", folder / "stop-readers"
        self.told, self.seen, self.errors = folder / "told", folder / "seen", folder / "errors"
        for place in (self.told, self.seen, self.errors):
            place.mkdir()
        self.chance = random.Random(seed)
        self.figures: Counter[str] = Counter()
        self.readers = [
            self.start("reader", str(self.seen / str(number)), str(self.stop_readers))
            for number in range(readers)
        ]
        self.workers = [self.start_worker() for _ in range(workers)]

    def start_worker(self) -> subprocess.Popen[bytes]:
        number = self.figures["started"]
        return self.start("worker", f"s{number}", str(self.told / str(number)), str(self.stop))

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        number = self.figures["started"] = self.figures["started"] + 1
        with (self.errors / f"{number}-{arguments[0]}").open("wb") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.stress.mixed_verbs", *arguments],
                cwd=REPOSITORY,
                env=environment(self.home),
                stdin=subprocess.DEVNULL,
                stderr=errors,
            )

    def disturb(self, conn: kb.BoardConnection, seconds: float, events: int) -> None:
        """Kill and stop workers at random, for so long and until so much has happened."""
        until = time.monotonic() + seconds
        while time.monotonic() < until or kb.newest_event_id(conn) < events:
            # However slow the machine is, some work is done between two deaths.
            aim = kb.newest_event_id(conn) + self.chance.randrange(EVENTS_A_DEATH)
            wait_until(
                lambda: kb.newest_event_id(conn) >= aim,  # noqa: B023
                timeout=PATIENCE_SECONDS,
                message="the board does not move: " + self.complaints(),
            )
            number = self.chance.randrange(len(self.workers))
            victim = self.workers[number]
            assert victim.poll() is None, self.complaints()
            if self.chance.random() < 0.3:
                victim.send_signal(signal.SIGSTOP)
                time.sleep(self.chance.uniform(0, 0.2))
                victim.send_signal(signal.SIGCONT)
                self.figures["stopped"] += 1
                continue
            victim.kill()
            victim.wait()
            self.figures["killed"] += 1
            self.workers[number] = self.start_worker()

    def end(self) -> None:
        """Let all end by themselves, the readers when they have read all."""
        for group, stop in ((self.workers, self.stop), (self.readers, self.stop_readers)):
            stop.touch()
            for process in group:
                assert process.wait(PATIENCE_SECONDS) == 0, self.complaints()
        assert self.complaints() == ""

    def complaints(self) -> str:
        return "\n".join(
            f"{file.name}: {text[-3000:]}"
            for file in sorted(self.errors.iterdir())
            if (text := file.read_text())
        )

    def close(self) -> None:
        for process in (*self.workers, *self.readers):
            if process.poll() is None:
                process.kill()
                process.wait()


def acknowledged(told: Path) -> Iterator[dict[str, Any]]:
    """Every line that a worker got out whole."""
    for file in told.iterdir():
        for line in file.read_text().split("\n")[:-1]:
            yield json.loads(line)


def judge(crowd: Crowd, conn: kb.BoardConnection) -> None:
    """Every acknowledged verb is on the board, and the board is sound."""
    board = Board(conn)
    for told in acknowledged(crowd.told):
        assert board.lacks(told) == [], f"{told} was acknowledged and is not on the board"
        crowd.figures[told["verb"]] += 1
    batches = {count for actor, count in board.actors.items() if "batch-" in actor}
    assert batches == {BATCH_EVENTS}, "a batch is there in part"
    assert [actor for actor in board.actors if "broken-" in actor] == []
    for seen in crowd.seen.iterdir():
        assert json.loads(seen.read_text()) == board.event_ids, "a reader missed an event"
    assert kb.check(conn, deep=True) == []
    crowd.figures["events"] = len(board.event_ids)


class Board:
    """What is on the board, for what an acknowledgement claims."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self.event_ids = [row[0] for row in conn.execute("SELECT id FROM task_events ORDER BY id")]
        self.actors = Counter(row[0] for row in conn.execute("SELECT actor FROM task_events"))
        self.tasks = {row[0] for row in conn.execute("SELECT id FROM tasks")}
        self.runs = {row["id"]: row for row in conn.execute("SELECT * FROM task_runs")}
        self.subs = {row["id"]: row for row in conn.execute("SELECT * FROM kanban_notify_subs")}
        self.comments = dict(conn.execute("SELECT id, body FROM task_comments"))  # type: ignore[arg-type]

    def lacks(self, told: dict[str, Any]) -> list[str]:
        """What the acknowledgement claims and the board does not show."""
        return [name for name in told if name in self.ASKS and not self.ASKS[name](self, told)]

    def run_is_so(self, told: dict[str, Any]) -> bool:
        run = self.runs.get(told["run"])
        asked = ("claimer", "outcome", "summary")
        return run is not None and all(run[name] == told[name] for name in asked if name in told)

    ASKS: ClassVar[dict[str, Callable[[Board, dict[str, Any]], bool]]] = {
        "actor": lambda self, told: told["actor"] in self.actors,
        "task": lambda self, told: told["task"] in self.tasks,
        "run": lambda self, told: self.run_is_so(told),
        "beat": lambda self, told: self.runs[told["beat"]]["last_heartbeat_at"] is not None,
        "fenced": lambda self, told: self.runs[told["fenced"]]["fenced_count"] > 0,
        "comment": lambda self, told: self.comments.get(told["comment"]) == told["body"],
        "sub": lambda self, told: told["sub"] in self.subs,
        "ended": lambda self, told: self.subs[told["sub"]]["ended_at"] is not None,
    }


def torture(
    folder: Path,
    patch: pytest.MonkeyPatch,
    *,
    workers: int,
    readers: int,
    seconds: float,
    events: int,
    seed: int,
) -> Counter[str]:
    patch.setenv("HERMES_KANBAN_HOME", str(folder / "home"))
    conn = kb.connect()
    crowd = Crowd(folder, workers, readers, seed)
    try:
        crowd.disturb(conn, seconds, events)
        crowd.end()
    finally:
        crowd.close()
    judge(crowd, conn)
    conn.close()
    return crowd.figures


def test_what_was_acknowledged_survives_kills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = torture(tmp_path, monkeypatch, workers=6, readers=1, seconds=2, events=1_200, seed=1)
    print(f"\n{dict(figures)}")
    assert figures["killed"] > 3
    for verb in ("claim", "complete", "block", "link", "unlink", "comment", "edit", "batch"):
        assert figures[verb] > 0, f"no {verb} was acknowledged"


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(2))
def test_sixteen_processes_for_minutes(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = torture(
        tmp_path, monkeypatch, workers=16, readers=2, seconds=150, events=10_000, seed=seed
    )
    print(f"\n{dict(figures)}")
