"""What goes wrong in the demonstration: one measuring worker is killed while it works.

Nothing in the worker, its agent or the gateway knows of it. It is found as any crash is.
"""

from __future__ import annotations

import os
import signal

from hermes_kanban import kernel as kb
from hermes_kanban.demo import plan
from hermes_kanban.demo.home import MEASURER
from hermes_kanban.workers.process import SystemProcesses


class Mishap:
    """Kills one measuring worker, once in the life of a board."""

    def __init__(self, conn: kb.BoardConnection) -> None:
        self._conn = conn
        self._processes = SystemProcesses()
        self._struck: int | None = None
        measures = filter(plan.is_measure, plan.tasks(conn))
        self.happened = any(
            run.outcome == "crashed" for task in measures for run in kb.list_runs(conn, task.id)
        )

    def step(self) -> str | None:
        """Kill a worker if one can be caught at work; the line that says so."""
        if self.happened or self._is_pending():
            return None
        for task in kb.list_tasks(self._conn, status="running", assignee=MEASURER):
            if plan.is_measure(task) and (run := self._caught_at_work(task)):
                os.kill(run.worker_pid or 0, signal.SIGKILL)
                self._struck = run.id
                return f"killed pid {run.worker_pid}, run {run.id} of {task.title}, as it worked"
        return None

    def _is_pending(self) -> bool:
        """Whether the last kill is still to be judged; a worker that was done already is none."""
        if self._struck is None:
            return False
        run = kb.get_run(self._conn, self._struck)
        if run.outcome is None:
            return True
        self.happened = run.outcome == "crashed"
        self._struck = None
        return self.happened

    def _caught_at_work(self, task: kb.Task) -> kb.Run | None:
        """The task's run, if its process is registered, lives, and has said something."""
        if task.current_run_id is None:
            return None
        run = kb.get_run(self._conn, task.current_run_id)
        if run.worker_identity is None or run.ended_at is not None:
            return None
        if b"\n" not in _output(self._conn, run.id):
            return None
        alive = self._processes.liveness(run.worker_identity) == "alive"
        return run if alive else None


def _output(conn: kb.BoardConnection, run_id: int) -> bytes:
    try:
        return (conn.paths.run_dir(run_id) / "log").read_bytes()
    except FileNotFoundError:
        return b""
