"""How many workers this machine can carry: from its memory, its cores and the cgroup's limits."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from pathlib import Path

# An agent mostly waits for its model, so a core carries several; what it holds is memory.
WORKERS_PER_CORE = 4
WORKER_BYTES = 512 * 1024 * 1024
MEMORY_SHARE = 0.75
MOST_WORKERS = 32


@functools.cache
def default_max_in_progress() -> int:
    """The default of ``kanban.max_in_progress``; constant for the life of the process."""
    return workers_for(memory_bytes(), cores())


def workers_for(memory: int, core_count: float) -> int:
    """How many workers ``memory`` bytes and ``core_count`` cores carry; at least one."""
    by_memory = int(memory * MEMORY_SHARE) // WORKER_BYTES
    by_cores = int(core_count * WORKERS_PER_CORE)
    return max(1, min(by_memory, by_cores, MOST_WORKERS))


def memory_bytes(root: Path = Path("/")) -> int:
    """The machine's memory, or the tightest limit of this process's cgroups if that is less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [machine]
    for folder in _cgroup_folders(root, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            words = _words(folder / name)
            if words and words[0].isdigit():
                limits.append(int(words[0]))
    return min(limits)


def cores(root: Path = Path("/")) -> float:
    """The cores this process may use: its affinity, or the tightest cgroup quota if less."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    limits = [float(len(affinity(0)) if affinity else os.cpu_count() or 1)]
    for folder in _cgroup_folders(root, "cpu"):
        quota, period = _quota(folder)
        if quota > 0 and period > 0:
            limits.append(quota / period)
    return min(limits)


def _quota(folder: Path) -> tuple[int, int]:
    """(quota, period) in microseconds of one cgroup; a quota of 0 or less means none."""
    words = _words(folder / "cpu.max")
    if not words:
        words = _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
    try:
        quota, period = (int(word) for word in words)
    except ValueError:  # "max 100000", or no such files
        return 0, 0
    return quota, period


def _cgroup_folders(root: Path, controller: str) -> Iterator[Path]:
    """The folders of this process's cgroup and of all above it, for v2 and for v1.

    A container without a cgroup namespace is told the host's path, which it cannot see: what
    does not exist reads as empty, and the walk ends at its own mount.
    """
    mount = root / "sys/fs/cgroup"
    for line in _lines(root / "proc/self/cgroup"):
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            base = mount
        elif controller in controllers.split(","):
            base = mount / controller
        else:
            continue
        inside = Path(path.strip("/"))
        yield from (base / level for level in (inside, *inside.parents))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _words(path: Path) -> list[str]:
    return " ".join(_lines(path)).split()
