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
    """How the clocks of one boot of a host stand to each other, in seconds.

    ``jumps`` are those of the board's clock that other hosts saw since, oldest first.
    """

    boot: str | None
    offset: int
    suspended: int
    jumps: list[int] = []


def follow_clock(conn: BoardConnection, here: Identity) -> ClockShift | None:
    """Shift what is due later, if the board's clock was set or the host of ``here`` slept.

    Leases (``claim_expires``) that were written before move by the jump, and those of this host by
    the time slept, which no worker could use; ``eligible_at`` and the next attempts of deliveries
    by the jump alone. Writes one ``clock_shifted`` event and a ``scheduled`` event for each task
    that waits. ``scheduled_at`` is a person's word about the wall clock and stays. None when
    nothing was shifted.
    """
    host = {"host": here.host}
    stand, before = _stand(conn, here.boot), _remembered(fetch_one(conn, _REMEMBERED, host))
    if before is not None and before.boot == here.boot and _is_known(stand, before):
        return None
    with write(conn, "follow-clock") as tx:
        # Another dispatcher may have seen the same jump, and the clock may jump while we wait. A
        # server tells its time with the first answer: what it told before may have come late.
        asked_at = conn.clock.boottime()
        before, stand = _remembered(tx.one(_REMEMBERED, host)), _stand(conn, here.boot)
        if conn.clock.boottime() - asked_at >= SLEW_SECONDS:
            return None  # and so may this have; the next look asks again
        tx.run(_REMEMBER, msgspec.to_builtins(stand) | host)
        if before is None or before.boot != here.boot:
            return None
        jump = _unseen(stand.offset - before.offset, before.jumps)
        slept = stand.suspended - before.suspended
        if max(abs(jump), abs(slept)) <= JUMP_SECONDS:
            return None
        _tell_others(tx, here.host, jump)
        return _shift(tx, here.host, jump, max(0, slept))


def _stand(conn: BoardConnection, boot: str | None) -> _Stand:
    boottime = conn.clock.boottime()
    offset = round(conn.clock.now() - boottime)
    return _Stand(boot, offset, round(boottime - conn.clock.monotonic()))


def _remembered(row: Any) -> _Stand | None:
    if row is None or row[0] is None:
        return None
    boot, offset, suspended, jumps = row
    return _Stand(boot, offset, suspended, _decode(jumps))


def _is_known(now: _Stand, before: _Stand) -> bool:
    apart = max(abs(now.offset - before.offset), abs(now.suspended - before.suspended))
    return apart < SLEW_SECONDS and not before.jumps


def _unseen(moved: int, jumps: list[int]) -> int:
    """The part of a move for which the board was not shifted yet.

    A host that wrote its stand down after a jump, and before anybody shifted the board by it, is
    told of that jump all the same: so it is the last few of the jumps that its clock may show.
    """
    for first in range(len(jumps) + 1):
        if abs(moved - sum(jumps[first:])) <= JUMP_SECONDS:
            return 0
    return moved - sum(jumps)


def _tell_others(tx: Transaction, host: str, jump: int) -> None:
    if jump:
        for other, jumps in tx.all(_OTHERS, {"host": host}):
            told = {"host": other, "jumps": _encode([*_decode(jumps), jump]).decode()}
            tx.run(_TELL, told)


_encode: Final = msgspec.json.encode
_decode: Final = msgspec.json.Decoder(list[int]).decode


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
    """Move the leases of live runs, on run and task alike; return how many are open."""
    moved = 0
    for run in live_runs(tx.conn):
        jumped = jump if _is_of_before(run, jump, tx.now) else 0
        by = jumped + slept if _sleeps_with(run, host) else jumped
        if by:
            lease = {"by": by, "jump": jumped, "run": run.id}
            tx.run(_SHIFT_LEASE, lease)
            tx.run(_SHIFT_MIRROR, lease | {"id": run.task_id})
            moved += run.open
    return moved


def _is_of_before(run: LiveRun, jump: int, now: int) -> bool:
    """Whether the lease was written before the clock was set; in doubt what ends it later.

    Another host may have written it since, which came after the jump and does not know of it: its
    supervisor counts on all of that lease. Where an older one is taken for such a lease, which has
    not been renewed for as long as the clock was set back, it still ends in its own length.
    """
    if run.last_heartbeat_at is None:
        return True
    if jump < 0:
        return run.last_heartbeat_at > now + JUMP_SECONDS
    return run.last_heartbeat_at <= now - jump + JUMP_SECONDS


def _sleeps_with(run: LiveRun, host: str) -> bool:
    """Whether the run was asleep along with this host: it is there, or nobody knows where."""
    return run.host in (None, host)


_REMEMBERED: Final = """
SELECT boot, clock_offset, clock_suspended, clock_jumps FROM hosts WHERE host_id = :host
"""
# A host that only looks by hand has no name yet; its gateway brings one along.
_REMEMBER: Final = """
INSERT INTO hosts (host_id, name, boot, clock_offset, clock_suspended)
VALUES (:host, :host, :boot, :offset, :suspended)
ON CONFLICT (host_id) DO UPDATE SET boot = excluded.boot, clock_offset = excluded.clock_offset,
    clock_suspended = excluded.clock_suspended, clock_jumps = '[]'
"""
_OTHERS: Final = """
SELECT host_id, clock_jumps FROM hosts WHERE host_id <> :host AND boot IS NOT NULL ORDER BY host_id
"""
_TELL: Final = "UPDATE hosts SET clock_jumps = :jumps WHERE host_id = :host"
_SHIFT_LEASE: Final = """
UPDATE task_runs
SET claim_expires = claim_expires + :by, last_heartbeat_at = last_heartbeat_at + :jump
WHERE id = :run
"""
_SHIFT_MIRROR: Final = """
UPDATE tasks
SET claim_expires = claim_expires + :by, last_heartbeat_at = last_heartbeat_at + :jump
WHERE id = :id AND current_run_id = :run
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
