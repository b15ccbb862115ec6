"""What each verb asks of SQLite and of the disk, counted; tests hold the verbs to it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench.measure import Section, Table
from tests.support.costs import VERBS, cost_of
from tests.support.counting import calls_by_strace, calls_of, has_strace


def measure() -> Section:
    counter = calls_by_strace if has_strace() else calls_of
    rows = []
    with tempfile.TemporaryDirectory(prefix="hk-bench-") as folder:
        for number, verb in enumerate(VERBS):
            cost = cost_of(verb, Path(folder, str(number)), counter)
            rows.append(
                (
                    verb,
                    f"{cost.statements:g}",
                    f"{cost.syncs:g}",
                    f"{cost.writes:.1f}",
                    f"{cost.bytes_written / 1024:.1f}",
                )
            )
    return Section(tables=[Table(("verb", "statements", "syncs", "write calls", "KiB"), rows)])
