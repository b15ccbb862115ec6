"""Reading rows as records: tasks, runs, events, links, comments. Pages by key, never by offset."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from hermes_kanban.kernel import limits
from hermes_kanban.model.errors import InvalidInput, NotFound
from hermes_kanban.model.records import Comment, Event, Identity, Link, Run, Task, Usage
from hermes_kanban.model.words import STATUSES
from hermes_kanban.store.protocol import BoardConnection, fetch_all, fetch_one, fetch_value

PAGE: Final = 100
PAGE_LIMIT: Final = 10_000
OPEN: Final = frozenset(STATUSES) - {"done", "archived"}

TASK_COLUMNS: Final = ", ".join(f"t.{name}" for name in Task.__struct_fields__)
RUN_COLUMNS: Final = ", ".join(f"r.{name}" for name in Run.__struct_fields__)
NEWEST_EVENT: Final = "SELECT max(id) FROM task_events"
EVENT_COLUMNS: Final = "id, task_id, run_id, kind, actor, payload, created_at"

_decode_skills = msgspec.json.Decoder(list[str]).decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_decode_identity = msgspec.json.Decoder(Identity).decode
_SKILLS_AT: Final = Task.__struct_fields__.index("skills")
_decode_usage = msgspec.json.Decoder(Usage).decode
_USAGE_AT: Final = Run.__struct_fields__.index("usage")
_METADATA_AT: Final = Run.__struct_fields__.index("metadata")
_CLAIMER_IDENTITY_AT: Final = Run.__struct_fields__.index("claimer_identity")
_WORKER_IDENTITY_AT: Final = Run.__struct_fields__.index("worker_identity")


def task_of(row: Sequence[Any]) -> Task:
    """A record from a row selected with ``TASK_COLUMNS``."""
    values = list(row)
    skills = values[_SKILLS_AT]
    values[_SKILLS_AT] = [] if skills == "[]" else _decode_skills(skills)
    return Task(*values)


def run_of(row: Sequence[Any]) -> Run:
    """A record from a row selected with ``RUN_COLUMNS``."""
    values = list(row)
    for at, decode in (
        (_METADATA_AT, _decode_object),
        (_CLAIMER_IDENTITY_AT, _decode_identity),
        (_WORKER_IDENTITY_AT, _decode_identity),
        (_USAGE_AT, _decode_usage),
    ):
        if values[at] is not None:
            values[at] = decode(values[at])
    return Run(*values)


def event_of(row: Any) -> Event:
    """A record from a row selected with ``EVENT_COLUMNS``."""
    return Event(row[0], row[1], row[2], row[3], row[4], _decode_object(row[5]), row[6])


def get_task(conn: BoardConnection, task_id: str) -> Task:
    """The task, or NotFound."""
    task = find_task(conn, task_id)
    if task is None:
        raise NotFound("task", task_id, "see the ids with: hermes-kanban list --all")
    return task


def find_task(conn: BoardConnection, task_id: str) -> Task | None:
    """The task, or None."""
    row = fetch_one(conn, _TASK_BY_ID, {"id": task_id})
    return None if row is None else task_of(row)


def near_task_ids(conn: BoardConnection, text: str, *, limit: int = 3) -> list[str]:
    """The ids that were meant by one that is not there: mistyped, cut short, or without ``t_``.

    Among the newest tasks of a large board only; nearest first.
    """
    from difflib import get_close_matches

    word = "".join(text.lower().split())
    word = word if word.startswith("t_") else f"t_{word}"
    known = [row[0] for row in fetch_all(conn, _NEWEST_IDS, {"limit": PAGE_LIMIT})]
    longer = [one for one in known if len(word) > 3 and one.startswith(word)]
    return longer[:limit] if longer else get_close_matches(word, known, n=limit, cutoff=0.75)


_NEWEST_IDS: Final = "SELECT id FROM tasks ORDER BY seq DESC LIMIT :limit"
_TASK_BY_ID: Final = f"SELECT {TASK_COLUMNS} FROM tasks t WHERE t.id = :id"


def list_tasks(
    conn: BoardConnection,
    *,
    status: str | Iterable[str] | None = None,
    assignee: str | None = None,
    tenant: str | None = None,
    after: int | None = None,
    limit: int = PAGE,
) -> list[Task]:
    """One page of tasks by ``seq``, rising; ``after`` is the last ``seq`` of the page before.

    Without ``status``, all but the archived.
    """
    limits.whole("limit", limit, 1, PAGE_LIMIT)
    statuses = statuses_of(status)
    narrowed = {"assignee": assignee, "tenant": tenant}
    wanted = {column: value for column, value in narrowed.items() if value is not None}
    if not wanted and OPEN.issubset(statuses) and len(statuses) == len(OPEN):
        rows = fetch_all(conn, _OPEN_PAGE, {"after": after or 0, "limit": limit})
        return [task_of(row) for row in rows]
    bounds = {f"s{at}": one for at, one in enumerate(statuses)}
    sql = _page_sql(len(statuses), tuple(wanted))
    rows = fetch_all(conn, sql, bounds | wanted | {"after": after or 0, "limit": limit})
    return [task_of(row) for row in rows]


# The page that people look at all day has an index of its own, since most tasks are done.
_OPEN_PAGE: Final = (
    f"SELECT {TASK_COLUMNS} FROM tasks t INDEXED BY tasks_open"
    " WHERE t.status NOT IN ('done', 'archived') AND t.seq > :after ORDER BY t.seq LIMIT :limit"
)


@functools.lru_cache(maxsize=64)
def _page_sql(statuses: int, narrowed: tuple[str, ...]) -> str:
    """Each status is read off one index in key order, so that a page costs its own length.

    Keys first: only the rows of the page itself are read whole.
    """
    conditions = " AND ".join(["seq > :after", *(f"{column} = :{column}" for column in narrowed)])
    keys = " UNION ALL ".join(
        f"SELECT seq FROM (SELECT seq FROM tasks WHERE status = :s{at} AND {conditions}"
        f" ORDER BY seq LIMIT :limit) AS keys_{at}"
        for at in range(statuses)
    )
    return (
        f"SELECT {TASK_COLUMNS} FROM tasks t WHERE t.seq IN"
        f" (SELECT seq FROM ({keys}) AS keys ORDER BY seq LIMIT :limit) ORDER BY t.seq"
    )


def statuses_of(status: str | Iterable[str] | None) -> list[str]:
    """The statuses that a caller asked for; all but archived where none was named."""
    if status is None:
        return [one for one in STATUSES if one != "archived"]
    wanted = [status] if isinstance(status, str) else list(dict.fromkeys(status))
    if not wanted:
        raise InvalidInput("status", ", ".join(STATUSES), "is an empty list")
    return [limits.word("status", one, STATUSES) for one in wanted]


def get_run(conn: BoardConnection, run_id: int) -> Run:
    """The run, or NotFound."""
    row = fetch_one(conn, f"SELECT {RUN_COLUMNS} FROM task_runs r WHERE r.id = :id", {"id": run_id})
    if row is None:
        raise NotFound("run", run_id, "see the runs of a task with: hermes-kanban runs TASK")
    return run_of(row)


def latest_run(conn: BoardConnection, task_id: str) -> Run | None:
    """The newest run of the task, or None."""
    row = fetch_one(
        conn,
        f"SELECT {RUN_COLUMNS} FROM task_runs r WHERE r.task_id = :id ORDER BY r.id DESC LIMIT 1",
        {"id": task_id},
    )
    return None if row is None else run_of(row)


def find_run(conn: BoardConnection, task_id: str, run_id: int | None = None) -> Run:
    """That run of the task, or its newest; NotFound without one."""
    must_exist(conn, task_id)
    run = latest_run(conn, task_id) if run_id is None else get_run(conn, run_id)
    if run is None:
        raise NotFound("run of", task_id, f"see: hermes-kanban why {task_id}")
    if run.task_id != task_id:
        raise NotFound(f"run {run.id} of task", task_id, f"see: hermes-kanban runs {task_id}")
    return run


def last_conversation(conn: BoardConnection, run: Run) -> Run | None:
    """The newest run of the same task and profile before ``run`` that has a session, or None."""
    row = fetch_one(
        conn,
        f"SELECT {RUN_COLUMNS} FROM task_runs r WHERE r.task_id = :task AND r.id < :run"
        " AND r.profile = :profile AND r.session IS NOT NULL ORDER BY r.id DESC LIMIT 1",
        {"task": run.task_id, "run": run.id, "profile": run.profile},
    )
    return None if row is None else run_of(row)


def run_of_token(conn: BoardConnection, token_hash: str, *, or_ended: bool = False) -> Run | None:
    """The open run that has this token's hash, or None; with ``or_ended`` also one that is over."""
    still = "" if or_ended else " AND r.ended_at IS NULL"
    row = fetch_one(
        conn,
        f"SELECT {RUN_COLUMNS} FROM task_runs r"
        f" WHERE r.token_hash = :hash AND r.token_hash IS NOT NULL{still}",
        {"hash": token_hash},
    )
    return None if row is None else run_of(row)


def list_runs(
    conn: BoardConnection, task_id: str, *, after: int = 0, limit: int = PAGE
) -> list[Run]:
    """The task's runs, oldest first; ``after`` is the last id of the page before."""
    rows = fetch_all(
        conn,
        f"SELECT {RUN_COLUMNS} FROM task_runs r WHERE r.task_id = :id AND r.id > :after"
        " ORDER BY r.id LIMIT :limit",
        {"id": task_id, "after": after, "limit": limits.whole("limit", limit, 1, PAGE_LIMIT)},
    )
    return [run_of(row) for row in rows]


def list_events(
    conn: BoardConnection,
    task_id: str | None = None,
    *,
    after: int = 0,
    limit: int = PAGE,
) -> list[Event]:
    """Events after the id ``after``, oldest first: the board's, or one task's."""
    condition = "" if task_id is None else "task_id = :task_id AND"
    rows = fetch_all(
        conn,
        f"SELECT {EVENT_COLUMNS} FROM task_events WHERE {condition} id > :after"
        " ORDER BY id LIMIT :limit",
        {
            "task_id": task_id,
            "after": after,
            "limit": limits.whole("limit", limit, 1, PAGE_LIMIT),
        },
    )
    return [event_of(row) for row in rows]


def get_event(conn: BoardConnection, event_id: int) -> Event | None:
    """The event, or None."""
    row = fetch_one(
        conn, f"SELECT {EVENT_COLUMNS} FROM task_events WHERE id = :id", {"id": event_id}
    )
    return None if row is None else event_of(row)


def newest_event_id(conn: BoardConnection) -> int:
    """The id of the newest event, 0 on a new board."""
    newest: int | None = fetch_value(conn, NEWEST_EVENT)
    return newest or 0


def list_links(conn: BoardConnection, task_id: str) -> list[Link]:
    """Every link in which the task is parent or child; its parents first."""
    rows = fetch_all(conn, _LINKS_OF, {"id": task_id})
    return [Link(*row) for row in rows]


_LINKS_OF: Final = """
SELECT parent_id, child_id, created_at, released_at FROM task_links WHERE child_id = :id
UNION ALL
SELECT parent_id, child_id, created_at, released_at FROM task_links WHERE parent_id = :id
"""


def list_comments(
    conn: BoardConnection, task_id: str, *, after: int = 0, limit: int = PAGE
) -> list[Comment]:
    """The task's thread, oldest first."""
    rows = fetch_all(
        conn,
        "SELECT id, task_id, run_id, author, body, created_at FROM task_comments"
        " WHERE task_id = :id AND id > :after ORDER BY id LIMIT :limit",
        {"id": task_id, "after": after, "limit": limits.whole("limit", limit, 1, PAGE_LIMIT)},
    )
    return [Comment(*row) for row in rows]


def must_exist(conn: BoardConnection, task_id: str) -> None:
    """NotFound unless there is such a task."""
    if fetch_value(conn, "SELECT 1 FROM tasks WHERE id = :id", {"id": task_id}) is None:
        raise NotFound("task", task_id, "see the ids with: hermes-kanban list --all")
