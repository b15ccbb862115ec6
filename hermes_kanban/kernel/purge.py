"""Purging: an archived task is gone, with every row and every file of it; for good.

What other tasks hold stays true: their links to it are removed by events of their own, and their
events, comments and attachments that a run of it wrote keep their author's name without the run.
"""

from __future__ import annotations

import contextlib
from typing import Final

import msgspec

from hermes_kanban import lifecycle
from hermes_kanban.kernel import gates, inherit, leftovers, limits
from hermes_kanban.kernel.fencing import task_state
from hermes_kanban.model.errors import BoardBusy, InUse
from hermes_kanban.store.files import remove_below
from hermes_kanban.store.protocol import BoardConnection, Transaction, takes_long, write


class Purged(msgspec.Struct, frozen=True):
    """What went with a task; ``unlinked`` are the children that waited for it or had done so.

    ``attachments`` are the files that it named, below the board's folder.
    """

    id: str
    run_ids: list[int]
    events: int
    comments: int
    attachments: list[str]
    subscriptions: int
    deliveries: int
    unlinked: list[str]


@takes_long
def purge_task(conn: BoardConnection, task_id: str, *, actor: str | None = None) -> Purged:
    """archived → gone, for good; each child is unlinked first, and goes on if it waited for it.

    Subscriptions to the task and its tree end with it, what it still owed of news is owed no more.
    Its files go
    after the commit; inside a ``batch``, and after a crash, ``gc`` removes them. Raises InUse while
    a process of it may still live.
    """
    by = limits.actor(actor)
    with write(conn, "purge") as tx:
        task = task_state(tx, task_id)
        row = lifecycle.transition("purge", task["status"], "archive it first")
        _refuse_alive(tx, task_id)
        near = inherit.near(tx, task_id)
        unlinked = _unlink_children(tx, task_id, by)
        roots = tx.all("SELECT id FROM kanban_notify_subs WHERE task_id = :id", {"id": task_id})
        purged = _delete_rows(tx, task_id, unlinked)
        for (root_id,) in roots:
            inherit.end_tree(tx, root_id)
        inherit.follow(tx, near)
        counts = {name: getattr(purged, name) for name in ("events", "comments", "deliveries")}
        facts = leftovers.purged_facts(task, purged.run_ids) | {"seq": task["seq"]} | counts
        lifecycle.append_event(tx, None, row.event, by, facts)
    if conn.transaction is None:
        remove_files(conn, purged)
    return purged


def remove_files(conn: BoardConnection, purged: Purged) -> None:
    """Remove the run folders of a purged task, and the files that no other attachment has.

    Under the writer lock, so that nobody attaches the same file meanwhile; what cannot go is
    ``gc``'s.
    """
    root = conn.paths.root
    for run_id in purged.run_ids:
        with contextlib.suppress(OSError):
            remove_below(root, "runs", str(run_id))
    if not purged.attachments:
        return
    with contextlib.suppress(BoardBusy):
        # Else a loss of power could bring the rows back, and not the files.
        conn.make_lasting()
        _remove_attachments(conn, purged)


def _remove_attachments(conn: BoardConnection, purged: Purged) -> None:
    root = conn.paths.root
    with write(conn, "purge"):
        in_use = leftovers.files_in_use(conn)
        for stored in purged.attachments:
            parts = leftovers.attachment_parts(conn.paths, stored)
            if parts is not None and parts not in in_use:
                with contextlib.suppress(OSError):
                    remove_below(root, *parts)


def _refuse_alive(tx: Transaction, task_id: str) -> None:
    alive = tx.one(
        "SELECT id, worker_pid FROM task_runs WHERE task_id = :id"
        " AND worker_pid IS NOT NULL AND exited_at IS NULL ORDER BY id LIMIT 1",
        {"id": task_id},
    )
    if alive is not None:
        run_id, pid = alive
        raise InUse(
            f"a process of {task_id} may still live",
            f"run {run_id} (process {pid})",
            "a running gateway stops it and writes down its end; purge it then",
        )


def _unlink_children(tx: Transaction, task_id: str, actor: str) -> list[str]:
    rows = tx.all(
        "SELECT child_id FROM task_links WHERE parent_id = :id ORDER BY child_id", {"id": task_id}
    )
    for (child_id,) in rows:
        child = task_state(tx, child_id)
        tx.run(
            "DELETE FROM task_links WHERE parent_id = :id AND child_id = :child",
            {"id": task_id, "child": child_id},
        )
        link = {"op": "remove", "parent_id": task_id, "child_id": child_id}
        facts = {"link": link, "purged": True}
        lifecycle.apply(tx, "lose_purged_parent", child, actor=actor, facts=facts)
        gates.settle_after_link_change(tx, child)
    return [child_id for (child_id,) in rows]


def _delete_rows(tx: Transaction, task_id: str, unlinked: list[str]) -> Purged:
    mine = {"id": task_id}
    runs = tx.all("SELECT id FROM task_runs WHERE task_id = :id ORDER BY id", mine)
    files = sorted("/".join(parts) for parts in leftovers.files_of_task(tx.conn, task_id))
    for forget in (_FORGET_IMPORT, *_FORGET_RUNS):
        tx.run(forget, mine)
    counts = [tx.run(delete, mine).rowcount for delete in _DELETES]
    _drop_contents(tx, files)
    deliveries, subscriptions, _, comments, events, *_ = counts
    return Purged(
        id=task_id,
        run_ids=[run_id for (run_id,) in runs],
        events=events,
        comments=comments,
        attachments=files,
        subscriptions=subscriptions + _end_filters(tx, task_id),
        deliveries=deliveries,
        unlinked=unlinked,
    )


def _drop_contents(tx: Transaction, files: list[str]) -> None:
    """What lies beside the rows goes with the last of them that names it."""
    if not (files and tx.conn.files.in_rows):
        return
    in_use = leftovers.files_in_use(tx.conn)
    gone = [parts for parts in (tuple(one.split("/")) for one in files) if parts not in in_use]
    tx.conn.files.drop(parts[-1] for parts in gone)


_RUNS_OF: Final = "(SELECT id FROM task_runs WHERE task_id = :id)"
# That it was imported stays known, so that it does not come again.
_FORGET_IMPORT: Final = "UPDATE imported_tasks SET task_id = NULL WHERE task_id = :id"
# A row of another task that a run of this one wrote.
_FORGET_RUNS: Final = tuple(
    f"UPDATE {table} SET run_id = NULL WHERE run_id IN {_RUNS_OF}"
    " AND (task_id IS NULL OR task_id <> :id)"
    for table in ("task_events", "task_comments", "task_attachments")
)
_DELETES: Final = (
    "DELETE FROM deliveries WHERE event_id IN (SELECT id FROM task_events WHERE task_id = :id)"
    " OR sub_id IN (SELECT id FROM kanban_notify_subs WHERE task_id = :id)",
    "DELETE FROM kanban_notify_subs WHERE task_id = :id",
    "DELETE FROM task_attachments WHERE task_id = :id",
    "DELETE FROM task_comments WHERE task_id = :id",
    "DELETE FROM task_events WHERE task_id = :id",
    "DELETE FROM task_runs WHERE task_id = :id",
    "DELETE FROM task_links WHERE child_id = :id",
    "DELETE FROM tasks WHERE id = :id",
)


class _Filter(msgspec.Struct):
    tasks: list[str] = []


_decode_filter = msgspec.json.Decoder(_Filter).decode


def _end_filters(tx: Transaction, task_id: str) -> int:
    """End the subscriptions that asked only for tasks which are gone; a filter never changes."""
    ended = 0
    rows = tx.all(
        "SELECT id, filter FROM kanban_notify_subs WHERE ended_at IS NULL AND task_id IS NULL"
        " AND filter IS NOT NULL"
    )
    for sub_id, encoded in rows:
        named = _tasks_of(encoded)
        if task_id in named and not any(_exists(tx, one) for one in named):
            parameters = {"id": sub_id, "now": tx.now}
            tx.run("UPDATE kanban_notify_subs SET ended_at = :now WHERE id = :id", parameters)
            ended += 1
    return ended


def _tasks_of(encoded: str) -> list[str]:
    try:
        return _decode_filter(encoded).tasks
    except (msgspec.MsgspecError, UnicodeError):
        return []


def _exists(tx: Transaction, task_id: str) -> bool:
    return tx.one("SELECT 1 FROM tasks WHERE id = :id", {"id": task_id}) is not None
