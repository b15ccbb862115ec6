"""The tools on every store: a connection for each call, from several threads."""

from __future__ import annotations

import threading

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.surfaces.mcp.board import BoardToolbox
from hermes_kanban.surfaces.mcp.inforce import InForce
from tests.support.boards import ABoard


@pytest.mark.stores("sqlite", "postgres")
def test_a_task_is_shown_commented_and_completed(board: ABoard) -> None:
    task_id = board.create(assignee="coder")
    run = board.claim(task_id, claimer="profile:coder")
    told = InForce(task_id=task_id, run_id=run.id, claim_lock=run.claim_lock)
    toolbox = BoardToolbox(told.caller)
    assert "Count the words" in toolbox.call("kanban_show", {}).text
    threads = [
        threading.Thread(target=toolbox.call, args=("kanban_comment", {"body": str(number)}))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kb.list_comments(board.conn, task_id)) == 8
    assert not toolbox.call("kanban_complete", {"summary": "counted"}).is_error
    late = toolbox.call("kanban_comment", {"body": "late"})
    assert late.is_error
    assert board.task(task_id).status == "done"
