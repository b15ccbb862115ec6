"""The processes above a process, with what each of them runs.

From ``/proc`` where there is one, else from one call of ``ps``. A pid that was given to another
process meanwhile is told by its start: nobody is younger than his child.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

from hermes_kanban.workers import programs, tree

MOST_ANCESTORS = 500
PS_SECONDS = 5


class Process(NamedTuple):
    """A process: its start in ticks (see ``Identity``), its words, and the file it runs."""

    pid: int
    parent: int
    start_ticks: int
    argv: tuple[str, ...]
    executable: str

    @property
    def program(self) -> str | None:
        """Which known agent this is, such as ``claude``."""
        return programs.agent_program(self.argv, self.executable)

    @property
    def launcher(self) -> bool:
        """Whether it only starts others: a shell, ``env``, ``npx``."""
        return programs.is_launcher(self.argv)

    @property
    def name(self) -> str:
        """What people would call it."""
        return programs.name_of(self.argv, self.executable)


def ancestors(pid: int) -> Iterator[Process]:
    """The process of that pid and those above it, up to the first one of this pid namespace."""
    read = _reader()
    process = read(pid)
    for _ in range(MOST_ANCESTORS):
        if process is None:
            return
        yield process
        process = _parent(process, read)


def read_process(pid: int) -> Process | None:
    """The process that has ``pid`` now; None if there is none that lives."""
    return _reader()(pid)


def process_table() -> Iterator[Process]:
    """Every process that can be seen."""
    if not tree.HAS_PROC:
        yield from _ps_table().values()
        return
    for pid in tree.processes():
        if process := _from_proc(pid):
            yield process


Reader = Callable[[int], Process | None]


def _parent(child: Process, read: Reader) -> Process | None:
    for _ in range(3):
        found = read(child.parent)
        if found is not None and found.start_ticks <= child.start_ticks:
            return found
        # It ended meanwhile, and another took the child, or its pid, over.
        again = read(child.pid)
        if again is None or again.start_ticks != child.start_ticks or again.parent == child.parent:
            return None
        child = again
    return None


def _reader() -> Reader:
    return _from_proc if tree.HAS_PROC else _ps_table().get


def _from_proc(pid: int) -> Process | None:
    stat = tree.read_stat(pid)
    if stat is None or stat[0] in tree.DEAD_STATES:
        return None
    words: tuple[str, ...] = ()
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        words = tuple(os.fsdecode(word) for word in file.read().split(b"\0"))[:-1]
    executable = ""
    with contextlib.suppress(OSError):
        executable = os.readlink(f"/proc/{pid}/exe")
    again = tree.read_stat(pid)
    if again is None or again[3] != stat[3]:
        return None
    return Process(pid, again[1], stat[3], words, executable)


def _ps_table() -> dict[int, Process]:
    """All processes as ``ps`` tells of them; words that hold blanks come apart.

    Starts are whole Unix seconds, as ``process.identity_of`` takes them there.
    """
    import subprocess
    import time

    command = ("ps", "-axwwo", "pid=,ppid=,stat=,lstart=,command=")
    plain = os.environ | {"LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, timeout=PS_SECONDS, env=plain
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    found = {}
    for line in os.fsdecode(done.stdout).splitlines():
        pid, parent, state, *rest = line.split(maxsplit=8)
        if state[0] not in tree.DEAD_STATES and len(rest) == 6:
            started = time.mktime(time.strptime(" ".join(rest[:5]), "%a %b %d %H:%M:%S %Y"))
            words = tuple(rest[5].split())
            found[int(pid)] = Process(int(pid), int(parent), int(started), words, "")
    return found
