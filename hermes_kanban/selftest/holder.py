"""Another process for the disk stage: holds a lock on a file, or renames one file over another.

Run as a plain script without this package, since it is started often:
``holder.py flock|posix FILE`` says ``held`` once it holds the lock and lets go at the end of its
input; ``holder.py rename FILE TIMES`` renames whole files over FILE.
"""

import fcntl
import os
import sys

SIZE = 65536


def hold(kind: str, file: str) -> None:
    """Hold the lock until standard input ends."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    take = fcntl.flock if kind == "flock" else fcntl.lockf
    take(handle, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()


def rename(file: str, times: int) -> None:
    """Replace ``file`` that often, by a file full of one letter each time."""
    for number in range(times):
        draft = f"{file}.new"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(handle, b"ab"[number % 2 :][:1] * SIZE)
        os.close(handle)
        os.rename(draft, file)


if __name__ == "__main__":
    if sys.argv[1] == "rename":
        rename(sys.argv[2], int(sys.argv[3]))
    else:
        hold(sys.argv[1], sys.argv[2])
