"""A board's session with the server: opened, opened again when it broke, and where that is."""

from __future__ import annotations

import os
from typing import Any

import psycopg

from hermes_kanban.config import Config, Server
from hermes_kanban.model.errors import BoardDamaged, BoardTooNew
from hermes_kanban.paths import BoardPaths
from hermes_kanban.ports import Clock
from hermes_kanban.store import pgerrors, pgsession
from hermes_kanban.store.pgclock import ServerClock
from hermes_kanban.store.pgflow import Flow, Statements
from hermes_kanban.store.pgnames import schema_of
from hermes_kanban.store.protocol import Configured


class Connected(Configured):
    """What a connection to a schema has of its session.

    ``_flow`` is that of the transaction once something was asked, ``_begun`` whether that is known
    to have begun: then the session is not opened again.
    """

    def __init__(
        self,
        server: Server | str,
        paths: BoardPaths,
        *,
        clock: Clock | None,
        wait_seconds: float,
        config: Config | None,
    ) -> None:
        self.paths = paths
        self._config = config
        self.schema = schema_of(paths.slug)
        self.clock = clock or ServerClock()
        self.wait_seconds = wait_seconds
        self.server = server
        self._flow: Flow | None = None
        self._begun = False
        self._hurried = True
        self._session: psycopg.Connection[Any] | None = None
        self._prepared: Statements | None = None
        self._location = f"schema {self.schema}"

    @property
    def location(self) -> str:
        """Database, server and schema; no user and no password."""
        return self._location

    @property
    def session(self) -> psycopg.Connection[Any]:
        """The driver's connection, opened again if it broke outside a transaction."""
        if self._prepared is not None and self._flow is None:
            self._prepared.gather()
        session = self._session
        if session is not None and not session.closed:
            return session
        if self._begun:
            raise pgerrors.lost(self._location)
        return self._connect()

    @property
    def _statements(self) -> Statements:
        """What that connection has prepared."""
        session = self.session
        if self._prepared is None or self._prepared.session is not session:
            self._prepared = Statements(session)
        self._prepared.patient = not self._hurried
        return self._prepared

    def _connect(self) -> psycopg.Connection[Any]:
        if self._session is not None:
            self._session.close()
        self._begun = False
        settings = {"search_path": f'"{self.schema}"'} | pgsession.hurrying(self._hurried)
        if self.config.kanban.durability != "full":
            settings["synchronous_commit"] = "off"
        session, server_time = pgsession.opened(
            self.server,
            f"hermes-kanban {os.getpid()}",
            settings=settings,
            patience_seconds=min(self.wait_seconds, pgsession.PATIENCE_SECONDS),
        )
        self._session, info = session, session.info
        self._backend = info.backend_pid, server_time
        self._location = f"PostgreSQL database {info.dbname} at {info.host}, schema {self.schema}"
        self._hear(server_time)
        return session

    def _hear(self, server_time: float) -> None:
        if isinstance(self.clock, ServerClock):
            self.clock.hear(server_time)

    def translated(self, error: BaseException) -> BaseException:
        """The board's own error for one of PostgreSQL's; any other comes back as it is."""
        return pgerrors.translated(error, self._location)

    def damaged(self, what: str) -> BoardDamaged:
        """The error for a schema that is no intact board."""
        return pgerrors.damaged(self._location, what)

    def too_new(self, version: int) -> BoardTooNew:
        """The error for a board of a newer hermes-kanban."""
        return pgerrors.too_new(self._location, version)

    def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            self._session.close()
