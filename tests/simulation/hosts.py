"""Simulated machines: a clock that jumps, pids that are reused, disks that outlive every process.

A supervisor is a few states that the schedule moves along one by one, so that a kill, a restart or
a look of the gateway falls between any two of them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hermes_kanban.config import Config
from hermes_kanban.model import Identity
from hermes_kanban.ports import ExitRecord, Liveness, WorkerRef
from hermes_kanban.workers.runfiles import read_lease

START = 1_900_000_000
FIRST_PID, PIDS = 100, 24
KILL_PATIENCE_SECONDS = 2.0
EMPTY_SCANS = 2


class Time:
    """The one true time of a history; every host's clocks are read off it.

    The board has one wall clock, that of its machine or of its server; it may be set.
    """

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.offset = 0

    def wall(self) -> int:
        """Unix seconds, as the board's clock has them."""
        return START + int(self.elapsed) + self.offset


class Process:
    """One entry of a host's process table."""

    __slots__ = ("host", "identity", "kind", "owner", "pid")

    def __init__(self, host: Host, kind: str, owner: Any, identity: Identity) -> None:
        self.host = host
        self.kind = kind
        self.owner = owner
        self.identity = identity
        self.pid = identity.pid

    @property
    def alive(self) -> bool:
        return self.host.table.get(self.pid) is self


class Host:
    """A machine: a process table, clocks of its own boot, and a disk with exit records.

    ``name`` is its id, ``called`` what people know it by.
    """

    config: Config

    def __init__(self, name: str, time: Time) -> None:
        self.name = name
        self.called = f"machine-{name}"
        self.time = time
        self.slept = 0.0
        self.boots = 0
        self.booted_at = 0.0
        self.table: dict[int, Process] = {}
        self.records: dict[int, ExitRecord] = {}
        self.workers: list[Worker] = []
        self.dispatching: Any = None
        self.on_stop: Callable[[Worker], None] = lambda _worker: None
        self.on_settle: Callable[[int], None] = lambda _run_id: None
        self._next_pid = 0
        self._started = 0

    @property
    def boot(self) -> str:
        return f"{self.name}-boot-{self.boots}"

    def now(self) -> int:
        return self.time.wall()

    def monotonic(self) -> float:
        return self.time.elapsed - self.booted_at - self.slept

    def boottime(self) -> float:
        return self.time.elapsed - self.booted_at

    def start(self, kind: str, owner: Any = None) -> Process:
        """A new process; pids go round a small table, so they are soon reused."""
        while True:
            pid = FIRST_PID + self._next_pid % PIDS
            self._next_pid += 1
            if pid not in self.table:
                break
        self._started += 1
        ticks = int(self.boottime()) * 100 + self._started
        identity = Identity(self.name, self.boot, 1, pid, ticks)
        process = self.table[pid] = Process(self, kind, owner, identity)
        return process

    def room(self) -> bool:
        """Whether the process table has room for a supervisor and its tree."""
        return len(self.table) < PIDS - 6

    def kill(self, process: Process | None) -> None:
        """SIGKILL: it is gone, and does nothing more."""
        if process is not None and process.alive:
            del self.table[process.pid]

    def reboot(self) -> None:
        """Every process is gone, the disk stays."""
        self.table.clear()
        self.boots += 1
        self.booted_at = self.time.elapsed
        self.slept = 0.0
        for worker in self.workers:
            worker.state = "gone"
        self.workers.clear()
        self.dispatching = None

    def alive_of_task(self, task_id: str) -> list[Worker]:
        """The workers of which an agent or a grandchild lives."""
        return [w for w in self.workers if w.task_id == task_id and w.at_work()]


class Worker:
    """One run's supervisor with its agent and grandchildren, as a state machine.

    Where hosts share the board its host notes in the run's ``folder`` until when the lease holds.

    States: waiting (for go or end of file), running, ending (the agent is gone), recorded, gone.
    """

    def __init__(
        self,
        host: Host,
        run: Any,
        *,
        board_id: str,
        gateway: Any,
        max_runtime: float | None,
        on_exit_zero: str,
        stubborn: bool,
        spawn_problem: str | None,
        folder: Path | None = None,
    ) -> None:
        self.host = host
        self.task_id: str = run.task_id
        self.run_id: int = run.id
        self.claim_lock: str = run.claim_lock
        self.board_id = board_id
        self.gateway = gateway
        self.max_runtime = max_runtime
        self.on_exit_zero = on_exit_zero
        self.stubborn = stubborn
        self.spawn_problem = spawn_problem
        self._folder = folder
        self.state = "waiting"
        self.told_go = False
        self.abandoned = False
        self.supervisor = host.start("supervisor", self)
        self.agent: Process | None = None
        self.children: list[Process] = []
        self.started: float | None = None
        self.facts: dict[str, Any] = {}
        self.asked_to_stop = self.asked_to_kill = False
        self.given_up = False
        self.said_last = False
        host.workers.append(self)

    # What the gateway holds (``ports.Spawned``).

    @property
    def pid(self) -> int:
        return self.supervisor.pid

    @property
    def identity(self) -> Identity:
        return self.supervisor.identity

    # The tree.

    def tree(self) -> list[Process]:
        """What lives besides the supervisor."""
        agent = [self.agent] if self.agent is not None else []
        return [process for process in (*agent, *self.children) if process.alive]

    def at_work(self) -> bool:
        """True while an agent or a grandchild of it lives."""
        return bool(self.tree())

    def anything_alive(self) -> bool:
        return self.supervisor.alive or self.at_work()

    def fork(self) -> None:
        """The agent starts something in a session of its own, which outlives it."""
        if self.agent is not None and self.agent.alive and self.host.room():
            self.children.append(self.host.start("child", self))

    def exit(self, code: int, **facts: Any) -> None:
        """The agent ends."""
        if self.agent is not None and self.agent.alive:
            self.host.kill(self.agent)
            self.facts = {"exit_code": code} | facts

    def lose_supervisor(self) -> None:
        """The supervisor is killed; the agent dies with it, its children do not."""
        self.host.kill(self.supervisor)
        self.host.kill(self.agent)
        if self.state != "recorded":
            self.state = "gone"

    def lease_is_over(self) -> bool:
        """Whether the lease that its host noted in the run's folder, where hosts do, has passed."""
        until = None if self._folder is None else read_lease(str(self._folder))
        return until is not None and self.host.boottime() >= until

    def step(self, on_start: Callable[[Worker], None]) -> bool:
        """One move of the supervisor; False if it has nothing to do now."""
        if not self.supervisor.alive:
            return False
        if self.state == "waiting":
            return self._wait(on_start)
        if self.state == "running":
            return self._run()
        if self.state == "ending":
            for child in self.children:
                self.host.kill(child)
            self._write_record()
            return True
        self.host.kill(self.supervisor)
        return True

    def _wait(self, on_start: Callable[[Worker], None]) -> bool:
        if self.told_go and self.spawn_problem is not None:
            self.facts = {"spawn_failed": self.spawn_problem}
            self._write_record()
        elif self.told_go and self.lease_is_over():
            self.facts = {"lease_lost": True}
            self._write_record()
        elif self.told_go:
            self.agent = self.host.start("agent", self)
            self.started = self.host.monotonic()
            self.state = "running"
            on_start(self)
        elif self.abandoned or not self.gateway.alive or self.asked_to_stop:
            self.facts = {"never_started": True}
            self._write_record()
        else:
            return False
        return True

    def _run(self) -> bool:
        agent = self.agent
        assert agent is not None
        if agent.alive:
            over = self.max_runtime is not None and (
                self.host.monotonic() - (self.started or 0.0) > self.max_runtime
            )
            if over:
                self.exit(-9, timed_out=True)
            elif self.lease_is_over():
                self.exit(-9, lease_lost=True)
            elif self.asked_to_kill or (self.asked_to_stop and not self.stubborn):
                self.exit(-9 if self.asked_to_kill else -15, stopped=True)
            else:
                return False
        self.state = "ending"
        return True

    def _write_record(self) -> None:
        given: dict[str, Any] = {"v": 1, "exited_at": self.host.now()} | self.facts
        given |= {"on_exit_zero": self.on_exit_zero, "tail": "its last words\n"}
        record = ExitRecord(
            board_id=self.board_id, run_id=self.run_id, claim_lock=self.claim_lock, **given
        )
        self.host.records[self.run_id] = record
        self.state = "recorded"


class Stop:
    """How far one gateway has come in stopping one worker."""

    __slots__ = ("empty_scans", "killed_at", "terminated_at")

    def __init__(self, at: float) -> None:
        self.terminated_at = at
        self.killed_at: float | None = None
        self.empty_scans = 0


class SimulatedProcesses:
    """``ports.Processes`` as one gateway sees its host; its memory of stops dies with it."""

    def __init__(self, host: Host, me: Process) -> None:
        self.host = host
        self.me = me
        self._stops: dict[int, Stop] = {}

    def identity(self, pid: int | None = None) -> Identity | None:
        found = self.me if pid is None else self.host.table.get(pid)
        return None if found is None else found.identity

    def liveness(self, identity: Identity) -> Liveness:
        if identity.host != self.host.name:
            return "elsewhere"
        found = self.host.table.get(identity.pid)
        return "alive" if found is not None and found.identity == identity else "dead"

    def stop(self, worker: WorkerRef, grace_seconds: float) -> bool:
        now = self.host.monotonic()
        state = "dead" if worker.identity is None else self.liveness(worker.identity)
        if state == "elsewhere":
            return False
        stop = self._stops.get(worker.run_id)
        found = self._worker(worker)
        if state == "alive" and found is not None:
            self.host.on_stop(found)
            if stop is None:
                self._stops[worker.run_id] = Stop(now)
                found.asked_to_stop = True
            elif stop.killed_at is None:
                if now >= stop.terminated_at + grace_seconds:
                    stop.killed_at = now
                    found.asked_to_kill = True
            elif now >= stop.killed_at + KILL_PATIENCE_SECONDS:
                for process in found.tree():
                    self.host.kill(process)
                found.lose_supervisor()
            return False
        if self.exit_record(worker) is not None:
            return True
        if stop is None:
            stop = self._stops[worker.run_id] = Stop(now)
        left = [] if found is None else found.tree()
        for process in left:
            self.host.kill(process)
        stop.empty_scans = 0 if left else stop.empty_scans + 1
        return stop.empty_scans >= EMPTY_SCANS

    def _worker(self, worker: WorkerRef) -> Worker | None:
        for one in self.host.workers:
            if one.run_id == worker.run_id and one.claim_lock == worker.claim_lock:
                return one
        return None

    def exit_record(self, worker: WorkerRef) -> ExitRecord | None:
        record = self.host.records.get(worker.run_id)
        if record is None or record.claim_lock != worker.claim_lock:
            return None
        return record if record.board_id == worker.board_id else None

    def settle(self, worker: WorkerRef) -> None:
        self.host.on_settle(worker.run_id)
        self._stops.pop(worker.run_id, None)
        self.host.records.pop(worker.run_id, None)


NOWHERE = Path("/nowhere")
