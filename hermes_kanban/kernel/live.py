"""The runs that count now: open ones, and ended ones whose process has not exited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from hermes_kanban.model.records import Identity, Run
from hermes_kanban.ports import Processes, WorkerRef
from hermes_kanban.store.protocol import BoardConnection, ask_all, fetch_all


class LiveRun(msgspec.Struct, frozen=True):
    """One run that takes a place: open, or with a process that may still live."""

    id: int
    task_id: str
    profile: str | None
    claimer: str
    claimer_identity: str | None
    claim_lock: str
    claim_expires: int | None
    last_heartbeat_at: int | None
    worker_pid: int | None
    worker_identity: str | None
    started_at: int
    ended_at: int | None
    stop_requested_at: int | None
    stop_reason: str | None
    tenant: str | None
    max_runtime_seconds: int | None
    workspace_kind: str
    workspace_path: str | None
    token_hash: str | None

    @property
    def open(self) -> bool:
        """True until an outcome has closed it."""
        return self.ended_at is None

    @property
    def registered(self) -> bool:
        """True when a process is known that has not exited."""
        return self.worker_pid is not None

    def identity(self) -> Identity | None:
        """Who the registered process is."""
        return _identity(self.worker_identity)

    def claimed_by(self) -> Identity | None:
        """Which process claimed the run."""
        return _identity(self.claimer_identity)

    @property
    def host(self) -> str | None:
        """The host that it runs on, or whose process claimed it; None where nobody knows."""
        return host_of(self)

    def worker(self, conn: BoardConnection) -> WorkerRef:
        """The registered process, as the process port names it."""
        return WorkerRef(
            board_id=conn.board_id,
            task_id=self.task_id,
            run_id=self.id,
            claim_lock=self.claim_lock,
            pid=self.worker_pid or 0,
            identity=self.identity(),
            run_dir=conn.paths.run_dir(self.id),
        )


def host_of(run: LiveRun | Run) -> str | None:
    """The host that a run is or was on, or whose process claimed it; None where nobody knows."""
    return host_in(run.worker_identity, run.claimer_identity)


def host_in(worker: str | Identity | None, claimer: str | Identity | None) -> str | None:
    """The same, from what a run says of its process and of whoever claimed it."""
    known = _identity(worker) or _identity(claimer)
    return None if known is None else known.host


def _identity(stored: str | Identity | None) -> Identity | None:
    return _decode(stored) if isinstance(stored, str) else stored


_decode = msgspec.json.Decoder(Identity).decode
_OF_TASK: Final = ("tenant", "max_runtime_seconds", "workspace_kind", "workspace_path")
_COLUMNS: Final = ", ".join(
    f"t.{name}" if name in _OF_TASK else f"r.{name}" for name in LiveRun.__struct_fields__
)
_LIVE: Final = f"""
WITH live (id) AS (
    SELECT id FROM task_runs WHERE ended_at IS NULL
    UNION
    SELECT id FROM task_runs WHERE worker_pid IS NOT NULL AND exited_at IS NULL
)
SELECT {_COLUMNS}
FROM live JOIN task_runs r ON r.id = live.id JOIN tasks t ON t.id = r.task_id ORDER BY r.id
"""


def is_dead(run: LiveRun, processes: Processes | None) -> bool:
    """Whether the run's registered process is known to have ended."""
    identity = run.identity()
    return processes is not None and identity is not None and processes.liveness(identity) == "dead"


def ask_live_runs(conn: BoardConnection) -> Callable[[], list[LiveRun]]:
    """``live_runs`` as of now, with what else is asked before they are wanted."""
    asked = ask_all(conn, _LIVE)
    return lambda: [LiveRun(*row) for row in asked()]


def live_runs(conn: BoardConnection) -> list[LiveRun]:
    """Every live run, by id; the cost grows with their number, not with the board."""
    return [LiveRun(*row) for row in fetch_all(conn, _LIVE)]
