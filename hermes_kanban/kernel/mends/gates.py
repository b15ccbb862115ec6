"""Gates: ready and todo as the parents say, blocks that say who lifts them, inherited priority."""

from __future__ import annotations

from typing import Final

from hermes_kanban import lifecycle
from hermes_kanban.kernel import gates
from hermes_kanban.kernel.finish import LIFTED_BY
from hermes_kanban.kernel.invariants.histories import histories, unexplained_block
from hermes_kanban.kernel.mends.mending import Mending

_NO_OPEN_PARENT: Final = gates.NO_OPEN_PARENT
_MISPLACED: Final = f"""
SELECT t.id, CASE WHEN t.status = 'ready' THEN 'was ready behind an open parent'
    WHEN t.status = 'todo' THEN 'was todo and no parent is open'
    ELSE 'waited for parents and none is open' END
FROM tasks t
WHERE (t.status = 'ready' AND NOT ({_NO_OPEN_PARENT}))
    OR ((t.status = 'todo' OR (t.status = 'blocked' AND t.block_kind = 'dependency'))
        AND {_NO_OPEN_PARENT})
ORDER BY t.seq
"""


def mend_gates(mending: Mending) -> None:
    """Demote, promote and unblock what its parents do not leave where it is."""
    for task_id, why in mending.tx.all(_MISPLACED):
        task = mending.task(task_id)
        if task is None:
            continue
        to = gates.resting_status(mending.tx, task_id)
        if task["blocked_from"] == "review":
            to = "review"
        text = f"{why}: it is {to} now"
        facts = {"reason": text, "mended": True}
        lifecycle.apply(mending.tx, "mend", task, actor=mending.actor, to=to, facts=facts)
        mending.note("task", task_id, text)
        gates.settle_at_rest(mending.tx, task)


# A task that is open has the higher of its own priority and what its open children pass on.
_DRIFTED: Final = """
SELECT id, wanted FROM (
    SELECT t.id, t.seq, t.effective_priority,
        CASE WHEN max(c.effective_priority) > t.priority THEN max(c.effective_priority)
             ELSE t.priority END AS wanted
    FROM tasks t
    LEFT JOIN task_links l ON l.parent_id = t.id AND l.released_at IS NULL
    LEFT JOIN tasks c ON c.id = l.child_id AND c.status NOT IN ('done', 'archived')
    WHERE t.status NOT IN ('done', 'archived')
    GROUP BY t.id, t.seq, t.effective_priority, t.priority
) AS open_tasks
WHERE effective_priority <> wanted ORDER BY seq
"""


def mend_priorities(mending: Mending) -> None:
    """One level of the links a call; the next round does the next."""
    for task_id, wanted in mending.tx.all(_DRIFTED):
        task = mending.task(task_id)
        if task is not None and task["effective_priority"] != wanted:
            text = f"has the effective priority {wanted}, not {task['effective_priority']}"
            mending.change(task, text, {"effective_priority": wanted}, inherited=True)


def mend_blocks(mending: Mending) -> None:
    """Say of each block that does not who lifts it."""
    unsaid = [one.id for one in histories(mending.tx.conn) if unexplained_block(one)]
    for task_id in unsaid:
        task = mending.task(task_id)
        if task is None:
            continue
        lifted_by = LIFTED_BY[task["block_kind"]].format(id=task_id)
        part = {"status": "blocked", "block_kind": task["block_kind"]}
        mending.tell(task, "says again who lifts its block", {"task": part, "lifted_by": lifted_by})
