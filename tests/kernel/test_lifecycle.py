"""The whole lifecycle table: every verb from every status, held against the contract's rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model import IllegalTransition
from tests.kernel.scenes import (
    ALL,
    current_run,
    dump,
    end,
    events_after,
    in_status,
    kinds,
    leave_late_work,
    proof,
    snapshot,
    told,
)
from tests.support.boards import ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")

PAUSE_SECONDS = 30
ANY_BUT_ARCHIVED = ALL[:-1]
CLOSED = {"status", "claim_lock", "current_run_id"}
UNBLOCKED = {"block_kind", "block_reason"}
ENDED = {"id", "ended_at", "outcome"}
SYNTHETIC = ENDED | {"task_id", "profile", "claimer", "started_at"}


class Row(NamedTuple):
    """One legal cell of the table; ``task`` and ``run`` are the columns that payloads name."""

    verb: str
    status: str
    to: str
    events: tuple[str, ...]
    outcome: str | None = None
    task: frozenset[str] = frozenset()
    run: frozenset[str] = frozenset()


def _rows(
    verb: str,
    statuses: Iterable[str],
    to: str,
    *events: str,
    outcome: str | None = None,
    task: Iterable[str] = (),
    run: Iterable[str] = (),
) -> list[Row]:
    return [
        Row(
            verb,
            status,
            to or status,
            events,
            outcome,
            frozenset({*task, *(UNBLOCKED if status == "blocked" and to else ())}),
            frozenset(run),
        )
        for status in statuses
    ]


NOT_RUNNING = ("triage", "todo", "ready", "blocked")
TABLE = [
    *_rows("accept", ["triage"], "ready", "accepted", task={"status"}),
    *_rows("triage", ["todo", "ready", "blocked", "review"], "triage", "triaged", task={"status"}),
    *_rows("edit", ANY_BUT_ARCHIVED, "", "edited", task={"title"}),
    *_rows(
        "prioritise",
        ANY_BUT_ARCHIVED,
        "",
        "prioritised",
        task={"priority", "effective_priority"},
    ),
    *_rows("schedule", ANY_BUT_ARCHIVED, "", "scheduled", task={"scheduled_at"}),
    *_rows("comment", ANY_BUT_ARCHIVED, "", "commented"),
    *_rows("link", ANY_BUT_ARCHIVED, "", "linked"),
    *_rows("unlink", ANY_BUT_ARCHIVED, "", "unlinked"),
    *_rows(
        "assign",
        ["triage", "todo", "ready", "review", "blocked", "done"],
        "",
        "assigned",
        task={"assignee"},
    ),
    *_rows(
        "assign",
        ["running"],
        "ready",
        "reclaimed",
        "assigned",
        outcome="reclaimed",
        task=CLOSED | {"assignee"},
        run=ENDED | {"error"},
    ),
    *_rows(
        "claim",
        ["ready"],
        "running",
        "claimed",
        task=CLOSED | {"started_at"},
        run={"id", "task_id", "profile", "claimer", "claim_lock", "started_at"},
    ),
    *_rows(
        "register",
        ["running"],
        "running",
        "spawned",
        task={"worker_pid"},
        run={"id", "worker_pid", "worker_identity"},
    ),
    *_rows("heartbeat", ["running"], "running"),
    *_rows(
        "complete",
        ["running"],
        "done",
        "completed",
        outcome="completed",
        task=CLOSED | {"completed_at", "result"},
        run=ENDED | {"summary", "metadata"},
    ),
    *_rows(
        "complete",
        NOT_RUNNING,
        "done",
        "completed",
        outcome="completed",
        task={"status", "completed_at", "result"},
        run=SYNTHETIC | {"summary", "metadata"},
    ),
    *_rows(
        "block",
        ["running"],
        "blocked",
        "blocked",
        outcome="blocked",
        task=CLOSED | UNBLOCKED,
        run=ENDED | {"error"},
    ),
    *_rows(
        "block",
        ["todo", "ready"],
        "blocked",
        "blocked",
        outcome="blocked",
        task=UNBLOCKED | {"status"},
        run=SYNTHETIC | {"error"},
    ),
    *_rows(
        "block",
        ["review"],
        "blocked",
        "blocked",
        outcome="blocked",
        task=UNBLOCKED | {"status", "blocked_from"},
        run=SYNTHETIC | {"error"},
    ),
    *_rows("unblock", ["blocked"], "ready", "unblocked", task={"status"}),
    *_rows(
        "worker completes",
        ["running"],
        "done",
        "completed",
        outcome="completed",
        task=CLOSED | {"completed_at"},
        run=ENDED,
    ),
    *_rows(
        "worker blocks",
        ["running"],
        "blocked",
        "blocked",
        outcome="blocked",
        task=CLOSED | UNBLOCKED,
        run=ENDED | {"error"},
    ),
    *_rows(
        "request_review",
        ["running"],
        "review",
        "review_requested",
        outcome="review",
        task=CLOSED | {"result"},
        run=ENDED | {"summary"},
    ),
    *_rows("approve", ["review"], "done", "approved", task={"status", "completed_at"}),
    *_rows(
        "request_changes", ["review"], "ready", "commented", "changes_requested", task={"status"}
    ),
    *_rows(
        "wait_for",
        ["running"],
        "todo",
        "linked",
        "waiting",
        outcome="waiting",
        task=CLOSED,
        run=ENDED | {"summary"},
    ),
    *_rows(
        "reclaim",
        ["running"],
        "ready",
        "reclaimed",
        outcome="reclaimed",
        task=CLOSED,
        run=ENDED | {"error"},
    ),
    *_rows(
        "cancel",
        ["running"],
        "archived",
        "cancelled",
        "archived",
        outcome="cancelled",
        task=CLOSED,
        run=ENDED | {"error"},
    ),
    *_rows(
        "cancel",
        ["todo", "ready", "blocked", "review", "triage"],
        "archived",
        "archived",
        task={"status"},
    ),
    *_rows(
        "archive",
        ["running"],
        "archived",
        "cancelled",
        "archived",
        outcome="cancelled",
        task=CLOSED,
        run=ENDED | {"error"},
    ),
    *_rows(
        "archive",
        ["triage", "todo", "ready", "review", "blocked", "done"],
        "archived",
        "archived",
        task={"status"},
    ),
    *_rows("reopen", ["done"], "ready", "reopened", task={"status", "completed_at"}),
    *_rows("reopen", ["archived"], "ready", "reopened", task={"status"}),
    *_rows(
        "adopt",
        ["triage", "todo", "ready", "blocked", "review"],
        "done",
        "adopted",
        "completed",
        outcome="completed",
        task={"status", "completed_at", "result"},
        run=SYNTHETIC | {"summary"},
    ),
    *_rows("adopt", ["done"], "done", "adopted", task={"result"}),
    *_rows("dismiss", ANY_BUT_ARCHIVED, "", "dismissed"),
]
LEGAL = {(row.verb, row.status): row for row in TABLE}

Verb = Callable[[ABoard, str], Any]


def _finished(board: ABoard) -> str:
    task = board.create("finished")
    kb.complete_task(board.conn, task)
    return task


def _adopt(board: ABoard, task: str) -> bool:
    late = next(run for run in kb.list_runs(board.conn, task) if run.outcome == "reclaimed")
    return kb.adopt_result(board.conn, task, run_id=late.id)


def _dismiss(board: ABoard, task: str) -> bool:
    late = next(run for run in kb.list_runs(board.conn, task) if run.outcome == "reclaimed")
    return kb.dismiss_result(board.conn, task, run_id=late.id)


def _worker_completes(board: ABoard, task: str) -> Any:
    return kb.complete_task(board.conn, task, **proof(current_run(board, task)))


def _worker_blocks(board: ABoard, task: str) -> Any:
    run = current_run(board, task)
    return kb.block_task(board.conn, task, reason="no key", kind="capability", **proof(run))


def _first_parent(board: ABoard, task: str) -> str:
    return kb.list_links(board.conn, task)[0].parent_id


VERBS: dict[str, Verb] = {
    "accept": lambda board, task: kb.accept_task(board.conn, task),
    "triage": lambda board, task: kb.triage_task(board.conn, task),
    "promote": lambda board, task: kb.promote_task(board.conn, task),
    "edit": lambda board, task: kb.edit_task(board.conn, task, title="Another title"),
    "prioritise": lambda board, task: kb.prioritise_task(board.conn, task, 7),
    "schedule": lambda board, task: kb.schedule_task(board.conn, task, 2_000_000_000),
    "comment": lambda board, task: kb.add_comment(board.conn, task, "half way"),
    "link": lambda board, task: kb.link_tasks(board.conn, board.extra, task),  # type: ignore[attr-defined]
    "unlink": lambda board, task: kb.unlink_tasks(board.conn, _first_parent(board, task), task),
    "assign": lambda board, task: kb.assign_task(board.conn, task, "other"),
    "complete": lambda board, task: kb.complete_task(
        board.conn, task, result="42", summary="counted", metadata={"words": 42}
    ),
    "block": lambda board, task: kb.block_task(board.conn, task, reason="ask the lawyers"),
    "unblock": lambda board, task: kb.unblock_task(board.conn, task),
    "heartbeat": lambda board, task: kb.heartbeat_claim(board.conn, task),
    "approve": lambda board, task: kb.approve_task(board.conn, task),
    "request_changes": lambda board, task: kb.request_changes(board.conn, task, comment="shorter"),
    "reclaim": lambda board, task: kb.reclaim_task(board.conn, task),
    "cancel": lambda board, task: kb.cancel_task(board.conn, task),
    "archive": lambda board, task: kb.archive_task(board.conn, task),
    "reopen": lambda board, task: kb.reopen_task(board.conn, task),
    "adopt": _adopt,
    "dismiss": _dismiss,
}
WORKER_VERBS: dict[str, Verb] = {
    "worker completes": _worker_completes,
    "worker blocks": _worker_blocks,
    "request_review": lambda board, task: kb.request_review(
        board.conn, task, result="42", summary="look", **proof(current_run(board, task))
    ),
    "wait_for": lambda board, task: kb.wait_for(
        board.conn,
        task,
        [board.waited_for],  # type: ignore[attr-defined]
        summary="split it",
        **proof(current_run(board, task)),
    ),
}
CLAIMS: dict[str, Verb] = {
    "claim": lambda board, task: kb.claim_task(board.conn, task),
    "register": lambda board, task: board.register(current_run(board, task)),
}


def _scene(board: ABoard, verb: str, status: str) -> str:
    """A task of that status, what the verb needs beside it, and half a minute gone by."""
    task = in_status(board, status, late=verb in ("adopt", "dismiss"))
    board.extra = _finished(board)  # type: ignore[attr-defined]
    board.waited_for = board.create("waited for")  # type: ignore[attr-defined]
    board.clock.advance(PAUSE_SECONDS)
    return task


def _name(row: Row) -> str:
    return f"{row.verb} from {row.status}"


@pytest.mark.parametrize("row", TABLE, ids=map(_name, TABLE))
def test_a_legal_verb_does_exactly_what_its_row_says(board: ABoard, row: Row) -> None:
    task = _scene(board, row.verb, row.status)
    newest = kb.newest_event_id(board.conn)
    runs = len(kb.list_runs(board.conn, task))
    verb = (VERBS | WORKER_VERBS | CLAIMS)[row.verb]
    assert verb(board, task)
    events = [event for event in events_after(board, newest) if event.task_id == task]
    assert kinds(events) == list(row.events)
    assert board.task(task).status == row.to
    assert set(told(events, "task").get((task,), {})) == row.task
    assert {column for part in told(events, "run").values() for column in part} == row.run
    found = kb.list_runs(board.conn, task)
    synthetic = {"task_id", "ended_at"} <= row.run
    assert len(found) == runs + (synthetic or row.verb == "claim")
    if row.outcome:
        assert found[-1].outcome == row.outcome
        assert found[-1].ended_at == board.clock.now()
        assert (found[-1].claim_lock is None) == synthetic
        if synthetic:
            assert found[-1].started_at == found[-1].ended_at


ILLEGAL = [(verb, status) for verb in VERBS for status in ALL if (verb, status) not in LEGAL]


@pytest.mark.parametrize(("verb", "status"), ILLEGAL)
def test_every_other_verb_is_refused_and_changes_nothing(
    board: ABoard, verb: str, status: str
) -> None:
    task = _scene(board, verb, status)
    before = dump(board.conn)
    with pytest.raises(IllegalTransition) as refused:
        VERBS[verb](board, task)
    assert dump(board.conn) == before
    error = refused.value
    assert (error.verb, error.status) == (verb, status)
    assert status in str(error)
    if verb != "promote":
        assert set(error.allowed) == {row.status for row in TABLE if row.verb == verb}
        assert all(one in str(error) for one in error.allowed)


@pytest.mark.parametrize("status", [one for one in ALL if one != "ready"])
def test_a_claim_of_a_task_that_is_not_ready_is_none_and_changes_nothing(
    board: ABoard, status: str
) -> None:
    task = in_status(board, status)
    before = dump(board.conn)
    assert kb.claim_task(board.conn, task) is None
    assert dump(board.conn) == before


@pytest.mark.parametrize("status", [one for one in ALL if one != "running"])
@pytest.mark.parametrize("verb", WORKER_VERBS)
def test_a_worker_whose_run_has_ended_is_refused_and_moves_nothing(
    board: ABoard, verb: str, status: str
) -> None:
    task = board.create("was reclaimed", assignee="worker")
    run = board.claim(task)
    kb.reclaim_task(board.conn, task)
    if status != "ready":
        _move(board, task, status)
    board.waited_for = board.create("waited for")  # type: ignore[attr-defined]
    before = snapshot(board.conn)
    refused = _as_run(verb, board, task, proof(run))
    assert not refused
    assert (refused.holder, refused.current_run_id) == (None, None)
    assert status in refused.reason
    after = snapshot(board.conn)
    assert after["task"] == before["task"]
    assert after["link"] == before["link"]


def _move(board: ABoard, task: str, status: str) -> None:
    moves: dict[str, Callable[[], Any]] = {
        "triage": lambda: kb.triage_task(board.conn, task),
        "todo": lambda: kb.link_tasks(board.conn, board.create("open parent"), task),
        "review": lambda: kb.request_review(board.conn, task, **proof(board.claim(task))),
        "blocked": lambda: kb.block_task(board.conn, task, reason="which one?"),
        "done": lambda: kb.complete_task(board.conn, task),
        "archived": lambda: kb.archive_task(board.conn, task),
    }
    assert moves[status]()


def _as_run(verb: str, board: ABoard, task: str, shown: dict[str, Any]) -> Any:
    if verb == "worker completes":
        return kb.complete_task(board.conn, task, **shown)
    if verb == "worker blocks":
        return kb.block_task(board.conn, task, reason="no key", **shown)
    if verb == "request_review":
        return kb.request_review(board.conn, task, **shown)
    return kb.wait_for(board.conn, task, [board.waited_for], **shown)  # type: ignore[attr-defined]


RESTING = [
    ("accept", "triage"),
    ("unblock", "blocked"),
    ("request_changes", "review"),
    ("reclaim", "running"),
    ("reopen", "done"),
    ("reopen", "archived"),
    ("assign", "running"),
]


@pytest.mark.parametrize(("verb", "status"), RESTING)
def test_rest_means_todo_while_a_parent_is_open(board: ABoard, verb: str, status: str) -> None:
    task = _scene(board, verb, status)
    kb.reopen_task(board.conn, _first_parent(board, task))
    assert VERBS[verb](board, task)
    assert board.task(task).status == "todo"


def test_completing_a_task_in_review_names_approve(board: ABoard) -> None:
    task = in_status(board, "review")
    with pytest.raises(IllegalTransition, match="approve"):
        kb.complete_task(board.conn, task)


def test_promoting_behind_an_open_parent_says_so(board: ABoard) -> None:
    task = in_status(board, "todo")
    with pytest.raises(IllegalTransition, match="a parent is open"):
        kb.promote_task(board.conn, task)


def test_promoting_an_overlooked_task_makes_it_ready(board: ABoard) -> None:
    task = board.create()
    board.damage("UPDATE tasks SET status = 'todo' WHERE id = :id", id=task)
    assert kb.promote_task(board.conn, task)
    assert board.task(task).status == "ready"
    assert board.kinds(task) == ["created", "promoted"]


def test_a_claimed_run_keeps_its_lock_when_it_has_ended(board: ABoard) -> None:
    task = board.create()
    run = board.claim(task)
    kb.complete_task(board.conn, task, **proof(run))
    assert kb.get_run(board.conn, run.id).claim_lock == run.claim_lock
    assert board.task(task).claim_lock is None


def test_adopting_writes_status_and_run_with_the_closing_event(board: ABoard) -> None:
    task = board.create()
    late = leave_late_work(board, task)
    newest = kb.newest_event_id(board.conn)
    kb.adopt_result(board.conn, task, run_id=late.id)
    adopted, completed = events_after(board, newest)
    assert completed.payload["task"]["status"] == "done"
    assert completed.payload["run"]["outcome"] == "completed"
    assert adopted.payload["from_run_id"] == late.id


class SystemEnd(NamedTuple):
    """An end that the system writes when a registered process is gone."""

    name: str
    record: dict[str, Any]
    to: str
    outcome: str
    events: tuple[str, ...]


SYSTEM_ENDS = [
    SystemEnd("exit code 1", {"exit_code": 1}, "ready", "crashed", ("crashed", "exited")),
    SystemEnd("signal", {"exit_code": -9}, "ready", "crashed", ("crashed", "exited")),
    SystemEnd(
        "too long",
        {"timed_out": True, "exit_code": -15},
        "ready",
        "timed_out",
        ("timed_out", "exited"),
    ),
    SystemEnd(
        "cannot start",
        {"spawn_failed": "no such program"},
        "ready",
        "spawn_failed",
        ("spawn_failed", "exited"),
    ),
    SystemEnd(
        "silence",
        {"exit_code": 0},
        "ready",
        "protocol_violation",
        ("protocol_violation", "exited"),
    ),
    SystemEnd(
        "silence that means done",
        {"exit_code": 0, "on_exit_zero": "complete"},
        "done",
        "completed",
        ("completed", "exited"),
    ),
    SystemEnd("rate limit", {"exit_code": 75}, "ready", "rate_limited", ("rate_limited", "exited")),
    SystemEnd(
        "never started", {"never_started": True}, "ready", "reclaimed", ("reclaimed", "exited")
    ),
]


@pytest.mark.parametrize("ending", SYSTEM_ENDS, ids=[one.name for one in SYSTEM_ENDS])
def test_a_process_that_ends_closes_its_run_once(board: ABoard, ending: SystemEnd) -> None:
    task = board.create(assignee="worker")
    run = board.start(task)
    newest = kb.newest_event_id(board.conn)
    end(board, run, **ending.record)
    events = events_after(board, newest)
    assert tuple(kinds(events)) == ending.events
    assert {event.actor for event in events} == {"system"}
    assert board.task(task).status == ending.to
    closed = kb.get_run(board.conn, run.id)
    assert closed.outcome == ending.outcome
    assert closed.exited_at == board.clock.now()
    assert closed.exit_code == ending.record.get("exit_code")
    assert kb.import_exit_records(board.conn, board.processes) == []


def test_every_verb_says_that_an_unknown_task_does_not_exist(board: ABoard) -> None:
    board.extra = _finished(board)  # type: ignore[attr-defined]
    before = dump(board.conn)
    for name in VERBS.keys() - {"unlink", "adopt", "dismiss"}:
        with pytest.raises(kb.NotFound, match="t_nosuch"):
            VERBS[name](board, "t_nosuch")
    with pytest.raises(kb.NotFound, match="t_nosuch"):
        kb.claim_task(board.conn, "t_nosuch")
    with pytest.raises(kb.NotFound, match="t_nosuch"):
        kb.unlink_tasks(board.conn, board.extra, "t_nosuch")  # type: ignore[attr-defined]
    with pytest.raises(kb.NotFound, match="t_nosuch"):
        kb.adopt_result(board.conn, "t_nosuch", run_id=1)
    with pytest.raises(kb.NotFound, match="t_nosuch"):
        kb.dismiss_result(board.conn, "t_nosuch", run_id=1)
    assert dump(board.conn) == before
