"""Letting a real gateway look at its board many times over."""

from __future__ import annotations

import time
from typing import Any, Final

from hermes_kanban import kernel as kb
from tests.support.gateways import Gateways, shell

OFTEN: Final = {"dispatch_interval_seconds": 0.05}
TIMER: Final[dict[str, Any]] = {"timer": shell("exit 0")}


def looks_for(gateways: Gateways, seconds: int) -> None:
    """Return when the gateway has been looking for so long; needs the profile of ``TIMER``.

    What shows it is a task that was due no sooner. Each wait for its end is up to the gateway too.
    """
    at = int(time.time()) + seconds
    due = kb.create_task(gateways.conn, title="due later", assignee="timer", scheduled_at=at)
    gateways.wait_for(due, "done")
    gateways.wait_for_exit(due)
