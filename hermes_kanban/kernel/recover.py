"""The end of processes: exit records, stops, lost supervisors, stale claims, run-away runs.

The end of a run is not the end of its process. ``ended_at`` closes the run; ``exited_at`` says that
nothing of it lives any more, and only then may the task be claimed again. Nothing here waits: each
call advances what it can and returns.
"""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec

from hermes_kanban import lifecycle
from hermes_kanban.kernel import claim, finish, leases
from hermes_kanban.kernel.live import LiveRun, live_runs
from hermes_kanban.lifecycle import TaskState
from hermes_kanban.ports import ExitRecord, HandOvers, Processes
from hermes_kanban.redact import redact, strip_control
from hermes_kanban.store.protocol import BoardConnection, Transaction, write

EX_TEMPFAIL: Final = 75  # sysexits.h: a temporary failure, try again later
MAX_RUNTIME_MARGIN_SECONDS: Final = 5
SUPERVISOR_LOST: Final = "supervisor lost"
DISPATCHER: Final = "dispatcher"
_ERROR_CHARACTERS: Final = 500


def import_exit_records(
    conn: BoardConnection,
    processes: Processes,
    live: list[LiveRun] | None = None,
    *,
    hand_overs: HandOvers | None = None,
) -> list[int]:
    """Write down what supervisors left behind; return the ids of the runs whose exit it was.

    No run is judged before ``hand_overs`` says that nothing more of it can come; so below.
    """
    imported = []
    for run in live_runs(conn) if live is None else live:
        if (
            run.registered
            and (record := processes.exit_record(run.worker(conn)))
            and _import(conn, processes, run, record, hand_overs)
        ):
            imported.append(run.id)
    return imported


def _import(
    conn: BoardConnection,
    processes: Processes,
    run: LiveRun,
    record: ExitRecord | None,
    hand_overs: HandOvers | None,
) -> bool:
    """One transaction guarded by ``exited_at IS NULL``; the file goes after the commit.

    False, with nothing done, while what the agent handed in at its end waits: asked here, where
    nothing of the run lives on this host any more.
    """
    if run.open and hand_overs is not None and not hand_overs.settled(conn, run):
        return False
    with write(conn, "import-exit") as tx:
        task = lifecycle.load(tx, run.task_id)
        still_due = tx.one(
            "SELECT stop_reason FROM task_runs WHERE id = :run AND exited_at IS NULL",
            {"run": run.id},
        )
        if task is not None and still_due is not None:
            if task["current_run_id"] == run.id:
                _close(tx, task, still_due["stop_reason"], record)
            _mark_exited(tx, task, run.id, record)
    processes.settle(run.worker(conn))
    return True


def _mark_exited(tx: Transaction, task: TaskState, run_id: int, record: ExitRecord | None) -> None:
    now = lifecycle.moment(tx, task)
    columns: dict[str, Any] = {"exited_at": now}
    if record is not None:
        columns |= _told(record)
    lifecycle.update_run(tx, run_id, columns)
    facts: dict[str, Any] = {"run": {"id": run_id} | columns}
    if record is None:
        facts["error"] = SUPERVISOR_LOST
    lifecycle.record(tx, task, "exited", "system", facts, run_id=run_id, at=now)


def _told(record: ExitRecord) -> dict[str, Any]:
    """What the run's row keeps of its agent's end."""
    conclusion = record.conclusion
    usage = conclusion.usage
    found = {
        "exit_code": record.exit_code,
        "session": conclusion.session,
        "usage": None if usage is None else msgspec.json.encode(usage).decode(),
    }
    return {column: value for column, value in found.items() if value is not None}


def _close(
    tx: Transaction, task: TaskState, stop_reason: str | None, record: ExitRecord | None
) -> None:
    """Judge an open run whose tree is gone."""
    if stop_reason == "lost_lease" or (record is not None and record.lease_lost):
        finish.reclaim_in(tx, task, "system", "its lease was lost")
    elif stop_reason == "max_runtime" or (record is not None and record.timed_out):
        finish.fail_in(tx, task, "time_out", "ran longer than its max runtime", _seen(record))
    elif record is None:
        finish.fail_in(tx, task, "crash", SUPERVISOR_LOST)
    elif record.never_started:
        finish.reclaim_in(tx, task, "system", "it was never started: its gateway ended first")
    elif record.spawn_failed is not None:
        finish.fail_in(tx, task, "fail_to_spawn", record.spawn_failed)
    elif record.exit_code == EX_TEMPFAIL or record.conclusion.rate_limited:
        reset_at = record.conclusion.reset_at
        error = _error(f"{_ending(record)} (try again later)", record)
        finish.rate_limit_in(tx, task, error, reset_at, _seen(record))
    elif record.exit_code == 0:
        _close_silent(tx, task, record)
    else:
        finish.fail_in(tx, task, "crash", _error(_ending(record), record), _seen(record))


def _close_silent(tx: Transaction, task: TaskState, record: ExitRecord) -> None:
    """Exit 0 without complete or block: the profile says what that means."""
    if record.on_exit_zero == "complete":
        summary = redact(_last_words(record)).strip() or None
        finish.complete_in(tx, task, "system", None, {"summary": summary})
        return
    silent = "exit code 0 without complete or block"
    if record.conclusion.reached_board is False:
        silent = f"never reached the board: {silent}, and not one call of its tools"
    error = _error(silent, record)
    finish.fail_in(tx, task, "violate_protocol", error, _seen(record))


def _ending(record: ExitRecord) -> str:
    code = record.exit_code
    if code is None:
        return "ended without an exit code"
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


def _error(what: str, record: ExitRecord) -> str:
    if record.conclusion.error:
        return f"{what}; {redact(strip_control(record.conclusion.error))[:_ERROR_CHARACTERS]}"
    lines = redact(_last_words(record)).strip().splitlines()
    return f"{what}; last output: {lines[-1][:_ERROR_CHARACTERS]}" if lines else what


def _seen(record: ExitRecord | None) -> dict[str, Any]:
    """The last output as evidence on the board."""
    words = "" if record is None else redact(_last_words(record))
    return {"output": words} if words else {}


def _last_words(record: ExitRecord) -> str:
    """What the agent said last, else the end of its output; people read neither frame nor JSON."""
    return strip_control(record.conclusion.said or record.tail)


def advance_stops(
    conn: BoardConnection,
    processes: Processes,
    live: list[LiveRun] | None = None,
    *,
    hand_overs: HandOvers | None = None,
) -> list[int]:
    """Advance every stop; return the runs whose tree is now gone. Asks lingerers to stop."""
    gone = []
    for run in live_runs(conn) if live is None else live:
        if not run.registered or is_foreign(processes, run):
            continue
        if run.stop_requested_at is None:
            _stop_lingerer(conn, run)
        elif run.identity() is not None and processes.stop(
            run.worker(conn), conn.config.kanban.stop_grace_seconds
        ):
            record = processes.exit_record(run.worker(conn))
            if _import(conn, processes, run, record, hand_overs):
                gone.append(run.id)
    return gone


def is_foreign(processes: Processes | None, run: LiveRun) -> bool:
    """Whether the registered process is another host's, which alone can stop it and see its end."""
    identity = run.identity()
    return (
        processes is not None
        and identity is not None
        and processes.liveness(identity) == "elsewhere"
    )


def _stop_lingerer(conn: BoardConnection, run: LiveRun) -> None:
    """A worker that finished its task and does not exit is asked to after ``linger_seconds``."""
    if run.open or conn.clock.now() < (run.ended_at or 0) + conn.config.kanban.linger_seconds:
        return
    _ask_to_stop(conn, run, "linger")


def _ask_to_stop(conn: BoardConnection, run: LiveRun, reason: str) -> bool:
    with write(conn, "request-stop") as tx:
        task = lifecycle.load(tx, run.task_id)
        return task is not None and finish.request_stop(tx, task, run.id, reason, "system")


def detect_crashed_workers(
    conn: BoardConnection,
    processes: Processes,
    live: list[LiveRun] | None = None,
    *,
    pending: list[int] | None = None,
    hand_overs: HandOvers | None = None,
) -> list[int]:
    """Close the runs whose supervisor died without a record, once its tree is gone.

    Returns their ids; ``pending`` gathers those whose tree is still being cleared.
    """
    crashed = []
    for run in live_runs(conn) if live is None else live:
        identity = run.identity()
        if not run.registered or identity is None or run.stop_requested_at is not None:
            continue
        if processes.liveness(identity) != "dead":
            continue
        worker = run.worker(conn)
        # It may have written its record and exited since the records were read.
        record = processes.exit_record(worker)
        if record is not None or processes.stop(worker, 0):
            record = record or processes.exit_record(worker)
            if _import(conn, processes, run, record, hand_overs):
                crashed.append(run.id)
        elif pending is not None:
            pending.append(run.id)
    return crashed


def release_stale_claims(
    conn: BoardConnection,
    processes: Processes | None = None,
    live: list[LiveRun] | None = None,
    *,
    now: int | None = None,
    reachable_since: int | None = None,
) -> list[int]:
    """Reclaim open runs whose lease ran out by ``now`` (default: the clock); return their ids.

    A local worker whose process lives is never judged by its lease. One that this host cannot
    judge is given a margin, and its exit is written down with it; so is that of an ended run, whose
    supervisor ends with the lease where hosts share the board. The margin begins at
    ``reachable_since`` at the earliest: while the board was away from this host, others may not
    have reached it either, and what ended there is to be handed in first.
    """
    now = conn.clock.now() if now is None else now
    margin = conn.config.kanban.host_margin_seconds
    reclaimed = []
    for run in live_runs(conn) if live is None else live:
        expires = run.claim_expires or 0
        gone_at = max(expires, reachable_since or 0) + margin
        if expires >= now:
            continue
        if not run.registered:
            done = _reclaim(conn, run, "its lease ran out", now)
        elif not _is_elsewhere(processes, run) or gone_at >= now:
            continue
        elif run.open:
            done = _reclaim(conn, run, "its lease ran out on another host", now)
        else:
            if conn.shared:
                _give_up_process(conn, run)
            continue
        if done:
            reclaimed.append(run.id)
    return reclaimed


def _give_up_process(conn: BoardConnection, run: LiveRun) -> None:
    """The run ended and the host of its process is not heard of: it must hold nothing up."""
    with write(conn, "give-up-process") as tx:
        task = lifecycle.load(tx, run.task_id)
        exited = tx.value("SELECT exited_at FROM task_runs WHERE id = :run", {"run": run.id})
        if task is not None and exited is None:
            _mark_exited(tx, task, run.id, None)


def _is_elsewhere(processes: Processes | None, run: LiveRun) -> bool:
    identity = run.identity()
    if identity is None:
        return True
    # Whoever cannot look at processes cannot say that it is not here and alive.
    return processes is not None and processes.liveness(identity) == "elsewhere"


def _reclaim(conn: BoardConnection, run: LiveRun, error: str, expired_at: int) -> bool:
    with write(conn, "reclaim") as tx:
        task = lifecycle.load(tx, run.task_id)
        if task is None or task["current_run_id"] != run.id:
            return False
        if task["claim_expires"] is not None and task["claim_expires"] >= expired_at:
            return False  # renewed in the meantime
        if task["worker_pid"] is not None and not run.registered:
            return False  # registered in the meantime
        finish.reclaim_in(tx, task, "system", error)
        if run.registered:
            _mark_exited(tx, task, run.id, None)
        return True


def recover_orphaned_claims(conn: BoardConnection, processes: Processes) -> list[int]:
    """Reclaim what a dead dispatcher of this host claimed and never registered.

    For whoever takes the dispatcher lock: such a run has no process and never will have one.
    """
    recovered = []
    for run in live_runs(conn):
        by = run.claimed_by()
        if not run.open or run.registered or by is None or run.claimer != DISPATCHER:
            continue
        if processes.liveness(by) == "dead" and _close_orphan(conn, run):
            recovered.append(run.id)
    return recovered


def take_back_unstarted(
    conn: BoardConnection, processes: Processes, live: list[LiveRun]
) -> list[int]:
    """Reclaim what this very dispatcher claimed in an earlier look and never registered.

    A look ends with each of its claims registered or closed, unless the board refused even that
    (no room, too busy): then the supervisor was never told to go, and nothing of the run lives.
    """
    me = processes.identity()
    mine = [
        run
        for run in live
        if run.open and not run.registered and run.claimer == DISPATCHER and run.claimed_by() == me
    ]
    return [run.id for run in mine if _close_orphan(conn, run)]


def _close_orphan(conn: BoardConnection, run: LiveRun) -> bool:
    with write(conn, "reclaim") as tx:
        task = lifecycle.load(tx, run.task_id)
        if task is None or task["current_run_id"] != run.id or task["worker_pid"] is not None:
            return False
        finish.reclaim_in(tx, task, "system", "its dispatcher never started it")
        return True


def enforce_max_runtime(conn: BoardConnection, live: list[LiveRun] | None = None) -> list[int]:
    """Stop runs that outlasted their max runtime; return their ids.

    The supervisor does so on the second; this is the net under it, and the rule for runs that
    have no process here.
    """
    now = conn.clock.now()
    stopped = []
    for run in live_runs(conn) if live is None else live:
        limit = _max_runtime(conn, run)
        if not run.open or limit is None or run.stop_requested_at is not None:
            continue
        margin = conn.config.kanban.stop_grace_seconds + MAX_RUNTIME_MARGIN_SECONDS
        if run.registered:
            over = now > run.started_at + limit + margin
            acted = over and _ask_to_stop(conn, run, "max_runtime")
        else:
            acted = now > run.started_at + limit and _time_out(conn, run)
        if acted:
            stopped.append(run.id)
    return stopped


def _max_runtime(conn: BoardConnection, run: LiveRun) -> float | None:
    if run.max_runtime_seconds is not None:
        return run.max_runtime_seconds
    profile = conn.config.profiles.get(run.profile or "")
    return None if profile is None else profile.max_runtime_seconds


def _time_out(conn: BoardConnection, run: LiveRun) -> bool:
    with write(conn, "time-out") as tx:
        task = lifecycle.load(tx, run.task_id)
        if task is None or task["current_run_id"] != run.id or task["worker_pid"] is not None:
            return False
        finish.fail_in(tx, task, "time_out", "ran longer than its max runtime")
        return True


def next_deadline(
    conn: BoardConnection,
    live: list[LiveRun],
    processes: Processes | None = None,
    reachable_since: int | None = None,
) -> int | None:
    """When the first of the live runs needs a look by time alone (Unix seconds), or None."""
    since = reachable_since or 0
    times = [
        _foreign_deadline(conn, run, since) if is_foreign(processes, run) else _deadline(conn, run)
        for run in live
    ]
    return min((at for at in times if at is not None), default=None)


def _foreign_deadline(conn: BoardConnection, run: LiveRun, reachable_since: int) -> int | None:
    """When the process is given up; never, if its run has ended and nothing ends it for us."""
    if not run.open and not conn.shared:
        return None
    expires = max(run.claim_expires or 0, reachable_since)
    return expires + conn.config.kanban.host_margin_seconds + 1


def _deadline(conn: BoardConnection, run: LiveRun) -> int:
    settings = conn.config.kanban
    if not run.open:
        return math.ceil((run.ended_at or 0) + settings.linger_seconds)
    expires = run.claim_expires or 0
    due = expires - settings.lease_seconds * 2 // 3 if run.registered else expires + 1
    limit = _max_runtime(conn, run)
    if limit is None:
        return due
    margin = settings.stop_grace_seconds + MAX_RUNTIME_MARGIN_SECONDS if run.registered else 0
    return min(due, math.ceil(run.started_at + limit + margin) + 1)


def renew_leases(
    conn: BoardConnection, processes: Processes, live: list[LiveRun] | None = None
) -> int:
    """Renew the leases of all live local runs in one transaction, at a third of their length.

    The worker never has to remember its lease. Returns how many were renewed; writes no event.
    """
    lease = conn.config.kanban.lease_seconds
    now = conn.clock.now()
    asked_at = conn.clock.boottime()
    held = [
        run
        for run in (live_runs(conn) if live is None else live)
        if run.open and run.registered and run.stop_reason != "lost_lease"
    ]
    if not any((run.claim_expires or 0) - now <= lease * 2 / 3 for run in held):
        return 0
    alive = [
        (run.task_id, run.id)
        for run in held
        if (identity := run.identity()) and processes.liveness(identity) == "alive"
    ]
    if not alive:
        return 0
    with write(conn, "renew-leases") as tx:
        # Some may have ended since they were looked at: their supervisors must not live on.
        renewed = claim.renew(tx, alive, int(lease))()
        expires = tx.now + int(lease)
    until = leases.held_until(conn, asked_at, int(lease), expires)
    for run_id in renewed:
        leases.note_renewed(conn, run_id, until)
    return len(renewed)
