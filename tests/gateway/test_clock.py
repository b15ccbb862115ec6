"""A real gateway on a machine whose wall clock is set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from tests.support.gateways import Gateways
from tests.support.waiting import wait_until

HOUR = 3_600
JUMPS_AT_MOST = 10
# Python runs this at its start: the wall clock of the process is ahead by what the file says.
SET_CLOCK = """
import os, time
_real, _file = time.time, os.environ["TEST_CLOCK_AHEAD"]
def _ahead():
    try:
        return float(open(_file).read() or 0)
    except OSError:
        return 0.0
time.time = lambda: _real() + _ahead()
"""


def woken_by(gateways: Gateways) -> list[str]:
    lines = [json.loads(line) for line in gateways.log_lines()]
    return [line["woken_by"] for line in lines if "woken_by" in line]


def kinds(conn: kb.BoardConnection) -> list[str]:
    return [event.kind for event in kb.list_events(conn, limit=100)]


@pytest.mark.stores("sqlite")
@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_a_lease_outlives_a_clock_that_is_set(
    seconds: int, gateways: Gateways, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SET_CLOCK, "utf-8")
    ahead = tmp_path / "ahead"
    gateways.configure({}, dispatch_interval_seconds=600)
    conn = gateways.open()
    gateways.start(PYTHONPATH=str(tmp_path), TEST_CLOCK_AHEAD=str(ahead))
    task = kb.create_task(conn, title="held from outside")
    assert kb.claim_task(conn, task, claimer="outside", ttl_seconds=900) is not None
    before = kb.get_task(conn, task).claim_expires
    assert before is not None
    # Forwards the sleep's own end may come first; a look for another reason may too.
    jumps = 0
    while jumps < 2 or (seconds < 0 and "clock" not in woken_by(gateways)):
        jumps += 1
        assert jumps <= JUMPS_AT_MOST, gateways.log_lines()
        (tmp_path / "next").write_text(str(jumps * seconds), "utf-8")
        (tmp_path / "next").replace(ahead)
        wait_until(lambda: kinds(conn).count("clock_shifted") >= jumps)  # noqa: B023
    held = kb.get_task(conn, task)
    assert held.status == "running"
    assert held.claim_expires is not None
    assert abs(held.claim_expires - before - jumps * seconds) <= 2
