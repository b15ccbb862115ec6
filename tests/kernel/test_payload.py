"""Every payload names exactly the columns that its transaction changed, and fold gives the rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import boards
from hermes_kanban.model import Event
from hermes_kanban.model.words import CLOSING_EVENTS, EVENT_KINDS
from tests.kernel.scenes import (
    Rows,
    current_run,
    differences,
    events_after,
    hand_in,
    in_status,
    kinds,
    leave_late_work,
    proof,
    snapshot,
    told,
)
from tests.support.boards import ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")

Arrange = Callable[[ABoard], Any]
Act = Callable[[ABoard, Any], Any]


def _status(status: str, **keys: Any) -> Arrange:
    return lambda board: in_status(board, status, **keys)


def _started(board: ABoard) -> str:
    board.configure(max_retries=1)
    task = board.create(assignee="worker", max_runtime_seconds=60)
    board.start(task)
    return task


def _started_for_the_last_time(board: ABoard) -> str:
    task = _started(board)
    board.configure(max_retries=0)
    return task


def _family(board: ABoard) -> tuple[str, str]:
    parent = board.create("parent")
    return parent, board.create("child", parents=[parent], priority=5)


def _finished_family(board: ABoard) -> tuple[str, str]:
    parent, child = _family(board)
    kb.complete_task(board.conn, parent)
    return parent, child


def _unlinked(board: ABoard) -> tuple[str, str]:
    parent, child = _family(board)
    kb.unlink_tasks(board.conn, parent, child)
    return parent, child


def _unblocked(board: ABoard) -> str:
    task = board.create()
    kb.block_task(board.conn, task, reason="which one?")
    kb.unblock_task(board.conn, task)
    return task


def _running_child(board: ABoard) -> tuple[str, str]:
    parent, child = _finished_family(board)
    board.claim(child)
    return parent, child


def _ends(**record: Any) -> Act:
    def act(board: ABoard, task: str) -> None:
        run = current_run(board, task)
        board.processes.exit(board.worker(run), at=board.clock.now(), **record)
        kb.import_exit_records(board.conn, board.processes)

    return act


def _vanishes(board: ABoard, task: str) -> None:
    board.processes.vanish(current_run(board, task).worker_pid or 0)
    kb.detect_crashed_workers(board.conn, board.processes)


def _is_stopped(board: ABoard, task: str) -> None:
    kb.reclaim_task(board.conn, task)
    kb.advance_stops(board.conn, board.processes)


def _outlasts_its_time(board: ABoard, task: str) -> None:
    board.clock.advance(3_600)
    kb.enforce_max_runtime(board.conn)


def _loses_its_lease(board: ABoard, task: str) -> None:
    board.clock.advance(10**6)
    kb.release_stale_claims(board.conn, board.processes)


def _as_worker(verb: Callable[..., Any], **keys: Any) -> Act:
    return lambda board, task: verb(board.conn, task, **keys, **proof(current_run(board, task)))


def _waits(board: ABoard, task: str) -> None:
    kb.wait_for(board.conn, task, [board.create()], **proof(current_run(board, task)))


def _third_block(board: ABoard) -> str:
    task = board.create()
    for _ in range(2):
        kb.block_task(board.conn, task, reason="x")
        kb.unblock_task(board.conn, task)
    board.claim(task)
    return task


def _last_run(board: ABoard) -> str:
    board.configure(max_runs=1)
    return _started(board)


def _due(board: ABoard) -> str:
    task = board.create()
    kb.block_task(board.conn, task, reason="x", kind="transient", retry_in_seconds=1)
    board.clock.advance(1)
    return task


def _dependency(board: ABoard) -> tuple[str, str]:
    parent, child = _family(board)
    kb.block_task(board.conn, child, reason="x", kind="dependency")
    return parent, child


def _late(board: ABoard) -> str:
    task = board.create()
    leave_late_work(board, task)
    return task


def _done_late(board: ABoard) -> str:
    task = _late(board)
    kb.complete_task(board.conn, task)
    return task


def _adopts(board: ABoard, task: str) -> None:
    kb.adopt_result(board.conn, task, run_id=kb.list_runs(board.conn, task)[0].id)


def _dismisses(board: ABoard, task: str) -> None:
    kb.dismiss_result(board.conn, task, run_id=kb.list_runs(board.conn, task)[0].id)


def _is_dispatched(board: ABoard, task: str) -> None:
    board.add_profile("worker")
    kb.dispatch_once(
        board.conn,
        spawn_fn=lambda task, run: board.processes.start().pid,
        processes=board.processes,
        free_mib=lambda: 10_000,
    )


def _brings_a_file(board: ABoard, task: str) -> None:
    workspace = board.conn.paths.workspaces / task
    workspace.mkdir(parents=True)
    (workspace / "report").write_text("42")
    given: dict[str, Any] = {"summary": "see t_zzzzzz", "artifacts": ["report"]}
    assert kb.complete_task(board.conn, task, **given, **proof(current_run(board, task)))


def _creates(board: ABoard, task: str) -> None:
    board.create(
        "child",
        parents=[task],
        priority=9,
        body="b",
        skills=["sql"],
        idempotency_key="k",
        tenant="t",
    )


STORIES: dict[str, tuple[Arrange, Act]] = {
    "create": (lambda b: b.create(), _creates),
    "create in triage": (lambda b: b.create(), lambda b, t: b.create(triage=True)),
    "accept": (_status("triage"), lambda b, t: kb.accept_task(b.conn, t)),
    "triage": (_status("ready"), lambda b, t: kb.triage_task(b.conn, t, reason="x")),
    "triage a blocked one": (_status("blocked"), lambda b, t: kb.triage_task(b.conn, t)),
    "edit": (
        _status("ready"),
        lambda b, t: kb.edit_task(b.conn, t, title="x", body="y", skills=["a"], max_retries=3),
    ),
    "edit to the same": (
        _status("ready"),
        lambda b, t: kb.edit_task(b.conn, t, title="is ready", body="new"),
    ),
    "prioritise up": (_family, lambda b, f: kb.prioritise_task(b.conn, f[1], 9)),
    "prioritise down": (_family, lambda b, f: kb.prioritise_task(b.conn, f[1], 1)),
    "prioritise below what is inherited": (
        _family,
        lambda b, f: kb.prioritise_task(b.conn, f[0], 3),
    ),
    "schedule": (_status("ready"), lambda b, t: kb.schedule_task(b.conn, t, 2_000_000_000)),
    "assign": (_status("ready"), lambda b, t: kb.assign_task(b.conn, t, "other")),
    "assign a running one": (_started, lambda b, t: kb.assign_task(b.conn, t, "other")),
    "comment": (_status("ready"), lambda b, t: kb.add_comment(b.conn, t, "x")),
    "link": (_status("ready"), lambda b, t: kb.link_tasks(b.conn, b.create(), t)),
    "link inherits": (
        _status("ready", priority=7),
        lambda b, t: kb.link_tasks(b.conn, b.create(), t),
    ),
    "unlink": (_family, lambda b, f: kb.unlink_tasks(b.conn, *f)),
    "claim": (_status("ready"), lambda b, t: kb.claim_task(b.conn, t)),
    "claim again": (_late, lambda b, t: kb.claim_task(b.conn, t)),
    "register": (_status("running"), lambda b, t: b.register(current_run(b, t))),
    "heartbeat": (_status("running"), _as_worker(kb.heartbeat_claim)),
    "dispatch": (_status("ready"), _is_dispatched),
    "complete": (
        _status("running"),
        _as_worker(kb.complete_task, result="42", summary="s", metadata={"a": [1]}),
    ),
    "attach": (
        _status("ready"),
        lambda b, t: kb.add_attachment(b.conn, t, name="x", data=b"y"),
    ),
    "complete with a file, and name a task that is none": (_status("running"), _brings_a_file),
    "complete by a person": (_started, lambda b, t: kb.complete_task(b.conn, t, result="42")),
    "complete an idle one": (_status("ready"), lambda b, t: kb.complete_task(b.conn, t)),
    "complete a blocked one": (_due, lambda b, t: kb.complete_task(b.conn, t)),
    "complete a parent": (_family, lambda b, f: kb.complete_task(b.conn, f[0])),
    "complete a child first": (_family, lambda b, f: kb.complete_task(b.conn, f[1])),
    "block": (_status("running"), _as_worker(kb.block_task, reason="x")),
    "block for a time": (
        _status("running"),
        _as_worker(kb.block_task, reason="x", kind="transient", retry_in_seconds=9),
    ),
    "block by a person": (_started, lambda b, t: kb.block_task(b.conn, t, reason="x")),
    "block in review": (_status("review"), lambda b, t: kb.block_task(b.conn, t, reason="x")),
    "third block": (_third_block, _as_worker(kb.block_task, reason="x")),
    "unblock": (_status("blocked"), lambda b, t: kb.unblock_task(b.conn, t, reason="x")),
    "due": (_due, lambda b, t: kb.unblock_due(b.conn)),
    "last parent of a dependency": (_dependency, lambda b, f: kb.complete_task(b.conn, f[0])),
    "request review": (
        _status("running"),
        _as_worker(kb.request_review, result="42", summary="s", metadata={"a": 1}),
    ),
    "approve": (_status("review"), lambda b, t: kb.approve_task(b.conn, t, comment="good")),
    "request changes": (
        _status("review"),
        lambda b, t: kb.request_changes(b.conn, t, comment="shorter"),
    ),
    "wait": (_status("running"), _waits),
    "crash": (_started, _ends(exit_code=1, tail="x")),
    "time out": (_started, _ends(timed_out=True, exit_code=-15)),
    "cannot spawn": (_started, _ends(spawn_failed="x")),
    "violate protocol": (_started, _ends(exit_code=0)),
    "exit zero": (_started, _ends(exit_code=0, on_exit_zero="complete", tail="x")),
    "rate limit": (_started, _ends(exit_code=75)),
    "never started": (_started, _ends(never_started=True)),
    "give up": (_started_for_the_last_time, _ends(exit_code=1)),
    "max runs": (_last_run, _ends(exit_code=1)),
    "vanish": (_started, _vanishes),
    "stop": (_started, _is_stopped),
    "max runtime": (_started, _outlasts_its_time),
    "max runtime of a claim by hand": (
        _status("running", max_runtime_seconds=60),
        _outlasts_its_time,
    ),
    "lost lease": (_status("running"), _loses_its_lease),
    "reclaim": (_started, lambda b, t: kb.reclaim_task(b.conn, t)),
    "cancel": (_started, lambda b, t: kb.cancel_task(b.conn, t, reason="x")),
    "cancel a tree": (_family, lambda b, f: kb.cancel_task(b.conn, f[0], tree=True)),
    "archive": (_status("blocked"), lambda b, t: kb.archive_task(b.conn, t)),
    "archive a parent": (_family, lambda b, f: kb.archive_task(b.conn, f[0])),
    "archive and release": (_family, lambda b, f: kb.archive_task(b.conn, f[0], release=True)),
    "reopen": (_finished_family, lambda b, f: kb.reopen_task(b.conn, f[0], reason="x")),
    "undo a completion": (_finished_family, lambda b, f: kb.undo(b.conn, f[0])),
    "undo a creation": (_family, lambda b, f: kb.undo(b.conn, f[1])),
    "undo an unlink": (_unlinked, lambda b, f: kb.undo(b.conn, f[1])),
    "undo an unblock": (_unblocked, lambda b, t: kb.undo(b.conn, t)),
    "reopen above a running one": (
        _running_child,
        lambda b, f: kb.reopen_task(b.conn, f[0]),
    ),
    "adopt": (_late, _adopts),
    "adopt for a done one": (_done_late, _adopts),
    "dismiss": (_late, _dismisses),
    "refuse": (
        _late,
        lambda b, t: kb.block_task(b.conn, t, reason="x", **proof(current_run(b, t))),
    ),
    "pause": (_status("ready"), lambda b, t: kb.pause(b.conn)),
}


@pytest.mark.parametrize("story", STORIES)
def test_payloads_name_exactly_the_columns_that_changed(board: ABoard, story: str) -> None:
    arrange, act = STORIES[story]
    arranged = arrange(board)
    board.clock.advance(7)
    before, newest = snapshot(board.conn), kb.newest_event_id(board.conn)
    act(board, arranged)
    after, events = snapshot(board.conn), events_after(board, newest)
    assert before != after or story in ("attach", "comment", "dismiss", "pause")
    _compare(before, after, events, "task")
    _compare(before, after, events, "run")
    assert _links(events) == _link_changes(before, after)


def _compare(before: Rows, after: Rows, events: list[Event], noun: str) -> None:
    """What payloads say together is what changed, no more and no less, with its new values."""
    said = told(events, noun)
    changed = differences(before, after, noun)
    assert said.keys() == changed.keys()
    for key, columns in said.items():
        at_last = {column: after[noun][key][column] for column in columns}
        assert columns == at_last
        untouched = columns.keys() - changed[key].keys() - {"id"}
        # A column that came and went within the verb is named and is as it was.
        assert all(
            any(
                event.payload.get(noun, {}).get(column, columns[column]) != columns[column]
                for event in events
            )
            for column in untouched
        ), untouched
        assert columns.keys() >= changed[key].keys()


def _links(events: list[Event]) -> list[tuple[str, str, str]]:
    parts = [event.payload["link"] for event in events if "link" in event.payload]
    owners = [event.task_id for event in events if "link" in event.payload]
    assert owners == [part["child_id"] for part in parts]
    return sorted((part["op"], part["parent_id"], part["child_id"]) for part in parts)


def _link_changes(before: Rows, after: Rows) -> list[tuple[str, str, str]]:
    old, new = before["link"], after["link"]
    found = [("add", *key) for key in new.keys() - old.keys()]
    found += [("remove", *key) for key in old.keys() - new.keys()]
    found += [("release", *key) for key in new.keys() & old.keys() if new[key] != old[key]]
    return sorted(found)


def test_the_stories_use_every_kind_of_event_that_is_written(board: ABoard) -> None:
    later = {"purged", "restored", "clock_shifted", "imported", "mended"}
    later |= {"host_joined", "host_drained", "host_resumed", "host_left", "host_lost"}
    for arrange, act in STORIES.values():
        act(board, arrange(board))
        boards.resume(board.conn)
    board.damage("UPDATE tasks SET status = 'todo' WHERE id = :id", id=board.create())
    kb.recompute_ready(board.conn)
    used = {event.kind for event in kb.list_events(board.conn, limit=10_000)}
    assert EVENT_KINDS - later - used == set()


@pytest.mark.parametrize("story", STORIES)
def test_the_closing_event_carries_the_runs_end_and_the_status(board: ABoard, story: str) -> None:
    arrange, act = STORIES[story]
    arranged = arrange(board)
    newest = kb.newest_event_id(board.conn)
    act(board, arranged)
    closing = [
        event
        for event in events_after(board, newest)
        if event.kind in CLOSING_EVENTS and event.run_id is not None
    ]
    for event in closing:
        run = kb.get_run(board.conn, event.run_id or 0)
        assert event.payload["run"]["outcome"] == run.outcome
        assert event.payload["run"]["ended_at"] == run.ended_at
        assert event.payload["task"]["status"] != "running"


def test_replay_gives_the_board_as_it_was_after_any_event(board: ABoard) -> None:
    task = board.create("first title")
    then = kb.newest_event_id(board.conn)
    kb.edit_task(board.conn, task, title="second title")
    kb.complete_task(board.conn, task, **proof(board.claim(task)))
    (was,) = kb.replay(board.conn, until=then).tasks
    (now,) = kb.replay(board.conn).tasks
    assert (was["title"], was["status"]) == ("first title", "ready")
    assert (now["title"], now["status"]) == ("second title", "done")


def test_events_are_signed_by_who_acts(board: ABoard) -> None:
    task = board.create(assignee="worker", actor="person:ada")
    run = board.claim(task, claimer="dispatcher")
    board.register(run)
    kb.add_comment(board.conn, task, "half way", **proof(run))
    kb.request_review(board.conn, task, **proof(run))
    kb.approve_task(board.conn, task, actor="person:bob")
    assert [(e.kind, e.actor) for e in kb.list_events(board.conn, task)] == [
        ("created", "person:ada"),
        ("claimed", "profile:worker"),
        ("spawned", "system"),
        ("commented", "profile:worker"),
        ("review_requested", "profile:worker"),
        ("approved", "person:bob"),
    ]


def test_events_of_a_run_name_it(board: ABoard) -> None:
    task = board.create()
    run = hand_in(board, task)
    by_run = {event.kind: event.run_id for event in kb.list_events(board.conn, task)}
    assert by_run == {"created": None, "claimed": run.id, "review_requested": run.id}
    assert kinds(kb.list_events(board.conn, task)) == list(by_run)
