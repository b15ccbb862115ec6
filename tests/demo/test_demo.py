"""The main job, end to end: real gateway, real workers, one of them killed and retried."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.demo.plan import packages, source_root

DEADLINE_SECONDS = 180


def run_demo(home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hermes_kanban.demo", "--exit-when-idle", "--home", str(home)],
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


def test_the_plan_is_done_although_a_worker_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "board"
    done = run_demo(home)
    assert done.returncode == 0, done.stdout + done.stderr

    report = (home / "report.md").read_text("utf-8")
    missing = [name for name in packages(source_root()) if f"| {name} |" not in report]
    assert not missing

    monkeypatch.setenv("HERMES_KANBAN_HOME", str(home))
    conn = kb.connect()
    killed = re.search(r"The killed task (t_\w+): ", done.stdout)
    assert killed is not None
    outcomes = [run.outcome for run in kb.list_runs(conn, killed[1])]
    assert outcomes == ["crashed", "completed"]
    assert {task.status for task in kb.list_tasks(conn)} == {"done"}
    assert kb.check(conn, deep=True) == []
    for run_id in range(1, len(packages(source_root())) + 4):
        pid = kb.get_run(conn, run_id).worker_pid
        assert pid is not None
        assert not Path(f"/proc/{pid}/cmdline").exists() or str(home) not in _words_of(pid)
    conn.close()

    again = run_demo(home)
    assert again.returncode == 0, again.stderr
    assert "none are filed" in again.stdout


def _words_of(pid: int) -> str:
    with open(f"/proc/{pid}/cmdline", "rb") as stream:
        return os.fsdecode(stream.read())
