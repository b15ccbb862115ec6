"""A board in a folder of its own, with time, chance and processes in the test's hand."""

from __future__ import annotations

import itertools
import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psycopg
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.config import Profile
from hermes_kanban.kernel import outbox
from hermes_kanban.model import Board, Delivery, Identity, Run, Task
from hermes_kanban.ports import ExitRecord, Liveness, WorkerRef
from tests.support import stores

START = 1_900_000_000
HERE = "test-host"
_OUR_VARIABLES = ("HERMES_KANBAN_", "HERMES_HOME", "HERMES_PROFILE", "HERMES_TENANT")


class ManualClock:
    """A clock that the test turns by hand (``ports.Clock``)."""

    def __init__(self, at: int = START) -> None:
        self.at = at
        self.elapsed = 0.0
        self.slept = 0.0

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return self.elapsed - self.slept

    def boottime(self) -> float:
        return self.elapsed

    def advance(self, seconds: int) -> None:
        """Time passes."""
        self.at += seconds
        self.elapsed += seconds

    def sleep(self, seconds: int) -> None:
        """The host is suspended for so long."""
        self.advance(seconds)
        self.slept += seconds

    def jump(self, seconds: int) -> None:
        """The wall clock is set, forwards or backwards; no time passes."""
        self.at += seconds


class SeededRandomness:
    """The same ids, locks and jitter at every run (``ports.Randomness``)."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def randbits(self, bits: int) -> int:
        return self._random.getrandbits(bits)

    def token(self) -> str:
        return f"{self._random.getrandbits(128):032x}"


class MemoryProcesses:
    """A host whose processes are entries of a table (``ports.Processes``).

    ``start`` makes one, ``exit`` ends one and leaves its record, ``vanish`` ends one without. An
    obedient process ends at the first stop, a stubborn one at the second.
    """

    def __init__(self, host: str = HERE) -> None:
        self.host = host
        self._pids = itertools.count(1_000)
        self._alive: dict[int, Identity] = {}
        self._records: dict[int, ExitRecord] = {}
        self._asked: dict[int, int] = {}
        self.stubborn: set[int] = set()
        self.boot = "boot"
        self.succeed()

    def succeed(self) -> None:
        """The process that asks dies and another takes its place."""
        if hasattr(self, "me"):
            self.vanish(self.me.pid)
        self.me = self.start()

    def _new_identity(self) -> Identity:
        pid = next(self._pids)
        return Identity(host=self.host, boot=self.boot, pidns=1, pid=pid, start_ticks=pid * 7)

    def start(self, *, stubborn: bool = False) -> Identity:
        """A new live process."""
        identity = self._new_identity()
        self._alive[identity.pid] = identity
        if stubborn:
            self.stubborn.add(identity.pid)
        return identity

    def vanish(self, pid: int) -> None:
        """The process is killed; it leaves no record."""
        self._alive.pop(pid, None)

    def exit(self, worker: WorkerRef, *, at: int, **facts: object) -> None:
        """The process ends by itself; ``facts`` are fields of its exit record."""
        self.vanish(worker.pid)
        given = {
            "v": 1,
            "board_id": worker.board_id,
            "run_id": worker.run_id,
            "claim_lock": worker.claim_lock,
            "exited_at": at,
        }
        self._records[worker.run_id] = msgspec.convert(given | facts, ExitRecord)

    def identity(self, pid: int | None = None) -> Identity | None:
        return self.me if pid is None else self._alive.get(pid)

    def liveness(self, identity: Identity) -> Liveness:
        if identity.host != self.host:
            return "elsewhere"
        return "alive" if self._alive.get(identity.pid) == identity else "dead"

    def stop(self, worker: WorkerRef, grace_seconds: float) -> bool:
        del grace_seconds
        if worker.pid not in self._alive:
            return True
        self._asked[worker.pid] = self._asked.get(worker.pid, 0) + 1
        if worker.pid in self.stubborn and self._asked[worker.pid] < 2:
            return False
        self.vanish(worker.pid)
        return True

    def exit_record(self, worker: WorkerRef) -> ExitRecord | None:
        record = self._records.get(worker.run_id)
        return record if record and record.claim_lock == worker.claim_lock else None

    def settle(self, worker: WorkerRef) -> None:
        self._records.pop(worker.run_id, None)


class ABoard:
    """A fresh board in a home of its own: ``conn``, and what a test turns by hand."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, slug: str = "default") -> None:
        isolate(home, monkeypatch)
        self.home, self.slug = home, slug
        self.clock = ManualClock()
        self.randomness = SeededRandomness()
        self.processes = MemoryProcesses()
        self._opened: list[kb.BoardConnection] = []
        if slug != "default":
            kb.create_board(slug)
        self.conn = self.connect()

    def connect(self) -> kb.BoardConnection:
        """One more connection, with the same clock and chance; a thread closes its own."""
        conn = kb.connect(self.slug, clock=self.clock, randomness=self.randomness)
        self.board: Board = kb.get_board(conn)
        if threading.current_thread() is threading.main_thread():
            self._opened.append(conn)
        return conn

    def configure(self, **settings: object) -> None:
        """Settings of ``kanban:``, for this connection."""
        kanban = msgspec.structs.replace(self.conn.config.kanban, **settings)
        self.conn.config = msgspec.structs.replace(self.conn.config, kanban=kanban)

    def add_profile(self, name: str, **keys: object) -> None:
        """A profile of that name, for this connection."""
        profiles = dict(self.conn.config.profiles) | {name: a_profile(**keys)}
        self.conn.config = msgspec.structs.replace(self.conn.config, profiles=profiles)

    def create(self, title: str = "Count the words", **keys: object) -> str:
        """A task; ``keys`` as for ``create_task``."""
        return kb.create_task(self.conn, title=title, **keys)  # type: ignore[arg-type]

    def task(self, task_id: str) -> Task:
        return kb.get_task(self.conn, task_id)

    def claim(self, task_id: str, **keys: object) -> Run:
        """The run of a claim that must succeed."""
        assert kb.claim_task(self.conn, task_id, **keys) is not None  # type: ignore[arg-type]
        run = kb.latest_run(self.conn, task_id)
        assert run is not None
        return run

    def start(self, task_id: str, *, stubborn: bool = False) -> Run:
        """A claim with a registered process."""
        run = self.claim(task_id)
        self.register(run, stubborn=stubborn)
        return kb.get_run(self.conn, run.id)

    def register(self, run: Run, *, stubborn: bool = False) -> bool:
        """Give the run a process; False if the board refuses, and then the process is gone."""
        process = self.processes.start(stubborn=stubborn)
        done = kb.register_worker(
            self.conn, run.id, pid=process.pid, identity=process, log_path=None
        )
        if not done:
            self.processes.vanish(process.pid)
        return done

    def worker(self, run: Run) -> WorkerRef:
        """The registered process of a run, as the process port names it."""
        return WorkerRef(
            board_id=self.conn.board_id,
            task_id=run.task_id,
            run_id=run.id,
            claim_lock=run.claim_lock or "",
            pid=run.worker_pid or 0,
            identity=run.worker_identity,
            run_dir=self.conn.paths.run_dir(run.id),
        )

    def kinds(self, task_id: str) -> list[str]:
        """The kinds of the task's events, in order."""
        return [event.kind for event in kb.list_events(self.conn, task_id, limit=1_000)]

    def damage(self, sql: str, **parameters: object) -> None:
        """Write behind the kernel's back, past every constraint that SQLite can be told to drop."""
        if stores.address():
            _damage_on_postgres(self.conn, sql, parameters)
            return
        self.conn.execute("PRAGMA foreign_keys = OFF")
        self.conn.execute("PRAGMA ignore_check_constraints = ON")
        self.conn.execute(sql, parameters)
        self.conn.execute("PRAGMA ignore_check_constraints = OFF")
        self.conn.execute("PRAGMA foreign_keys = ON")

    def close(self) -> None:
        for conn in self._opened:
            conn.close()


def isolate(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything lies below ``home``; the one setting from outside saves the disk its fsyncs."""
    for name in list(os.environ):
        if name.startswith(_OUR_VARIABLES):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(home))
    monkeypatch.setenv("HERMES_KANBAN_DURABILITY", "normal")
    monkeypatch.setenv("LOGNAME", "tester")
    if database := stores.address():
        monkeypatch.setenv("HERMES_KANBAN_DATABASE", database)


def _damage_on_postgres(conn: kb.BoardConnection, sql: str, parameters: dict[str, object]) -> None:
    """Each rule of the schema that the statement breaks is dropped, and then it runs again."""
    stores.database().spoiled = True
    alone = not conn.in_transaction
    if alone:
        conn.execute("BEGIN")
    conn.execute("SET session_replication_role = replica")  # no foreign keys
    while True:
        conn.execute("SAVEPOINT damage")
        try:
            conn.execute(sql, parameters)
            break
        except psycopg.IntegrityError as error:
            rule = error.diag
            conn.execute("ROLLBACK TO damage")
            if isinstance(error, psycopg.errors.NotNullViolation):
                drop = f"ALTER COLUMN {rule.column_name} DROP NOT NULL"
            else:
                drop = f"DROP CONSTRAINT IF EXISTS {rule.constraint_name}"
            conn.execute(f"ALTER TABLE {rule.table_name} {drop}")
            conn.execute(f"DROP INDEX IF EXISTS {rule.constraint_name or 'none'}")
    conn.execute("SET session_replication_role = origin")
    if alone:
        conn.execute("COMMIT")


@contextmanager
def held(conn: kb.BoardConnection) -> Iterator[None]:
    """Nobody else writes the board: a store may take it with the first statement alone."""
    with kb.batch(conn):
        conn.execute("SELECT 1").fetchall()
        yield


def a_profile(**keys: object) -> Profile:
    """A command profile; ``keys`` as in a profile's file."""
    given: dict[str, object] = {"argv": ["/bin/true"]}
    return msgspec.convert(given | keys, Profile)


def due_deliveries(conn: kb.BoardConnection) -> list[Delivery]:
    """What may be sent now, oldest first: at most one delivery of each subscription."""
    return [head.delivery for head in outbox.survey_outbox(conn).heads]
