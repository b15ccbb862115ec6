"""What the kernel asks of the outside world: the time, randomness and processes.

The kernel never imports the workers package; it is handed an object that answers these calls.
A simulation hands it another.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import msgspec

from hermes_kanban.model.records import Identity, Run, Task, Usage

if TYPE_CHECKING:
    from hermes_kanban.config import Profile
    from hermes_kanban.kernel.live import LiveRun
    from hermes_kanban.store.protocol import BoardConnection

Liveness = Literal["alive", "dead", "elsewhere"]


class Clock(Protocol):
    """The one spelling of time."""

    def now(self) -> int:
        """Unix seconds, UTC."""

    def monotonic(self) -> float:
        """Seconds awake since an arbitrary start; never goes back."""

    def boottime(self) -> float:
        """Seconds since the host booted, asleep or awake; nobody can set it."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> int:
        return int(time.time())

    def monotonic(self) -> float:
        return time.monotonic()

    def boottime(self) -> float:
        return time.clock_gettime(_BOOT_CLOCK)


# On macOS, CLOCK_MONOTONIC goes on while the machine sleeps.
_BOOT_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Randomness(Protocol):
    """Where task ids, claim locks and back-off jitter come from."""

    def randbits(self, bits: int) -> int:
        """A uniform integer below ``2 ** bits``."""

    def token(self) -> str:
        """A fresh claim lock."""


class SystemRandomness:
    """The operating system's source of randomness."""

    def randbits(self, bits: int) -> int:
        return int.from_bytes(os.urandom((bits + 7) // 8)) & ((1 << bits) - 1)

    def token(self) -> str:
        return os.urandom(16).hex()


class WorkerRef(msgspec.Struct, frozen=True):
    """A registered worker process, as far as a row can name it."""

    board_id: str
    task_id: str
    run_id: int
    claim_lock: str
    pid: int
    identity: Identity | None
    run_dir: Path


class Launched(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an agent before it starts; it goes onto the run with its registration.

    ``session`` is the runtime's name of the conversation where we choose it, ``token_hash`` the
    SHA-256 of the token by which the run's tools prove themselves over HTTP.
    """

    runtime: str
    session: str | None = None
    token_hash: str | None = None


class Conclusion(msgspec.Struct, frozen=True, kw_only=True):
    """What a runtime reads from its agent's exit code and output.

    ``rate_limited`` means try again later, at ``reset_at`` (Unix seconds) where that was told;
    ``error`` is one line on what went wrong; ``said`` the agent's last words, without the frame
    that its client prints around them. ``reached_board`` is False if none of the tools that the
    agent was given ever came to the board, None where that cannot be known.
    """

    rate_limited: bool = False
    reset_at: int | None = None
    error: str | None = None
    said: str | None = None
    session: str | None = None
    usage: Usage | None = None
    reached_board: bool | None = None


class ExitRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a supervisor left behind at the end of its run (``runs/<run_id>/exit.json``).

    ``exit_code`` is the agent's, negative for the signal that ended it, None if it never ran.
    ``tail`` holds the last 4 KiB of output. ``started_at`` and ``exited_at`` are Unix seconds.
    ``lease_lost`` says that it was killed since nobody had renewed its lease.
    ``conclusion`` is not in the file: whoever reads it for the kernel asks the runtime.
    """

    v: int
    board_id: str
    run_id: int
    claim_lock: str
    exited_at: int
    started_at: int | None = None
    exit_code: int | None = None
    never_started: bool = False
    spawn_failed: str | None = None
    timed_out: bool = False
    stopped: bool = False
    lease_lost: bool = False
    on_exit_zero: str = "protocol_violation"
    runtime: str = "command"
    tail: str = ""
    conclusion: Conclusion = Conclusion()


class UnknownSkills(msgspec.Struct, frozen=True):
    """Skills that a profile's agent cannot load; ``runtime`` looked for them in ``where``."""

    names: tuple[str, ...]
    runtime: str
    where: str


class Skills(Protocol):
    """The skills that agents find on this host."""

    def unknown(
        self, name: str, profile: Profile, wanted: Sequence[str], workspace: str | None
    ) -> UnknownSkills | None:
        """Those of ``wanted`` that the profile of that name lacks; None also if nobody can say.

        ``workspace`` is the folder or repository that the task names, if it names one.
        """


class Processes(Protocol):
    """The process table of this host, as the kernel sees it."""

    def identity(self, pid: int | None = None) -> Identity | None:
        """The process of that pid, by default this very one; None if there is none."""

    def liveness(self, identity: Identity) -> Liveness:
        """``elsewhere`` when another host or pid namespace owns it and it cannot be judged here."""

    def stop(self, worker: WorkerRef, grace_seconds: float) -> bool:
        """Advance a stop without waiting; True once the worker's whole tree is confirmed gone.

        The first call terminates; calls later than ``grace_seconds`` after it kill.
        """

    def exit_record(self, worker: WorkerRef) -> ExitRecord | None:
        """The record of exactly this run, if there is one; any other is set aside."""

    def settle(self, worker: WorkerRef) -> None:
        """The worker's end is committed: drop its record and forget it."""


class HandOvers(Protocol):
    """What workers left for the board while it could not be reached.

    ``reachable_since`` is when it could be again (its own time), None if nobody looks all the time.
    ``held`` are the runs that ``settled`` did not let be judged in this look.
    """

    reachable_since: int | None
    held: set[int]

    def deliver(self, conn: BoardConnection) -> None:
        """A look begins: hand in what waits, as far as the board takes it now."""

    def settled(self, conn: BoardConnection, run: LiveRun) -> bool:
        """Whether nothing that the run's agent handed in can still come; what waits goes first."""


class Spawned(Protocol):
    """A supervisor that waits for its go."""

    pid: int
    identity: Identity | None
    launched: Launched | None

    def go(self) -> None:
        """Let it start the agent; only after its registration has committed."""

    def abandon(self) -> None:
        """Let it exit without starting anything."""


class SpawnFunction(Protocol):
    """Starts the process of a claimed run; a plain pid means that it runs already."""

    def __call__(self, task: Task, run: Run) -> Spawned | int: ...


def plain(value: Any) -> Any:
    """A record as builtin types, for JSON."""
    return msgspec.to_builtins(value)
