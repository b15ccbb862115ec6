"""The mishap: one measuring process is killed in the middle of its work, by its pid."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from hermes_kanban import kernel as kb


class Mishap:
    """Kills the first of ``candidates`` that is caught at work; its worker knows nothing of it."""

    def __init__(self, conn: kb.BoardConnection, candidates: list[str]) -> None:
        self._conn = conn
        self._candidates = candidates
        self.killed: kb.Run | None = None

    def strike(self) -> bool:
        """Kill once a run is registered and its log has a line; True when it just happened."""
        if self.killed is not None:
            return False
        for task_id in self._candidates:
            run = kb.latest_run(self._conn, task_id)
            if run is not None and run.ended_at is None and run.worker_pid and _has_line(run):
                os.kill(run.worker_pid, signal.SIGKILL)
                self.killed = run
                return True
        return False


def _has_line(run: kb.Run) -> bool:
    try:
        return b"\n" in Path(run.log_path or "").read_bytes()
    except OSError:
        return False
