"""Waiting for subtasks: a run hands its task back until its children are done."""

from __future__ import annotations

from collections.abc import Iterable

from hermes_kanban.kernel import fencing, finish, limits, mentions
from hermes_kanban.kernel.fencing import task_state
from hermes_kanban.kernel.inherit import inherit
from hermes_kanban.kernel.links import link_tasks
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.model.records import Refused
from hermes_kanban.store.protocol import BoardConnection, write


def wait_for(
    conn: BoardConnection,
    task_id: str,
    children: Iterable[str],
    *,
    summary: str | None = None,
    run_id: int,
    claim_lock: str | None = None,
    kept: fencing.Kept | None = None,
) -> bool | Refused:
    """running → todo until ``children`` (existing tasks) are done; ready if they are already.

    The children become parents in the sense of a link: the task runs again with their results in
    its context. One transaction. ``kept`` as for ``complete_task``.
    """
    if isinstance(children, str):
        raise InvalidInput("children", "a list of task ids", "is one text")
    ids = list(dict.fromkeys(children))
    if not ids:
        raise InvalidInput("children", "at least one task id", "is empty")
    summary = limits.text("summary", summary, limits.SUMMARY_BYTES)
    with write(conn, "wait-for") as tx:
        task = task_state(tx, task_id)
        evidence = {"summary": summary}
        by = fencing.worker(tx, "wait_for", task, run_id, claim_lock, evidence, kept)
        if isinstance(by, Refused):
            return by
        for child in ids:
            link_tasks(conn, child, task_id, run_id=run_id, claim_lock=claim_lock)
        inherit(tx, ids, [task_id])
        task = task_state(tx, task_id)
        columns = {"summary": summary} if summary else {}
        finish.requeue(tx, "wait_for", task, by, {}, columns, {"waits_for": ids})
        mentions.warn_of_unknown(tx, task, run_id, summary)
        return True
