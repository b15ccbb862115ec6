"""What a stage is handed: its place, its processes, its chance, and how it says what it found."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from hermes_kanban import kernel as kb
from hermes_kanban.selftest.children import Children
from hermes_kanban.selftest.findings import Broke, Finding, Mark, StageReport, many
from hermes_kanban.selftest.place import Place
from hermes_kanban.selftest.show import Show

T = TypeVar("T")
PATIENCE_SECONDS: Final = 45.0
POLL_SECONDS: Final = 0.005


class Trial:
    """One stage under way; ``seconds`` is how long it is to go on, where it is told."""

    def __init__(
        self,
        place: Place,
        children: Children,
        show: Show,
        report: StageReport,
        seed: int,
        seconds: float = 0.0,
    ) -> None:
        self.place = place
        self.children = children
        self.report = report
        self.chance = random.Random(f"{seed}/{report.name}")
        self.seconds = seconds
        self._show = show

    def tick(self) -> None:
        """Time has passed; the view may want to be drawn anew."""
        self._show.tick()

    def doing(self, text: str) -> None:
        """What is being tried this moment; shown on a terminal only."""
        self._show.progress(text)

    def passed(self, text: str) -> None:
        """A part of a long stage has held; a line where no live view shows it."""
        self._show.milestone(text)

    def held(self, text: str) -> None:
        """This was tried and held."""
        self._say("held", text)

    def note(self, text: str) -> None:
        """This is worth knowing."""
        self._say("note", text)

    def broke(self, text: str, board: str | None = None) -> None:
        """This did not hold."""
        self.report.held = False
        self._say("broke", text, board)

    def _say(self, mark: Mark, text: str, board: str | None = None) -> None:
        finding = Finding(mark, text, board)
        self.report.findings.append(finding)
        self._show.finding(finding)

    def count(self, **figures: Any) -> None:
        """Figures of the stage's report."""
        self.report.figures.update(figures)

    def until(
        self,
        condition: Callable[[], T | None],
        what: str,
        board: str | None = None,
        seconds: float = PATIENCE_SECONDS,
    ) -> T:
        """The first true value of ``condition``; Broke, saying what never came, after that long."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise Broke(f"{what} within {seconds:.0f} s", board)
            self._show.tick()
            time.sleep(POLL_SECONDS)
        return value

    def rest(self, seconds: float) -> None:
        """Let time pass: the moment of what follows is what is random."""
        time.sleep(seconds)
        self._show.tick()

    def judge_board(self, conn: kb.BoardConnection, slug: str) -> int:
        """Check every invariant; Broke if one does not hold. Returns how many events there are."""
        found = kb.check(conn, deep=True)
        if found:
            one = found[0]
            first = f"{one.invariant}, {one.noun} {one.row_id}: {one.text}"
            raise Broke(
                f"the board breaks {many(len(found), 'invariant')}; the first is {first}", slug
            )
        return kb.newest_event_id(conn)
