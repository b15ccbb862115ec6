"""The tools on every store: a connection for each call, from several threads."""

from __future__ import annotations

import threading
from contextlib import nullcontext

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.ports import Launched
from hermes_kanban.surfaces.mcp.bearer import Bearers
from hermes_kanban.surfaces.mcp.board import BoardToolbox
from hermes_kanban.surfaces.mcp.inforce import InForce
from hermes_kanban.tokens import new_token, token_hash
from tests.support.boards import ABoard, MemoryProcesses


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


@pytest.mark.stores("postgres")
def test_the_gateway_of_another_host_looks_for_no_file_of_the_run(board: ABoard) -> None:
    board.add_profile("coder", tools=("attach", "attachments"))
    task_id, token = board.create(assignee="coder"), new_token("default")
    host = kb.Host(host_id="id-of-rack", name="rack", gateway_pid=1)
    kb.join_host(board.conn, host, "boot")
    run = board.claim(task_id)
    process = MemoryProcesses("id-of-rack").start()
    kb.register_worker(
        board.conn,
        run.id,
        pid=process.pid,
        identity=process,
        log_path="",
        launched=Launched(runtime="command", token_hash=token_hash(token)),
    )
    workspace = board.conn.paths.workspaces / task_id
    workspace.mkdir(parents=True)
    (workspace / "report.md").write_text("of an attempt that was here")
    kb.add_attachment(board.conn, task_id, data=b"x", name="table.csv", actor="person:ann")
    bearer = Bearers(lambda: {"default": None}, lambda _: nullcontext(board.conn))(token)
    assert bearer is not None
    for tool, arguments in (
        ("attach", {"path": "report.md"}),
        ("attachments", {"save": "table.csv"}),
        ("complete", {"artifacts": ["report.md"]}),
    ):
        refused = bearer.toolbox.call(f"kanban_{tool}", arguments)
        assert refused.is_error
        assert "on the wrong host: the run works on rack" in refused.text
    assert "table.csv" in bearer.toolbox.call("kanban_attachments", {}).text
    assert not bearer.toolbox.call("kanban_complete", {"summary": "counted"}).is_error
    assert [path.name for path in workspace.iterdir()] == ["report.md"]
