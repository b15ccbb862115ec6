"""The wall clock against the boot clock: a clock that is set must end no lease and free no task.

Each host's row remembers, for its boot, how far the board's clock is ahead of its boot clock. When
that changes by more than ``JUMP_SECONDS`` the board's clock was set, and whatever waits for a time
in the future goes along with it.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from hermes_kanban import lifecycle
from hermes_kanban.kernel.live import LiveRun, live_runs
from hermes_kanban.model.records import Identity
from hermes_kanban.store.protocol import BoardConnection, Transaction, fetch_one, write

JUMP_SECONDS: Final = 5
# One second is what rounding comes to: remembering it would be a write at every other look.
SLEW_SECONDS: Final = 2


class ClockShift(msgspec.Struct, frozen=True):
    """What a set clock moved: seconds (negative: it was set back), seconds slept, rows by kind."""

    seconds: int
    suspended_seconds: int
    leases: int
    tasks: int
    deliveries: int


class _Stand(msgspec.Struct, frozen=True):
    """How the clocks of one boot of a host stand to each other, in seconds."""

    boot: str | None
    offset: int
    suspended: int


def follow_clock(conn: BoardConnection, here: Identity) -> ClockShift | None:
    """Shift what is due later, if the board's clock was set or the host of ``here`` slept.

    Leases (``claim_expires``) move by the jump, and those of this host by the time slept, which no
    worker could use; ``eligible_at`` and the next attempts of deliveries by the jump alone. Writes
    one ``clock_shifted`` event and a ``scheduled`` event for each task that waits. ``scheduled_at``
    is a person's word about the wall clock and stays. None when nothing was shifted.
    """
    stand = _Stand(here.boot, *_stand(conn))
    host = {"host": here.host}
    before = _remembered(fetch_one(conn, _REMEMBERED, host))
    if before is not None and before.boot == stand.boot and _apart(stand, before) < SLEW_SECONDS:
        return None
    with write(conn, "follow-clock") as tx:
        # Another dispatcher may have seen the same jump.
        before = _remembered(tx.one(_REMEMBERED, host))
        tx.run(_REMEMBER, msgspec.to_builtins(stand) | host)
        known = before is not None and before.boot == stand.boot
        if before is None or not known or _apart(stand, before) <= JUMP_SECONDS:
            return None
        jump, slept = stand.offset - before.offset, stand.suspended - before.suspended
        # So that each of the others, when it looks, finds the jump made.
        tx.run(_REMEMBER_ELSEWHERE, {"by": jump} | host)
        return _shift(tx, here.host, jump, max(0, slept))


def _stand(conn: BoardConnection) -> tuple[int, int]:
    boottime = conn.clock.boottime()
    return round(conn.clock.now() - boottime), round(boottime - conn.clock.monotonic())


def _remembered(row: Any) -> _Stand | None:
    return None if row is None or row[0] is None else _Stand(*row)


def _apart(one: _Stand, other: _Stand) -> int:
    return max(abs(one.offset - other.offset), abs(one.suspended - other.suspended))


def _shift(tx: Transaction, host: str, jump: int, slept: int) -> ClockShift:
    leases = _shift_leases(tx, host, jump, slept)
    waiting, deliveries = [], 0
    if jump:
        waiting = tx.all(_WAITING)
        for task_id, *_ in waiting:
            task = lifecycle.load(tx, task_id)
            assert task is not None  # read in this very transaction
            changes = {"eligible_at": task["eligible_at"] + jump}
            facts = {"clock_shifted": jump}
            lifecycle.apply(tx, "schedule", task, actor="system", changes=changes, facts=facts)
        deliveries = len(tx.all(_SHIFT_DELIVERIES, {"by": jump}))
    shift = ClockShift(jump, slept, leases, len(waiting), deliveries)
    lifecycle.append_event(tx, None, "clock_shifted", "system", msgspec.to_builtins(shift))
    return shift


def _shift_leases(tx: Transaction, host: str, jump: int, slept: int) -> int:
    """Move the leases of open runs, on run and task alike; return how many."""
    moved = 0
    for run in live_runs(tx.conn):
        by = jump + slept if _sleeps_with(run, host) else jump
        if run.open and by:
            tx.run(_SHIFT_LEASE, {"by": by, "run": run.id})
            tx.run(_SHIFT_MIRROR, {"by": by, "run": run.id, "id": run.task_id})
            moved += 1
    return moved


def _sleeps_with(run: LiveRun, host: str) -> bool:
    """Whether the run was asleep along with this host: it is there, or nobody knows where."""
    identity = run.identity() or run.claimed_by()
    return identity is None or identity.host == host


_REMEMBERED: Final = "SELECT boot, clock_offset, clock_suspended FROM hosts WHERE host_id = :host"
# A host that only looks by hand has no name yet; its gateway brings one along.
_REMEMBER: Final = """
INSERT INTO hosts (host_id, name, boot, clock_offset, clock_suspended)
VALUES (:host, :host, :boot, :offset, :suspended)
ON CONFLICT (host_id) DO UPDATE SET boot = excluded.boot, clock_offset = excluded.clock_offset,
    clock_suspended = excluded.clock_suspended
"""
_REMEMBER_ELSEWHERE: Final = """
UPDATE hosts SET clock_offset = clock_offset + :by WHERE host_id <> :host AND boot IS NOT NULL
"""
_SHIFT_LEASE: Final = """
UPDATE task_runs SET claim_expires = claim_expires + :by WHERE id = :run
"""
_SHIFT_MIRROR: Final = """
UPDATE tasks SET claim_expires = claim_expires + :by WHERE id = :id AND current_run_id = :run
"""
_WAITING: Final = """
SELECT id FROM tasks WHERE status = 'ready' AND eligible_at IS NOT NULL
UNION SELECT id FROM tasks WHERE status = 'todo' AND eligible_at IS NOT NULL
UNION SELECT id FROM tasks WHERE status = 'blocked' AND block_kind = 'transient'
ORDER BY id
"""
_SHIFT_DELIVERIES: Final = """
UPDATE deliveries SET next_attempt_at = next_attempt_at + :by, wake_at = wake_at + :by
WHERE state = 'waiting' OR wake_at IS NOT NULL RETURNING id
"""
