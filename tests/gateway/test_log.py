"""What a gateway logs of workers that succeed, that fail, and that outlive it."""

from __future__ import annotations

import json
from typing import Any

from hermes_kanban import kernel as kb
from tests.support.gateways import Gateways, shell
from tests.support.waiting import wait_until

SPAWNED = ("worker.spawned", None)
GAVE_UP = ("breaker.opened", None)
TOLD = {
    "good": [SPAWNED, ("worker.exited", "completed")],
    "bad": [SPAWNED, ("worker.failed", "crashed"), GAVE_UP],
    "slow": [SPAWNED, ("worker.failed", "timed_out"), GAVE_UP],
    "missing": [SPAWNED, ("worker.spawn_failed", None), GAVE_UP],
    "long": [
        SPAWNED,
        ("worker.adopted", None),
        ("worker.stopping", None),
        ("worker.exited", "cancelled"),
    ],
}


def test_the_log_tells_how_each_worker_fared(gateways: Gateways) -> None:
    gateways.configure(
        {
            "good": shell("sleep 0.1"),
            "bad": shell("exit 3"),
            "slow": shell("sleep 60", max_runtime_seconds=1),
            "missing": {"argv": ["/nonexistent/program"]},
            "long": shell("sleep 300"),
        },
        max_retries=0,
    )
    conn = gateways.open()
    tasks = {name: kb.create_task(conn, title=name, assignee=name) for name in TOLD}

    def told() -> dict[str, list[tuple[str, Any]]]:
        found: dict[str, list[tuple[str, Any]]] = {}
        for line in map(json.loads, gateways.log_lines()):
            if "task" in line:
                found.setdefault(line["profile"], []).append((line["event"], line.get("outcome")))
        return found

    def tells(*of_long: int) -> bool:
        return told() == TOLD | {"long": TOLD["long"][slice(*of_long)]}

    first = gateways.start()
    wait_until(lambda: tells(1), message="the log does not tell what happened")
    gateways.kill(first)
    gateways.start()
    wait_until(lambda: tells(2), message="the log does not tell of the adopted worker")
    kb.cancel_task(conn, tasks["long"])
    wait_until(lambda: tells(4), message="the log does not tell what a person did")
