"""What a gateway costs that has nothing to do, on a board of some thousand tasks."""

from __future__ import annotations

import time

from hermes_kanban import kernel as kb
from tests.bench import boards
from tests.bench.measure import Figure, at_most, fresh_home, plain
from tests.bench.service import cpu_seconds, gateway, memory_kib

TASKS = 3_000
SETTLE_SECONDS = 5.0
WATCH_SECONDS = 40.0


def measure() -> list[Figure]:
    with fresh_home() as home:
        boards.configure(home, boards.CONFIG.replace("max_in_progress: 2", "max_in_progress: 0"))
        conn = kb.connect()
        boards.fill(conn, TASKS)
        conn.close()
        with gateway() as pid:
            time.sleep(SETTLE_SECONDS)
            spent, since = cpu_seconds(pid), time.monotonic()
            time.sleep(WATCH_SECONDS)
            share = (cpu_seconds(pid) - spent) / (time.monotonic() - since) * 100
            resident = memory_kib(pid, "status", "VmRSS")
            proportional = memory_kib(pid, "smaps_rollup", "Pss")
    return [
        at_most("idle gateway, processor", share, 0.5, "% of a core"),
        at_most("idle gateway, resident memory", resident / 1024, 45, "MiB"),
        plain("idle gateway, its share of the memory", proportional / 1024, "MiB"),
    ]
