"""Making chosen writes of a running program fail, as they do when the disk is full.

The program itself says when, by lines on its standard output, and reads back how often a call
failed. ``fail N once`` lets the N-th call from there on fail, ``fail N on`` that one and all later
ones, each until ``done``.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.tracing import Call, follow

# Whatever may take room: data, a longer file, a new entry in a folder.
TAKING_ROOM = frozenset(
    {
        "write", "pwrite64", "ftruncate", "fallocate", "open", "openat", "creat", "mkdir",
        "mkdirat", "link", "linkat", "rename", "renameat", "renameat2",
    }
)  # fmt: skip
SYNCING = frozenset({"fsync", "fdatasync"})
_BY_DESCRIPTOR = frozenset({"write", "pwrite64", "ftruncate", "fallocate", *SYNCING})
_TWO_PATHS = frozenset({"link", "linkat", "rename", "renameat", "renameat2"})


def refuse(number: int, times: str = "once") -> int:
    """For the traced program: let the N-th call fail from here on."""
    return os.write(1, f"fail {number} {times}\n".encode())


def relent() -> int:
    """For the traced program: from here on all goes well; returns how many calls failed."""
    os.write(1, b"done\n")
    return int(os.read(0, 16))


def run_refusing(
    argv: Sequence[str],
    root: Path,
    *,
    env: Mapping[str, str] | None = None,
    names: frozenset[str] = TAKING_ROOM,
    error: int = errno.ENOSPC,
    first: int = 0,
    stdin: int | None = None,
) -> tuple[int, int]:
    """Run the program; its exit code, and how many calls below ``root`` were made to fail.

    ``first`` lets a program that knows nothing of this fail once, at that call; then ``stdin`` is
    its own.
    """
    answers, answer = os.pipe()
    injector = _Injector(root.resolve(), names, error, answer)
    injector.countdown = first
    try:
        with open(os.devnull, "wb") as output:
            source = answers if stdin is None else stdin
            code = follow(argv, injector, env=env, stdin=source, stdout=output.fileno())
    finally:
        os.close(answers)
        os.close(answer)
    if injector.problem is not None:
        raise injector.problem
    return code, injector.total


class _Injector:
    def __init__(self, root: Path, names: frozenset[str], error: int, answer: int) -> None:
        self.names = names | {"write"}
        self._refused = names
        self._root = f"{root}/"
        self._error = error
        self._answer = answer
        self._goes_on = False
        self._hits = 0
        self.countdown = 0
        self.total = 0
        self.problem: Exception | None = None

    def entered(self, call: Call) -> int | None:
        try:
            if call.name == "write" and call.number(0) == 1:
                self._listen(call.memory(call.arguments[1], call.arguments[2]).decode())
                return None
            if self.countdown and call.name in self._refused and self._takes_room(call):
                self.countdown -= 1
                if self.countdown == 0:
                    self._hits += 1
                    self.total += 1
                    self.countdown = int(self._goes_on)
                    return self._error
        except Exception as problem:
            # Raising here would leave the program stopped for ever.
            self.problem = problem
            return errno.EIO
        return None

    def left(self, call: Call, result: int) -> None:
        del call, result

    def _listen(self, line: str) -> None:
        if line.startswith("fail "):
            _, number, times = line.split()
            self.countdown, self._goes_on, self._hits = int(number), times == "on", 0
        elif line == "done\n":
            self.countdown = 0
            os.write(self._answer, str(self._hits).encode())

    def _takes_room(self, call: Call) -> bool:
        if call.name in _BY_DESCRIPTOR:
            file = os.readlink(f"/proc/{call.pid}/fd/{call.number(0)}")
            if call.name == "ftruncate":
                size = os.stat(f"/proc/{call.pid}/fd/{call.number(0)}").st_size
                return file.startswith(self._root) and call.arguments[1] > size
            return file.startswith(self._root)
        return self._path(call).startswith(self._root)

    def _path(self, call: Call) -> str:
        """The name that the call would enter into a folder, empty if it enters none."""
        name = call.name
        if name in _TWO_PATHS:
            return str(call.path(1) if name in ("link", "rename") else call.path(3, 2))
        path = call.path(0) if name in ("open", "creat", "mkdir") else call.path(1, 0)
        if name in ("open", "openat"):
            flags = call.number(1 if name == "open" else 2)
            if not flags & os.O_CREAT or path.exists():
                return ""
        return str(path)
