"""Where a board's schema lies, and its errors, which say so."""

from __future__ import annotations

from hermes_kanban.model.errors import BoardDamaged, BoardTooNew
from hermes_kanban.store import pgerrors
from hermes_kanban.store.protocol import Configured


class Located(Configured):
    """A connection to a schema of a PostgreSQL database, known by ``_location``."""

    _location: str

    @property
    def location(self) -> str:
        """Database, server and schema; no user and no password."""
        return self._location

    def translated(self, error: BaseException) -> BaseException:
        """The board's own error for one of PostgreSQL's; any other comes back as it is."""
        return pgerrors.translated(error, self._location)

    def damaged(self, what: str) -> BoardDamaged:
        """The error for a schema that is no intact board."""
        return pgerrors.damaged(self._location, what)

    def too_new(self, version: int) -> BoardTooNew:
        """The error for a board of a newer hermes-kanban."""
        return pgerrors.too_new(self._location, version)
