"""Which events are being told where, so that a second subscription waits for the first."""

from __future__ import annotations

from collections.abc import Iterable

import anyio

from hermes_kanban.kernel.outbox import Outgoing


class OnTheWay:
    """The events of one board that are on their way to a destination, by both."""

    def __init__(self) -> None:
        self._ends: dict[tuple[str, int], anyio.Event] = {}

    def end_of(self, outgoing: Outgoing) -> anyio.Event | None:
        """What is set once one of these events has been told there, or not; None if none is."""
        return next((self._ends[one] for one in _told(outgoing) if one in self._ends), None)

    def begin(self, outgoing: Outgoing) -> None:
        """It is being sent; nobody else may send the same to there."""
        end = anyio.Event()
        self._ends |= dict.fromkeys(_told(outgoing), end)

    def end(self, outgoing: Outgoing) -> None:
        """What came of it is written down."""
        for one in _told(outgoing):
            self._ends.pop(one).set()


def _told(outgoing: Outgoing) -> Iterable[tuple[str, int]]:
    message = outgoing.message
    items = [] if message is None else message.items
    events = [one.event.id for one in items] or [outgoing.delivery.event_id]
    return [(outgoing.destination, event) for event in dict.fromkeys(events)]
