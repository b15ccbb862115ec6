"""Until when a run's supervisor may let its agent live, where several hosts share the board.

Whoever renews a lease notes in the run's folder how long it holds, in seconds of this host's boot
clock counted from before the board was asked: no later than any other host will think. The
supervisor kills its tree once that has passed, so that a host which is cut off has no worker left
by the time another one starts the task. On a board of one host nothing is noted.
"""

from __future__ import annotations

import contextlib
import os
from typing import Final

from hermes_kanban.machine import machine
from hermes_kanban.model.records import Identity
from hermes_kanban.store.protocol import BoardConnection

LEASE_FILE: Final = "lease"


def held_until(
    conn: BoardConnection, asked_at: float, seconds: float, expires: int | None
) -> float:
    """Until when, by the boot clock, a lease of so many seconds holds that ends at ``expires``.

    ``asked_at`` is the boot clock before the board was asked. What the board's clock says now may
    be less: when the lease was written, this host may have taken it for earlier than it was.
    """
    by_the_board = conn.clock.boottime() + (expires or 0) - conn.clock.now()
    return min(asked_at + seconds, by_the_board)


def note(conn: BoardConnection, run_id: int, until: float) -> None:
    """Let the supervisor of a run of this host know that its lease holds ``until`` then.

    Raises OSError where that cannot be written. A run without a folder here has nobody to tell.
    """
    folder = conn.paths.run_dir(run_id)
    if not conn.shared or not folder.is_dir():
        return
    # Its worker's heartbeats note too, in other processes and threads.
    draft = folder / f".{LEASE_FILE}.{os.urandom(4).hex()}.tmp"
    draft.write_text(f"{until:.3f}\n", "ascii")
    draft.replace(folder / LEASE_FILE)


def note_renewed(conn: BoardConnection, run_id: int, until: float) -> None:
    """The same where one is noted already; what cannot be written leaves the old one in force."""
    with contextlib.suppress(OSError):
        note(conn, run_id, until)


def is_of_this_boot(identity: Identity | None) -> bool:
    """Whether that process counts by the same boot clock as this one."""
    here = machine()
    return identity is not None and (identity.host, identity.boot) == (here.host, here.boot)
