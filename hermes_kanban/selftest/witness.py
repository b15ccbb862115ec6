"""What the agents wrote of themselves, and whether two of them were at one task at once."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Line(NamedTuple):
    """One line of the witness file."""

    word: str
    task_id: str
    run_id: int
    pid: int


class Witness:
    """Reads the file as it grows."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def lines(self) -> list[Line]:
        """Every line that was written whole, in the order in which they were written."""
        try:
            text = self._file.read_text("ascii", "replace")
        except FileNotFoundError:
            return []
        found = []
        for line in text.split("\n")[:-1]:
            words = line.split()
            if len(words) == 4 and words[2].isdecimal() and words[3].isdecimal():
                found.append(Line(words[0], words[1], int(words[2]), int(words[3])))
        return found

    def pids(self, run_ids: set[int]) -> list[int]:
        """Agents and their children of these runs, whether they live or not."""
        return sorted({line.pid for line in self.lines() if line.run_id in run_ids})


def twice_at_once(lines: list[Line]) -> list[str]:
    """Tasks at which an earlier run still lived when a later one had begun, and how it shows."""
    newest: dict[str, int] = {}
    found: dict[str, str] = {}
    for line in lines:
        run_id = newest.setdefault(line.task_id, line.run_id)
        if line.run_id > run_id:
            newest[line.task_id] = line.run_id
        elif line.run_id < run_id:
            told = f"{line.task_id}: run {line.run_id} still lived after run {run_id} had begun"
            found.setdefault(line.task_id, told)
    return list(found.values())


def begun_twice(lines: list[Line]) -> list[str]:
    """Runs whose agent was started more than once."""
    begun: set[int] = set()
    found = []
    for line in lines:
        if line.word == "start":
            if line.run_id in begun:
                found.append(f"{line.task_id}: the agent of run {line.run_id} was started twice")
            begun.add(line.run_id)
    return found
