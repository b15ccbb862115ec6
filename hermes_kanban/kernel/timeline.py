"""Who did what when: the runs of a span of time, and what they and their tasks add up to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from hermes_kanban.kernel import limits, reads
from hermes_kanban.kernel.cards import TURNS
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.model.records import Usage
from hermes_kanban.model.words import FAILURES
from hermes_kanban.store.protocol import BoardConnection, fetch_all, reading

BARS: Final = 1_000
BARS_LIMIT: Final = 5_000
DAY_SECONDS: Final = 86_400
DAYS: Final = 14
DAYS_LIMIT: Final = 92
EVENTS_READ: Final = 50_000
_OFFSET_LIMIT: Final = 15 * 3600


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One run on the timeline; one without ``ended_at`` is at work."""

    run_id: int
    task_id: str
    title: str
    profile: str | None
    claimer: str
    started_at: int
    ended_at: int | None
    exited_at: int | None
    outcome: str | None
    cost_usd: float | None
    tokens: int | None


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """The runs that overlap [start, end], the newest first; ``cut`` says that older ones are left
    out."""

    start: int
    end: int
    bars: list[Bar]
    cut: bool
    cursor: int


def timeline(
    conn: BoardConnection, *, start: int | None = None, end: int | None = None, limit: int = BARS
) -> Timeline:
    """The runs of a span of time, by default the last day. Raises InvalidInput."""
    limits.whole("limit", limit, 1, BARS_LIMIT)
    until = conn.clock.now() if end is None else limits.whole("end", end, 0) or 0
    since = until - DAY_SECONDS if start is None else limits.whole("start", start, 0) or 0
    if since > until:
        raise InvalidInput("start", "a time that is not after the end", f"is {since}")
    with reading(conn):
        rows = fetch_all(conn, _BARS, {"start": since, "end": until, "limit": limit + 1})
        return Timeline(
            start=since,
            end=until,
            bars=[_bar(row) for row in rows[:limit]],
            cut=len(rows) > limit,
            cursor=reads.newest_event_id(conn),
        )


_BARS: Final = """
SELECT r.id, r.task_id, t.title, r.profile, r.claimer, r.started_at, r.ended_at, r.exited_at,
    r.outcome, r.usage
FROM task_runs r JOIN tasks t ON t.id = r.task_id WHERE r.id IN (
    SELECT id FROM task_runs WHERE ended_at IS NULL AND started_at <= :end
    UNION SELECT id FROM task_runs WHERE ended_at >= :start AND started_at <= :end)
ORDER BY r.id DESC LIMIT :limit
"""


def _bar(row: Any) -> Bar:
    cost, tokens = _spent(row["usage"])
    return Bar(
        run_id=row["id"],
        task_id=row["task_id"],
        title=row["title"],
        profile=row["profile"],
        claimer=row["claimer"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        exited_at=row["exited_at"],
        outcome=row["outcome"],
        cost_usd=cost,
        tokens=tokens,
    )


_decode_usage = msgspec.json.Decoder(Usage).decode


def _spent(usage: str | None) -> tuple[float | None, int | None]:
    if usage is None:
        return None, None
    told = _decode_usage(usage)
    parts = [part for part in (told.input, told.output) if part is not None]
    return told.cost_usd, sum(parts) if parts else None


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """What was created and completed on the day that begins at ``start``."""

    start: int
    created: int
    completed: int


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds: half of ``count`` took at most ``p50``, nine of ten at most ``p90``."""

    count: int
    p50: int
    p90: int


class ProfileTrend(msgspec.Struct, frozen=True, kw_only=True):
    """What the runs of one profile that ended in the window add up to."""

    profile: str | None
    runs: int
    failures: int
    seconds: int
    cost_usd: float | None
    tokens: int | None


class Trends(msgspec.Struct, frozen=True, kw_only=True):
    """A board over some days, up to now.

    ``cycle`` is from the creation of a task to its completion, ``work`` from the start of its
    first run. ``in_status`` are stays in a status that began and ended in the window, as far as
    the newest 50,000 events tell. ``reasons`` count the ends of runs.
    """

    start: int
    end: int
    days: list[Day]
    cycle: Spread | None
    work: Spread | None
    in_status: dict[str, Spread]
    reasons: dict[str, int]
    profiles: list[ProfileTrend]
    cursor: int


def trends(conn: BoardConnection, *, days: int = DAYS, utc_offset_seconds: int = 0) -> Trends:
    """Throughput, times, reasons and costs of the last ``days``; days begin at that offset."""
    limits.whole("days", days, 1, DAYS_LIMIT)
    limits.whole("utc_offset_seconds", utc_offset_seconds, -_OFFSET_LIMIT, _OFFSET_LIMIT)
    with reading(conn):
        now = conn.clock.now()
        today = (now + utc_offset_seconds) // DAY_SECONDS * DAY_SECONDS - utc_offset_seconds
        start = today - (days - 1) * DAY_SECONDS
        window = {"start": start}
        done = fetch_all(conn, _COMPLETED, window)
        created = [at for (at,) in fetch_all(conn, _CREATED, window)]
        runs = fetch_all(conn, _RUNS, window)
        newest = reads.newest_event_id(conn)
        return Trends(
            start=start,
            end=now,
            days=_by_day(start, days, created, [row["completed_at"] for row in done]),
            cycle=_spread(row["completed_at"] - row["created_at"] for row in done),
            work=_spread(
                row["completed_at"] - row["started_at"]
                for row in done
                if row["started_at"] is not None
            ),
            in_status=_stays(conn, start, newest),
            reasons=_reasons(runs),
            profiles=_by_profile(runs),
            cursor=newest,
        )


_COMPLETED: Final = (
    "SELECT created_at, started_at, completed_at FROM tasks WHERE completed_at >= :start"
)
_CREATED: Final = "SELECT created_at FROM tasks WHERE created_at >= :start"
_RUNS: Final = (
    "SELECT profile, started_at, ended_at, outcome, usage FROM task_runs WHERE ended_at >= :start"
)
_CHANGES: Final = f"""
SELECT task_id, payload, created_at FROM task_events
WHERE id > :after AND created_at >= :start AND task_id IS NOT NULL AND kind IN ({TURNS})
    AND payload LIKE '%"status":%'
ORDER BY id
"""


def _by_day(start: int, days: int, created: list[int], completed: list[int]) -> list[Day]:
    made, finished = [0] * days, [0] * days
    for counted, times in ((made, created), (finished, completed)):
        for at in times:
            counted[min(days - 1, (at - start) // DAY_SECONDS)] += 1
    return [
        Day(start=start + at * DAY_SECONDS, created=made[at], completed=finished[at])
        for at in range(days)
    ]


def _spread(values: Iterable[int]) -> Spread | None:
    ordered = sorted(max(0, value) for value in values)
    if not ordered:
        return None
    last = len(ordered) - 1
    return Spread(
        count=len(ordered), p50=ordered[last // 2], p90=ordered[min(last, last * 9 // 10)]
    )


class _TaskPart(msgspec.Struct):
    status: str | None = None


class _Payload(msgspec.Struct):
    task: _TaskPart = msgspec.field(default_factory=_TaskPart)


_decode_payload = msgspec.json.Decoder(_Payload).decode


def _stays(conn: BoardConnection, start: int, newest: int) -> dict[str, Spread]:
    entered: dict[str, tuple[str, int]] = {}
    stays: dict[str, list[int]] = {}
    bounds = {"after": max(0, newest - EVENTS_READ), "start": start}
    for task_id, payload, at in fetch_all(conn, _CHANGES, bounds):
        status = _decode_payload(payload).task.status
        if status is None:
            continue
        before = entered.get(task_id)
        if before is not None:
            if before[0] == status:
                continue
            stays.setdefault(before[0], []).append(at - before[1])
        entered[task_id] = status, at
    return {status: found for status in stays if (found := _spread(stays[status])) is not None}


def _reasons(runs: list[Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for run in runs:
        found[run["outcome"]] = found.get(run["outcome"], 0) + 1
    return found


def _by_profile(runs: list[Any]) -> list[ProfileTrend]:
    by_profile: dict[str | None, list[Any]] = {}
    for run in runs:
        by_profile.setdefault(run["profile"], []).append(run)
    found = [_of_profile(profile, theirs) for profile, theirs in by_profile.items()]
    return sorted(found, key=lambda one: (-one.runs, one.profile or ""))


def _of_profile(profile: str | None, runs: list[Any]) -> ProfileTrend:
    spent = [_spent(run["usage"]) for run in runs]
    costs = [cost for cost, _ in spent if cost is not None]
    tokens = [count for _, count in spent if count is not None]
    return ProfileTrend(
        profile=profile,
        runs=len(runs),
        failures=sum(run["outcome"] in FAILURES for run in runs),
        seconds=sum(run["ended_at"] - run["started_at"] for run in runs),
        cost_usd=sum(costs) if costs else None,
        tokens=sum(tokens) if tokens else None,
    )
