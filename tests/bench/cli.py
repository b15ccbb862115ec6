"""The command line as a person meets it: the whole process of ``hermes-kanban list``."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

from hermes_kanban import kernel as kb
from tests.bench.measure import Figure, alternating, at_most, fresh_home, plain
from tests.bench.verbs import _new

PAIRS = 41
TASKS = 30


def measure() -> list[Figure]:
    command = [str(Path(sys.executable).with_name("hermes-kanban")), "list"]
    bare = [sys.executable, "-I", "-c", "pass"]
    with fresh_home():
        conn = kb.connect()
        with kb.batch(conn):
            for _ in range(TASKS):
                _new(conn)
        conn.close()
        listed, passed = alternating(lambda: _run(command), lambda: _run(bare), blocks=PAIRS)
    ours, floor = statistics.median(listed), statistics.median(passed)
    return [
        at_most("list, whole process, beside python -I -c pass", ours / floor, 6.0),
        plain("list, whole process", ours * 1e3, "ms"),
        plain("python -I -c pass", floor * 1e3, "ms"),
    ]


def _run(command: list[str]) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
