"""What happened on the board, as log lines: facts from the rows, words from ``LOG_EVENTS``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from structlog.typing import FilteringBoundLogger

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.live import host_of, live_runs
from hermes_kanban.machine import machine
from hermes_kanban.model.records import Event, Run
from hermes_kanban.model.words import FAILURES
from hermes_kanban.verbs.delivering import Delivery, HandOvers


def log_events(log: FilteringBoundLogger, conn: kb.BoardConnection, events: list[Event]) -> None:
    """Write a line for each event that people who watch a gateway want to see."""
    for event in events:
        if tell_of_host := _HOST_LINES.get(event.kind):
            tell_of_host(log, event)
        tell = _LINES.get(event.kind)
        if tell is None or event.run_id is None:
            continue
        try:
            run = kb.get_run(conn, event.run_id)
        except kb.NotFound:  # its task was purged a moment later
            continue
        # What another host does is in that one's log; that it lost a run may be in no other.
        if event.kind != "reclaimed" and host_of(run) not in (None, machine().host):
            continue
        tell(log.bind(task=run.task_id, run=run.id, profile=run.profile), event, run)


def log_adopted(log: FilteringBoundLogger, conn: kb.BoardConnection) -> None:
    """Write a line for each worker that lives since before this gateway."""
    now = conn.clock.now()
    for run in live_runs(conn):
        if run.registered and run.host in (None, machine().host):
            log.info(
                "worker.adopted",
                task=run.task_id,
                run=run.id,
                profile=kb.get_run(conn, run.id).profile,
                pid=run.worker_pid,
                seconds=now - run.started_at,
            )


def log_hand_overs(log: FilteringBoundLogger, hand_overs: HandOvers) -> None:
    """Write a line for each hand-over that waited, or still does and why, and forget them."""
    for name, why in hand_overs.waiting.items():
        log.warning("handover.waits", folder=name, error=why)
    hand_overs.waiting.clear()
    for one in hand_overs.delivered:
        _tell_hand_over(log.bind(task=one.task_id, run=one.run_id, verb=one.verb), one)
    hand_overs.delivered.clear()


def _tell_hand_over(log: FilteringBoundLogger, one: Delivery) -> None:
    if one.outcome == "accepted":
        log.info("handover.delivered")
    elif one.outcome == "fenced":
        log.warning("handover.fenced", reason=one.why)
    else:
        log.error("handover.refused", reason=one.why)


def _host_joined(log: FilteringBoundLogger, event: Event) -> None:
    log.info("host.joined", host=_host(event))


def _host_left(log: FilteringBoundLogger, event: Event) -> None:
    log.info("host.left", host=_host(event))


def _host_lost(log: FilteringBoundLogger, event: Event) -> None:
    log.warning("host.lost", host=_host(event))


def _host_drained(log: FilteringBoundLogger, event: Event) -> None:
    log.info(
        "host.draining",
        host=_host(event),
        actor=event.actor,
        reason=event.payload.get("reason"),
    )


def _host_resumed(log: FilteringBoundLogger, event: Event) -> None:
    log.info("host.resumed", host=_host(event), actor=event.actor)


def _host(event: Event) -> Any:
    return event.payload.get("host", {}).get("name")


_HOST_LINES: Final[dict[str, Callable[[FilteringBoundLogger, Event], None]]] = {
    "host_joined": _host_joined,
    "host_left": _host_left,
    "host_lost": _host_lost,
    "host_drained": _host_drained,
    "host_resumed": _host_resumed,
}


def _spawned(log: FilteringBoundLogger, event: Event, run: Run) -> None:
    log.info("worker.spawned", pid=_of(event, "worker_pid"), runtime=run.runtime)


def _spawn_failed(log: FilteringBoundLogger, event: Event, _: Run) -> None:
    log.warning("worker.spawn_failed", error=_of(event, "error"))


def _failed(log: FilteringBoundLogger, event: Event, run: Run) -> None:
    log.warning(
        "worker.failed",
        outcome=_of(event, "outcome"),
        exit_code=run.exit_code,
        seconds=_span(run),
        error=_of(event, "error"),
    )


def _exited(log: FilteringBoundLogger, event: Event, run: Run) -> None:
    """The end of a process; of a run that failed it has been told with the failure."""
    if run.outcome not in FAILURES:
        log.info(
            "worker.exited",
            outcome=run.outcome,
            exit_code=run.exit_code,
            seconds=_span(run),
            error=event.payload.get("error") or (run.error if run.error != run.outcome else None),
        )


def _stopping(log: FilteringBoundLogger, event: Event, _: Run) -> None:
    log.info("worker.stopping", reason=_of(event, "stop_reason"))


def _reclaimed(log: FilteringBoundLogger, event: Event, _: Run) -> None:
    log.warning("claim.reclaimed", reason=_of(event, "error"))


def _gave_up(log: FilteringBoundLogger, event: Event, _: Run) -> None:
    log.warning(
        "breaker.opened",
        failures=event.payload.get("failures"),
        error=event.payload.get("error"),
    )


def _of(event: Event, column: str) -> Any:
    return event.payload.get("run", {}).get(column)


def _span(run: Run) -> int | None:
    end = run.exited_at or run.ended_at
    return None if end is None else end - run.started_at


_LINES: Final[dict[str, Callable[[FilteringBoundLogger, Event, Run], None]]] = {
    "spawned": _spawned,
    "spawn_failed": _spawn_failed,
    "crashed": _failed,
    "timed_out": _failed,
    "protocol_violation": _failed,
    "exited": _exited,
    "stop_requested": _stopping,
    "reclaimed": _reclaimed,
    "gave_up": _gave_up,
}
