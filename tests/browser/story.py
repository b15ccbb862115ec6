"""A board with a past: what happened is told with the minutes since, and played in order.

Everything goes through the kernel, as a dispatcher, agents and people would have done it, with a
clock that is turned from one moment to the next. What still runs at the end has real processes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hermes_kanban import kernel as kb
from hermes_kanban.model import Run, Usage
from hermes_kanban.ports import Conclusion, WorkerRef
from hermes_kanban.workers.process import identity_of
from tests.support.boards import ManualClock, MemoryProcesses, SeededRandomness

Act = Callable[[], object]
# Reads until whoever started it is gone: no worker outlives its test.
_STANDS_STILL = "import sys; sys.stdin.read()"


@dataclass
class Job:
    """How an attempt went. ``usage`` is input and output tokens in thousands, and dollars.

    ``ending`` is a verb of the run, with its arguments, or None for an exit with ``code``.
    """

    profile: str
    log: str = ""
    ending: tuple[str, dict[str, Any]] | None = None
    code: int = 0
    usage: tuple[int, int, float] | None = None


@dataclass
class Story:
    """Moments of one board, told in any order with ``at`` and ``job``; ``play`` makes them be."""

    slug: str
    now: int
    tasks: dict[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = ManualClock(self.now)
        self.conn = kb.connect(self.slug, clock=self.clock, randomness=SeededRandomness(6))
        self._past = MemoryProcesses()
        self._moments: list[tuple[float, int, Act]] = []

    def at(self, minutes_ago: float, act: Act) -> None:
        """``act`` happens then."""
        self._moments.append((-minutes_ago, len(self._moments), act))

    def task(self, minutes_ago: float, name: str, title: str, **keys: Any) -> None:
        """A task is filed; ``after`` are names of its parents."""
        after = keys.pop("after", ())

        def file() -> None:
            parents = [self.tasks[parent] for parent in after]
            self.tasks[name] = kb.create_task(self.conn, title=title, parents=parents, **keys)

        self.at(minutes_ago, file)

    def job(self, began: float, ended: float, name: str, job: Job) -> None:
        """An attempt at a task that is over."""
        runs: list[Run] = []
        self.at(began, lambda: runs.append(self._begin(name, job)))
        self.at(ended, lambda: self._end(runs[0], job, ended))

    def running(self, began: float, name: str, job: Job, *, quiet: float = 0.05) -> None:
        """An attempt that goes on; its last line came ``quiet`` minutes ago."""

        def begin() -> None:
            run = self._claim(name, job)
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _STANDS_STILL], stdin=subprocess.PIPE
            )
            self.processes.append(process)
            log = self._write_log(run, job.log, quiet)
            done = kb.register_worker(
                self.conn, run.id, pid=process.pid, identity=identity_of(process.pid), log_path=log
            )
            assert done

        self.at(began, begin)
        self.at(quiet, lambda: self._beat(name))

    def play(self) -> None:
        """Let everything that was told happen."""
        for minutes, _, act in sorted(self._moments, key=lambda moment: moment[:2]):
            self.clock.advance(max(0, self.now + round(minutes * 60) - self.clock.at))
            act()
        self.clock.advance(max(0, self.now - self.clock.at))

    def begin_at(self, minutes_ago: float) -> None:
        """Set the clock to where the story begins."""
        self.clock.at = self.now - round(minutes_ago * 60)

    def close(self) -> None:
        """End the processes that still run, and the connection."""
        for process in self.processes:
            process.kill()
            process.wait()
            assert process.stdin is not None
            process.stdin.close()
        self.conn.close()

    def _claim(self, name: str, job: Job) -> Run:
        task_id = self.tasks[name]
        assert kb.claim_task(self.conn, task_id) is not None, (
            name,
            kb.get_task(self.conn, task_id),
        )
        run = kb.latest_run(self.conn, task_id)
        assert run is not None
        return run

    def _begin(self, name: str, job: Job) -> Run:
        run, process = self._claim(name, job), self._past.start()
        log = str(self.conn.paths.run_dir(run.id) / "log")
        kb.register_worker(self.conn, run.id, pid=process.pid, identity=process, log_path=log)
        return kb.get_run(self.conn, run.id)

    def _end(self, run: Run, job: Job, minutes_ago: float) -> None:
        self._write_log(run, job.log, minutes_ago)
        if job.ending is not None:
            verb, arguments = job.ending
            _END[verb](
                self.conn, run.task_id, run_id=run.id, claim_lock=run.claim_lock, **arguments
            )
        worker = WorkerRef(
            board_id=self.conn.board_id,
            task_id=run.task_id,
            run_id=run.id,
            claim_lock=run.claim_lock or "",
            pid=run.worker_pid or 0,
            identity=run.worker_identity,
            run_dir=self.conn.paths.run_dir(run.id),
        )
        usage = None
        if job.usage is not None:
            thousands_in, thousands_out, dollars = job.usage
            usage = Usage(
                input=thousands_in * 1_000, output=thousands_out * 1_000, cost_usd=dollars
            )
        self._past.exit(
            worker,
            at=self.clock.now(),
            exit_code=job.code,
            tail=job.log[-400:],
            conclusion=msgspec.to_builtins(Conclusion(usage=usage)),
        )
        kb.import_exit_records(self.conn, self._past)

    def _write_log(self, run: Run, text: str, minutes_ago: float) -> str:
        folder = self.conn.paths.run_dir(run.id)
        folder.mkdir(parents=True, exist_ok=True)
        log, written = folder / "log", self.now - minutes_ago * 60
        log.write_text(text, "utf-8")
        os.utime(log, (written, written))
        return str(log)

    def _beat(self, name: str) -> None:
        run = kb.latest_run(self.conn, self.tasks[name])
        assert run is not None
        kb.heartbeat_claim(self.conn, run.task_id, run_id=run.id, claim_lock=run.claim_lock)


_END: dict[str, Callable[..., object]] = {
    "complete": kb.complete_task,
    "block": kb.block_task,
    "review": kb.request_review,
    "wait": kb.wait_for,
}
