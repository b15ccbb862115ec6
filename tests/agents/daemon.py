"""Become a daemon as old programs do: two forks, a session of its own, nothing open. Sleeps."""

from __future__ import annotations

import os
import sys


def main(seconds: str) -> None:
    """Leave a sleeper behind that no descriptor, session or parent ties to the caller."""
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    os.closerange(0, 64)
    os.chdir("/")
    os.execvp("sleep", ["sleep", seconds])


if __name__ == "__main__":
    main(sys.argv[1])
