"""A board on which every verb has been used, with a task in every state worth looking at."""

from __future__ import annotations

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import outbox, subscriptions
from tests.support.boards import ABoard, due_deliveries


def rich_board(board: ABoard) -> dict[str, str]:
    """Use every verb; return the ids of the tasks by what they show."""
    board.configure(max_retries=1)
    tasks = {
        "ready": board.create("ready", skills=["sql"], idempotency_key="once", priority=3),
        "ready_too": board.create("ready too", idempotency_key="twice"),
        "triage": board.create("triage", triage=True),
    }
    subscriptions.subscribe(board.conn, destination="log", filter={"kinds": ["all"]})
    for scene in SCENES:
        tasks |= scene(board)
        board.clock.advance(60)
    _fenced(board, tasks["done"])
    _archived(board, tasks)
    kb.pause(board.conn, reason="lunch")
    kb.resume(board.conn)
    kb.join_host(board.conn, kb.Host(host_id="a-host", name="a-host", gateway_pid=1), "boot")
    kb.drain_host(board.conn, "a-host", reason="new disk")
    kb.resume_host(board.conn, "a-host")
    kb.leave_host(board.conn, kb.list_hosts(board.conn)[0])
    deliver(board)
    return tasks


def _gates(board: ABoard) -> dict[str, str]:
    parent = board.create("parent")
    child = board.create("child", parents=[parent], priority=9)
    other = board.create("other")
    kb.link_tasks(board.conn, other, child)
    kb.unlink_tasks(board.conn, other, child)
    return {"open_parent": parent, "todo": child}


def _finished(board: ABoard) -> dict[str, str]:
    done = board.create("done", assignee="worker")
    after = board.create("after", parents=[done])
    run = board.start(done)
    kb.heartbeat_claim(board.conn, done, run_id=run.id, claim_lock=run.claim_lock)
    kb.add_comment(board.conn, done, "half way", run_id=run.id, claim_lock=run.claim_lock)
    card = kb.create_task(
        board.conn, title="card", run_id=run.id, claim_lock=run.claim_lock, parents=[done]
    )
    kb.complete_task(
        board.conn,
        done,
        run_id=run.id,
        claim_lock=run.claim_lock,
        result="42",
        summary="counted",
        metadata={"words": 42},
        created_cards=[card],
    )
    _exit(board, done)
    by_person = board.create("done by a person")
    kb.complete_task(board.conn, by_person, result="by hand")
    return {"done": done, "after_done": after, "by_person": by_person}


def _exit(board: ABoard, task_id: str, **facts: object) -> None:
    """The process of the newest run ends and its record is imported."""
    run = kb.latest_run(board.conn, task_id)
    assert run is not None
    board.processes.exit(board.worker(run), at=board.clock.now(), **({"exit_code": 0} | facts))
    kb.import_exit_records(board.conn, board.processes)


def _running(board: ABoard) -> dict[str, str]:
    running, manual = board.create("running", assignee="worker"), board.create("manual")
    board.start(running)
    board.claim(manual)
    stopped = board.create("completed over a worker's head")
    board.start(stopped)
    kb.complete_task(board.conn, stopped)
    kb.advance_stops(board.conn, board.processes)
    return {"running": running, "manual": manual, "stopped": stopped}


def _gated_again(board: ABoard) -> dict[str, str]:
    """A running child whose parent was taken up again."""
    parent = board.create("taken up again")
    child = board.create("goes on", parents=[parent])
    kb.complete_task(board.conn, parent)
    board.claim(child)
    kb.reopen_task(board.conn, parent)
    return {"reopened_parent": parent, "gated_again": child}


def _blocked(board: ABoard) -> dict[str, str]:
    tasks = {name: board.create(name) for name in ("needs_input", "capability", "transient")}
    for name, task_id in tasks.items():
        run = board.claim(task_id)
        kb.block_task(
            board.conn,
            task_id,
            reason=f"for {name}",
            kind=name,
            retry_in_seconds=7_200,
            run_id=run.id,
            claim_lock=run.claim_lock,
        )
    parent = board.create("what the blocked one waits for")
    child = board.create("dependency", parents=[parent])
    kb.block_task(board.conn, child, reason="for its parent", kind="dependency")
    lifted = board.create("lifted")
    kb.block_task(board.conn, lifted, reason="which one?")
    kb.unblock_task(board.conn, lifted, reason="the first")
    due = board.create("due")
    kb.block_task(board.conn, due, reason="a moment", kind="transient", retry_in_seconds=1)
    board.clock.advance(2)
    assert kb.unblock_due(board.conn) == [due]
    return tasks | {"dependency": child, "lifted": lifted}


def _reviewed(board: ABoard) -> dict[str, str]:
    tasks = {name: board.create(name) for name in ("review", "approved", "changes", "held")}
    for task_id in tasks.values():
        run = board.claim(task_id)
        kb.request_review(
            board.conn, task_id, run_id=run.id, claim_lock=run.claim_lock, summary="look"
        )
    kb.approve_task(board.conn, tasks["approved"], comment="good")
    kb.request_changes(board.conn, tasks["changes"], comment="shorter, please")
    kb.block_task(board.conn, tasks["held"], reason="ask the lawyers")
    kb.unblock_task(board.conn, tasks["held"])
    return tasks


def _failed(board: ABoard) -> dict[str, str]:
    names = ("failed", "gave_up", "limited", "silent", "lost", "late")
    tasks = {name: board.create(name) for name in names}
    for name, facts in (
        ("failed", {"exit_code": 1}),
        ("gave_up", {"exit_code": -9, "tail": "out of memory"}),
        ("limited", {"exit_code": 75}),
        ("silent", {"exit_code": 0, "tail": "I think that is all"}),
    ):
        board.start(tasks[name])
        _exit(board, tasks[name], **facts)
    board.start(tasks["gave_up"])
    _exit(board, tasks["gave_up"], spawn_failed="no such program")
    lost = board.start(tasks["lost"])
    board.processes.vanish(lost.worker_pid or 0)
    kb.detect_crashed_workers(board.conn, board.processes)
    board.claim(tasks["late"], ttl_seconds=5)
    board.clock.advance(6)
    kb.release_stale_claims(board.conn, board.processes)
    slow = board.create("slow", max_runtime_seconds=1)
    board.claim(slow)
    board.clock.advance(2)
    kb.enforce_max_runtime(board.conn)
    return tasks | {"slow": slow}


def _edited(board: ABoard) -> dict[str, str]:
    task_id = board.create("edited", assignee="worker")
    kb.edit_task(board.conn, task_id, title="edited twice", body="ü", skills=["a", "b"])
    kb.prioritise_task(board.conn, task_id, 5)
    kb.schedule_task(board.conn, task_id, board.clock.now() + 600)
    board.start(task_id)
    kb.assign_task(board.conn, task_id, "other")
    kb.advance_stops(board.conn, board.processes)
    kb.triage_task(board.conn, task_id, reason="not yet")
    kb.accept_task(board.conn, task_id)
    board.claim(task_id)
    kb.reclaim_task(board.conn, task_id, reason="took too long")
    return {"edited": task_id}


def _attached(board: ABoard) -> dict[str, str]:
    """Files by a person and a run; work that was refused and brought one; a summary that errs."""
    task_id, refused = board.create("attached"), board.create("brought a file too late")
    kb.add_attachment(board.conn, task_id, name="notes.txt", data=b"by hand")
    run, late = board.claim(task_id), board.claim(refused)
    for one in (run, late):
        workspace = board.conn.paths.workspaces / one.task_id
        workspace.mkdir(parents=True)
        (workspace / "report.txt").write_text(f"of {one.task_id}")
    kb.reclaim_task(board.conn, refused)
    for one in (run, late):
        kb.complete_task(
            board.conn,
            one.task_id,
            run_id=one.id,
            claim_lock=one.claim_lock,
            summary="as in t_zzzzzz",
            artifacts=["report.txt"],
        )
    return {"attached": task_id, "refused": refused}


def _waited(board: ABoard) -> dict[str, str]:
    task_id, part = board.create("waits"), board.create("part")
    run = board.claim(task_id)
    kb.wait_for(board.conn, task_id, [part], run_id=run.id, claim_lock=run.claim_lock)
    dispatched = board.create("dispatched", assignee="worker")
    board.add_profile("worker")
    kb.dispatch_once(
        board.conn,
        spawn_fn=lambda task, run: board.processes.start().pid,
        processes=board.processes,
        free_mib=lambda: 10_000,
    )
    return {"waits": task_id, "part": part, "dispatched": dispatched}


def _fenced(board: ABoard, done: str) -> None:
    run = kb.latest_run(board.conn, done)
    assert run is not None
    late = kb.complete_task(board.conn, done, result="43", run_id=run.id, claim_lock=run.claim_lock)
    assert not late
    kb.dismiss_result(board.conn, done, run_id=run.id)
    kb.adopt_result(board.conn, done, run_id=run.id)


def _archived(board: ABoard, tasks: dict[str, str]) -> None:
    top = board.create("top")
    under = board.create("under", parents=[top])
    kb.cancel_task(board.conn, top, tree=True, reason="no longer needed")
    for name, release in (("loses", False), ("released", True)):
        parent = board.create("gone")
        tasks[name] = board.create(name, parents=[parent])
        kb.archive_task(board.conn, parent, release=release)
    stopped = board.create("archived while it ran")
    board.start(stopped)
    kb.archive_task(board.conn, stopped)
    kb.advance_stops(board.conn, board.processes)
    kb.archive_task(board.conn, tasks["by_person"])
    kb.reopen_task(board.conn, tasks["by_person"], reason="once more")
    kb.reopen_task(board.conn, tasks["done"])
    kb.complete_task(board.conn, tasks["done"])
    tasks |= {"archived": under, "cancelled": top}


def deliver(board: ABoard) -> None:
    """A notifier's work: everything is owed; one delivery arrived, one is dead, others wait."""
    while outbox.advance_cursors(board.conn):
        pass
    (head,) = due_deliveries(board.conn)
    outbox.mark_delivered(board.conn, head.id)
    (head,) = due_deliveries(board.conn)
    outbox.mark_dead(board.conn, head.id, reason="nobody there")


SCENES = (
    _gates,
    _finished,
    _running,
    _gated_again,
    _blocked,
    _reviewed,
    _failed,
    _edited,
    _attached,
    _waited,
)
