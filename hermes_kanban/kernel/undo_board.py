"""What a person does to the whole board and can take back: pausing it, draining a host, and their
ends."""

from __future__ import annotations

from typing import Any, Final

from hermes_kanban.kernel import boards, hosts, reads
from hermes_kanban.model.records import Event
from hermes_kanban.store.protocol import BoardConnection, Transaction

_PAUSING: Final = ("paused", "resumed")
_DRAINING: Final = ("host_drained", "host_resumed")
KINDS: Final = frozenset({*_PAUSING, *_DRAINING})


def newest_like(tx: Transaction, last: Event) -> Event:
    """The newest event about the same: the pause of the board, or whether that host drains."""
    pair = _PAUSING if last.kind in _PAUSING else _DRAINING
    rows = tx.all(_LATER, {"id": last.id, "one": pair[0], "other": pair[1]})
    alike = (one for one in map(reads.event_of, rows) if _host(one) == _host(last))
    return next(alike, last)


def do_opposite(conn: BoardConnection, last: Event, actor: str) -> None:
    """Take the verb of that event back."""
    match last.kind:
        case "paused":
            boards.resume(conn, actor=actor)
        case "resumed":
            boards.pause(conn, actor=actor)
        case "host_drained":
            hosts.resume_host(conn, _host(last), actor=actor)
        case _:
            hosts.drain_host(conn, _host(last), actor=actor)


def _host(event: Event) -> Any:
    """The id of the host that an event is about; None for one of the board."""
    return event.payload.get("host", {}).get("host_id")


_LATER: Final = (
    f"SELECT {reads.EVENT_COLUMNS} FROM task_events WHERE task_id IS NULL AND id > :id"
    " AND kind IN (:one, :other) ORDER BY id DESC"
)
