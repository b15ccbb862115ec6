"""Every verb that writes, as something to do on a real board: what it needs first, then itself."""

from __future__ import annotations

from collections.abc import Callable

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import outbox, subscriptions

Act = Callable[[], object]
Prepare = Callable[[kb.BoardConnection], Act]

LONG = "x" * 6_000  # more than one page of the file


def _new(conn: kb.BoardConnection, **keys: object) -> str:
    return kb.create_task(conn, title="a task", assignee="coder", **keys)  # type: ignore[arg-type]


def _run(conn: kb.BoardConnection, **keys: object) -> tuple[str, int]:
    task_id = _new(conn, **keys)
    claimed = kb.claim_task(conn, task_id, claimer="outside")
    assert claimed is not None and claimed.current_run_id is not None
    return task_id, claimed.current_run_id


def create(conn: kb.BoardConnection) -> Act:
    return lambda: kb.create_task(conn, title="new", body=LONG)


def create_child(conn: kb.BoardConnection) -> Act:
    parents = [_new(conn), _new(conn)]
    return lambda: kb.create_task(conn, title="child", parents=parents, priority=7)


def claim(conn: kb.BoardConnection) -> Act:
    task_id = _new(conn)
    return lambda: kb.claim_task(conn, task_id, claimer="outside")


def register(conn: kb.BoardConnection) -> Act:
    _, run_id = _run(conn)
    return lambda: kb.register_worker(conn, run_id, pid=4_000_000, identity=None, log_path=None)


def heartbeat(conn: kb.BoardConnection) -> Act:
    task_id, run_id = _run(conn)
    return lambda: kb.heartbeat_claim(conn, task_id, run_id=run_id, ttl_seconds=5_000)


def complete(conn: kb.BoardConnection) -> Act:
    task_id, run_id = _run(conn)
    kb.create_task(conn, title="waits for it", parents=[task_id])
    return lambda: kb.complete_task(
        conn, task_id, run_id=run_id, result=LONG, summary="s", metadata={"n": 1}
    )


def complete_by_person(conn: kb.BoardConnection) -> Act:
    task_id = _new(conn)
    return lambda: kb.complete_task(conn, task_id, result="by hand")


def complete_late(conn: kb.BoardConnection) -> Act:
    task_id, run_id = _run(conn)
    kb.reclaim_task(conn, task_id)
    return lambda: kb.complete_task(conn, task_id, run_id=run_id, result="late")


def adopt(conn: kb.BoardConnection) -> Act:
    task_id, run_id = _run(conn)
    kb.reclaim_task(conn, task_id)
    kb.complete_task(conn, task_id, run_id=run_id, result="late")
    return lambda: kb.adopt_result(conn, task_id, run_id=run_id)


def dismiss(conn: kb.BoardConnection) -> Act:
    task_id, run_id = _run(conn)
    kb.reclaim_task(conn, task_id)
    kb.complete_task(conn, task_id, run_id=run_id, result="late")
    return lambda: kb.dismiss_result(conn, task_id, run_id=run_id)


def block(conn: kb.BoardConnection) -> Act:
    task_id, run_id = _run(conn)
    return lambda: kb.block_task(conn, task_id, reason="which?", run_id=run_id)


def unblock(conn: kb.BoardConnection) -> Act:
    task_id = _new(conn)
    kb.block_task(conn, task_id, reason="which?")
    return lambda: kb.unblock_task(conn, task_id, reason="the first")


def review(conn: kb.BoardConnection) -> Act:
    task_id, run_id = _run(conn)
    return lambda: kb.request_review(conn, task_id, run_id=run_id, summary="look", result="r")


def approve(conn: kb.BoardConnection) -> Act:
    task_id, run_id = _run(conn)
    kb.request_review(conn, task_id, run_id=run_id, summary="look")
    return lambda: kb.approve_task(conn, task_id, comment="good")


def request_changes(conn: kb.BoardConnection) -> Act:
    task_id, run_id = _run(conn)
    kb.request_review(conn, task_id, run_id=run_id, summary="look")
    return lambda: kb.request_changes(conn, task_id, comment="shorter")


def wait_for(conn: kb.BoardConnection) -> Act:
    task_id, run_id = _run(conn)
    part = _new(conn)
    return lambda: kb.wait_for(conn, task_id, [part], run_id=run_id)


def link(conn: kb.BoardConnection) -> Act:
    parent, child = _new(conn, priority=2), _new(conn, priority=5)
    return lambda: kb.link_tasks(conn, parent, child)


def unlink(conn: kb.BoardConnection) -> Act:
    parent = _new(conn)
    child = _new(conn, parents=[parent])
    return lambda: kb.unlink_tasks(conn, parent, child)


def attach(conn: kb.BoardConnection) -> Act:
    task_id = _new(conn)
    data = f"{task_id} {LONG}".encode()
    return lambda: kb.add_attachment(conn, task_id, name="notes.txt", data=data)


def attach_again(conn: kb.BoardConnection) -> Act:
    """A content that another task has already."""
    first, second = _new(conn), _new(conn)
    data = f"{first} {LONG}".encode()
    kb.add_attachment(conn, first, name="notes.txt", data=data)
    return lambda: kb.add_attachment(conn, second, name="notes.txt", data=data)


def hand_in(conn: kb.BoardConnection) -> Act:
    """Two artifacts of a run."""
    task_id, run_id = _run(conn)
    workspace = conn.paths.workspaces / task_id
    workspace.mkdir(parents=True)
    for name in ("report", "table"):
        (workspace / name).write_text(f"{name} of {task_id} {LONG}")
    return lambda: kb.complete_task(conn, task_id, run_id=run_id, artifacts=["report", "table"])


def purge_attached(conn: kb.BoardConnection) -> Act:
    """One file is the task's own, one another task has too."""
    task_id, other = _new(conn), _new(conn)
    for name, owner in (("own", task_id), ("both", task_id), ("both", other)):
        kb.add_attachment(conn, owner, name=name, data=f"{name} of {task_id}".encode())
    kb.archive_task(conn, task_id)
    return lambda: kb.purge_task(conn, task_id)


def comment(conn: kb.BoardConnection) -> Act:
    task_id = _new(conn)
    return lambda: kb.add_comment(conn, task_id, LONG)


def edit(conn: kb.BoardConnection) -> Act:
    task_id = _new(conn)
    return lambda: kb.edit_task(conn, task_id, title="other", body=LONG)


def assign(conn: kb.BoardConnection) -> Act:
    task_id, _ = _run(conn)
    return lambda: kb.assign_task(conn, task_id, "other")


def prioritise(conn: kb.BoardConnection) -> Act:
    task_id = _new(conn, parents=[_new(conn), _new(conn)])
    return lambda: kb.prioritise_task(conn, task_id, 9)


def schedule(conn: kb.BoardConnection) -> Act:
    task_id = _new(conn)
    return lambda: kb.schedule_task(conn, task_id, 4_000_000_000)


def triage(conn: kb.BoardConnection) -> Act:
    task_id = _new(conn)
    return lambda: kb.triage_task(conn, task_id, reason="not yet")


def accept(conn: kb.BoardConnection) -> Act:
    task_id = _new(conn, triage=True)
    return lambda: kb.accept_task(conn, task_id)


def reclaim(conn: kb.BoardConnection) -> Act:
    task_id, _ = _run(conn)
    return lambda: kb.reclaim_task(conn, task_id, reason="took too long")


def archive(conn: kb.BoardConnection) -> Act:
    task_id = _new(conn)
    for _ in range(3):
        _new(conn, parents=[task_id])
    return lambda: kb.archive_task(conn, task_id)


def cancel_tree(conn: kb.BoardConnection) -> Act:
    top = _new(conn)
    under = _new(conn, parents=[top])
    _new(conn, parents=[top, under])
    return lambda: kb.cancel_task(conn, top, tree=True, reason="no more")


def reopen(conn: kb.BoardConnection) -> Act:
    task_id = _new(conn)
    _new(conn, parents=[task_id])
    kb.complete_task(conn, task_id)
    return lambda: kb.reopen_task(conn, task_id, reason="again")


def purge(conn: kb.BoardConnection) -> Act:
    task_id = _new(conn)
    _new(conn, parents=[task_id])
    kb.add_comment(conn, task_id, "gone too")
    kb.complete_task(conn, task_id)
    kb.archive_task(conn, task_id)
    return lambda: kb.purge_task(conn, task_id)


def undo(conn: kb.BoardConnection) -> Act:
    task_id = _new(conn)
    kb.edit_task(conn, task_id, title="a mistake", actor="person:undoer")
    return lambda: kb.undo(conn, task_id, actor="person:undoer")


def pause(conn: kb.BoardConnection) -> Act:
    return lambda: kb.pause(conn, reason="lunch")


def resume(conn: kb.BoardConnection) -> Act:
    kb.pause(conn)
    return lambda: kb.resume(conn)


def subscribe(conn: kb.BoardConnection) -> Act:
    task_id = _new(conn)
    return lambda: subscriptions.subscribe(conn, destination="log", task_id=task_id)


def unsubscribe(conn: kb.BoardConnection) -> Act:
    sub = subscriptions.subscribe(conn, destination="log", task_id=_new(conn))
    return lambda: subscriptions.unsubscribe(conn, sub)


def owe_deliveries(conn: kb.BoardConnection) -> Act:
    subscriptions.subscribe(conn, destination="log", task_id=(task_id := _new(conn)))
    while outbox.advance_cursors(conn):
        pass
    kb.complete_task(conn, task_id)
    return lambda: outbox.advance_cursors(conn)


def batch(conn: kb.BoardConnection) -> Act:
    def act() -> None:
        with kb.batch(conn):
            first = _new(conn)
            _new(conn, parents=[first])
            kb.add_comment(conn, first, "both or none")

    return act


_ACTS: dict[str, Prepare] = {
    act.__name__: act
    for act in (
        create, create_child, claim, register, heartbeat, complete, complete_by_person,
        complete_late, adopt, dismiss, block, unblock, review, approve, request_changes, wait_for,
        link, unlink, attach, attach_again, hand_in, comment, edit, assign, prioritise, schedule,
        triage, accept, reclaim, archive, cancel_tree, reopen, purge, purge_attached, undo, pause,
        resume, subscribe, unsubscribe, owe_deliveries, batch,
    )
}  # fmt: skip
NAMES = tuple(_ACTS)


def prepare(conn: kb.BoardConnection, name: str) -> Act:
    """Do what the act needs first, on a board that is not paused; return the act itself."""
    kb.resume(conn)
    return _ACTS[name](conn)
