"""What happened since the last look, one line an event, and what had to be tried again."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from hermes_kanban import kernel as kb
from hermes_kanban import present

FAILED: Final = frozenset(
    {
        "crashed",
        "timed_out",
        "spawn_failed",
        "protocol_violation",
        "rate_limited",
        "reclaimed",
    }
)
_TOLD: Final = FAILED | {"spawned", "completed", "blocked", "gave_up", "triaged", "archived"}


class Retry(NamedTuple):
    """A run that failed, and how its task has fared since."""

    task_id: str
    title: str
    run_id: int
    outcome: str
    reason: str
    since: str
    is_made_up: bool = False

    def line(self) -> str:
        """What was retried, why, and how far that has come."""
        return f"{self.title}: run {self.run_id} {self.outcome} ({self.reason}); {self.since}"

    def after(self, event: kb.Event) -> Retry:
        """The same once that later event has happened."""
        if self.is_made_up or event.task_id != self.task_id:
            return self
        if event.kind == "completed":
            return self._replace(since=f"done in run {event.run_id}", is_made_up=True)
        if event.kind == "spawned":
            return self._replace(since=f"again in run {event.run_id}")
        return self._replace(since=event.kind.replace("_", " "))


class News:
    """Follows the board's events from the board's first, so that old retries are known too."""

    def __init__(self, conn: kb.BoardConnection) -> None:
        self._conn = conn
        self._after = 0
        self.retries: list[Retry] = []

    def catch_up(self) -> None:
        """Take in what happened before, without telling it."""
        while self.lines():
            pass

    def lines(self) -> list[str]:
        """A line for each event since the last call that is worth one."""
        told = []
        while events := kb.list_events(self._conn, after=self._after, limit=1_000):
            told += [line for event in events if (line := self._tell(event))]
            self._after = events[-1].id
        return told

    def _tell(self, event: kb.Event) -> str | None:
        if event.kind not in _TOLD or event.task_id is None:
            return None
        title = kb.get_task(self._conn, event.task_id).title
        self.retries = [one.after(event) for one in self.retries]
        if event.kind in FAILED and event.run_id is not None:
            self.retries.append(_retry(event, present.clean(title)))
        said = present.clean(_said(event))
        return f"{event.kind:<9}  {event.task_id}  {present.clean(title)}{said and ': '}{said}"


def _retry(event: kb.Event, title: str) -> Retry:
    again = _again(event) or "not again by itself"
    return Retry(event.task_id or "", title, event.run_id or 0, event.kind, _reason(event), again)


def _reason(event: kb.Event) -> str:
    return present.clean(str(_of(event, "run", "error") or "no reason given"))


def _again(event: kb.Event) -> str:
    at = _of(event, "task", "eligible_at")
    return f"again in {present.duration(at - event.created_at)}" if at else ""


def _said(event: kb.Event) -> str:
    run = f"run {event.run_id}"
    if event.kind == "spawned":
        return f"{run}, pid {_of(event, 'run', 'worker_pid')}"
    if event.kind in FAILED:
        return "; ".join(filter(None, (f"{run}, {_reason(event)}", _again(event))))
    said = _of(event, "run", "summary") or event.payload.get("reason") or ""
    return str(said).strip().splitlines()[-1] if said else ""


def _of(event: kb.Event, part: str, column: str) -> Any:
    return event.payload.get(part, {}).get(column)
