"""A home with real gateway processes and real workers, seen through its board, logs and traces."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.health import HealthRecord, read_health
from hermes_kanban import kernel as kb
from hermes_kanban.kernel.live import live_runs
from hermes_kanban.workers.process import SystemProcesses, identity_of
from tests.support.boards import isolate
from tests.support.waiting import wait_until

# What a test changes it says; the rest keeps tests short on two cores.
QUICK: dict[str, Any] = {
    "max_in_progress": 4,
    "backoff_base_seconds": 1,
    "stop_grace_seconds": 0.3,
    "min_free_mb": 0,
}
STARTED_SECONDS = 20.0


class Gateway:
    """One ``python -m gateway`` process and its log."""

    def __init__(self, log: Path, arguments: tuple[str, ...], extra: dict[str, str]) -> None:
        self._log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=os.environ | {"HERMES_KANBAN_LOGGING_FORMAT": "json"} | extra,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def text(self) -> str:
        """Everything it has written so far."""
        return self._log.read_text(errors="replace")

    def lines(self, event: str, **keys: Any) -> list[dict[str, Any]]:
        """The log lines of that event that carry these keys."""
        # The last line may still be in the writing.
        whole = self.text.rpartition("\n")[0].splitlines()
        told = [json.loads(line) for line in whole if line.startswith("{")]
        return [one for one in told if one.get("event") == event and keys.items() <= one.items()]

    def said(self, event: str, *, timeout: float = STARTED_SECONDS, **keys: Any) -> dict[str, Any]:
        """The first line of that event, once it is there."""
        found = wait_until(
            lambda: self.lines(event, **keys) or self._over(),
            timeout=timeout,
            message=f"the gateway never said {event} {keys}",
        )
        return found[0]

    def _over(self) -> None:
        assert self.process.poll() is None, f"the gateway has ended:\n{self.text}"

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def ended(self, *, timeout: float = STARTED_SECONDS) -> int:
        """Its exit code, once it is gone."""
        return self.process.wait(timeout)

    def kill(self) -> None:
        """As the OOM killer would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """In good order; whatever went wrong in it fails the test."""
        self.signal(signal.SIGTERM)
        assert self.ended() == 0, self.text
        assert "Traceback" not in self.text, self.text


class LiveHome:
    """A home whose clock is the machine's; ``conn`` is the test's own connection."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = root / "home"
        isolate(self.home, monkeypatch)
        self.root = root
        self.gateways: list[Gateway] = []
        self._profiles: dict[str, Any] = {}
        self._kanban = dict(QUICK)
        self.conn = kb.connect()

    def configure(self, **settings: Any) -> None:
        """Settings of ``kanban:``, taken up by a running gateway too."""
        self._kanban |= settings
        self._write()

    def profile(self, name: str, *argv: str, **keys: Any) -> str:
        """A profile of the ``command`` runtime."""
        self._profiles[name] = {"argv": argv, **keys}
        self._write()
        return name

    def shell(self, name: str, script: str, **keys: Any) -> str:
        """A profile whose agent is that shell script."""
        return self.profile(name, "/bin/sh", "-c", script, **keys)

    def python(self, name: str, code: str, **keys: Any) -> str:
        """A profile whose agent is that Python code."""
        return self.profile(name, sys.executable, "-I", "-S", "-c", code, **keys)

    def _write(self) -> None:
        # JSON is YAML; replaced whole, so that no gateway reads half of it.
        draft = self.home / "config.draft"
        draft.write_text(json.dumps({"kanban": self._kanban, "profiles": self._profiles}))
        draft.replace(self.home / "config.yaml")

    def gateway(self, *arguments: str, **environment: str) -> Gateway:
        """Start one; it is killed at the end of the test."""
        log = self.root / f"gateway-{len(self.gateways)}.log"
        self.gateways.append(Gateway(log, arguments, environment))
        return self.gateways[-1]

    def dispatching(self, *arguments: str, **environment: str) -> Gateway:
        """Start one and wait until it dispatches the default board."""
        started = self.gateway(*arguments, **environment)
        wait_until(
            lambda: (self.health is not None and self.health.pid == started.pid) or started._over(),
            timeout=STARTED_SECONDS,
            message="the gateway does not dispatch",
        )
        return started

    @property
    def health(self) -> HealthRecord | None:
        return read_health(self.conn.paths.health)

    def create(self, assignee: str, title: str = "work", **keys: Any) -> str:
        return kb.create_task(self.conn, title=title, assignee=assignee, **keys)

    def task(self, task_id: str) -> kb.Task:
        return kb.get_task(self.conn, task_id)

    def runs(self, task_id: str) -> list[kb.Run]:
        return list(kb.list_runs(self.conn, task_id))

    def run(self, task_id: str) -> kb.Run:
        """The newest run."""
        run = kb.latest_run(self.conn, task_id)
        assert run is not None
        return run

    def events(self, task_id: str) -> list[kb.Event]:
        return list(kb.list_events(self.conn, task_id, limit=1_000))

    def kinds(self, task_id: str) -> list[str]:
        return [event.kind for event in self.events(task_id)]

    def event(self, task_id: str, kind: str) -> kb.Event:
        """The newest event of that kind."""
        return [event for event in self.events(task_id) if event.kind == kind][-1]

    def reaches(self, task_id: str, *statuses: str, timeout: float = STARTED_SECONDS) -> kb.Task:
        """The task, once it has one of these statuses."""
        wait_until(
            lambda: self.task(task_id).status in statuses,
            timeout=timeout,
            message=f"{task_id} is never {statuses}",
        )
        return self.task(task_id)

    def started(self, task_id: str) -> kb.Run:
        """The open run of the task, once its process is registered."""
        wait_until(
            lambda: self.task(task_id).worker_pid is not None,
            message=f"no process of {task_id} starts",
        )
        return self.run(task_id)

    def exited(self, task_id: str, *, timeout: float = STARTED_SECONDS) -> kb.Run:
        """The newest run of the task, once nothing of its process lives."""

        def has_exited() -> bool:
            run = kb.latest_run(self.conn, task_id)
            return run is not None and run.exited_at is not None

        wait_until(has_exited, timeout=timeout, message=f"the process of {task_id} never exits")
        return self.run(task_id)

    def log_of(self, run: kb.Run) -> str:
        log = self.conn.paths.run_dir(run.id) / "log"
        return log.read_text(errors="replace") if log.exists() else ""

    def pid_said(self, task_id: str, word: str) -> int:
        """The number that the newest run's agent printed as ``word=<number>;``."""
        run = self.started(task_id)
        wait_until(
            lambda: f"{word}=" in (log := self.log_of(run)) and ";" in log.split(f"{word}=")[1],
            message=f"no {word}= in the log",
        )
        return int(self.log_of(run).split(f"{word}=")[1].split(";")[0])

    def sound(self) -> None:
        """No invariant of the board is broken."""
        assert kb.check(self.conn, deep=True) == []

    def close(self) -> None:
        """End the gateways, then whatever of the workers is left."""
        for one in self.gateways:
            one.kill()
        processes = SystemProcesses()
        for run in live_runs(self.conn):
            if run.registered:
                worker = run.worker(self.conn)
                wait_until(lambda worker=worker: processes.stop(worker, 0))  # type: ignore[misc]
        self.conn.close()


def gone(pid: int) -> bool:
    """Whether no process has that pid, or only a zombie."""
    return identity_of(pid) is None


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveHome]:
    """A home for real gateways."""
    home = LiveHome(tmp_path, monkeypatch)
    with contextlib.closing(home):
        yield home
