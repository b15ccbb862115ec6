"""Time, chance and processes that are the same at every run, so that two runs can be compared."""

from __future__ import annotations

import random
from typing import Final

from hermes_kanban.model.records import Identity
from hermes_kanban.ports import ExitRecord, Liveness, WorkerRef

START: Final = 1_900_000_000
PROCESS: Final = Identity(host="selftest", boot="selftest", pidns=1, pid=4_000_000, start_ticks=1)


class StillClock:
    """A clock that stands (``ports.Clock``), ``later`` seconds after its start."""

    def __init__(self, later: int = 0) -> None:
        self._later = later

    def now(self) -> int:
        return START + self._later

    def monotonic(self) -> float:
        return float(self._later)

    def boottime(self) -> float:
        return float(self._later)


class SameChance:
    """The same ids and locks at every run (``ports.Randomness``)."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def randbits(self, bits: int) -> int:
        return self._random.getrandbits(bits)

    def token(self) -> str:
        return f"{self._random.getrandbits(128):032x}"


class NoProcesses:
    """A host on which every worker has died without a word (``ports.Processes``)."""

    def identity(self, pid: int | None = None) -> Identity | None:
        del pid
        return PROCESS

    def liveness(self, identity: Identity) -> Liveness:
        del identity
        return "dead"

    def stop(self, worker: WorkerRef, grace_seconds: float) -> bool:
        del worker, grace_seconds
        return True

    def exit_record(self, worker: WorkerRef) -> ExitRecord | None:
        del worker
        return None

    def settle(self, worker: WorkerRef) -> None:
        del worker
