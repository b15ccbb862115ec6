"""Attachments: rows and the events that tell of them; what was attached never changes.

So a row that differs or is missing becomes what its event tells, and a row of which no event tells
is told. A file that is gone is nobody's to mend.
"""

from __future__ import annotations

from typing import Final

from hermes_kanban import lifecycle
from hermes_kanban.kernel.invariants.histories import folded_history, histories
from hermes_kanban.kernel.mends.mending import Mending
from hermes_kanban.kernel.replay import ATTACHMENT_COLUMNS, Columns
from hermes_kanban.lifecycle import TaskState

_ORIGIN: Final = ("task_id", "run_id", "created_at")


def mend_attachments(mending: Mending) -> None:
    """Bring the rows and the events of every attachment together that differ."""
    told: dict[int, Columns] = {}
    rows: dict[int, Columns] = {}
    for history in histories(mending.tx.conn):
        if any(event.problem for event in history.events):
            return  # what one of them tells may be of any attachment
        told |= folded_history(history).attachments
        for row in history.attachments:
            rows[row[0]] = dict(zip(ATTACHMENT_COLUMNS, row, strict=True))
    whole = {key: one for key, one in told.items() if one.keys() == set(ATTACHMENT_COLUMNS)}
    for key, columns in whole.items():
        if rows.get(key) != columns:
            _restore(mending, key, rows.get(key), columns)
    for key in rows.keys() - told.keys():
        _tell(mending, rows[key])


def _restore(mending: Mending, key: int, row: Columns | None, told: Columns) -> None:
    task = mending.task(told["task_id"])
    if task is None:
        return
    if row is None:
        if _bring_back(mending, told):
            _note(mending, task, key, "is back as its event tells it")
        return
    wrong = [column for column in ATTACHMENT_COLUMNS if row[column] != told[column]]
    _put_right(mending, key, {column: told[column] for column in wrong})
    _note(mending, task, key, f"has {', '.join(wrong)} again as its event tells")


def _bring_back(mending: Mending, columns: Columns) -> bool:
    said = {column: value for column, value in columns.items() if value is not None}
    sql = lifecycle.insert_sql("task_attachments", tuple(said)) + " ON CONFLICT DO NOTHING"
    return bool(mending.tx.run(sql, said).rowcount)


def _put_right(mending: Mending, key: int, columns: Columns) -> None:
    assignments = ", ".join(f"{column} = :{column}" for column in columns)
    mending.tx.run(
        f"UPDATE task_attachments SET {assignments} WHERE id = :key", columns | {"key": key}
    )


def _tell(mending: Mending, row: Columns) -> None:
    """A row that no event tells of is told now, and takes the event's time."""
    task = mending.task(row["task_id"])
    if task is None or not task["last_event_at"]:
        return
    at = lifecycle.moment(mending.tx, task)
    _put_right(mending, row["id"], {"created_at": at})
    part = {column: row[column] for column in ATTACHMENT_COLUMNS if column not in _ORIGIN}
    mending.tell(
        task,
        "had a row and no event: it is told",
        {"attachment": part},
        run_id=row["run_id"],
        noun="attachment",
        row_id=str(row["id"]),
        at=at,
    )


def _note(mending: Mending, task: TaskState, key: int, text: str) -> None:
    mending.tell(task, text, noun="attachment", row_id=str(key))
