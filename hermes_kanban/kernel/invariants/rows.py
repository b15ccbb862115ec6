"""What one read of the rows can tell: claims, open runs, gates, keys, words, the outbox's states.

Each rule is a query for the rows that break it: the row's id first, then what its text names.
``CASE`` counts and spelt-out comparisons with null keep to what both databases understand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from hermes_kanban.kernel.gates import NO_OPEN_PARENT
from hermes_kanban.kernel.invariants.violation import Violation
from hermes_kanban.model.words import (
    BLOCK_KINDS,
    DELIVERY_STATES,
    NOTIFY_MODES,
    OUTCOMES,
    STATUSES,
    WORKSPACE_KINDS,
)
from hermes_kanban.store.protocol import BoardConnection


class RowRule(NamedTuple):
    """``sql`` finds the rows that break ``invariant``; its columns fill the places of ``text``."""

    invariant: int
    noun: str
    text: str
    sql: str


def broken_rows(conn: BoardConnection) -> Iterator[Violation]:
    """Every row that breaks one of ``RULES``."""
    for rule in RULES:
        for row in conn.execute(rule.sql):
            yield Violation(rule.invariant, rule.noun, str(row[0]), rule.text.format(*row))


def _differ(one: str, other: str) -> str:
    """SQL: the two values differ, null being a value like any other."""
    return (
        f"({one} <> {other} OR ({one} IS NULL AND {other} IS NOT NULL)"
        f" OR ({one} IS NOT NULL AND {other} IS NULL))"
    )


def _unlike(value: str, words: Iterable[str]) -> str:
    """SQL: the value is none of the words."""
    listed = ", ".join(f"'{word}'" for word in sorted(words))
    return f"{value} NOT IN ({listed})"


_OPEN_RUN: Final = (
    "tasks t JOIN task_runs r ON r.id = t.current_run_id AND r.task_id = t.id"
    " AND r.ended_at IS NULL"
)

_CLAIMS: Final = (
    RowRule(
        1,
        "task",
        "is {1} and its current run is {2}",
        "SELECT id, status, coalesce(cast(current_run_id AS text), 'none') FROM tasks"
        " WHERE (status = 'running') <> (current_run_id IS NOT NULL)",
    ),
    RowRule(
        1,
        "task",
        "names run {1}, which is no open run of it",
        "SELECT t.id, t.current_run_id FROM tasks t LEFT JOIN task_runs r"
        " ON r.id = t.current_run_id AND r.task_id = t.id AND r.ended_at IS NULL"
        " WHERE t.current_run_id IS NOT NULL AND r.id IS NULL",
    ),
    RowRule(
        2,
        "task",
        "has {1} open runs",
        "SELECT task_id, count(*) FROM task_runs WHERE ended_at IS NULL"
        " GROUP BY task_id HAVING count(*) > 1",
    ),
    RowRule(
        2,
        "run",
        "is open and {1} does not name it as its current run",
        "SELECT r.id, r.task_id FROM task_runs r LEFT JOIN tasks t"
        " ON t.id = r.task_id AND t.current_run_id = r.id"
        " WHERE r.ended_at IS NULL AND t.id IS NULL",
    ),
    RowRule(
        3,
        "task",
        "is {1} and still has a claim lock, a lease or a worker",
        "SELECT id, status FROM tasks WHERE status <> 'running'"
        " AND (claim_lock IS NOT NULL OR claim_expires IS NOT NULL OR worker_pid IS NOT NULL)",
    ),
    RowRule(
        3,
        "task",
        "is running without a claim lock or without a lease",
        "SELECT id FROM tasks WHERE status = 'running'"
        " AND (claim_lock IS NULL OR claim_expires IS NULL)",
    ),
    *(
        RowRule(
            3,
            "task",
            f"has another {column} than its open run {{1}}",
            f"SELECT t.id, r.id FROM {_OPEN_RUN}"
            f" WHERE t.status = 'running' AND {_differ(f't.{column}', f'r.{column}')}",
        )
        for column in ("claim_lock", "claim_expires", "worker_pid")
    ),
)

_RUNS: Final = (
    RowRule(
        4,
        "run",
        "has the outcome {1} and has {2}",
        "SELECT id, coalesce(outcome, 'none'),"
        " CASE WHEN ended_at IS NULL THEN 'not ended' ELSE 'ended' END FROM task_runs"
        " WHERE (ended_at IS NULL) <> (outcome IS NULL)",
    ),
    RowRule(
        4,
        "run",
        "ended at {1}, before it started at {2}",
        "SELECT id, ended_at, started_at FROM task_runs WHERE ended_at < started_at",
    ),
    RowRule(
        5,
        "run",
        "started at {1}, before the run {2} of the same task had ended",
        "SELECT id, started_at, earlier FROM (SELECT id, started_at,"
        " lag(id) OVER (PARTITION BY task_id ORDER BY id) AS earlier,"
        " lag(ended_at) OVER (PARTITION BY task_id ORDER BY id) AS earlier_end FROM task_runs) r"
        " WHERE earlier IS NOT NULL AND (earlier_end IS NULL OR started_at < earlier_end)",
    ),
    RowRule(
        15,
        "run",
        "is open while the process of the earlier run {1} has not exited",
        "SELECT r.id, e.id FROM task_runs r JOIN task_runs e ON e.task_id = r.task_id"
        " AND e.id < r.id AND e.worker_pid IS NOT NULL AND e.exited_at IS NULL"
        " WHERE r.ended_at IS NULL",
    ),
)

_TASKS: Final = (
    RowRule(
        8,
        "task",
        "is ready behind an open parent",
        f"SELECT t.id FROM tasks t WHERE t.status = 'ready' AND NOT ({NO_OPEN_PARENT})",
    ),
    RowRule(
        9,
        "task",
        "is todo and no parent is open",
        f"SELECT t.id FROM tasks t WHERE t.status = 'todo' AND {NO_OPEN_PARENT}",
    ),
    RowRule(
        10,
        "task",
        "is done and has no time of completion",
        "SELECT id FROM tasks WHERE status = 'done' AND completed_at IS NULL",
    ),
    RowRule(
        11,
        "task",
        "shares its idempotency key with {1}",
        "SELECT t.id, (SELECT min(o.id) FROM tasks o WHERE o.idempotency_key = t.idempotency_key"
        " AND o.status <> 'archived' AND o.id <> t.id) FROM tasks t"
        " WHERE t.status <> 'archived' AND t.idempotency_key IN (SELECT k.idempotency_key"
        " FROM tasks k WHERE k.idempotency_key IS NOT NULL AND k.status <> 'archived'"
        " GROUP BY k.idempotency_key HAVING count(*) > 1)",
    ),
    RowRule(
        17,
        "task",
        "is {1}, with the block kind {2} and {3} reason",
        "SELECT id, status, coalesce(block_kind, 'none'),"
        " CASE WHEN block_reason IS NULL THEN 'no' ELSE 'a' END FROM tasks"
        " WHERE (status = 'blocked') <> (block_kind IS NOT NULL)"
        " OR (status = 'blocked') <> (block_reason IS NOT NULL)",
    ),
    RowRule(
        17,
        "task",
        "is blocked as transient and has no time at which that ends",
        "SELECT id FROM tasks WHERE status = 'blocked' AND block_kind = 'transient'"
        " AND eligible_at IS NULL",
    ),
    RowRule(
        17,
        "task",
        "is blocked as dependency and no parent is open",
        "SELECT t.id FROM tasks t WHERE t.status = 'blocked' AND t.block_kind = 'dependency'"
        f" AND {NO_OPEN_PARENT}",
    ),
)

_OUTBOX: Final = (
    RowRule(
        13,
        "delivery",
        "is {1} without {2}",
        "SELECT id, state, CASE state WHEN 'waiting' THEN 'a time for its next attempt'"
        " WHEN 'dead' THEN 'a reason' ELSE 'the time of delivery' END FROM deliveries"
        " WHERE (state = 'waiting' AND next_attempt_at IS NULL)"
        " OR (state = 'dead' AND reason IS NULL)"
        " OR (state = 'delivered' AND delivered_at IS NULL)",
    ),
)

_DIGESTS: Final = (
    RowRule(
        13,
        "delivery",
        "is in a digest with delivery {1} of another subscription",
        "SELECT d.id, min(o.id) FROM deliveries d JOIN deliveries o ON o.batch = d.batch"
        " WHERE d.batch IS NOT NULL AND o.sub_id <> d.sub_id GROUP BY d.id",
    ),
    RowRule(
        13,
        "delivery",
        "is {1} while delivery {2} of its digest is {3}",
        "SELECT d.id, d.state, o.id, o.state FROM deliveries d JOIN deliveries o"
        " ON o.batch = d.batch WHERE d.batch IS NOT NULL AND o.state <> d.state AND o.id < d.id",
    ),
    RowRule(
        13,
        "delivery",
        "is {1} and has the receipt of a message",
        "SELECT id, state FROM deliveries WHERE receipt IS NOT NULL AND state <> 'delivered'",
    ),
    RowRule(
        13,
        "delivery",
        "is to wake an agent, of which its subscription says nothing",
        "SELECT d.id FROM deliveries d JOIN kanban_notify_subs s ON s.id = d.sub_id"
        " WHERE d.wake_at IS NOT NULL AND s.mode = 'notify'",
    ),
)

_WORDS: Final = tuple(
    RowRule(
        14,
        noun,
        f"has the unknown {column} {{1!r}}",
        f"SELECT {key}, {column} FROM {table} WHERE {_unlike(column, words)}",
    )
    for noun, table, key, column, words in (
        ("task", "tasks", "id", "status", STATUSES),
        ("task", "tasks", "id", "block_kind", BLOCK_KINDS),
        ("task", "tasks", "id", "workspace_kind", WORKSPACE_KINDS),
        ("run", "task_runs", "id", "outcome", OUTCOMES),
        ("delivery", "deliveries", "id", "state", DELIVERY_STATES),
        ("subscription", "kanban_notify_subs", "id", "mode", NOTIFY_MODES),
    )
)

RULES: Final = (*_CLAIMS, *_RUNS, *_TASKS, *_OUTBOX, *_DIGESTS, *_WORDS)
