"""Replaying events into rows: every payload names the columns that its transaction changed.

``Folder`` applies one event after the other; ``fold`` runs it over a whole board, and ``replay``
shows the result as rows, now or as of an earlier event. Lease times and counters are not part of
events (``lifecycle.UNFOLDED_TASK_COLUMNS``, ``UNFOLDED_RUN_COLUMNS``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec

from hermes_kanban.lifecycle import UNFOLDED_RUN_COLUMNS, UNFOLDED_TASK_COLUMNS
from hermes_kanban.model.records import Attachment, Run, Task
from hermes_kanban.store.protocol import BoardConnection, reading, takes_long

Columns = dict[str, Any]

TASK_COLUMNS: Final = tuple(c for c in Task.__struct_fields__ if c not in UNFOLDED_TASK_COLUMNS)
RUN_COLUMNS: Final = tuple(c for c in Run.__struct_fields__ if c not in UNFOLDED_RUN_COLUMNS)
ATTACHMENT_COLUMNS: Final = Attachment.__struct_fields__


class LinkPart(msgspec.Struct, frozen=True):
    """The link that an event changed; it belongs to the child's events."""

    op: Literal["add", "remove", "release"]
    parent_id: str
    child_id: str


class Payload(msgspec.Struct, frozen=True):
    """The parts of a payload that name columns, and the one fact that the checker asks for."""

    task: Columns = {}
    run: Columns = {}
    link: LinkPart | None = None
    attachment: Columns = {}
    lifted_by: str | None = None


_decode = msgspec.json.Decoder(Payload).decode


def read_payload(text: str) -> Payload:
    """The parts of a stored payload. Raises msgspec.DecodeError if it is damaged."""
    payload = _decode(text)
    for noun, part in (("run", payload.run), ("attachment", payload.attachment)):
        if part and not isinstance(part.get("id"), int):
            raise msgspec.ValidationError(f"the {noun} part names no {noun}")
    return payload


class Folded(msgspec.Struct):
    """What events add up to; a column that none of them named is absent, which means null."""

    tasks: dict[str, Columns] = {}
    runs: dict[int, Columns] = {}
    links: dict[tuple[str, str], Columns] = {}
    attachments: dict[int, Columns] = {}

    def apply(self, task_id: str | None, payload: Payload, at: int, run_id: int | None) -> None:
        """One event of a task (or, None, of the board) and perhaps a run, written at ``at``."""
        if payload.task and task_id is not None:
            self._change(self.tasks, task_id, payload.task)
        if payload.run:
            self._change(self.runs, payload.run["id"], payload.run)
        if payload.link is not None:
            self._link(payload.link, at)
        if payload.attachment:
            # The event's own columns: a run that was purged is forgotten there too.
            own = {"task_id": task_id, "run_id": run_id, "created_at": at}
            self._change(self.attachments, payload.attachment["id"], payload.attachment | own)

    @staticmethod
    def _change(rows: dict[Any, Columns], key: Any, columns: Columns) -> None:
        known = rows.get(key)
        if known is None:
            rows[key] = dict(columns)
        else:
            known.update(columns)

    def _link(self, link: LinkPart, at: int) -> None:
        key = (link.parent_id, link.child_id)
        if link.op == "add":
            self.links[key] = {"created_at": at, "released_at": None}
        elif link.op == "remove":
            self.links.pop(key, None)
        elif key in self.links:
            self.links[key]["released_at"] = at


@takes_long
def fold(conn: BoardConnection, *, until: int | None = None) -> Folded:
    """The board's events, up to the id ``until``, added up from nothing.

    Memory grows with the rows, not with the events. Raises BoardDamaged at an unreadable payload.
    """
    folded = Folded()
    with reading(conn):
        for event_id, task_id, run_id, text, at in _events(conn, until):
            try:
                folded.apply(task_id, read_payload(text), at, run_id)
            except msgspec.DecodeError as error:
                raise conn.damaged(f"event {event_id} is unreadable ({error})") from None
    return folded


def _events(conn: BoardConnection, until: int | None) -> Iterator[Any]:
    return conn.stream(_EVENTS, {"until": _NEWEST if until is None else until})


_NEWEST: Final = 2**63 - 1
_EVENTS: Final = (
    "SELECT id, task_id, run_id, payload, created_at FROM task_events"
    " WHERE id <= :until ORDER BY id"
)


class Replayed(msgspec.Struct, frozen=True):
    """The board as rows, each with every column that events tell, in the order of their keys."""

    tasks: list[Columns]
    runs: list[Columns]
    links: list[Columns]
    attachments: list[Columns]


@takes_long
def replay(conn: BoardConnection, *, until: int | None = None) -> Replayed:
    """The board as it was right after the event ``until`` (default: now), read off events alone."""
    folded = fold(conn, until=until)
    return Replayed(
        tasks=[
            {column: row.get(column) for column in TASK_COLUMNS}
            for row in sorted(folded.tasks.values(), key=_seq)
        ],
        runs=[
            {column: row.get(column) for column in RUN_COLUMNS}
            for _, row in sorted(folded.runs.items())
        ],
        links=[
            {"parent_id": parent_id, "child_id": child_id} | row
            for (parent_id, child_id), row in sorted(folded.links.items())
        ],
        attachments=[
            {column: row.get(column) for column in ATTACHMENT_COLUMNS}
            for _, row in sorted(folded.attachments.items())
        ],
    )


def _seq(row: Columns) -> int:
    seq: int = row.get("seq") or 0
    return seq
