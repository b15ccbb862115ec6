"""This host's row on a board that its gateway dispatches: written at a change, kept alive where
hosts share the board."""

from __future__ import annotations

import contextlib
import os
from importlib import metadata
from typing import Final

from hermes_kanban import kernel as kb
from hermes_kanban.config import Config
from hermes_kanban.kernel import hosts
from hermes_kanban.machine import machine
from hermes_kanban.store.protocol import BoardConnection

LEAVE_WAIT_SECONDS: Final = 0.3
_VERSION: Final = metadata.version("hermes-kanban")


class HostRow:
    """The row of the host, as this gateway wrote it last; called in the kernel's thread alone."""

    def __init__(self) -> None:
        self._written: kb.Host | None = None
        self._started_at: int | None = None
        self._beat_at = 0.0
        self._judges_from = 0.0

    def keep(self, conn: BoardConnection, config: Config) -> None:
        """Write the row if it does not say yet what this host is.

        Nothing is kept from starting by a disk on which the row has no room. Raises KanbanError
        where another machine goes by this one's id.
        """
        if self._started_at is None:
            self._started_at = conn.clock.now()
        host = hosts.describe(
            config,
            machine().host,
            gateway_pid=os.getpid(),
            version=_VERSION,
            started_at=self._started_at,
        )
        if host != self._written:
            with contextlib.suppress(kb.DiskFull):
                self._join(conn, host)
        self.beat(conn)

    def beat(self, conn: BoardConnection) -> None:
        """Where hosts share the board: say in time that this one lives, and see who does not."""
        now = conn.clock.monotonic()
        if not conn.shared or self._written is None:
            return
        if now - self._beat_at < hosts.HEARTBEAT_SECONDS:
            return
        if now - self._beat_at > hosts.SILENT_SECONDS:
            # The board was away from this host, and may have been from the others: let them speak.
            self._judges_from = now + hosts.SILENT_SECONDS
        if not hosts.heartbeat(conn, self._written):
            self._join(conn, self._written)
        self._beat_at = now
        if now >= self._judges_from:
            hosts.notice_lost(conn, self._written)

    def leave(self, conn: BoardConnection) -> None:
        """This gateway ends; whoever cannot be told finds out by himself."""
        host, self._written = self._written, None
        if host is not None:
            conn.wait_seconds = LEAVE_WAIT_SECONDS
            with contextlib.suppress(kb.KanbanError, conn.Error):
                kb.leave_host(conn, host)

    def _join(self, conn: BoardConnection, host: kb.Host) -> None:
        kb.join_host(conn, host, machine().boot)
        self._written = host
        self._beat_at = conn.clock.monotonic()
