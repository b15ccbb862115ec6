"""The verbs that are killed at every step: what each is called on, and the call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import closings, digests, outbox, subscriptions, waking
from hermes_kanban.model.foreign import ForeignComment, ForeignRun, ForeignTask
from hermes_kanban.porting.spool import Spool
from hermes_kanban.selftest.still import PROCESS, NoProcesses

Conn = kb.BoardConnection
Given = dict[str, Any]


class Verb(NamedTuple):
    """``prepare`` makes what ``act`` is called on, and returns what names it."""

    prepare: Callable[[Conn], Given]
    act: Callable[[Conn, Given], object]


def _task(conn: Conn, **columns: Any) -> Given:
    """A task with an open child, which its end will promote."""
    parent = kb.create_task(conn, title="a task", **columns)
    return {"id": parent, "child": kb.create_task(conn, title="its child", parents=[parent])}


def _pair(conn: Conn, *, linked: bool = False) -> Given:
    parent, child = (kb.create_task(conn, title=title) for title in ("first", "second"))
    if linked:
        kb.link_tasks(conn, parent, child)
    return {"id": child, "parent": parent}


def _in_triage(conn: Conn) -> Given:
    return {"id": kb.create_task(conn, title="a thought", triage=True)}


def _claimed(conn: Conn) -> Given:
    """A task that an outside worker has claimed."""
    given = _task(conn)
    task = kb.claim_task(conn, given["id"], claimer="selftest", ttl_seconds=1)
    assert task is not None
    proof = {"run_id": task.current_run_id, "claim_lock": task.claim_lock}
    return given | {"run": task.current_run_id, "proof": proof}


def _at_work(conn: Conn) -> Given:
    """A claimed task whose process is registered."""
    given = _claimed(conn)
    assert _register(conn, given)
    return given


def _register(conn: Conn, given: Given) -> bool:
    return kb.register_worker(
        conn, given["run"], pid=PROCESS.pid, identity=PROCESS, log_path="/dev/null"
    )


def _edited(conn: Conn) -> Given:
    given = _task(conn)
    kb.edit_task(conn, given["id"], title="another")
    return given


def _blocked(conn: Conn) -> Given:
    given = _task(conn)
    kb.block_task(conn, given["id"], reason="which one?")
    return given


def _in_review(conn: Conn) -> Given:
    given = _claimed(conn)
    assert kb.request_review(conn, given["id"], summary="read it", **given["proof"])
    return given


def _done(conn: Conn) -> Given:
    given = _task(conn)
    kb.complete_task(conn, given["id"], result="42")
    return given


def _archived(conn: Conn) -> Given:
    """A task that was worked on, done and archived, with a child that went on."""
    given = _claimed(conn)
    kb.complete_task(conn, given["id"], summary="sum", **given["proof"])
    kb.archive_task(conn, given["id"])
    return given


def _archived_with_a_file(conn: Conn) -> Given:
    """A task whose attached file is its own, and one whose file another task has too."""
    given, other = _task(conn), _task(conn)
    for task_id, name in ((given["id"], "own"), (given["id"], "both"), (other["id"], "both")):
        kb.add_attachment(conn, task_id, name=name, data=name.encode())
    kb.archive_task(conn, given["id"])
    return given


def _complete_with_a_file(conn: Conn, given: Given) -> object:
    workspace = conn.paths.workspaces / given["id"]
    workspace.mkdir(parents=True, exist_ok=True)
    (workspace / "report").write_text("42")
    return kb.complete_task(conn, given["id"], artifacts=["report"], **given["proof"])


def _attach(conn: Conn, given: Given) -> object:
    return kb.add_attachment(conn, given["id"], name="notes", data=b"half way")


def _stopped(conn: Conn) -> Given:
    """A task that a person completed over the head of a worker at work."""
    given = _at_work(conn)
    kb.complete_task(conn, given["id"])
    return given


def _late(conn: Conn) -> Given:
    """A worker whose run was taken back while it worked."""
    given = _claimed(conn)
    kb.reclaim_task(conn, given["id"])
    return given


def _handed_in_late(conn: Conn) -> Given:
    given = _late(conn)
    kb.complete_task(conn, given["id"], result="late", **given["proof"])
    return given


def _followed(conn: Conn) -> Given:
    """A subscription that is owed the news of a task."""
    subscriptions.subscribe(conn, destination="log", filter={"kinds": ["all"]})
    return _task(conn)


def _owed(conn: Conn) -> Given:
    given = _followed(conn)
    outbox.advance_cursors(conn)
    return given | {"delivery": outbox.list_outbox(conn)[0].id}


def _family(conn: Conn) -> Given:
    parent = _task(conn)["id"]
    kb.create_task(conn, title="child", parents=[parent])
    return {"parent": parent}


def _tree(conn: Conn) -> Given:
    given = _family(conn)
    sub = subscriptions.subscribe(
        conn, destination="log", task_id=given["parent"], options={"inherit": True}
    )
    return given | {"sub": sub}


def _gathering(conn: Conn) -> Given:
    """A digest of two that is due: the clock of a trial is the machine's, so it is made so."""
    sub = subscriptions.subscribe(
        conn, destination="log", filter={"kinds": ["all"]}, options={"digest_seconds": 1}
    )
    for _ in range(2):
        _task(conn)
    outbox.advance_cursors(conn)
    for one in outbox.list_outbox(conn, sub_id=sub):
        outbox.retry_delivery(conn, one.id)
    return {"sub": sub, "delivery": outbox.list_outbox(conn, sub_id=sub)[0].id}


def _gathered(conn: Conn) -> Given:
    given = _gathering(conn)
    digests.collect(conn, given["sub"])
    return given


def _waking(conn: Conn) -> Given:
    subscriptions.subscribe(
        conn, filter={"kinds": ["created"]}, mode="wake", options={"wake": "planner"}
    )
    given = _task(conn)
    outbox.advance_cursors(conn)
    return given


def _decided(conn: Conn) -> Given:
    """A message whose question has been answered."""
    subscriptions.subscribe(conn, destination="log")
    given = _task(conn)
    kb.block_task(conn, given["id"], reason="which one?")
    outbox.advance_cursors(conn)
    delivery = outbox.list_outbox(conn)[-1].id
    outbox.mark_delivered(conn, delivery, receipt="m1")
    kb.unblock_task(conn, given["id"], reason="this one")
    return given | {"delivery": delivery}


def _paused(conn: Conn) -> Given:
    kb.pause(conn)
    return {}


def _hosted(conn: Conn) -> Given:
    host = kb.Host(host_id="a-host", name="a-host", gateway_pid=1, capabilities=("gpu",))
    kb.join_host(conn, host, "a-boot")
    return {}


def _nothing(_conn: Conn) -> Given:
    return {}


def _import(conn: Conn, _given: Given) -> None:
    """A parent with a past, and a child that waits for another one."""
    with Spool("selftest", "memory") as spool:
        spool.add(
            ForeignTask(
                "1",
                "of elsewhere",
                "done",
                "closed",
                comments=[ForeignComment("1", "person:selftest", "said long ago", 1)],
                runs=[ForeignRun("1", None, "selftest", 2, 3, "completed")],
            )
        )
        spool.add(ForeignTask("2", "another", "ready", "open"))
        spool.add(ForeignTask("3", "its child", "ready", "open", parents=["1", "2"]))
        kb.import_tasks(conn, spool)


def _batch(conn: Conn, given: Given) -> None:
    with kb.batch(conn):
        made = kb.create_task(conn, title="of a batch", parents=[given["id"]])
        kb.add_comment(conn, made, "with the other two")
        kb.complete_task(conn, given["id"])


VERBS: Final[dict[str, Verb]] = {
    "create": Verb(_task, lambda c, g: kb.create_task(c, title="x", parents=[g["id"]], priority=3)),
    "edit": Verb(_task, lambda c, g: kb.edit_task(c, g["id"], title="another", body="words")),
    "assign": Verb(_task, lambda c, g: kb.assign_task(c, g["id"], "worker")),
    "prioritise": Verb(_task, lambda c, g: kb.prioritise_task(c, g["child"], 7)),
    "schedule": Verb(_task, lambda c, g: kb.schedule_task(c, g["id"], 1_900_009_999)),
    "comment": Verb(_task, lambda c, g: kb.add_comment(c, g["id"], "half way")),
    "attach": Verb(_task, _attach),
    "link": Verb(_pair, lambda c, g: kb.link_tasks(c, g["parent"], g["id"])),
    "unlink": Verb(
        lambda c: _pair(c, linked=True), lambda c, g: kb.unlink_tasks(c, g["parent"], g["id"])
    ),
    "triage": Verb(_task, lambda c, g: kb.triage_task(c, g["id"], reason="unclear")),
    "accept": Verb(_in_triage, lambda c, g: kb.accept_task(c, g["id"])),
    "claim": Verb(_task, lambda c, g: kb.claim_task(c, g["id"], claimer="selftest")),
    "claim the next": Verb(_task, lambda c, g: kb.claim_next(c, claimer="selftest")),
    "register": Verb(_claimed, _register),
    "heartbeat": Verb(
        _claimed,
        lambda c, g: kb.heartbeat_claim(c, g["id"], ttl_seconds=77, **g["proof"]),
    ),
    "complete": Verb(
        _claimed,
        lambda c, g: kb.complete_task(c, g["id"], result="42", summary="sum", **g["proof"]),
    ),
    "complete with a file": Verb(_claimed, _complete_with_a_file),
    "complete over a worker": Verb(_at_work, lambda c, g: kb.complete_task(c, g["id"])),
    "complete too late": Verb(
        _late, lambda c, g: kb.complete_task(c, g["id"], result="late", **g["proof"])
    ),
    "adopt": Verb(_handed_in_late, lambda c, g: kb.adopt_result(c, g["id"], run_id=g["run"])),
    "dismiss": Verb(_handed_in_late, lambda c, g: kb.dismiss_result(c, g["id"], run_id=g["run"])),
    "block": Verb(_claimed, lambda c, g: kb.block_task(c, g["id"], reason="?", **g["proof"])),
    "unblock": Verb(_blocked, lambda c, g: kb.unblock_task(c, g["id"], reason="the first")),
    "request review": Verb(_claimed, lambda c, g: kb.request_review(c, g["id"], **g["proof"])),
    "approve": Verb(_in_review, lambda c, g: kb.approve_task(c, g["id"])),
    "request changes": Verb(
        _in_review, lambda c, g: kb.request_changes(c, g["id"], comment="May is missing")
    ),
    "wait for": Verb(
        lambda c: _claimed(c) | {"other": kb.create_task(c, title="first this")},
        lambda c, g: kb.wait_for(c, g["id"], [g["other"]], **g["proof"]),
    ),
    "reopen": Verb(_done, lambda c, g: kb.reopen_task(c, g["id"])),
    "reclaim": Verb(_at_work, lambda c, g: kb.reclaim_task(c, g["id"])),
    "cancel": Verb(_at_work, lambda c, g: kb.cancel_task(c, g["id"], tree=True)),
    "archive": Verb(_task, lambda c, g: kb.archive_task(c, g["id"])),
    "purge": Verb(_archived, lambda c, g: kb.purge_task(c, g["id"])),
    "purge with a file": Verb(_archived_with_a_file, lambda c, g: kb.purge_task(c, g["id"])),
    "crash": Verb(_at_work, lambda c, _: kb.detect_crashed_workers(c, NoProcesses())),
    "stop": Verb(_stopped, lambda c, _: kb.advance_stops(c, NoProcesses())),
    "stale claim": Verb(_claimed, lambda c, _: kb.release_stale_claims(c)),
    "batch": Verb(_task, _batch),
    "import": Verb(_nothing, _import),
    "subscribe": Verb(_task, lambda c, g: subscriptions.subscribe(c, destination="log")),
    "owe a notice": Verb(_followed, lambda c, _: outbox.advance_cursors(c)),
    "mark a notice": Verb(_owed, lambda c, g: outbox.mark_delivered(c, g["delivery"])),
    "subscribe to a tree": Verb(
        _family,
        lambda c, g: subscriptions.subscribe(
            c, destination="log", task_id=g["parent"], options={"inherit": True}
        ),
    ),
    "create below a tree": Verb(
        _tree, lambda c, g: kb.create_task(c, title="below", parents=[g["parent"]])
    ),
    "end a tree": Verb(_tree, lambda c, g: subscriptions.unsubscribe(c, g["sub"])),
    "gather a digest": Verb(_gathering, lambda c, g: digests.collect(c, g["sub"])),
    "mark a digest": Verb(_gathered, lambda c, g: outbox.mark_delivered(c, g["delivery"])),
    "wake an agent": Verb(_waking, lambda c, _: waking.wake_due(c, limit=1)),
    "close a notice": Verb(_decided, lambda c, g: closings.mark_closed(c, [g["delivery"]])),
    "undo": Verb(_edited, lambda c, g: kb.undo(c, g["id"])),
    "pause": Verb(_nothing, lambda c, _: kb.pause(c)),
    "resume": Verb(_paused, lambda c, _: kb.resume(c)),
    "drain a host": Verb(_hosted, lambda c, _: kb.drain_host(c, "a-host")),
}
