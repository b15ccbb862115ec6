"""Where the web board is served, seen from outside of the process that serves it."""

from __future__ import annotations

import time

from hermes_kanban import health
from hermes_kanban.kernel.boards import board_slugs
from hermes_kanban.model.errors import KanbanError
from hermes_kanban.paths import DEFAULT_BOARD, board_paths


def served_at() -> str:
    """The address at which a gateway of this home says that it serves it; empty for nowhere."""
    now = int(time.time())
    try:
        slugs = board_slugs()
    except KanbanError:
        # What is configured may be wrong right now; the gateway goes on as it was.
        slugs = [DEFAULT_BOARD]
    records = (health.read(board_paths(slug), now) for slug in slugs)
    return next((one.web for one in records if one is not None and one.web), "")


def listens(address: str) -> bool:
    """Whether any program listens at this address of ours, ``http://host:port``."""
    import socket

    host, _, port = address.removeprefix("http://").rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=1).close()
    except OSError:
        return False
    return True
