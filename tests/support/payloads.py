"""What events say is what the one list of event kinds declares."""

from __future__ import annotations

from hermes_kanban import kernel as kb
from hermes_kanban.model.event_kinds import EVENTS


def undeclared(conn: kb.BoardConnection, *, after: int = 0) -> set[str]:
    """What payloads of the board's events say that ``EVENTS`` does not tell."""
    found = set()
    for event in kb.list_events(conn, after=after, limit=10_000):
        mended = {"mended", "reason"} if event.payload.get("mended") else set()
        more = event.payload.keys() - EVENTS[event.kind].payload - mended
        found |= {f"{event.kind}: {key}" for key in more}
    return found
