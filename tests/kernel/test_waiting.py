"""Waiting for subtasks: the run hands its task back until they are done."""

from __future__ import annotations

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model import InvalidInput, NotFound
from tests.kernel.scenes import current_run, dump, events_after, kinds, proof
from tests.support.boards import ABoard

pytestmark = pytest.mark.usefixtures("stays_sound")


def test_a_run_waits_for_its_subtasks_and_the_task_runs_again(board: ABoard) -> None:
    task, one, two = board.create(), board.create(), board.create()
    run = board.claim(task)
    newest = kb.newest_event_id(board.conn)
    assert kb.wait_for(board.conn, task, [one, two], summary="split it", **proof(run)) is True
    assert kinds(events_after(board, newest)) == ["linked", "linked", "waiting"]
    waited = kb.get_run(board.conn, run.id)
    assert (waited.outcome, waited.summary) == ("waiting", "split it")
    assert board.task(task).status == "todo"
    assert [hold.code for hold in kb.why(board.conn, task)] == ["open_parent", "open_parent"]
    kb.complete_task(board.conn, one, result="first part")
    assert board.task(task).status == "todo"
    kb.complete_task(board.conn, two, result="second part")
    assert board.task(task).status == "ready"
    context = kb.build_worker_context(board.conn, task)
    assert "first part" in context
    assert "second part" in context
    assert board.claim(task).id != run.id


def test_the_event_names_what_it_waits_for(board: ABoard) -> None:
    task, part = board.create(), board.create()
    run = board.claim(task)
    kb.wait_for(board.conn, task, [part, part], **proof(run))
    event = kb.list_events(board.conn, task)[-1]
    assert (event.kind, event.run_id, event.payload["waits_for"]) == ("waiting", run.id, [part])


def test_subtasks_and_waiting_are_one_transaction_in_a_batch(board: ABoard) -> None:
    task = board.create(assignee="worker")
    run = board.claim(task, claimer="dispatcher")
    with kb.batch(board.conn):
        parts = [board.create(f"part {n}", **proof(run)) for n in range(3)]
        assert kb.wait_for(board.conn, task, parts, **proof(run))
    assert board.task(task).status == "todo"
    assert {board.task(part).created_run_id for part in parts} == {run.id}


def test_if_all_are_done_already_it_runs_again_at_once(board: ABoard) -> None:
    task, part = board.create(), board.create()
    kb.complete_task(board.conn, part)
    kb.wait_for(board.conn, task, [part], **proof(board.claim(task)))
    assert current_run(board, task).outcome == "waiting"
    assert board.task(task).status == "ready"


def test_waiting_for_what_is_linked_already_adds_no_link(board: ABoard) -> None:
    task, part = board.create(), board.create()
    run = board.claim(task)
    kb.link_tasks(board.conn, part, task, **proof(run))
    kb.wait_for(board.conn, task, [part], **proof(run))
    assert len(kb.list_links(board.conn, task)) == 1
    assert board.task(task).status == "todo"


@pytest.mark.parametrize("fault", ["nothing", "text", "unknown", "itself", "child", "archived"])
def test_waiting_for_what_cannot_be_done_changes_nothing(board: ABoard, fault: str) -> None:
    task, part, gone = board.create(), board.create(), board.create()
    child = board.create(parents=[task])
    kb.archive_task(board.conn, gone)
    run = board.claim(task)
    wanted = {
        "nothing": [],
        "text": part,
        "unknown": [part, "t_nosuch"],
        "itself": [part, task],
        "child": [part, child],
        "archived": [part, gone],
    }[fault]
    before = dump(board.conn)
    with pytest.raises(NotFound if fault == "unknown" else InvalidInput):
        kb.wait_for(board.conn, task, wanted, **proof(run))  # type: ignore[arg-type]
    assert dump(board.conn) == before
    assert kb.heartbeat_claim(board.conn, task, **proof(run))


def test_a_process_that_waits_is_gone_before_the_task_runs_again(board: ABoard) -> None:
    task, part = board.create(), board.create()
    run = board.start(task)
    kb.wait_for(board.conn, task, [part], **proof(run))
    kb.complete_task(board.conn, part)
    assert board.task(task).status == "ready"
    assert kb.claim_task(board.conn, task) is None
