"""A board's folder with real supervisors and agents in it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban.config import Profile
from hermes_kanban.model import Board, Run, Task
from hermes_kanban.paths import BoardPaths
from hermes_kanban.ports import ExitRecord, WorkerRef
from hermes_kanban.workers import tree
from hermes_kanban.workers.process import SystemProcesses, identity_of, run_processes
from hermes_kanban.workers.spawn import SpawnedSupervisor, Spawner
from tests.support.waiting import wait_until

PROMPT = 'work "kanban" task\n{task_id} stays as it is: ü'
GRACE_SECONDS = 0.2


def a_task(**changes: Any) -> Task:
    values: dict[str, Any] = dict.fromkeys(Task.__struct_fields__)
    values |= {"seq": 1, "id": "t_abc", "title": "x", "status": "running", "assignee": "tester"}
    values |= {"priority": 0, "effective_priority": 0, "skills": [], "created_at": 1}
    values |= {"created_by": "person:me", "consecutive_failures": 0, "workspace_kind": "scratch"}
    return Task(**(values | changes))


def a_claim_lock() -> str:
    """Unlike any other: a search by it must find no process of a test that runs beside this."""
    return f"lock-{os.urandom(16).hex()}"


def a_run(run_id: int = 1, task_id: str = "t_abc") -> Run:
    values: dict[str, Any] = dict.fromkeys(Run.__struct_fields__)
    values |= {"id": run_id, "task_id": task_id, "claimer": "test", "started_at": 1}
    return Run(**(values | {"claim_lock": a_claim_lock(), "fenced_count": 0}))


def gone(pid: int) -> bool:
    """Whether no process has that pid, or only a zombie."""
    return identity_of(pid) is None


class Worker:
    """One supervisor, by what the kernel would know of it."""

    def __init__(self, rig: Rig, spawned: SpawnedSupervisor, ref: WorkerRef) -> None:
        self.rig, self.spawned, self.ref = rig, spawned, ref

    @property
    def log(self) -> str:
        file = self.ref.run_dir / "log"
        return file.read_text(errors="replace") if file.exists() else ""

    def alive(self) -> bool:
        assert self.ref.identity is not None
        return self.rig.processes.liveness(self.ref.identity) == "alive"

    def family(self) -> set[int]:
        """The live processes of the run, the supervisor not counted."""
        return run_processes(self.ref, tree.processes())

    def said(self, text: str) -> Worker:
        wait_until(lambda: text in self.log, message=f"no {text!r} in the log: {self.log!r}")
        return self

    def pid_said(self, word: str) -> int:
        """The number that an agent printed as ``word=<number>;``."""
        self.said(f"{word}=").said(";")
        return int(self.log.split(f"{word}=")[1].split(";")[0])

    def record(self) -> ExitRecord:
        """Its exit record, once the supervisor is gone."""
        wait_until(lambda: not self.alive(), message="the supervisor does not end")
        complaints = (self.ref.run_dir / "supervisor.err").read_text()
        record = self.rig.processes.exit_record(self.ref)
        assert record is not None, complaints
        assert complaints == ""
        return record

    def stop(self, grace: float = GRACE_SECONDS) -> None:
        wait_until(lambda: self.rig.processes.stop(self.ref, grace), message="stop never ends")


class Rig:
    """Starts workers on a board that lies in ``root``."""

    def __init__(self, root: Path) -> None:
        self.paths = BoardPaths("test", root / "board", root / "board" / "board.db")
        self.board = Board("b-1", "test", "Test", None, None, None, None, None, None)
        self.processes = SystemProcesses()
        self.workers: list[Worker] = []

    def spawner(self, profile: Profile, **options: Any) -> Spawner:
        defaults: dict[str, Any] = {"stop_grace_seconds": GRACE_SECONDS}
        defaults["prompt_for"] = lambda task, run: PROMPT
        return Spawner(
            paths=self.paths,
            board=self.board,
            profiles={"tester": profile},
            **(defaults | options),
        )

    def spawn(
        self,
        *argv: str,
        task: Task | None = None,
        options: dict[str, Any] | None = None,
        **keys: Any,
    ) -> Worker:
        """A supervisor that waits for its go."""
        task = task or a_task()
        run = a_run(len(self.workers) + 1, task.id)
        spawned = self.spawner(Profile(argv=argv, **keys), **(options or {}))(task, run)
        worker = Worker(self, spawned, self.reference(spawned, run, self.paths.run_dir(run.id)))
        self.workers.append(worker)
        return worker

    def reference(self, spawned: SpawnedSupervisor, run: Run, run_dir: Path) -> WorkerRef:
        """What the kernel would know of that supervisor."""
        return WorkerRef(
            board_id=self.board.board_id,
            task_id=run.task_id,
            run_id=run.id,
            claim_lock=run.claim_lock or "",
            pid=spawned.pid,
            identity=spawned.identity,
            run_dir=run_dir,
        )

    def start(self, *argv: str, **keys: Any) -> Worker:
        worker = self.spawn(*argv, **keys)
        worker.spawned.go()
        return worker

    def python(self, code: str, **keys: Any) -> Worker:
        """An agent that runs ``code``."""
        return self.start(sys.executable, "-I", "-S", "-c", code, **keys)

    def clean_up(self) -> None:
        for worker in self.workers:
            worker.spawned.abandon()
            with contextlib.suppress(OSError):
                if worker.alive():
                    os.kill(worker.ref.pid, signal.SIGUSR1)
                    os.kill(worker.ref.pid, signal.SIGCONT)
            worker.stop(grace=0)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.clean_up()
