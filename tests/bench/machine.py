"""Where a run took place: what the machine is, and what one sync costs on it."""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import time
from typing import Final

SYNCS: Final = 200
PAGE: Final = b"p" * 4096


def describe(ground: str) -> str:
    """In one sentence; ``ground`` names the database."""
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {ground}; "
        f"appending a page and syncing it takes {sync_seconds() * 1e3:.2f} ms"
    )


def load() -> str:
    """How many processes ran or waited to run, over the last minute and five."""
    one, five, _ = os.getloadavg()
    return f"{one:.1f} over a minute, {five:.1f} over five"


def sync_seconds() -> float:
    """The median of a 4 KiB append with fdatasync, on the disk that TMPDIR names."""
    taken = []
    with tempfile.TemporaryFile(prefix="hk-bench-", buffering=0) as file:
        for _ in range(SYNCS):
            started = time.perf_counter()
            file.write(PAGE)
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - started)
    return statistics.median(taken)
