"""What a self-test found out."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Mark = Literal["held", "broke", "note"]


class Broke(Exception):
    """Something did not hold, and the stage cannot go on; ``board`` is where to look."""

    def __init__(self, text: str, board: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.board = board


class Finding(msgspec.Struct, frozen=True):
    """One thing that was tried. A ``note`` is neither good nor bad."""

    mark: Mark
    text: str
    board: str | None = None


class StageReport(msgspec.Struct):
    """One stage; ``figures`` are counts, and times in seconds."""

    name: str
    about: str
    held: bool = True
    finished: bool = False
    seconds: float = 0.0
    findings: list[Finding] = []
    figures: dict[str, Any] = {}


class Report(msgspec.Struct):
    """The whole of it. ``home`` and ``look`` are null when nothing was kept."""

    held: bool
    interrupted: bool
    seed: int
    seconds: float
    home: str | None
    look: list[str]
    stages: list[StageReport]

    def broken(self) -> list[Finding]:
        """Everything that did not hold."""
        return [one for stage in self.stages for one in stage.findings if one.mark == "broke"]


def many(count: int, noun: str) -> str:
    """``1 task``, ``3 tasks``, ``2 processes``."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun}es" if noun.endswith("s") else f"{count} {noun}s"
