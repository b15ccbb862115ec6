"""Comments: the thread of a task, open to people and workers."""

from __future__ import annotations

from hermes_kanban import lifecycle
from hermes_kanban.kernel import limits
from hermes_kanban.kernel.fencing import Author, author, check_run_quota, task_state
from hermes_kanban.lifecycle import TaskState
from hermes_kanban.store.protocol import BoardConnection, Transaction, write


def add_comment(
    conn: BoardConnection,
    task_id: str,
    body: str,
    *,
    run_id: int | None = None,
    claim_lock: str | None = None,
    actor: str | None = None,
) -> int:
    """Append a comment and return its id. Any task that is not archived; no change of status."""
    body = limits.required("comment", body, limits.COMMENT_BYTES)
    with write(conn, "comment") as tx:
        tx.reserve("task_comments")
        by = author(tx, run_id, claim_lock, actor)
        check_run_quota(tx, by.run_id, "comments", limits.COMMENTS_PER_RUN)
        return insert_comment(tx, task_state(tx, task_id), by, body)


def insert_comment(
    tx: Transaction, task: TaskState, by: Author, body: str, *, told_by: str | None = None
) -> int:
    """Write the comment and its event, which is its author's unless it is ``told_by`` another."""
    now = lifecycle.moment(tx, task)
    comment_id = tx.insert(
        "INSERT INTO task_comments (task_id, run_id, author, body, created_at)"
        " VALUES (:task, :run, :author, :body, :now)",
        {"task": task["id"], "run": by.run_id, "author": by.actor, "body": body, "now": now},
    )
    facts = {"comment_id": comment_id}
    actor = told_by or by.actor
    lifecycle.apply(tx, "comment", task, actor=actor, run_id=by.run_id, facts=facts)
    return comment_id
