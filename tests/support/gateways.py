"""Real gateways over a home of the test's own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from gateway.health import HealthRecord, read_health
from hermes_kanban import kernel as kb
from tests.support.waiting import wait_until


class Gateways:
    """Starts gateways over one home and ends them; ``conn`` is the default board."""

    def __init__(self, home: Path, program: Sequence[str] = ("-m", "gateway")) -> None:
        self.home = home
        self.program = program
        self.processes: list[subprocess.Popen[bytes]] = []
        self.conn: kb.BoardConnection

    def configure(
        self,
        profiles: Mapping[str, Any],
        *,
        web: Mapping[str, Any] | None = None,
        notify: Mapping[str, Any] | None = None,
        **kanban: Any,
    ) -> None:
        """Write config.yaml; short back-off unless told otherwise."""
        settings = {"backoff_base_seconds": 1, "stop_grace_seconds": 1} | kanban
        sections = {"kanban": settings, "profiles": dict(profiles)}
        if web is not None:
            sections["web"] = dict(web)
        if notify is not None:
            sections["notify"] = dict(notify)
        text = yaml.safe_dump(sections)
        draft = self.home / "config.yaml.new"
        draft.write_text(text, "utf-8")
        draft.replace(self.home / "config.yaml")

    def open(self) -> kb.BoardConnection:
        """The default board, opened with the configuration as it is now."""
        self.conn = kb.connect()
        return self.conn

    def start(self, *, wait: bool = True, **variables: str) -> subprocess.Popen[bytes]:
        """Start a gateway; wait until it dispatches."""
        log = (self.home / "gateway.err").open("ab")
        process = subprocess.Popen(
            [sys.executable, *self.program],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | variables,
        )
        log.close()
        self.processes.append(process)
        if wait:
            wait_until(
                lambda: (found := self.health()) is not None and found.pid == process.pid,
                message="the gateway does not dispatch: " + self.errors()[-2000:],
            )
        return process

    def health(self) -> HealthRecord | None:
        """What the gateway says of the default board."""
        return read_health(self.home / "boards" / "default" / "health.json")

    def errors(self) -> str:
        """Everything that gateways wrote to standard error."""
        file = self.home / "gateway.err"
        return file.read_text("utf-8") if file.exists() else ""

    def log_lines(self) -> list[str]:
        """The kept log, one JSON object a line."""
        file = self.home / "gateway.log"
        return file.read_text("utf-8").splitlines() if file.exists() else []

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """kill -9, and wait for it to be gone."""
        process.send_signal(signal.SIGKILL)
        process.wait(20)

    def wait_for(self, task_id: str, *statuses: str, timeout: float = 30.0) -> kb.Task:
        """Wait until the task has one of these statuses."""
        wait_until(
            lambda: kb.get_task(self.conn, task_id).status in statuses,
            timeout=timeout,
            message=f"{task_id} is not {statuses}: {self.story(task_id)}",
        )
        return kb.get_task(self.conn, task_id)

    def wait_for_exit(self, task_id: str, timeout: float = 30.0) -> kb.Run:
        """Wait until the process of the newest run has exited."""
        wait_until(
            lambda: (
                (run := kb.latest_run(self.conn, task_id)) is not None and run.exited_at is not None
            ),
            timeout=timeout,
            message=f"{task_id} has a live process: {self.story(task_id)}",
        )
        run = kb.latest_run(self.conn, task_id)
        assert run is not None
        return run

    def story(self, task_id: str) -> list[str]:
        """The kinds of the task's events, in order."""
        return [event.kind for event in kb.list_events(self.conn, task_id)]

    def close(self) -> None:
        """End every gateway, stop what workers are left, close the board; see what was logged."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait(20)
        if hasattr(self, "conn"):
            for row in self.conn.execute(
                "SELECT worker_pid FROM task_runs WHERE worker_pid IS NOT NULL"
                " AND exited_at IS NULL"
            ):
                _end(row[0])
            self.conn.close()
        undeclared = [line for line in self.log_lines() if '"undeclared":' in line]
        assert undeclared == [], "LOG_EVENTS does not declare these lines"


def _end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGUSR1)
    except ProcessLookupError:
        return


def shell(script: str, **settings: Any) -> dict[str, Any]:
    """A profile that runs a shell script."""
    return {"argv": ["/bin/sh", "-c", script]} | settings
