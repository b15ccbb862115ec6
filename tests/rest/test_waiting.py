"""Nobody waits at the door, or for a quick look, behind what takes long."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from hermes_kanban.surfaces.rest.desk import READERS
from tests.rest.client import Answer, Served
from tests.support.waiting import wait_until


def test_slow_looks_hold_up_no_quick_ones(home: Path, tmp_path: Path) -> None:
    """A git that does not come back stands for a repository that is too large for it."""
    programs, begun, gate = tmp_path / "programs", tmp_path / "begun", tmp_path / "gate"
    programs.mkdir()
    os.mkfifo(gate)
    git = programs / "git"
    git.write_text(f'#!/bin/sh\necho x >> "{begun}"\nexec cat "{gate}"\n')
    git.chmod(0o755)
    served = Served(home, PATH=f"{programs}:{os.environ['PATH']}")
    try:
        task = served.task(workspace=f"dir:{tmp_path}")
        answers: list[Answer] = []
        asking = [
            threading.Thread(target=lambda: answers.append(served.get(f"/tasks/{task}/workspace")))
            for _ in range(2 * READERS)
        ]
        for one in asking:
            one.start()
        wait_until(begun.exists)
        for _ in range(3):
            assert served.get("/counts").status == 200
            assert served.get(f"/tasks/{task}").status == 200
        assert not answers
        # Whoever opens it next meets its end.
        while any(one.is_alive() for one in asking):
            os.close(os.open(gate, os.O_RDWR | os.O_NONBLOCK))
            for one in asking:
                one.join(0.05)
        assert [answer.status for answer in answers] == [200] * len(asking)
    finally:
        served.close()
