"""What workers say of themselves in one shared file, whatever the board believes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

# ``echo`` writes a line in one call to a file opened with O_APPEND: lines keep their order.
STARTS = 'echo "start $HERMES_KANBAN_TASK $HERMES_KANBAN_RUN_ID $$" >> {trace}'
ENDS = 'echo "end $HERMES_KANBAN_TASK $HERMES_KANBAN_RUN_ID $$" >> {trace}'


class Line(NamedTuple):
    word: str
    task: str
    run: int
    pid: int


def script(trace: Path, work: str) -> str:
    """A shell script that does ``work`` between two lines of the trace."""
    return "\n".join((STARTS.format(trace=trace), work, ENDS.format(trace=trace)))


def read(trace: Path) -> list[Line]:
    lines = [text.split() for text in trace.read_text().splitlines()]
    return [Line(word, task, int(run), int(pid)) for word, task, run, pid in lines]


def count(lines: list[Line], word: str) -> Counter[str]:
    """How often each task has that line."""
    return Counter(line.task for line in lines if line.word == word)


def overlaps(lines: list[Line]) -> list[tuple[Line, Line]]:
    """Pairs of lines that show a task at work twice at once: a start before the earlier end."""
    at_work: dict[str, Line] = {}
    found = []
    for line in lines:
        if line.word == "start":
            if (earlier := at_work.get(line.task)) is not None:
                found.append((earlier, line))
            at_work[line.task] = line
        else:
            at_work.pop(line.task, None)
    return found
