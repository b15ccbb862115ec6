"""How a self-test tells what it does: a line per stage on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final, Protocol, TextIO

from hermes_kanban import present
from hermes_kanban.selftest.findings import Finding, StageReport

if TYPE_CHECKING:
    from rich.console import RenderableType

REDRAW_SECONDS: Final = 0.1
_WORDS: Final = {"held": "held", "broke": "BROKE", "note": "note"}
_COLOURS: Final = {"held": "green", "broke": "red", "note": "yellow"}


class Show(Protocol):
    """Tells what happens until it is closed."""

    def say(self, line: str) -> None:
        """A line that stays."""

    def begin(self, stage: StageReport) -> None:
        """A stage begins."""

    def progress(self, text: str) -> None:
        """What is being tried this moment."""

    def milestone(self, text: str) -> None:
        """A part of a long stage is done."""

    def tick(self) -> None:
        """Time has passed."""

    def finding(self, finding: Finding) -> None:
        """Something was found out."""

    def end(self, stage: StageReport) -> None:
        """A stage has ended."""

    def close(self) -> None:
        """Leave the terminal to whoever writes next."""


class Silent:
    """Tells nothing."""

    def say(self, line: str) -> None: ...

    def begin(self, stage: StageReport) -> None: ...

    def progress(self, text: str) -> None: ...

    def milestone(self, text: str) -> None: ...

    def tick(self) -> None: ...

    def finding(self, finding: Finding) -> None: ...

    def end(self, stage: StageReport) -> None: ...

    def close(self) -> None: ...


class Lines(Silent):
    """A line for each thing that was found out."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._colour = present.wants_colour(stream)

    def say(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()

    def begin(self, stage: StageReport) -> None:
        self.say(f"{present.paint(stage.name, 'bold', self._colour)}: {stage.about}")

    def milestone(self, text: str) -> None:
        self.say(f"  {present.clean(text)}")

    def finding(self, finding: Finding) -> None:
        word = present.paint(f"{_WORDS[finding.mark]:5}", _COLOURS[finding.mark], self._colour)
        self.say(f"  {word}  {present.clean(finding.text)}")

    def end(self, stage: StageReport) -> None:
        self.say(f"  in {stage.seconds:.1f} s\n")


class Live:
    """The stages as a list that is redrawn in place; what they find out stays above it."""

    def __init__(self, stages: list[str]) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive

        self._stages: dict[str, StageReport | None] = dict.fromkeys(stages)
        self._running: StageReport | None = None
        self._began = 0.0
        self._text = ""
        self._drawn_at = 0.0
        console = Console(no_color=not present.wants_colour(sys.stdout), highlight=False)
        self._live = RichLive(console=console, auto_refresh=False, vertical_overflow="crop")
        self._live.start()

    def say(self, line: str) -> None:
        self._live.console.print(line, markup=False, soft_wrap=True)

    def begin(self, stage: StageReport) -> None:
        self._running, self._began, self._text = stage, time.monotonic(), stage.about
        self._stages[stage.name] = stage
        self._print("bold", f"{stage.name}: {stage.about}")
        self._draw()

    def progress(self, text: str) -> None:
        self._text = text
        self.tick()

    def milestone(self, text: str) -> None:
        self.progress(text)

    def tick(self) -> None:
        if time.monotonic() - self._drawn_at >= REDRAW_SECONDS:
            self._draw()

    def finding(self, finding: Finding) -> None:
        from rich.table import Table
        from rich.text import Text

        row = Table.grid(padding=(0, 2, 0, 0))
        row.add_column(no_wrap=True)
        row.add_column(overflow="fold")
        word = Text(f"  {_WORDS[finding.mark]:5}", style=_COLOURS[finding.mark])
        row.add_row(word, Text(present.clean(finding.text)))
        self._live.console.print(row)

    def end(self, stage: StageReport) -> None:
        self._running = None
        self._print("", "")
        self._draw()

    def close(self) -> None:
        self._running = None
        self._draw()
        self._live.stop()

    def _print(self, style: str, text: str) -> None:
        from rich.text import Text

        self._live.console.print(Text(text, style=style))

    def _draw(self) -> None:
        self._live.update(self._list(), refresh=True)
        self._drawn_at = time.monotonic()

    def _list(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        rows = Table.grid(padding=(0, 2, 0, 0))
        rows.add_column(no_wrap=True, width=2)
        rows.add_column(no_wrap=True)
        rows.add_column(no_wrap=True, justify="right", min_width=4)
        rows.add_column(no_wrap=True, overflow="ellipsis")
        for name, stage in self._stages.items():
            mark, style, seconds, text = self._row(stage)
            rows.add_row(mark, Text(name, style=style), seconds, Text(text, style="dim"))
        return rows

    def _row(self, stage: StageReport | None) -> tuple[Any, str, str, str]:
        from rich.text import Text

        if stage is None:
            return "", "dim", "", ""
        if stage is self._running:
            seconds = f"{time.monotonic() - self._began:.0f} s"
            return Text("▸", style="yellow"), "yellow", seconds, present.clean(self._text)
        seconds = f"{stage.seconds:.0f} s"
        if not stage.held:
            return Text("✗", style="red"), "red", seconds, "did not hold"
        if not stage.finished:
            return Text("–", style="yellow"), "yellow", seconds, "interrupted"
        return Text("✓", style="green"), "green", seconds, "held"


def show_for(stages: list[str], *, as_json: bool) -> Show:
    """What fits standard output; with JSON there, lines on standard error if people read it."""
    if as_json:
        return Lines(sys.stderr) if sys.stderr.isatty() else Silent()
    return Live(stages) if sys.stdout.isatty() else Lines(sys.stdout)
