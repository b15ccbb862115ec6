"""Two gateways on one home under load, killed and started at random: nothing runs twice."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from tests.stress.test_gateway_kills import OPEN, WORK, judge, unfinished
from tests.support.gateways import Gateways, shell
from tests.support.waiting import wait_until


def kill_either(gateways: Gateways, deaths: int, seed: int) -> Path:
    """Keep two gateways and file tasks; kill, stop or end one of the two again and again."""
    chance = random.Random(seed)
    trace = gateways.home / "trace"
    profile = shell(WORK.format(trace=trace))
    gateways.configure({"worker": profile}, max_in_progress=6, max_retries=0)
    conn = gateways.open()
    pair = [gateways.start(), gateways.start(wait=False)]
    for death in range(deaths):
        with kb.batch(conn):
            first = kb.create_task(conn, title=f"first {death}", assignee="worker")
            for number in range(3):
                kb.create_task(conn, title=f"{death}.{number}", assignee="worker", parents=[first])
        events = kb.newest_event_id(conn) + chance.randrange(0, 24)
        wait_until(
            lambda: kb.newest_event_id(conn) >= events or not kb.list_tasks(conn, status=OPEN),  # noqa: B023
            timeout=60,
            message="the board does not move: " + gateways.errors()[-2000:],
        )
        victim = chance.randrange(2)
        how = chance.choice(["kill", "kill", "terminate", "stop"])
        if how == "stop":
            pair[victim].send_signal(signal.SIGSTOP)
            # Not a wait for anything: how long it is away is what is random.
            time.sleep(chance.uniform(0, 0.3))
            pair[victim].send_signal(signal.SIGCONT)
            continue
        if how == "kill":
            gateways.kill(pair[victim])
        else:
            pair[victim].terminate()
            # One that is only starting has no handler yet.
            ended = pair[victim].wait(30)
            assert ended in (0, -signal.SIGTERM), gateways.errors()[-2000:]
        pair[victim] = gateways.start(wait=False)
    wait_until(lambda: not unfinished(conn), timeout=180, message=str(unfinished(conn)))
    return trace


def test_two_gateways_that_die_in_turn_run_nothing_twice(gateways: Gateways) -> None:
    trace = kill_either(gateways, deaths=8, seed=1)
    judge(gateways.conn, trace)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(5))
def test_two_gateways_for_long(gateways: Gateways, seed: int) -> None:
    trace = kill_either(gateways, deaths=40, seed=seed)
    judge(gateways.conn, trace)
