"""Which rules are asked of which event.

``BEFORE`` rules see the board as it was when the event happened, ``OF_KIND`` rules what it became
and what follows in the same transaction, ``AFTER`` rules the whole transaction.
"""

from __future__ import annotations

from typing import Any, Final

from tests.simulation import rules_of_runs as runs
from tests.simulation import rules_of_tasks as tasks
from tests.simulation.spec import FAILURES

BEFORE: Final[dict[str, tuple[Any, ...]]] = {
    "claimed": (runs.claim_was_open,),
    "spawned": (runs.register_was_open,),
    "stop_requested": (runs.stop_was_possible,),
    "exited": (runs.exit_is_true,),
    "fenced": (runs.fence_was_right,),
    "approved": (tasks.reviewer_is_another,),
    "changes_requested": (tasks.reviewer_is_another,),
    "undone": (tasks.link_is_sound,),
    "linked": (tasks.link_is_sound, runs.run_may_write),
    "commented": (runs.run_may_write,),
}
OF_KIND: Final[dict[str, tuple[Any, ...]]] = {
    "claimed": (runs.claim_is_kept,),
    "completed": (runs.run_is_closed, runs.is_reset, tasks.completion_is_timed),
    "approved": (tasks.completion_is_timed,),
    "blocked": (runs.run_is_closed, tasks.block_loops),
    "review_requested": (runs.run_is_closed, runs.is_reset),
    "waiting": (runs.run_is_closed, runs.requeue_is_bounded, tasks.waits_for_its_children),
    "rate_limited": (runs.run_is_closed, runs.requeue_is_bounded, runs.rate_limit_is_free),
    "reclaimed": (runs.run_is_closed, runs.requeue_is_bounded, runs.reclaim_is_right),
    "cancelled": (runs.run_is_closed,),
    "unblocked": (tasks.unblock_is_right, runs.is_reset, runs.waits_no_more),
    "accepted": (runs.is_reset, runs.waits_no_more),
    "reopened": (runs.is_reset, runs.waits_no_more, tasks.is_open_again),
    "archived": (tasks.children_know,),
    "adopted": (tasks.adoption_has_a_source,),
    "dismissed": (tasks.adoption_has_a_source,),
    "scheduled": (tasks.wait_goes_along,),
} | dict.fromkeys(
    sorted(FAILURES), (runs.run_is_closed, runs.failure_is_counted, runs.requeue_is_bounded)
)
AFTER: Final = (
    tasks.archived_parents_block,
    tasks.options_are_followed,
    tasks.clock_is_followed,
    tasks.keys_are_unique,
    tasks.priorities_are_inherited,
)
