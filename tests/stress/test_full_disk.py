"""A disk that is really full: a small file system of the test's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
IN_A_MOUNT_NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]


@pytest.mark.torture
@pytest.mark.parametrize("program", ["verbs", "worker"])
def test_a_full_disk_loses_nothing_and_work_goes_on_when_there_is_room(
    program: str, tmp_path: Path
) -> None:
    disk, gate = tmp_path / "disk", tmp_path / "gate"
    disk.mkdir()
    module = [sys.executable, "-m", "tests.stress.small_disk"]
    done = subprocess.run(
        [*IN_A_MOUNT_NAMESPACE, *module, program, str(disk), str(gate)],
        cwd=REPOSITORY,
        env={name: value for name, value in os.environ.items() if "HERMES" not in name},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
