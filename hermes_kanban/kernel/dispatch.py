"""One look of the dispatcher at its board: settle what ended, then start what may start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from hermes_kanban import lifecycle
from hermes_kanban.kernel import (
    claim,
    clocks,
    eligibility,
    finish,
    gates,
    leases,
    queue,
    recover,
)
from hermes_kanban.kernel.eligibility import World
from hermes_kanban.kernel.live import LiveRun, ask_live_runs, live_runs
from hermes_kanban.kernel.reads import get_run
from hermes_kanban.model.errors import BoardBusy, BoardUnreachable, KanbanError
from hermes_kanban.model.records import Identity, Run, Task
from hermes_kanban.ports import HandOvers, Launched, Processes, Spawned, SpawnFunction
from hermes_kanban.store.protocol import BoardConnection, ask_all, reading, write

STOP_POLL_SECONDS: Final = 0.1
HELD_POLL_SECONDS: Final = 1.0
SWEEP: Final = 8


class DispatchReport(msgspec.Struct):
    """What one look did, ids by action, and what it held back, ids by reason.

    Of the board's ``in_progress`` runs ``running_here`` are on the host that looked.
    ``next_due_at`` is when time alone will make something due (Unix seconds); ``poll_seconds``
    asks to be called again that soon, since a stop is under way.
    """

    clock_shifted: clocks.ClockShift | None = None
    exited: list[int] = []
    stopped: list[int] = []
    crashed: list[int] = []
    reclaimed: list[int] = []
    timed_out: list[int] = []
    renewed: int = 0
    promoted: list[str] = []
    unblocked: list[str] = []
    spawned: list[tuple[str, int, int]] = []
    spawn_failed: list[tuple[str, str]] = []
    lost: list[str] = []
    eligible: list[str] = []
    held: dict[str, list[str]] = {}
    in_progress: int = 0
    running_here: int = 0
    next_due_at: int | None = None
    poll_seconds: float | None = None

    def did_something(self) -> bool:
        """True when a log line is worth writing."""
        return bool(
            self.clock_shifted
            or self.exited
            or self.stopped
            or self.crashed
            or self.reclaimed
            or self.timed_out
            or self.promoted
            or self.unblocked
            or self.spawned
            or self.spawn_failed
            or self.lost
        )


class Sweep(msgspec.Struct):
    """Where the safety net goes on at the next look, so that a look costs the same on any board."""

    after: int = 0


def dispatch_once(
    conn: BoardConnection,
    *,
    spawn_fn: SpawnFunction | Callable[[Task, Run], Spawned | int],
    processes: Processes | None = None,
    max_spawn: int | None = None,
    free_mib: Callable[[], int] | None = None,
    sweep: Sweep | None = None,
    hand_overs: HandOvers | None = None,
    dry_run: bool = False,
) -> DispatchReport:
    """Settle, then start: see the steps below. Never waits for a process.

    ``spawn_fn`` starts the process of a claimed run. Without ``processes`` only leases and max
    runtimes are judged. ``hand_overs`` is what workers left while the board could not be reached:
    it is handed in before their runs are judged. ``dry_run`` changes nothing and reports what is
    eligible and what is held.
    """
    report = DispatchReport()
    here = None if processes is None else processes.identity()
    if dry_run:
        _choose(conn, live_runs(conn), report, _most(conn, max_spawn), free_mib, here)
        return report
    # Before the clock is followed: one that is set in the midst of this must end no lease.
    now = conn.clock.now()
    if here is not None:
        report.clock_shifted = clocks.follow_clock(conn, here)
        # Nor one that was set back since, and that the leases have just followed.
        now = min(now, conn.clock.now())
    if hand_overs is not None:
        hand_overs.deliver(conn)
    look = _look(conn, sweep)
    live = _settle(conn, look.live, processes, hand_overs, report, now)
    _recompute(conn, look, report, sweep)
    written = conn.events_written
    next_due = _start_chosen(
        conn, live, _most(conn, max_spawn), spawn_fn, processes, report, free_mib
    )
    if conn.events_written != written:
        live = live_runs(conn)
        next_due = queue.ask_next_due(conn, conn.clock.now())()
    alone = here is None or not conn.shared
    report.running_here = sum(alone or run.host in (None, here and here.host) for run in live)
    since = _reachable_since(conn, hand_overs)
    due = (next_due, recover.next_deadline(conn, live, processes, since))
    report.next_due_at = min((at for at in due if at is not None), default=None)
    return report


def _most(conn: BoardConnection, max_spawn: int | None) -> int:
    return conn.config.kanban.max_spawn if max_spawn is None else max_spawn


def _start_chosen(
    conn: BoardConnection,
    live: list[LiveRun],
    places: int,
    spawn_fn: Callable[[Task, Run], Spawned | int],
    processes: Processes | None,
    report: DispatchReport,
    free_mib: Callable[[], int] | None,
) -> int | None:
    """Start up to ``places`` tasks; what is held up at its claim gives its place to the next.

    When the next task becomes due, as of the last look before that.
    """
    seen: list[LiveRun] | None = live
    here = None if processes is None else processes.identity()
    while True:
        world, chosen, next_due = _choose(conn, seen, report, places, free_mib, here)
        tried = sum(_start(conn, world, one, spawn_fn, processes, report) for one in chosen)
        report.in_progress = world.total
        places -= tried
        if not places or not tried or tried == len(chosen):
            return next_due
        seen = None


class _Seen(NamedTuple):
    """What a look begins with: the live runs, and what the safety net is to look at."""

    live: list[LiveRun]
    waiting: gates.Asked
    due: gates.Asked


def _look(conn: BoardConnection, sweep: Sweep | None) -> _Seen:
    with reading(conn):
        runs = ask_live_runs(conn)
        after, most = (0, None) if sweep is None else (sweep.after, SWEEP)
        waiting, due = gates.ask_waiting_slice(conn, after, most), _ask_due_blocks(conn)
        return _Seen(runs(), waiting, due)


def _settle(
    conn: BoardConnection,
    live: list[LiveRun],
    processes: Processes | None,
    hand_overs: HandOvers | None,
    report: DispatchReport,
    now: int,
) -> list[LiveRun]:
    """Exits, stops, dead workers, stale claims, run-aways; the runs still live."""
    written = conn.events_written
    ending: list[int] = []
    if not live:
        return live
    if processes is not None:
        report.reclaimed = recover.take_back_unstarted(conn, processes, live)
        report.exited = recover.import_exit_records(conn, processes, live, hand_overs=hand_overs)
        live = live_runs(conn) if report.exited or report.reclaimed else live
        report.stopped = recover.advance_stops(conn, processes, live, hand_overs=hand_overs)
        report.crashed = recover.detect_crashed_workers(
            conn, processes, live, pending=ending, hand_overs=hand_overs
        )
        report.renewed = recover.renew_leases(conn, processes, live)
    report.reclaimed += recover.release_stale_claims(
        conn, processes, live, now=now, reachable_since=_reachable_since(conn, hand_overs)
    )
    report.timed_out = recover.enforce_max_runtime(conn, live)
    if report.renewed or conn.events_written != written:
        live = live_runs(conn)
    if ending or any(run.registered and run.stop_requested_at is not None for run in live):
        report.poll_seconds = STOP_POLL_SECONDS
    elif hand_overs is not None and hand_overs.held:
        report.poll_seconds = HELD_POLL_SECONDS
    return live


def _reachable_since(conn: BoardConnection, hand_overs: HandOvers | None) -> int | None:
    """Since when other hosts are judged: on a board of one host there is none to be waited for."""
    return hand_overs.reachable_since if conn.shared and hand_overs is not None else None


def _recompute(
    conn: BoardConnection, seen: _Seen, report: DispatchReport, sweep: Sweep | None
) -> None:
    """The safety net for promotions, a slice a look, and blocks that time lifts."""
    limit = None if sweep is None else SWEEP
    report.promoted, after = gates.recompute_ready(conn, limit=limit, asked=seen.waiting)
    if sweep is not None:
        sweep.after = after
    report.unblocked = unblock_due(conn, seen.due)


def _ask_due_blocks(conn: BoardConnection) -> gates.Asked:
    return ask_all(
        conn,
        "SELECT id FROM tasks INDEXED BY tasks_transient"
        " WHERE status = 'blocked' AND block_kind = 'transient'"
        " AND eligible_at <= :now ORDER BY eligible_at LIMIT 100",
        {"now": conn.clock.now()},
    )


def unblock_due(conn: BoardConnection, due: gates.Asked | None = None) -> list[str]:
    """Unblock the ``transient`` blocks that are ``due``, if that was asked; return their ids."""
    unblocked = []
    for (task_id,) in (due or _ask_due_blocks(conn))():
        with write(conn, "unblock") as tx:
            task = lifecycle.load(tx, task_id)
            if task and task["block_kind"] == "transient" and task["eligible_at"] <= tx.now:
                gates.unblock_by_system(tx, task, {"due": True})
                unblocked.append(task_id)
    return unblocked


def _choose(
    conn: BoardConnection,
    live: list[LiveRun] | None,
    report: DispatchReport,
    most: int,
    free_mib: Callable[[], int] | None,
    here: Identity | None,
) -> tuple[World, list[str], int | None]:
    """The board now, the ids of up to ``most`` tasks to start, in order, and when one is due."""
    with reading(conn):
        groups = queue.ask_groups(conn)
        next_due = queue.ask_next_due(conn, conn.clock.now())
        world = eligibility.survey(conn, live, free_mib=free_mib, here=here)
        found = queue.candidates(conn, world, most, groups)
        due_at = next_due()
    chosen = [row["id"] for row in found.tasks]
    report.eligible += [task_id for task_id in chosen if task_id not in report.eligible]
    for code, ids in found.held.items():
        for task_id in ids:
            _hold_back(report, code, task_id)
    report.in_progress = world.total
    return world, chosen, due_at


def _hold_back(report: DispatchReport, code: str, task_id: str) -> None:
    held = report.held.setdefault(code, [])
    if task_id not in held:
        held.append(task_id)


def _start(
    conn: BoardConnection,
    world: World,
    task_id: str,
    spawn_fn: Callable[[Task, Run], Spawned | int],
    processes: Processes | None,
    report: DispatchReport,
) -> bool:
    """Claim, spawn, register, go: in this order, so that no process starts unrecorded.

    False when the task could not be claimed.
    """
    asked_at = conn.clock.boottime()
    claimed = _claim(conn, world, task_id, processes)
    if isinstance(claimed, str):
        _hold_back(report, claimed, task_id)
        return False
    if claimed is None:
        report.lost.append(task_id)
        return False
    run = get_run(conn, claimed.current_run_id or 0)
    try:
        process = spawn_fn(claimed, run)
    except (BoardUnreachable, BoardBusy):
        raise  # no failure of the task; the next look takes the run back
    except Exception as error:
        reason = str(error) if isinstance(error, (KanbanError, OSError)) else repr(error)
        _spawn_failed(conn, run, reason)
        report.spawn_failed.append((task_id, reason))
        return True
    _register(conn, processes, run, process, report, asked_at)
    return True


def _claim(
    conn: BoardConnection, world: World, task_id: str, processes: Processes | None
) -> Task | str | None:
    """Claim within the caps as the transaction sees them; the code of a hold if one came up."""
    here = None if processes is None else processes.identity()
    with write(conn, "dispatch") as tx:
        found = claim.load_to_claim(tx, task_id)
        if found is None or found[0]["status"] != "ready":
            return None
        task, hold = found
        exact = eligibility.survey(conn, free_mib=lambda: world.free_mib, here=here)
        if held := eligibility.holds(exact, task):
            return held[0].code
        if hold is not None:
            return None
        claim.claim_in(
            tx,
            task,
            claimer=recover.DISPATCHER,
            ttl_seconds=int(conn.config.kanban.lease_seconds),
            identity=here,
        )
        world.took(task["assignee"], task["tenant"], None if here is None else here.host)
        return claim.as_task(task)


def _register(
    conn: BoardConnection,
    processes: Processes | None,
    run: Run,
    process: Spawned | int,
    report: DispatchReport,
    claim_asked_at: float,
) -> None:
    # A plain pid runs already; a supervisor waits to be told.
    supervisor = None if isinstance(process, int) else process
    pid = process if isinstance(process, int) else process.pid
    if supervisor is not None:
        identity = supervisor.identity
    else:
        identity = None if processes is None else processes.identity(pid)
    log_path = str(conn.paths.run_dir(run.id) / "log")
    # Whoever brings a ``spawn_fn`` of their own owes no more than ``pid`` and ``go()``.
    launched: Launched | None = getattr(supervisor, "launched", None)
    if claim.register_worker(
        conn, run.id, pid=pid, identity=identity, log_path=log_path, launched=launched
    ):
        if supervisor is not None:
            seconds = int(conn.config.kanban.lease_seconds)
            until = leases.held_until(conn, claim_asked_at, seconds, run.claim_expires)
            leases.note(conn, run.id, until)
            supervisor.go()
        report.spawned.append((run.task_id, run.id, pid))
        return
    if supervisor is not None:
        supervisor.abandon()
    report.lost.append(run.task_id)


def _spawn_failed(conn: BoardConnection, run: Run, reason: str) -> None:
    with write(conn, "spawn-failed") as tx:
        task = lifecycle.load(tx, run.task_id)
        if task is not None and task["current_run_id"] == run.id:
            finish.fail_in(tx, task, "fail_to_spawn", reason)
