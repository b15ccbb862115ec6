"""What a board shows of its tasks: cards in pages, and exact counts.

A card tells what a person sees at a glance and no more; it costs a few queries a page, whatever the
page's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final, Literal

import msgspec

from hermes_kanban.kernel import limits, reads
from hermes_kanban.kernel.finding import Filter, condition
from hermes_kanban.kernel.gates import OPEN_PARENT
from hermes_kanban.kernel.live import host_in
from hermes_kanban.kernel.questions import choices
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.model.records import Usage
from hermes_kanban.model.words import FAILURES, STATUSES
from hermes_kanban.store.protocol import BoardConnection, fetch_all, reading

PAGE: Final = 60
PAGE_LIMIT: Final = 200
REASON_CHARACTERS: Final = 400

Order = Literal["oldest", "newest", "queue", "completed"]
State = Literal["pending", "active", "needs_you", "error", "done", "archived"]


class Progress(msgspec.Struct, frozen=True):
    """How many of ``all`` are done."""

    done: int
    all: int


class LiveLine(msgspec.Struct, frozen=True, kw_only=True):
    """The run that a task has now; ``attempt`` counts its runs, this one included.

    ``last_line`` is the last line of its output, as far as somebody has looked, and
    ``last_output_at`` when its log grew last. ``host`` is the id of the host that it is on. Times
    are Unix seconds.
    """

    run_id: int
    profile: str | None
    attempt: int
    started_at: int
    last_heartbeat_at: int | None
    stop_requested_at: int | None
    max_runtime_seconds: int | None
    host: str | None
    last_line: str | None = None
    last_output_at: int | None = None


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One task at a glance.

    ``since`` is when it got its status. ``parents`` are those that it waits or waited for,
    ``open_parents`` how many hold it back now, ``children`` those that wait for it. ``checks`` are
    the boxes of a checklist in its body. ``choices`` are the answers that a question lists.
    ``attempts`` is how many failures in a row are allowed, plus one. ``cost_usd`` and ``tokens``
    add up what its runs report, None where none does.
    """

    id: str
    seq: int
    title: str
    status: str
    state: State
    assignee: str | None
    tenant: str | None
    priority: int
    effective_priority: int
    created_at: int
    since: int
    scheduled_at: int | None
    eligible_at: int | None
    completed_at: int | None
    block_kind: str | None
    block_reason: str | None
    choices: list[str]
    parents: Progress
    open_parents: int
    children: Progress
    checks: Progress | None
    comments: int
    attachments: int
    runs: int
    failures: int
    attempts: int
    last_outcome: str | None
    cost_usd: float | None
    tokens: int | None
    live: LiveLine | None


class CardPage(msgspec.Struct, frozen=True, kw_only=True):
    """Cards in the order that was asked for; ``after`` asks for the next page, None on the last.

    ``cursor`` is the newest event that they know of: what comes after it changes them.
    """

    cards: list[Card]
    after: str | None
    cursor: int


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """The tasks of one assignee or tenant, by status; ``name`` is None for those of nobody."""

    name: str | None
    counts: dict[str, int]


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many tasks a filter leaves by status, and how many there are; exact as of ``cursor``."""

    matching: dict[str, int]
    all: dict[str, int]
    lanes: list[Lane]
    needs_you: int
    cursor: int


class _Keyset(msgspec.Struct, frozen=True):
    """An order by which pages follow each other: a key, then ``seq``."""

    key: str | None
    down: bool
    seq_down: bool

    @property
    def order_by(self) -> str:
        """The order's SQL."""
        by_seq = f"t.seq {_way(self.seq_down)}"
        return by_seq if self.key is None else f"{self.key} {_way(self.down)}, {by_seq}"

    @property
    def beyond(self) -> str:
        """The condition of what comes after a position."""
        by_seq = f"t.seq {'<' if self.seq_down else '>'} :after_seq"
        if self.key is None:
            return by_seq
        further = f"{self.key} {'<' if self.down else '>'} :after_key"
        # The first condition says nothing new, and lets an index begin there.
        begin = f"{self.key} {'<=' if self.down else '>='} :after_key"
        return f"{begin} AND ({further} OR ({self.key} = :after_key AND {by_seq}))"


def _way(down: bool) -> str:
    return "DESC" if down else "ASC"


_ORDERS: Final[dict[str, _Keyset]] = {
    "oldest": _Keyset(None, False, False),
    "newest": _Keyset(None, False, True),
    "queue": _Keyset("t.effective_priority", True, False),
    "completed": _Keyset("coalesce(t.completed_at, 0)", True, True),
}
_DONE: Final = _Keyset("t.completed_at", True, True)
_AFTER: Final = re.compile(r"(-?\d{1,18})\.(\d{1,18})")
_BOX: Final = re.compile(r"^[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\[([ xX])\][ \t]", re.MULTILINE)
_COLUMNS: Final = (
    "t.id, t.seq, t.title, t.status, t.assignee, t.tenant, t.priority, t.effective_priority,"
    " t.created_at, t.scheduled_at, t.eligible_at, t.completed_at, t.block_kind, t.block_reason,"
    " t.consecutive_failures, t.max_retries, t.max_runtime_seconds, t.current_run_id,"
    " CASE WHEN t.body LIKE '%[%]%' THEN t.body END AS body"
)


def cards(
    conn: BoardConnection,
    wanted: Filter | None = None,
    *,
    order: Order = "oldest",
    after: str | None = None,
    limit: int = PAGE,
) -> CardPage:
    """One page of cards as of one moment. Raises InvalidInput."""
    limits.whole("limit", limit, 1, PAGE_LIMIT)
    wanted = wanted or Filter()
    keyset = _ORDERS[limits.word("order", order, _ORDERS)]
    if order == "completed" and list(wanted.status) == ["done"]:
        keyset = _DONE  # which all have that time, and an index by it
    where, values = condition(wanted)
    if after is not None:
        where += f" AND {keyset.beyond}"
        values |= _position(after)
    sql = (
        f"SELECT {_COLUMNS}, {keyset.key or 0} AS place FROM tasks t WHERE {where}"
        f" ORDER BY {keyset.order_by} LIMIT :limit"
    )
    with reading(conn):
        rows = fetch_all(conn, sql, values | {"limit": limit + 1})
        page, more = rows[:limit], len(rows) > limit
        return CardPage(
            cards=_cards(conn, page),
            after=f"{page[-1]['place']}.{page[-1]['seq']}" if more else None,
            cursor=reads.newest_event_id(conn),
        )


def _position(after: str) -> dict[str, int]:
    found = _AFTER.fullmatch(after)
    if found is None:
        raise InvalidInput("after", "the 'after' of the page before", "is none")
    return {"after_key": int(found[1]), "after_seq": int(found[2])}


def counts(
    conn: BoardConnection,
    wanted: Filter | None = None,
    *,
    lanes: Literal["assignee", "tenant"] | None = None,
) -> Counts:
    """How many tasks there are, and how many a filter leaves. Its ``status`` does not count.

    With ``lanes`` also by assignee or tenant, the busiest first.
    """
    narrow = msgspec.structs.replace(wanted or Filter(), status=STATUSES)
    where, values = condition(narrow)
    with reading(conn):
        everything = dict(fetch_all(conn, _BY_STATUS))
        matching = everything
        if narrow.is_narrow:
            matching = dict(fetch_all(conn, _MATCHING.format(where=where), values))
        return Counts(
            matching={status: matching.get(status, 0) for status in STATUSES},
            all={status: everything.get(status, 0) for status in STATUSES},
            lanes=_lanes(conn, lanes, where, values),
            needs_you=_needs_you(conn),
            cursor=reads.newest_event_id(conn),
        )


_BY_STATUS: Final = "SELECT status, count(*) FROM tasks GROUP BY status"
_MATCHING: Final = "SELECT t.status, count(*) FROM tasks t WHERE {where} GROUP BY t.status"


def _needs_you(conn: BoardConnection) -> int:
    where, values = condition(Filter(status=("review", "blocked"), needs_you=True))
    return sum(count for _, count in fetch_all(conn, _MATCHING.format(where=where), values))


def _lanes(
    conn: BoardConnection, column: str | None, where: str, values: dict[str, Any]
) -> list[Lane]:
    if column is None:
        return []
    limits.word("lanes", column, ("assignee", "tenant"))
    sql = (
        f"SELECT t.{column}, t.status, count(*) FROM tasks t WHERE {where}"
        f" GROUP BY t.{column}, t.status"
    )
    found: dict[str | None, dict[str, int]] = {}
    for name, status, count in fetch_all(conn, sql, values):
        found.setdefault(name, {})[status] = count
    busiest = sorted(found.items(), key=lambda one: (-sum(one[1].values()), one[0] or ""))
    return [Lane(name=name, counts=by_status) for name, by_status in busiest]


# What is beside a task's own row, for a page of them at once.


def _cards(conn: BoardConnection, rows: list[Any]) -> list[Card]:
    ids = [row["id"] for row in rows]
    if not ids:
        return []
    beside = _Beside(conn, ids)
    default_retries = conn.config.kanban.max_retries
    return [_card(row, beside, default_retries) for row in rows]


def _card(row: Any, beside: _Beside, default_retries: int) -> Card:
    task_id = row["id"]
    runs = beside.runs.get(task_id, [])
    retries = default_retries if row["max_retries"] is None else row["max_retries"]
    since, kind = beside.since.get(task_id, (row["created_at"], "created"))
    reason = row["block_reason"]
    state = _state(row, kind)
    asks = state == "needs_you" and row["block_kind"] == "needs_input"
    return Card(
        id=task_id,
        seq=row["seq"],
        title=row["title"],
        status=row["status"],
        state=state,
        assignee=row["assignee"],
        tenant=row["tenant"],
        priority=row["priority"],
        effective_priority=row["effective_priority"],
        created_at=row["created_at"],
        since=since,
        scheduled_at=row["scheduled_at"],
        eligible_at=row["eligible_at"],
        completed_at=row["completed_at"],
        block_kind=row["block_kind"],
        block_reason=None if reason is None else reason[:REASON_CHARACTERS],
        choices=choices(reason) if asks else [],
        parents=beside.parents.get(task_id, _NONE),
        open_parents=beside.open_parents.get(task_id, 0),
        children=beside.children.get(task_id, _NONE),
        checks=_checks(row["body"]),
        comments=beside.comments.get(task_id, 0),
        attachments=beside.attachments.get(task_id, 0),
        runs=len(runs),
        failures=row["consecutive_failures"],
        attempts=retries + 1,
        last_outcome=next((run["outcome"] for run in reversed(runs) if run["outcome"]), None),
        cost_usd=_sum(runs, _cost),
        tokens=_sum(runs, _tokens),
        live=_live(row, runs),
    )


def _state(row: Any, kind: str) -> State:
    status: str = row["status"]
    if status == "running":
        return "active"
    if status in ("done", "archived"):
        return "done" if status == "done" else "archived"
    if status == "blocked" and kind in FAILURES:
        return "error"
    if status == "review" or row["block_kind"] in ("needs_input", "capability"):
        return "needs_you"
    return "pending"


def _checks(body: str | None) -> Progress | None:
    boxes = _BOX.findall(body) if body else []
    return Progress(sum(box != " " for box in boxes), len(boxes)) if boxes else None


def _live(row: Any, runs: list[Any]) -> LiveLine | None:
    for run in runs:
        if run["id"] == row["current_run_id"]:
            return LiveLine(
                run_id=run["id"],
                profile=run["profile"],
                attempt=len(runs),
                started_at=run["started_at"],
                last_heartbeat_at=run["last_heartbeat_at"],
                stop_requested_at=run["stop_requested_at"],
                max_runtime_seconds=row["max_runtime_seconds"],
                host=host_in(run["worker_identity"], run["claimer_identity"]),
            )
    return None


_decode_usage = msgspec.json.Decoder(Usage).decode


def _cost(usage: Usage) -> float | None:
    return usage.cost_usd


def _tokens(usage: Usage) -> int | None:
    told = [part for part in (usage.input, usage.output) if part is not None]
    return sum(told) if told else None


def _sum(runs: list[Any], part: Any) -> Any:
    told = [part(_decode_usage(run["usage"])) for run in runs if run["usage"]]
    known = [value for value in told if value is not None]
    return sum(known) if known else None


_NONE: Final = Progress(0, 0)
# Each may give a task another status, and says so if it did.
TURNS: Final = (
    "'created', 'accepted', 'triaged', 'promoted', 'demoted', 'claimed', 'completed', 'blocked',"
    " 'unblocked', 'review_requested', 'approved', 'changes_requested', 'waiting', 'crashed',"
    " 'timed_out', 'spawn_failed', 'protocol_violation', 'rate_limited', 'reclaimed',"
    " 'cancelled', 'archived', 'reopened', 'undone', 'mended'"
)
_SINCE: Final = f"""
SELECT e.task_id, e.created_at, e.kind FROM task_events e WHERE e.id IN (
    SELECT max(s.id) FROM task_events s
    WHERE s.task_id IN ({{ids}}) AND s.kind IN ({TURNS}) AND s.payload LIKE '%"status":%'
    GROUP BY s.task_id)
"""
_PARENTS: Final = f"""
SELECT l.child_id, count(*),
    sum(CASE WHEN p.completed_at IS NOT NULL THEN 1 ELSE 0 END),
    sum(CASE WHEN {OPEN_PARENT} THEN 1 ELSE 0 END)
FROM task_links l JOIN tasks p ON p.id = l.parent_id WHERE l.child_id IN ({{ids}})
GROUP BY l.child_id
"""
_CHILDREN: Final = """
SELECT l.parent_id, count(*), sum(CASE WHEN c.completed_at IS NOT NULL THEN 1 ELSE 0 END)
FROM task_links l JOIN tasks c ON c.id = l.child_id WHERE l.parent_id IN ({ids})
GROUP BY l.parent_id
"""
_RUNS: Final = """
SELECT task_id, id, profile, started_at, outcome, last_heartbeat_at, stop_requested_at, usage,
    CASE WHEN ended_at IS NULL THEN worker_identity END AS worker_identity,
    CASE WHEN ended_at IS NULL THEN claimer_identity END AS claimer_identity
FROM task_runs WHERE task_id IN ({ids}) ORDER BY id
"""


class _Beside:
    """What other tables say of some tasks."""

    def __init__(self, conn: BoardConnection, ids: list[str]) -> None:
        names = ", ".join(f":id_{at}" for at in range(len(ids)))
        values = {f"id_{at}": task_id for at, task_id in enumerate(ids)}

        def rows(sql: str) -> Iterable[Any]:
            return fetch_all(conn, sql.format(ids=names), values)

        self.since = {task_id: (at, kind) for task_id, at, kind in rows(_SINCE)}
        self.parents, self.open_parents = {}, {}
        for task_id, every, done, open_ones in rows(_PARENTS):
            self.parents[task_id] = Progress(done, every)
            self.open_parents[task_id] = open_ones
        self.children = {task_id: Progress(done, every) for task_id, every, done in rows(_CHILDREN)}
        self.comments = dict(rows(_count("task_comments")))
        self.attachments = dict(rows(_count("task_attachments")))
        self.runs: dict[str, list[Any]] = {}
        for run in rows(_RUNS):
            self.runs.setdefault(run["task_id"], []).append(run)


def _count(table: str) -> str:
    return f"SELECT task_id, count(*) FROM {table} WHERE task_id IN ({{ids}}) GROUP BY task_id"
