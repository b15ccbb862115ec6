"""Counting the system calls of a program, exactly: counts carry no noise."""

from __future__ import annotations

from tests.support.tracing import Call, follow


class _Counter:
    names = frozenset({"fsync", "fdatasync"})

    def __init__(self) -> None:
        self.count = 0

    def entered(self, call: Call) -> None:
        del call
        self.count += 1

    def left(self, call: Call, result: int) -> None:
        del call, result


def syncs_of(argv: list[str]) -> int:
    """How often the program's main thread calls fsync or fdatasync. It must exit with 0."""
    counter = _Counter()
    assert follow(argv, counter) == 0, f"{argv} failed"
    return counter.count
