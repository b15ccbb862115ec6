"""Where a board may lie: a place that it can leave, and one at which it can arrive.

A board arrives as a draft, all of it in one transaction, under a mark that keeps everybody out
(``moved.COMING``); it is let in once the place that it left has its own (``moved.AWAY``). A move
that is killed leaves the board where it was, or needs that last step only.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, Literal, NamedTuple, Protocol

from hermes_kanban.model.errors import InUse
from hermes_kanban.store.moved import Mark
from hermes_kanban.store.protocol import BoardConnection

State = Literal["absent", "unused", "board", "away", "coming"]


class Found(NamedTuple):
    """What lies at a place under the board's name; what is ``unused`` never held anything."""

    state: State
    board_id: str = ""
    mark: Mark | None = None


class Draft(Protocol):
    """A board on its way in, in one transaction."""

    @property
    def conn(self) -> BoardConnection:
        """It sees what nobody else does."""

    def load(self, table: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
        """Give an empty table these rows; the one of ``boards`` is there already."""

    def settle(self) -> None:
        """All rows are there: whatever the database wants to know of them before they are read."""

    def keep(self, mark: Mark) -> None:
        """All of it is right: it is to last, under ``COMING``."""


class Place(Protocol):
    """One place of one board."""

    location: str
    """For people, and for the mark at the other place; without secrets."""

    clearing: str
    """How to make room for another board of the name."""

    def look(self) -> Found:
        """What lies here. Raises BoardUnreachable, BoardDamaged, BoardTooNew."""

    def may_come(self) -> None:
        """Raises KanbanError where a board could not be made."""

    def at_rest(self) -> AbstractContextManager[None]:
        """While this lasts no gateway that can be seen serves it. Raises InUse."""

    def leaving(self, wait_seconds: float) -> AbstractContextManager[BoardConnection]:
        """The board, in one transaction under its writer lock, which is committed in the end."""

    def leave(self, conn: BoardConnection, mark: Mark) -> None:
        """In that transaction: nobody writes it any more."""

    def coming(self, board: dict[str, Any], there: Found) -> AbstractContextManager[Draft]:
        """A draft with this row of ``boards``, to take the place of what lay ``there`` once kept.

        Raises InUse if something else lies there by now.
        """

    def let_in(self) -> None:
        """The draft that was kept becomes the board."""


def refuse_other(place: Place, there: Found, now: Found) -> None:
    """Raises InUse unless what lies at the place is still what was looked at."""
    if now != there:
        raise InUse(f"a board came to {place.location} meanwhile", now.board_id, place.clearing)
