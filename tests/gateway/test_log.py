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
    "long": [SPAWNED, ("worker.adopted", None)],
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
    for name in TOLD:
        kb.create_task(conn, title=name, assignee=name)

    def told() -> dict[str, list[tuple[str, Any]]]:
        found: dict[str, list[tuple[str, Any]]] = {}
        for line in map(json.loads, gateways.log_lines()):
            if "task" in line:
                found.setdefault(line["profile"], []).append((line["event"], line.get("outcome")))
        return found

    first = gateways.start()
    so_far = TOLD | {"long": [SPAWNED]}
    wait_until(lambda: told() == so_far, message="the log does not tell what happened")
    gateways.kill(first)
    gateways.start()
    wait_until(lambda: told() == TOLD, message="the log does not tell of the adopted worker")
