"""What the gateway takes away: spent workspaces, never what an open child may still read."""

from __future__ import annotations

from hermes_kanban import kernel as kb
from tests.support.gateways import Gateways, shell
from tests.support.waiting import wait_until


def test_a_scratch_workspace_goes_once_no_open_child_may_read_it(gateways: Gateways) -> None:
    gateways.configure({"worker": shell("echo data > file; echo made")})
    conn = gateways.open()
    parent = kb.create_task(conn, title="parent", assignee="worker")
    child = kb.create_task(conn, title="child", parents=[parent], assignee="nobody")
    alone = kb.create_task(conn, title="alone", assignee="worker")
    folders = {one: conn.paths.workspaces / one for one in (parent, child, alone)}
    first = gateways.start()
    for task_id in (parent, alone):
        gateways.wait_for(task_id, "done")
        gateways.wait_for_exit(task_id)
        assert (folders[task_id] / "file").read_text() == "data\n"
    gateways.kill(first)

    second = gateways.start()
    wait_until(lambda: not folders[alone].exists())
    assert (folders[parent] / "file").exists()
    gateways.kill(second)

    kb.complete_task(conn, child)
    gateways.start()
    wait_until(lambda: not folders[parent].exists())
