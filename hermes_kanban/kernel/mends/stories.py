"""Stories: rows and events that differ are brought together again, and nothing told is lost.

A row that is missing comes back from its events, which name every column. Where both are there and
differ, the row is what everybody acts upon, so an event records its truth; except for what exactly
one event may tell (how a run began and ended, who created a task) and for a row that no verb could
have written: those go back to what the events tell.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from hermes_kanban import lifecycle
from hermes_kanban.kernel.invariants.histories import (
    RULES,
    History,
    failures_told,
    folded_history,
    histories,
)
from hermes_kanban.kernel.mends.mending import MENDED, Mending
from hermes_kanban.kernel.replay import RUN_COLUMNS, TASK_COLUMNS, Columns, Folded
from hermes_kanban.lifecycle import TaskState
from hermes_kanban.model.records import Identity
from hermes_kanban.model.words import BLOCK_KINDS, OUTCOMES, STATUSES, WORKSPACE_KINDS

_ORIGIN: Final = ("created_at", "created_by", "created_run_id")
_BEGINNING: Final = ("task_id", "claim_lock", "started_at", "claimer")
_ENDING: Final = ("ended_at", "outcome")
_CLOSES_AS: Final = {"review": "review_requested"}


def mend_stories(mending: Mending) -> None:
    """Bring the rows and the events of every task together that differ."""
    for history in _broken(mending):
        _mend_missing(mending, history, folded_history(history))
    # Read anew: what a task's row needs may have come back by itself.
    for history in _broken(mending):
        folded = folded_history(history)
        task = mending.task(history.id)
        if task is None:
            continue
        if not history.events:
            _tell_of_untold(mending, task)
            continue
        _mend_failures(mending, task, history)
        for run_id, row in _runs(history).items():
            if told := folded.runs.get(run_id):
                _mend_run(mending, task, row, told)
        _mend_links(mending, task, history, folded)
        if told := folded.tasks.get(history.id):
            _mend_task(mending, task, told)


def _broken(mending: Mending) -> list[History]:
    """The histories that break a rule; what cannot be read is nobody's to mend."""
    return [
        history
        for history in histories(mending.tx.conn)
        if not any(event.problem for event in history.events)
        and any(True for rule in RULES for _ in rule(history))
    ]


def _runs(history: History) -> dict[int, Columns]:
    rows = (dict(zip(RUN_COLUMNS, row, strict=True)) for row in history.runs)
    return {row["id"]: row for row in rows}


# Rows that are missing.


def _mend_missing(mending: Mending, history: History, folded: Folded) -> None:
    back: list[tuple[str, str]] = []
    begun = bool(history.events) and history.events[0].kind == "created"
    if history.task is None and begun and history.id in folded.tasks:
        columns = dict(folded.tasks[history.id])
        if columns.get("status") == "running":
            columns["claim_expires"] = mending.tx.now
        if _insert(mending, "tasks", columns):
            back.append(("task", history.id))
    known = _runs(history)
    for run_id, told in folded.runs.items():
        if run_id not in known and told.get("task_id") == history.id:
            columns = {"claim_expires": told.get("started_at")} | told
            if _insert(mending, "task_runs", columns):
                back.append(("run", str(run_id)))
    task = mending.task(history.id)
    for noun, row_id in back:
        if task is not None:
            mending.tell(task, "is back as its events tell it", noun=noun, row_id=row_id)


def _insert(mending: Mending, table: str, columns: Columns) -> bool:
    """Insert a row that events tell of, unless it would stand in another's place."""
    said = {column: value for column, value in columns.items() if value is not None}
    sql = lifecycle.insert_sql(table, tuple(said)) + " ON CONFLICT DO NOTHING"
    return bool(mending.tx.run(sql, said).rowcount)


def _tell_of_untold(mending: Mending, task: TaskState) -> None:
    """A row that no event tells of: its first event is written, with all that the row says."""
    columns = {c: task[c] for c in TASK_COLUMNS if task[c] is not None}
    text = "had a row and no event: its creation is told"
    mending.tell(task, text, {"task": columns}, kind="created", at=mending.tx.now)


# Rows that differ.


def _mend_failures(mending: Mending, task: TaskState, history: History) -> None:
    count = failures_told(history)
    if task["consecutive_failures"] != count:
        text = f"counts {count} failures in a row, not {task['consecutive_failures']}"
        mending.change(task, text, {"consecutive_failures": count})


def _mend_run(mending: Mending, task: TaskState, row: Columns, told: Columns) -> None:
    differs = [column for column in RUN_COLUMNS if row[column] != told.get(column)]
    if not differs:
        return
    closed = told.get("ended_at") is not None
    unreadable = [column for column in differs if not _is_readable(column, row[column])]
    origin = (*_BEGINNING, *unreadable, *(_ENDING if closed else ()))
    back = {column: told.get(column) for column in differs if column in origin}
    if back:
        lifecycle.update_run(mending.tx, row["id"], back)
        text = f"has {', '.join(back)} again as its events tell"
        _tell_run(mending, task, row["id"], text, {})
    kept = {column: row[column] for column in differs if column not in origin}
    if not kept:
        return
    ends = not closed and row["ended_at"] is not None and row["outcome"] in OUTCOMES
    kind = str(_CLOSES_AS.get(row["outcome"], row["outcome"])) if ends else MENDED
    text = f"its row's {', '.join(kept)} {'is' if len(kept) == 1 else 'are'} told"
    _tell_run(mending, task, row["id"], text, {"run": {"id": row["id"]} | kept}, kind)


def _tell_run(
    mending: Mending,
    task: TaskState,
    run_id: int,
    text: str,
    payload: dict[str, Any],
    kind: str = MENDED,
) -> None:
    mending.tell(task, text, payload, kind=kind, run_id=run_id, noun="run", row_id=str(run_id))


def _is_readable(column: str, value: Any) -> bool:
    kind = {"metadata": dict, "claimer_identity": Identity, "worker_identity": Identity}.get(column)
    return kind is None or value is None or _decodes(value, kind)


def _decodes(text: Any, kind: Any) -> bool:
    try:
        msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, UnicodeError, TypeError):
        return False
    return True


def _mend_task(mending: Mending, task: TaskState, told: Columns) -> None:
    differs = [column for column in TASK_COLUMNS if task[column] != told.get(column)]
    if not differs:
        return
    if not _could_be(task):
        # All at once: the database judges a row as a whole.
        back = {c: told.get(c) for c in TASK_COLUMNS if c not in ("id", "seq")}
        back["claim_expires"] = mending.tx.now if told.get("status") == "running" else None
        mending.change(task, f"has {', '.join(differs)} again as its events tell", back)
        return
    if origin := {c: told.get(c) for c in differs if c in _ORIGIN}:
        lifecycle.update_task(mending.tx, task, origin)
        mending.tell(task, f"has {', '.join(origin)} again as its events tell")
    if kept := {column: task[column] for column in differs if column not in _ORIGIN}:
        archived = kept.get("status") == "archived"
        text = f"its row's {', '.join(kept)} {'is' if len(kept) == 1 else 'are'} told"
        facts: dict[str, Any] = {"task": kept}
        mending.tell(task, text, facts, kind="archived" if archived else MENDED)


def _could_be(task: TaskState) -> bool:
    """Whether a verb could have written this row."""
    blocked = task["status"] == "blocked"
    return (
        task["status"] in STATUSES
        and task["workspace_kind"] in WORKSPACE_KINDS
        and (task["block_kind"] is None or task["block_kind"] in BLOCK_KINDS)
        and blocked == (task["block_kind"] is not None) == (task["block_reason"] is not None)
        and (task["block_kind"] != "transient" or task["eligible_at"] is not None)
        and (task["status"] != "done" or task["completed_at"] is not None)
        and _decodes(task["skills"], list[str])
    )


def _mend_links(mending: Mending, task: TaskState, history: History, folded: Folded) -> None:
    rows = {row[0]: row[2:] for row in history.links}
    told = {p: link for (p, child), link in folded.links.items() if child == history.id}
    for parent_id in told.keys() - rows.keys():
        columns = {"parent_id": parent_id, "child_id": history.id} | told[parent_id]
        if mending.task(parent_id) is not None and _insert(mending, "task_links", columns):
            _tell_link(mending, task, parent_id, "is back as events tell it", None)
    for parent_id, (created_at, released_at) in rows.items():
        if mending.task(parent_id) is None or parent_id == history.id:
            _drop_link(mending, task, parent_id, parent_id in told)
        elif parent_id not in told:
            _adopt_link(mending, task, parent_id, released_at)
        elif told[parent_id] != {"created_at": created_at, "released_at": released_at}:
            _settle_link(mending, task, parent_id, released_at, told[parent_id])


def _settle_link(
    mending: Mending, task: TaskState, parent_id: str, released_at: int | None, told: Columns
) -> None:
    released = released_at is not None and told["released_at"] is None
    _set_link(mending, task, parent_id, {"created_at": told["created_at"]})
    if released:
        _tell_link(mending, task, parent_id, "its row's release is told", "release")
        return
    _set_link(mending, task, parent_id, {"released_at": told["released_at"]})
    _tell_link(mending, task, parent_id, "has its times again as events tell", None)


def _adopt_link(mending: Mending, task: TaskState, parent_id: str, released_at: int | None) -> None:
    _tell_link(mending, task, parent_id, "had a row and no event: it is told", "add")
    if released_at is not None:
        _tell_link(mending, task, parent_id, "its row's release is told", "release")


def _drop_link(mending: Mending, task: TaskState, parent_id: str, told: bool) -> None:
    mending.tx.run(_DELETE_LINK, {"parent": parent_id, "child": task["id"]})
    text = f"named {parent_id}, which is no task it could wait for, and is removed"
    _tell_link(mending, task, parent_id, text, "remove" if told else None)


_DELETE_LINK: Final = "DELETE FROM task_links WHERE parent_id = :parent AND child_id = :child"
_TIMES: Final = {"add": "created_at", "release": "released_at"}


def _tell_link(
    mending: Mending, task: TaskState, parent_id: str, text: str, op: str | None
) -> None:
    """Record one change of a link; its row gets the event's time, as every verb does."""
    at = lifecycle.moment(mending.tx, task)
    payload: dict[str, Any] = {}
    if op is not None:
        payload["link"] = {"op": op, "parent_id": parent_id, "child_id": task["id"]}
    if op in _TIMES:
        _set_link(mending, task, parent_id, {_TIMES[op]: at})
    name = f"{parent_id}→{task['id']}"
    mending.tell(task, text, payload, noun="link", row_id=name, at=at)


def _set_link(mending: Mending, task: TaskState, parent_id: str, columns: Columns) -> None:
    assignments = ", ".join(f"{column} = :{column}" for column in columns)
    mending.tx.run(
        f"UPDATE task_links SET {assignments} WHERE parent_id = :parent AND child_id = :child",
        columns | {"parent": parent_id, "child": task["id"]},
    )
