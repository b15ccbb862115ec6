"""What a running worker has not been told yet: people steer an agent without stopping it.

A run's inbox begins with its claim, since the context that it starts with tells all before that.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from hermes_kanban.kernel import reads
from hermes_kanban.model.records import Event
from hermes_kanban.store.protocol import BoardConnection, fetch_all, fetch_one, write

ITEMS: Final = 20
TEXT_BYTES: Final = 1_500
ALL_TEXTS_BYTES: Final = 3_000

_NEWS: Final = ("commented", "edited", "attached", "linked", "unlinked", "released")


class News(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that came in: ``kind`` is that of its event, ``at`` Unix seconds.

    ``text`` is a person's or an agent's, and not to be trusted: at most 1,500 bytes, cut with a
    note where it was longer.
    """

    kind: str
    author: str
    at: int
    text: str


class Inbox(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came since the run was last told, the oldest first.

    ``more`` counts what the next call will bring; ``stop`` says who wants the run to end and why;
    ``seconds_left`` is what remains of its max runtime, None where it has none.
    """

    news: list[News] = []
    more: int = 0
    stop: str | None = None
    seconds_left: int | None = None


def take_inbox(conn: BoardConnection, run_id: int) -> Inbox:
    """Hand over what the run has not been told, and remember that it has been.

    Writes only when there is something; two calls at once never get the same item. NotFound if
    there is no such run. A run that has ended is told of its stop alone.
    """
    run = reads.get_run(conn, run_id)
    stop = None
    if run.stop_requested_at is not None:
        stop = f"{run.stop_by} asked this run to stop: {run.stop_reason}"
    if run.ended_at is not None:
        return Inbox(stop=stop)
    seconds_left = _seconds_left(conn, run_id)
    if not _waiting(conn, run_id, run.task_id, 1):
        return Inbox(stop=stop, seconds_left=seconds_left)
    with write(conn, "take-inbox") as tx:
        waiting = _waiting(conn, run_id, run.task_id, reads.PAGE_LIMIT)
        taken = _fitting(conn, waiting[:ITEMS])
        if taken:
            cursor = waiting[len(taken) - 1].id
            tx.run(
                "UPDATE task_runs SET inbox_cursor = :cursor WHERE id = :run",
                {"cursor": cursor, "run": run_id},
            )
        return Inbox(taken, len(waiting) - len(taken), stop, seconds_left)


def peek_inbox(conn: BoardConnection, run_id: int) -> Inbox:
    """What the next call of ``take_inbox`` would hand over; nothing is remembered."""
    run = reads.get_run(conn, run_id)
    if run.ended_at is not None:
        return Inbox()
    waiting = _waiting(conn, run_id, run.task_id, reads.PAGE_LIMIT)
    taken = _fitting(conn, waiting[:ITEMS])
    return Inbox(taken, len(waiting) - len(taken))


def _waiting(conn: BoardConnection, run_id: int, task_id: str, limit: int) -> list[Event]:
    rows = fetch_all(conn, _WAITING, {"run": run_id, "task": task_id, "limit": limit})
    return [reads.event_of(row) for row in rows]


_KINDS: Final = ", ".join(f"'{kind}'" for kind in _NEWS)
_WAITING: Final = f"""
SELECT {reads.EVENT_COLUMNS} FROM task_events
WHERE task_id = :task AND kind IN ({_KINDS}) AND (run_id IS NULL OR run_id <> :run)
  AND id > coalesce(
    (SELECT inbox_cursor FROM task_runs WHERE id = :run),
    (SELECT max(c.id) FROM task_events c WHERE c.run_id = :run AND c.kind = 'claimed'))
ORDER BY id LIMIT :limit
"""


def _fitting(conn: BoardConnection, waiting: list[Event]) -> list[News]:
    """As many from the front as fit together, at least one."""
    taken: list[News] = []
    size = 0
    for event in waiting:
        text = clip(_text(conn, event), TEXT_BYTES)
        size += len(text.encode())
        if taken and size > ALL_TEXTS_BYTES:
            break
        taken.append(News(event.kind, event.actor, event.created_at, text))
    return taken


def _text(conn: BoardConnection, event: Event) -> str:
    payload = event.payload
    if event.kind == "commented":
        row = fetch_one(
            conn, "SELECT body FROM task_comments WHERE id = :id", {"id": payload["comment_id"]}
        )
        return str(row[0]) if row is not None else ""
    if event.kind == "edited":
        return "\n".join(f"{name}: {value}" for name, value in payload["task"].items())
    if event.kind == "attached":
        return str(payload.get("name", ""))
    link: dict[str, Any] = payload.get("link", {})
    return f"parent {link.get('parent_id')}"


def _seconds_left(conn: BoardConnection, run_id: int) -> int | None:
    started, own_limit, profile = fetch_all(
        conn,
        "SELECT r.started_at, t.max_runtime_seconds, r.profile FROM task_runs r"
        " JOIN tasks t ON t.id = r.task_id WHERE r.id = :run",
        {"run": run_id},
    )[0]
    known = conn.config.profiles.get(profile)
    limit = own_limit if own_limit is not None or known is None else known.max_runtime_seconds
    return None if limit is None else max(0, started + limit - conn.clock.now())


def clip(text: str, limit: int) -> str:
    """The front of a text that is longer than ``limit`` bytes, and how much was cut."""
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    kept = encoded[:limit].decode(errors="ignore")
    return f"{kept} [cut: {len(encoded) - len(kept.encode())} bytes more]"
