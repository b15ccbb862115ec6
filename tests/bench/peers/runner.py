"""One process of one side, in the interpreter of that side's own environment.

``python -m tests.bench.peers.runner SIDE FOLDER WORK [N]`` with WORK one of

- fill: put N tasks; drain: do all there are; both print how many a second
- count-fill, count-drain: the same inside the window that a counter of system calls looks at
- race: say "ready", wait for a line, then drain and print who did what and when
- hold: claim, say which, wait for a line before the work of the first is done
- again: drain, as a process does that is started anew
- recover: the same after the call that hands out again what is held
- kept: put one, do it, print what can still be read of it
- wait: say "ready" and do what comes, each with the moment at which its body was called
- ping: put one for each line that is heard, and say when it was there

What is printed is one line of JSON each.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from tests.bench.peers.side import Side, a_task, open_side
from tests.support.counting import the_window

REHEARSALS = 3  # what only the first calls of a process cost
AT_ONCE = {"race": 4, "hold": 1, "again": 1, "recover": 1}
IDLE_SECONDS = 3.0


def main(name: str, folder: str, work: str, count: str = "0") -> None:
    """Open the side, do the work, close."""
    side = open_side(name, Path(folder), at_once=AT_ONCE.get(work))
    WORKS[work](side, int(count))
    side.close()


def _say(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


def _fill(side: Side, count: int) -> None:
    for number in range(REHEARSALS):
        side.put(a_task(number))
    started = time.perf_counter()
    for number in range(REHEARSALS, count):
        side.put(a_task(number))
    _say(per_second=(count - REHEARSALS) / (time.perf_counter() - started))


class _Log:
    """When the first body started, when the last completion was accepted, and which were."""

    def __init__(self) -> None:
        self.first: float | None = None
        self.last = 0.0
        self.done: list[int] = []
        self.refused: list[int] = []

    def body(self, number: int) -> None:
        del number
        if self.first is None:
            self.first = time.monotonic()

    def heard(self, number: int, accepted: bool) -> None:
        self.last = time.monotonic()
        (self.done if accepted else self.refused).append(number)


def _drain(side: Side, count: int) -> None:
    del count
    log = _Log()
    side.drain(log.body, log.heard, 0)
    assert log.first is not None
    _say(per_second=len(log.done) / (log.last - log.first), done=len(log.done))


def _count_fill(side: Side, count: int) -> None:
    with the_window():
        for number in range(count):
            side.put(a_task(number))


def _count_drain(side: Side, count: int) -> None:
    log = _Log()
    with the_window():
        side.drain(log.body, log.heard, 0)
    assert len(log.done) == count


def _race(side: Side, count: int) -> None:
    del count
    log = _Log()
    _say(ready=True)
    sys.stdin.readline()
    try:
        side.drain(log.body, log.heard, 0)
    except Exception as error:
        _say(first=log.first, last=log.last, done=log.done, error=type(error).__name__)
        os._exit(0)
    _say(first=log.first, last=log.last, done=log.done, error=None)


def _hold(side: Side, count: int) -> None:
    del count
    held: list[int] = []

    def body(number: int) -> None:
        if not held:
            held.append(number)
            _say(held=number)
            sys.stdin.readline()

    def heard(number: int, accepted: bool) -> None:
        if number in held:
            _say(finished=number, accepted=accepted)

    side.drain(body, heard, IDLE_SECONDS)


def _again(side: Side, count: int) -> None:
    del count
    log = _Log()
    side.drain(log.body, log.heard, IDLE_SECONDS)
    _say(done=log.done)


def _recover(side: Side, count: int) -> None:
    if side.recover():
        _again(side, count)
    else:
        _say(done=[])


def _kept(side: Side, count: int) -> None:
    del count
    side.put(a_task(0))
    log = _Log()
    side.drain(log.body, log.heard, 0)
    _say(kept=side.kept())


def _wait(side: Side, count: int) -> None:
    del count
    _say(ready=True)
    side.wait(lambda number: _say(number=number, at=time.monotonic()))


def _ping(side: Side, count: int) -> None:
    del count
    _say(ready=True)
    for number, _ in enumerate(sys.stdin):
        side.put(a_task(number))
        _say(number=number, at=time.monotonic())


WORKS = {
    "fill": _fill,
    "drain": _drain,
    "count-fill": _count_fill,
    "count-drain": _count_drain,
    "race": _race,
    "hold": _hold,
    "again": _again,
    "recover": _recover,
    "kept": _kept,
    "wait": _wait,
    "ping": _ping,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
