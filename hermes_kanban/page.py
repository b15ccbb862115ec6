"""Where the web board is served, seen from outside of the process that serves it."""

from __future__ import annotations

import time

from hermes_kanban import health
from hermes_kanban.background import boards_here


def served_at() -> str:
    """The address at which a gateway of this home says that it serves it; empty for nowhere."""
    now = int(time.time())
    records = (health.read(paths, now) for paths in boards_here())
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
