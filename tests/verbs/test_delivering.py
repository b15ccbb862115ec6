"""What waits on the disk of a gateway's host, and what its fault costs the others."""

from __future__ import annotations

import json

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.handovers import place, waiting
from tests.support.gateways import Gateways, shell


@pytest.mark.stores("sqlite")
def test_a_hand_over_that_meets_a_fault_waits_and_holds_up_nothing(gateways: Gateways) -> None:
    gateways.configure({"good": shell("true")}, dispatch_interval_seconds=1)
    conn = gateways.open()
    folder = place(conn.paths.root)
    # No run has such a number, and no row can: the database's driver itself gives up.
    asked = {"verb": "complete", "arguments": {}, "kept_at": 1, "task_id": "t_1", "run_id": 2**64}
    (folder / "7").mkdir(parents=True)
    (folder / "7" / "asked.json").write_text(json.dumps(asked))
    gateways.start()
    for _ in range(2):
        gateways.wait_for(kb.create_task(conn, title="Count", assignee="good"), "done")
    assert waiting(folder) == ["7"]
    told = [one for one in map(json.loads, gateways.log_lines()) if "handover" in one["event"]]
    assert [(one["event"], one["folder"]) for one in told] == [("handover.waits", "7")]
    assert "OverflowError" in told[0]["error"]
