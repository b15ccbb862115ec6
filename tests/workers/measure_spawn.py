"""Prints what a worker's start costs: ``python -m tests.workers.measure_spawn [count]``."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from hermes_kanban.config import Profile
from tests.workers.conftest import Rig, a_run, a_task


def main(count: int = 60) -> None:
    """Time each step of ``count`` starts, one after the other."""
    steps: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder))
        bell = Path(folder) / "bell"
        os.mkfifo(bell)
        with bell.open("r+b", buffering=0) as heard:
            spawner = rig.spawner(Profile(argv=("/bin/sh", "-c", f"echo > {bell}")))
            for number in range(1, count + 1):
                marks = [time.perf_counter()]
                spawned = spawner(a_task(), a_run(number))
                marks.append(time.perf_counter())
                spawned.go()
                heard.read(1)
                marks.append(time.perf_counter())
                os.waitpid(spawned.pid, 0)
                marks.append(time.perf_counter())
                keep(steps, "spawn call", marks[1] - marks[0])
                keep(steps, "spawn to the agent's first instruction", marks[2] - marks[0])
                keep(
                    steps,
                    "from there to the supervisor's exit, record written",
                    marks[3] - marks[2],
                )
    for name, seconds in steps.items():
        middle, high = statistics.median(seconds), sorted(seconds)[int(len(seconds) * 0.95)]
        print(f"{name}: p50 {middle * 1e3:.1f} ms, p95 {high * 1e3:.1f} ms")


def keep(steps: dict[str, list[float]], name: str, seconds: float) -> None:
    steps.setdefault(name, []).append(seconds)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]))
