"""The moments at which a gateway is killed: between any two steps that it takes for a worker."""

from __future__ import annotations

from typing import Final

MOMENTS: Final = {
    "claimed": "after a claim, before a process is started",
    "started": "after the start, before the registration",
    "registered": "after the registration, before the go",
    "gone": "right after the go",
    "seen": "when an exit is seen, before it is written",
    "written": "when an exit is written, before it is settled",
    "sent": "when a notice is sent, before it is marked",
}
