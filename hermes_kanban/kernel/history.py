"""The board as it was, and what changed between two moments, read off events.

A moment is an event id: the board as it was when that event was written, every event up to it
counted and none after it. A time means the newest event (by id) that was written at or before it.
Event ids rise with commit order on the whole board; times need not, since the wall clock may be
set back. So an event of a clock that ran ahead counts as soon as a later event, written by the
right clock, does: every moment is a state that the board really was in, and each later event id a
later state. For the same reason what an import wrote counts from the time of the import on, and not
from the times that it tells of.

What events do not tell is not shown: leases, heartbeats, how often a worker was fenced, and tasks
that were purged since. The texts of comments come from their rows, which never change.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal

import msgspec

from hermes_kanban.kernel import limits, reads
from hermes_kanban.kernel.replay import Columns, Folded, Payload, fold, read_payload
from hermes_kanban.model.errors import InvalidInput, NotFound
from hermes_kanban.model.records import Attachment, Comment, Event, Link, Run, Task
from hermes_kanban.store.protocol import BoardConnection, fetch_all, fetch_one, reading


class Moment(msgspec.Struct, frozen=True):
    """A point in the board's history: right after ``event_id``, 0 before there was any event.

    ``event_at`` is the time of that event, ``asked_at`` the time that was asked for, if one was.
    """

    event_id: int
    event_at: int | None
    asked_at: int | None = None


def moment(conn: BoardConnection, *, at: int | None = None, event_id: int | None = None) -> Moment:
    """The moment of a time (Unix seconds) or of an event; now when neither is given.

    A time before the first event is the empty board, one in the future is now. Reads back from
    the newest event, so recent times are found at once. Raises NotFound for an event to come.
    """
    if event_id is not None:
        limits.whole("event", event_id, 0)
        newest = reads.newest_event_id(conn)
        if event_id > newest:
            raise NotFound("event", event_id, f"the newest one is {newest}")
        row = fetch_one(conn, _AT_EVENT, {"id": event_id})
    elif at is not None:
        row = fetch_one(conn, _AT_TIME, {"at": limits.whole("at", at, -limits.INTEGER)})
    else:
        row = fetch_one(conn, _AT_EVENT, {"id": limits.INTEGER})
    return Moment(0, None, at) if row is None else Moment(row[0], row[1], at)


_AT_EVENT: Final = "SELECT id, created_at FROM task_events WHERE id <= :id ORDER BY id DESC LIMIT 1"
# What an import wrote tells of earlier times, and was on the board from the import on.
_AT_TIME: Final = """
SELECT e.id, e.created_at FROM task_events e WHERE e.created_at <= :at
    AND (e.actor <> 'importer' OR :at >= (
        SELECT i.imported_at FROM imports i WHERE i.first_event_id <= e.id
        ORDER BY i.first_event_id DESC LIMIT 1))
ORDER BY e.id DESC LIMIT 1
"""


def fold_task(conn: BoardConnection, task_id: str, *, until: int) -> Folded:
    """One task's events up to the id ``until``, added up; its links are those to its parents."""
    folded = Folded()
    for event in _told(conn, _OF_TASK, {"task": task_id, "after": 0, "until": until}):
        folded.apply(task_id, event.payload, event.at, event.run_id)
    _must_be_whole(conn, folded)
    return folded


def _must_be_whole(conn: BoardConnection, folded: Folded) -> None:
    for task_id, columns in folded.tasks.items():
        if missing := _OF_EVERY_TASK - columns.keys():
            raise conn.damaged(f"no event tells the {', '.join(sorted(missing))} of {task_id}")


_OF_EVERY_TASK: Final = frozenset({"seq", "title", "status", "created_at"})


class _Told(msgspec.Struct, frozen=True):
    """An event with its payload read."""

    id: int
    task_id: str | None
    run_id: int | None
    kind: str
    payload: Payload
    text: str
    at: int


def _told(conn: BoardConnection, sql: str, parameters: dict[str, Any]) -> list[_Told]:
    found = []
    for event_id, task_id, run_id, kind, text, at in fetch_all(conn, sql, parameters):
        try:
            found.append(_Told(event_id, task_id, run_id, kind, read_payload(text), text, at))
        except msgspec.DecodeError as error:
            raise conn.damaged(f"event {event_id} is unreadable ({error})") from None
    return found


_BETWEEN: Final = (
    "SELECT id, task_id, run_id, kind, payload, created_at FROM task_events"
    " WHERE id > :after AND id <= :until"
)
_OF_TASK: Final = f"{_BETWEEN} AND task_id = :task ORDER BY id"
_OF_BOARD: Final = f"{_BETWEEN} AND task_id IS NOT NULL ORDER BY id"


class TaskAt(msgspec.Struct, frozen=True):
    """A task as it was; ``others`` are the tasks that it was linked to, as they were.

    Of a linked task that was purged since nothing is known, and ``others`` lacks it.
    """

    moment: Moment
    task: Task
    links: list[Link]
    runs: list[Run]
    comments: list[Comment]
    attachments: list[Attachment]
    others: dict[str, Task]

    @property
    def open_parents(self) -> list[Task]:
        """What held the task back: the gate as it was."""
        parents = [
            self.others.get(link.parent_id)
            for link in self.links
            if link.child_id == self.task.id and link.released_at is None
        ]
        return [one for one in parents if one is not None and not _is_closed(one)]


def _is_closed(parent: Task) -> bool:
    archived_done = parent.status == "archived" and parent.completed_at is not None
    return parent.status == "done" or archived_done


def task_at(conn: BoardConnection, task_id: str, when: Moment) -> TaskAt:
    """The task, its links, runs and comments as they were.

    Reads the events of the task and of those linked to it, and, for links that were taken away
    since, the events after the moment. Raises NotFound for a task that was not there then.
    """
    with reading(conn):
        folded = fold_task(conn, task_id, until=when.event_id)
        columns = folded.tasks.get(task_id)
        if columns is None:
            raise _not_there(conn, task_id)
        others: dict[str, Task] = {}
        links = dict(folded.links)
        for parent_id, _ in folded.links:
            parent = fold_task(conn, parent_id, until=when.event_id).tasks.get(parent_id)
            if parent is not None:
                others[parent_id] = _task_of(parent)
        for (child_id,) in fetch_all(conn, _CHILDREN_THEN, _children_of(task_id, when)):
            child = fold_task(conn, child_id, until=when.event_id)
            if (link := child.links.get((task_id, child_id))) is not None:
                links[task_id, child_id] = link
                others[child_id] = _task_of(child.tasks[child_id])
        return TaskAt(
            moment=when,
            task=_task_of(columns),
            links=[Link(*key, row["created_at"], row["released_at"]) for key, row in links.items()],
            runs=[_run_of(row) for _, row in sorted(folded.runs.items())],
            comments=_comments(conn, task_id, 0, when.event_id),
            attachments=_attachments_of(folded),
            others=others,
        )


def _not_there(conn: BoardConnection, task_id: str) -> NotFound:
    reads.must_exist(conn, task_id)
    (created,) = reads.list_events(conn, task_id, limit=1)
    return NotFound("task", task_id, f"it was created later, with event {created.id}")


def _task_of(columns: Columns) -> Task:
    return reads.task_of([columns.get(name) for name in Task.__struct_fields__])


def _run_of(columns: Columns) -> Run:
    known = {"fenced_count": 0} | columns
    return reads.run_of([known.get(name) for name in Run.__struct_fields__])


def _attachments_of(folded: Folded) -> list[Attachment]:
    rows = [row for _, row in sorted(folded.attachments.items())]
    return [msgspec.convert(row, Attachment) for row in rows]


def _children_of(task_id: str, when: Moment) -> dict[str, Any]:
    return {
        "task": task_id,
        "named": f'%"parent_id":"{task_id}"%',
        "until": when.event_id,
    }


# Those linked now, and those whose link was taken away after the moment.
_CHILDREN_THEN: Final = """
SELECT child_id FROM task_links WHERE parent_id = :task
UNION
SELECT task_id FROM task_events
WHERE id > :until AND kind IN ('unlinked', 'undone') AND payload LIKE :named
"""


def _comments(conn: BoardConnection, task_id: str, after: int, until: int) -> list[Comment]:
    """The comments whose events lie in (after, until]."""
    rows = fetch_all(
        conn,
        "SELECT payload FROM task_events WHERE task_id = :task AND kind = 'commented'"
        " AND id > :after AND id <= :until ORDER BY id",
        {"task": task_id, "after": after, "until": until},
    )
    ids = {msgspec.json.decode(text).get("comment_id") for (text,) in rows}
    if not ids:
        return []
    first = min(ids) - 1
    found = reads.list_comments(conn, task_id, after=first, limit=reads.PAGE_LIMIT)
    return [comment for comment in found if comment.id in ids]


def tasks_at(
    conn: BoardConnection,
    when: Moment,
    *,
    status: str | Iterable[str] | None = None,
    assignee: str | None = None,
    tenant: str | None = None,
    after: int | None = None,
    limit: int = reads.PAGE,
) -> list[Task]:
    """One page of the tasks as they were; arguments as for ``list_tasks``.

    Reads every event up to the moment, so it costs what the board's history is long.
    """
    limits.whole("limit", limit, 1, reads.PAGE_LIMIT)
    statuses = set(reads.statuses_of(status))
    wanted = {"assignee": assignee, "tenant": tenant}
    wanted = {column: value for column, value in wanted.items() if value is not None}
    folded = fold(conn, until=when.event_id)
    _must_be_whole(conn, folded)
    rows = [
        row
        for row in folded.tasks.values()
        if row["seq"] > (after or 0)
        and row["status"] in statuses
        and all(row.get(column) == value for column, value in wanted.items())
    ]
    rows.sort(key=lambda row: row["seq"])
    return [_task_of(row) for row in rows[:limit]]


class RunChange(msgspec.Struct, frozen=True):
    """A run that was opened or closed; ``outcome`` is None while it was still open at the end."""

    id: int
    by: str
    opened: bool
    outcome: str | None
    note: str | None


class LinkChange(msgspec.Struct, frozen=True):
    """A link that the task got, lost or was released from."""

    op: Literal["add", "remove", "release"]
    parent_id: str


class TaskChange(msgspec.Struct, frozen=True):
    """What became of one task: ``statuses`` are all it had on the way, first to last.

    ``fields`` maps a column to what it held before and after; of a task that was created in
    between, before means as it was created.
    """

    id: str
    title: str
    created: bool
    statuses: list[str]
    fields: dict[str, tuple[Any, Any]]
    runs: list[RunChange]
    links: list[LinkChange]
    comments: list[Comment]
    attachments: list[Attachment]

    @property
    def says_something(self) -> bool:
        """False when everything is again as it was."""
        parts = (self.fields, self.runs, self.links, self.comments, self.attachments)
        return self.created or len(self.statuses) > 1 or any(parts)


class Diff(msgspec.Struct, frozen=True):
    """What changed after ``start``, up to ``end``; ``board`` are the board's own events."""

    start: Moment
    end: Moment
    tasks: list[TaskChange]
    board: list[Event]


def diff(conn: BoardConnection, start: Moment, end: Moment, task_id: str | None = None) -> Diff:
    """What changed between two moments, on the board or on one task.

    Reads the events between, and for each task that they touch its events before. Raises
    InvalidInput when ``start`` is later than ``end``, NotFound for an unknown task.
    """
    if start.event_id > end.event_id:
        allowed = "a moment that is not after the other"
        raise InvalidInput("from", allowed, f"is event {start.event_id}, after {end.event_id}")
    bounds = {"after": start.event_id, "until": end.event_id}
    with reading(conn):
        if task_id is not None:
            reads.must_exist(conn, task_id)
            told = _told(conn, _OF_TASK, bounds | {"task": task_id})
        else:
            told = _told(conn, _OF_BOARD, bounds)
        by_task: dict[str, list[_Told]] = {}
        for event in told:
            by_task.setdefault(str(event.task_id), []).append(event)
        changes = [_change(conn, one, events, start, end) for one, events in by_task.items()]
        own = [] if task_id else fetch_all(conn, _BOARD_EVENTS, bounds)
    return Diff(
        start=start,
        end=end,
        tasks=[change for change in changes if change.says_something],
        board=[reads.event_of(row) for row in own],
    )


_BOARD_EVENTS: Final = (
    f"SELECT {reads.EVENT_COLUMNS} FROM task_events"
    " WHERE id > :after AND id <= :until AND task_id IS NULL ORDER BY id"
)
# Of the machinery of a claim the runs tell, and the status has a line of its own.
_UNTOLD: Final = frozenset({"status", "claim_lock", "worker_pid", "current_run_id"})


def _change(
    conn: BoardConnection, task_id: str, events: list[_Told], start: Moment, end: Moment
) -> TaskChange:
    folded = fold_task(conn, task_id, until=start.event_id)
    before = dict(folded.tasks.get(task_id, {}))
    links = {parent_id: dict(row) for (parent_id, _), row in folded.links.items()}
    runs = {run_id: dict(row) for run_id, row in folded.runs.items()}
    attached = set(folded.attachments)
    created = not before
    statuses = [] if created else [before["status"]]
    for event in events:
        folded.apply(task_id, event.payload, event.at, event.run_id)
        if event.kind == "created":
            before = dict(folded.tasks[task_id])
        status = event.payload.task.get("status")
        if status is not None and statuses[-1:] != [status]:
            statuses.append(status)
    after = folded.tasks[task_id]
    return TaskChange(
        id=task_id,
        title=after["title"],
        created=created,
        statuses=statuses,
        fields=_fields(before, after),
        runs=_runs(runs, folded.runs),
        links=_links(links, {key[0]: row for key, row in folded.links.items()}),
        comments=_comments(conn, task_id, start.event_id, end.event_id),
        attachments=[one for one in _attachments_of(folded) if one.id not in attached],
    )


def _fields(before: Columns, after: Columns) -> dict[str, tuple[Any, Any]]:
    return {
        column: (before.get(column), value)
        for column, value in after.items()
        if column not in _UNTOLD and before.get(column) != value
    }


def _runs(before: dict[int, Columns], after: dict[int, Columns]) -> list[RunChange]:
    changed = []
    for run_id, run in sorted(after.items()):
        old = before.get(run_id)
        if old is not None and old.get("outcome") == run.get("outcome"):
            continue
        note = run.get("error") or run.get("summary")
        by = run.get("profile") or run["claimer"]
        changed.append(RunChange(run_id, by, old is None, run.get("outcome"), note))
    return changed


def _links(before: dict[str, Columns], after: dict[str, Columns]) -> list[LinkChange]:
    changed = [LinkChange("remove", parent) for parent in before if parent not in after]
    for parent, row in after.items():
        old = before.get(parent)
        released = row["released_at"] is not None
        if old is None:
            changed.append(LinkChange("add", parent))
        if released and (old is None or old["released_at"] is None):
            changed.append(LinkChange("release", parent))
    return changed
