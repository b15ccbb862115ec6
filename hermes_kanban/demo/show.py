"""How the demonstration tells what happens: a live board on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Final, Protocol

from rich.console import Console
from rich.live import Live

from hermes_kanban import kernel as kb
from hermes_kanban import present
from hermes_kanban.demo import view
from hermes_kanban.demo.news import News

REDRAW_SECONDS: Final = 0.2


class Show(Protocol):
    """Shows the board until it is closed."""

    def refresh(self) -> None:
        """Show what is new."""

    def say(self, line: str) -> None:
        """Tell something that is no event of the board."""

    def close(self) -> None:
        """Leave the terminal to whoever writes next."""


class Lines:
    """A line for each thing that happens, with the seconds since the start."""

    def __init__(self, news: News) -> None:
        self._news = news
        self._began = time.monotonic()

    def refresh(self) -> None:
        """Tell the news."""
        for line in self._news.lines():
            self.say(line)

    def say(self, line: str) -> None:
        """Tell one line."""
        print(f"{time.monotonic() - self._began:6.1f}s  {line}", flush=True)

    def close(self) -> None:
        """Nothing is held."""


class LiveBoard:
    """The board, redrawn in place."""

    def __init__(self, conn: kb.BoardConnection, news: News) -> None:
        self._conn = conn
        self._news = news
        self._drawn_at = 0.0
        console = Console(no_color=not present.wants_colour(sys.stdout), highlight=False)
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop")
        self._live.start()

    def refresh(self) -> None:
        """Draw anew where something happened, and five times a second for the clocks."""
        happened = bool(self._news.lines())
        if happened or time.monotonic() - self._drawn_at >= REDRAW_SECONDS:
            self._draw()

    def say(self, line: str) -> None:
        """Lines go above the board, and stay."""
        self._live.console.print(line, markup=False, soft_wrap=True)

    def close(self) -> None:
        """The last state stays on the screen."""
        self._draw()
        self._live.stop()

    def _draw(self) -> None:
        size = self._live.console.size
        shown = view.board(self._conn, self._news.retries, size.width, size.height)
        self._live.update(shown, refresh=True)
        self._drawn_at = time.monotonic()


def show_for(conn: kb.BoardConnection, news: News) -> Show:
    """What fits standard output."""
    return LiveBoard(conn, news) if sys.stdout.isatty() else Lines(news)
