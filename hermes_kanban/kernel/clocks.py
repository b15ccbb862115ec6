"""The wall clock against the boot clock: a clock that is set must end no lease and free no task.

The board remembers, for the boot of the host that dispatches it, how far the wall clock is ahead of
the boot clock. When that changes by more than ``JUMP_SECONDS`` the wall clock was set, and whatever
waits for a time in the future goes along with it.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from hermes_kanban import lifecycle
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
    """How the clocks of one boot stand to each other, in seconds."""

    boot: str | None
    offset: int
    suspended: int


def follow_clock(conn: BoardConnection, boot: str) -> ClockShift | None:
    """Shift what is due later, if the wall clock of this ``boot`` was set or the host slept.

    Leases (``claim_expires``) move by the jump and by the time slept, which no worker could use;
    ``eligible_at`` and the next attempts of deliveries by the jump alone. Writes one
    ``clock_shifted`` event and a ``scheduled`` event for each task that waits. ``scheduled_at`` is
    a person's word about the wall clock and stays. None when nothing was shifted.
    """
    here = _Stand(boot, *_stand(conn))
    before = _remembered(fetch_one(conn, _REMEMBERED))
    if before is not None and before.boot == boot and _apart(here, before) < SLEW_SECONDS:
        return None
    with write(conn, "follow-clock") as tx:
        # Another dispatcher of this host may have seen the same jump.
        before = _remembered(tx.one(_REMEMBERED))
        tx.run(_REMEMBER, msgspec.to_builtins(here))
        if before is None or before.boot != boot or _apart(here, before) <= JUMP_SECONDS:
            return None
        jump, slept = here.offset - before.offset, here.suspended - before.suspended
        return _shift(tx, jump, max(0, slept))


def _stand(conn: BoardConnection) -> tuple[int, int]:
    boottime = conn.clock.boottime()
    return round(conn.clock.now() - boottime), round(boottime - conn.clock.monotonic())


def _remembered(row: Any) -> _Stand | None:
    return None if row[0] is None else _Stand(*row)


def _apart(one: _Stand, other: _Stand) -> int:
    return max(abs(one.offset - other.offset), abs(one.suspended - other.suspended))


def _shift(tx: Transaction, jump: int, slept: int) -> ClockShift:
    by = {"by": jump + slept}
    leases = len(tx.all(_SHIFT_LEASES, by))
    tx.run(_SHIFT_MIRRORS, by)
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


_REMEMBERED: Final = "SELECT clock_boot, clock_offset, clock_suspended FROM boards"
_REMEMBER: Final = """
UPDATE boards SET clock_boot = :boot, clock_offset = :offset, clock_suspended = :suspended
"""
_SHIFT_LEASES: Final = """
UPDATE task_runs SET claim_expires = claim_expires + :by WHERE ended_at IS NULL RETURNING id
"""
_SHIFT_MIRRORS: Final = """
UPDATE tasks SET claim_expires = claim_expires + :by WHERE status = 'running'
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
