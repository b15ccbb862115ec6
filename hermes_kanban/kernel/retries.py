"""How long a task waits before it runs again, and when it has run often enough.

Failures back off exponentially with jitter (the "equal jitter" of
https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/): half of the
delay is certain, half is drawn, so that tasks that failed together do not come back together.
"""

from __future__ import annotations

from typing import Final

from hermes_kanban.lifecycle import TaskState
from hermes_kanban.store.protocol import Transaction

RATE_LIMIT_MAX_SECONDS: Final = 3600
_JITTER_BITS: Final = 16

PERSON_TOUCHES: Final = (
    "'accepted', 'edited', 'prioritised', 'scheduled', 'commented', 'linked', 'unlinked',"
    " 'assigned', 'unblocked', 'reopened', 'reclaimed', 'changes_requested', 'promoted',"
    " 'undone'"
)


def backoff_seconds(tx: Transaction, failures: int) -> int:
    """Seconds to wait after the ``failures``-th failure in a row, at least 1."""
    settings = tx.conn.config.kanban
    ceiling = min(
        settings.backoff_base_seconds * (1 << min(failures - 1, 30)), settings.backoff_max_seconds
    )
    drawn: float = tx.conn.randomness.randbits(_JITTER_BITS) / 2**_JITTER_BITS
    return max(1, round(ceiling / 2 + ceiling / 2 * drawn))


def rate_limit_seconds(tx: Transaction, task: TaskState) -> int:
    """Seconds to wait after a rate limit: doubling with each one in a row, to an hour."""
    base: float = tx.conn.config.kanban.rate_limit_base_seconds
    in_a_row = 0
    for (outcome,) in tx.all(_LAST_OUTCOMES, {"id": task["id"]}):
        if outcome != "rate_limited":
            break
        in_a_row += 1
    return max(1, round(min(base * (1 << in_a_row), RATE_LIMIT_MAX_SECONDS)))


_LAST_OUTCOMES: Final = """
SELECT outcome FROM task_runs WHERE task_id = :id AND ended_at IS NOT NULL
ORDER BY id DESC LIMIT 10
"""


def runs_since_person(tx: Transaction, task: TaskState) -> int:
    """Claimed runs of the task since a person last touched it."""
    count: int = tx.value(_RUNS_SINCE, {"id": task["id"]})
    return count


_RUNS_SINCE: Final = f"""
SELECT count(*) FROM task_events
WHERE task_id = :id AND kind = 'claimed' AND id > (
    SELECT coalesce(max(e.id), 0) FROM task_events e
    WHERE e.task_id = :id AND e.actor LIKE 'person:%' AND e.kind IN ({PERSON_TOUCHES}))
"""
