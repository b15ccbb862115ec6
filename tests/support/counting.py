"""Counting what a program hands to the disk, exactly: counts carry no noise.

The program says what counts by ``with the_window():``, whose two ends are calls of truncate(2) on a
path that cannot be: nothing else here makes such a call. Two counters read them: ptrace(2), of the
main thread, and strace, of all threads, where it is installed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from tests.support.tracing import Call, follow

_END: Final = "truncate"
_SYNCS: Final = frozenset({"fsync", "fdatasync"})
_WRITES: Final = frozenset({"write", "pwrite64"})
_NAMES: Final = _SYNCS | _WRITES | {_END}
_STRACE: Final = ("strace", "-f", "-qq", "-s0", "-e", "signal=none", "-e")
_LINE: Final = re.compile(r'(?:\d+ +)?(\w+)\((?:\d+(?:, ""(?:\.\.\.)?, (\d+))?)?')


class Calls(NamedTuple):
    """What a program asked of the system between the ends of its window."""

    syncs: int = 0
    writes: int = 0
    bytes_written: int = 0

    def plus(self, name: str, size: int) -> Calls:
        """With one more call of that name, which hands over ``size`` bytes."""
        if name in _SYNCS:
            return self._replace(syncs=self.syncs + 1)
        return Calls(self.syncs, self.writes + 1, self.bytes_written + size)


@contextmanager
def the_window() -> Iterator[None]:
    """In the program that is counted: what happens inside counts."""
    _mark()
    try:
        yield
    finally:
        _mark()


def _mark() -> None:
    with suppress(FileNotFoundError):
        os.truncate("", 0)


class _Counter:
    names = _NAMES

    def __init__(self) -> None:
        self.calls, self.ends = Calls(), 0

    def entered(self, call: Call) -> None:
        self.see(call.name, call.arguments[2])

    def left(self, call: Call, result: int) -> None:
        del call, result

    def see(self, name: str, size: int) -> None:
        if name == _END:
            self.ends += 1
        elif self.ends == 1:
            self.calls = self.calls.plus(name, size)

    def result(self, argv: list[str]) -> Calls:
        assert self.ends == 2, f"{argv} has no window"
        return self.calls


def calls_of(argv: list[str]) -> Calls:
    """What the program's main thread asks for in its window. It must exit with 0."""
    counter = _Counter()
    assert follow(argv, counter) == 0, f"{argv} failed"
    return counter.result(argv)


def has_strace() -> bool:
    """Whether ``calls_by_strace`` can count here."""
    return shutil.which("strace") is not None


def calls_by_strace(argv: list[str]) -> Calls:
    """The same by strace, of all the program's threads and children. It must exit with 0."""
    counter = _Counter()
    with tempfile.TemporaryDirectory(prefix="hk-strace-") as folder:
        log = Path(folder, "log")
        names = ",".join(sorted(_NAMES))
        subprocess.run([*_STRACE, f"trace={names}", "-o", str(log), *argv], check=True)
        for line in log.read_text().splitlines():
            # A call that another thread interrupts has a second line, "<... resumed>".
            if found := _LINE.match(line):
                counter.see(found[1], int(found[2] or 0))
    return counter.result(argv)
