"""Which files belong to a row of the board, and which a purge left: ``purge`` and ``gc`` ask here.

A file is only known to be nobody's by what the board says: its row is gone and a ``purged`` event
names it. What merely has no row may belong to a board that was replaced by a restore.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Final, NamedTuple

import msgspec

from hermes_kanban.paths import BoardPaths
from hermes_kanban.store import contents
from hermes_kanban.store.protocol import BoardConnection, fetch_all

ATTACHMENTS: Final = contents.FOLDER

Parts = tuple[str, ...]
"""The names on the way from the board's folder to a file."""


class PurgedTask(NamedTuple):
    """What the board still says of a task that was purged: enough to clear its files away."""

    id: str
    run_ids: tuple[int, ...]
    workspace_kind: str
    workspace_path: str | None
    branch: str | None


class _Payload(msgspec.Struct, frozen=True):
    task_id: str
    run_ids: tuple[int, ...] = ()
    workspace_kind: str = "scratch"
    workspace_path: str | None = None
    branch: str | None = None


_decode = msgspec.json.Decoder(_Payload).decode
_PURGED: Final = (
    "SELECT payload FROM task_events WHERE task_id IS NULL AND kind = 'purged' ORDER BY id"
)


def purged_tasks(conn: BoardConnection) -> dict[str, PurgedTask]:
    """Every task that was purged, by id; an event that cannot be read names none."""
    found = {}
    for (payload,) in fetch_all(conn, _PURGED):
        try:
            told = _decode(payload)
        except (msgspec.MsgspecError, UnicodeError):
            continue
        found[told.task_id] = PurgedTask(
            told.task_id, told.run_ids, told.workspace_kind, told.workspace_path, told.branch
        )
    return found


def purged_facts(task: dict[str, Any], run_ids: list[int]) -> dict[str, Any]:
    """The part of a ``purged`` event's payload that ``purged_tasks`` reads."""
    kept = ("workspace_kind", "workspace_path", "branch")
    return {"task_id": task["id"], "run_ids": run_ids} | {name: task[name] for name in kept}


_ROWS: Final = "SELECT path, sha256 FROM task_attachments"


def files_in_use(conn: BoardConnection) -> set[Parts]:
    """The files of every attachment, and of refused work that may yet be adopted."""
    return _files(conn, fetch_all(conn, _ROWS), fetch_all(conn, contents.REFUSED))


def files_of_task(conn: BoardConnection, task_id: str) -> set[Parts]:
    """Like ``files_in_use``, of one task."""
    mine = {"task": task_id}
    rows = fetch_all(conn, f"{_ROWS} WHERE task_id = :task", mine)
    refused = fetch_all(conn, f"{contents.REFUSED} AND r.task_id = :task", mine)
    return _files(conn, rows, refused)


def _files(conn: BoardConnection, rows: list[Any], refused: list[Any]) -> set[Parts]:
    found = {attachment_parts(conn.paths, path) for path, _ in rows}
    names = {sha256 for _, sha256 in rows}
    for (payload,) in refused:
        names |= {one.sha256 for one in contents.of_refused(payload)}
    # A home that shares the rows with another keeps its own copy under the same name.
    found |= {(ATTACHMENTS, name) for name in names if contents.is_name(name)}
    return {parts for parts in found if parts is not None}


def attachment_parts(paths: BoardPaths, stored: str) -> Parts | None:
    """The names below the board's root of an attachment's file; None if it lies elsewhere.

    ``stored`` is the row's path: absolute, or relative to the root or to ``attachments/``.
    """
    path = PurePath(stored)
    if path.is_absolute():
        if not path.is_relative_to(paths.root):
            return None
        path = path.relative_to(paths.root)
    parts = path.parts if path.parts[:1] == (ATTACHMENTS,) else (ATTACHMENTS, *path.parts)
    # The folder of all attachments is nobody's file.
    return parts if len(parts) > 1 else None
