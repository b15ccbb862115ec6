"""What happened on the board, as log lines: facts from the rows, words from ``LOG_EVENTS``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from structlog.typing import FilteringBoundLogger

from hermes_kanban.model.records import Event

Line = tuple[str, dict[str, Any]]


def log_events(log: FilteringBoundLogger, events: list[Event]) -> None:
    """Write a line for each event that people who watch a gateway want to see."""
    for event in events:
        describe = _LINES.get(event.kind)
        if describe is not None:
            name, keys = describe(event)
            level = log.warning if name in _WARNINGS else log.info
            level(name, task=event.task_id, run=event.run_id, **keys)


def _spawned(event: Event) -> Line:
    return "worker.spawned", {"pid": event.payload.get("run", {}).get("worker_pid")}


def _exited(event: Event) -> Line:
    if "error" in event.payload:
        return "worker.lost", {"error": event.payload["error"]}
    return "worker.exited", {"exit_code": event.payload.get("run", {}).get("exit_code")}


def _stopping(event: Event) -> Line:
    return "worker.stopping", {"reason": event.payload.get("run", {}).get("stop_reason")}


def _reclaimed(event: Event) -> Line:
    return "claim.reclaimed", {"reason": event.payload.get("run", {}).get("error")}


def _gave_up(event: Event) -> Line:
    return "breaker.opened", {
        "failures": event.payload.get("failures"),
        "error": event.payload.get("error"),
    }


def _spawn_failed(event: Event) -> Line:
    return "worker.spawn_failed", {"error": event.payload.get("run", {}).get("error")}


_WARNINGS: Final = frozenset(
    {"worker.lost", "claim.reclaimed", "breaker.opened", "worker.spawn_failed"}
)
_LINES: Final[dict[str, Callable[[Event], Line]]] = {
    "spawned": _spawned,
    "exited": _exited,
    "stop_requested": _stopping,
    "reclaimed": _reclaimed,
    "gave_up": _gave_up,
    "spawn_failed": _spawn_failed,
}
