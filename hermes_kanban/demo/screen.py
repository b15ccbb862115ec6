"""What the runner shows: the live board on a terminal, else a line for each thing that happens."""

from __future__ import annotations

import sys
from typing import Final

from rich.console import Console
from rich.live import Live

from hermes_kanban import kernel as kb
from hermes_kanban import present
from hermes_kanban.surfaces.cli.board_view import look, render

TOLD: Final = {
    "claimed": "starts",
    "completed": "is done",
    "crashed": "crashed and will be retried",
    "timed_out": "took too long",
    "spawn_failed": "could not be started",
    "protocol_violation": "ended without a word",
    "gave_up": "is blocked by the breaker",
    "blocked": "is blocked",
}


class Screen:
    """Follows the board from where it is now."""

    def __init__(self, conn: kb.BoardConnection) -> None:
        self._conn = conn
        self._cursor = kb.newest_event_id(conn)
        self._live: Live | None = None

    def open(self) -> None:
        """Begin to draw, if there is a terminal to draw on."""
        if sys.stdout.isatty():
            self._live = Live(console=Console(), auto_refresh=False, vertical_overflow="crop")
            self._live.start()

    def show(self) -> None:
        """Draw the board as it is, or print what happened since the last call."""
        if self._live is not None:
            width = self._live.console.width
            self._live.update(render(look(self._conn), width), refresh=True)
            return
        for event in kb.list_events(self._conn, after=self._cursor, limit=1000):
            self._cursor = event.id
            if event.task_id is not None and event.kind in TOLD:
                self.say(self._line(event))

    def say(self, text: str) -> None:
        """One line for people, above the board where one is drawn."""
        if self._live is not None:
            self._live.console.print(text, highlight=False, markup=False)
        else:
            print(text, flush=True)

    def close(self) -> None:
        """Leave the last picture and go back to plain lines."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _line(self, event: kb.Event) -> str:
        title = kb.get_task(self._conn, event.task_id or "").title
        attempt = f" (run {event.run_id})" if event.run_id else ""
        clock = present.moment(event.created_at)
        return f"{clock}  {title} {TOLD[event.kind]}{attempt}"
