"""How many workers a machine is trusted with."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermes_kanban.config.capacity import cores, default_max_in_progress, memory_bytes, workers_for

GIB = 1024**3


@pytest.mark.parametrize(
    ("gib", "core_count", "workers"),
    [(0.25, 1, 1), (2, 8, 3), (4, 2, 6), (24, 2, 8), (16, 0.5, 2), (512, 128, 32)],
)
def test_the_scarcer_of_memory_and_cores_decides(gib, core_count, workers):
    assert workers_for(int(gib * GIB), core_count) == workers


def test_the_default_is_at_least_one():
    assert 1 <= default_max_in_progress() <= 32


def machine(root: Path, files: dict[str, str]) -> Path:
    """A tree with these files in place of /proc and /sys."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_cgroup_v2_limit_anywhere_above_counts(tmp_path):
    root = machine(
        tmp_path,
        {
            "proc/self/cgroup": "0::/outer/inner\n",
            "sys/fs/cgroup/outer/inner/memory.max": "max\n",
            "sys/fs/cgroup/outer/memory.max": f"{GIB // 8}\n",
            "sys/fs/cgroup/outer/inner/cpu.max": "max 100000\n",
            "sys/fs/cgroup/outer/cpu.max": "50000 100000\n",
        },
    )
    assert memory_bytes(root) == GIB // 8
    assert cores(root) == 0.5


def test_a_cgroup_v1_limit_counts_though_its_path_is_the_hosts(tmp_path):
    root = machine(
        tmp_path,
        {
            "proc/self/cgroup": "9:memory:/docker/abc\n2:cpuacct,cpu:/docker/abc\n0::/\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{GIB // 8}\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "25000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
    )
    assert memory_bytes(root) == GIB // 8
    assert cores(root) == 0.25


def test_no_limit_is_no_limit(tmp_path):
    limited = machine(
        tmp_path / "limited",
        {
            "proc/self/cgroup": "9:memory:/\n2:cpu:/\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
    )
    bare = tmp_path / "bare"
    assert memory_bytes(limited) == memory_bytes(bare)
    assert cores(limited) == cores(bare)
