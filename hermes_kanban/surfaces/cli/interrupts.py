"""Ctrl-C for commands that go on until they are told to end."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interruptible() -> Iterator[Callable[[float], None]]:
    """Gives a pause, of so many seconds, that SIGINT ends with KeyboardInterrupt.

    Between two pauses a SIGINT waits for the next: raised in the midst of a statement it would be
    lost where SQLite calls back, and the command would go on. A second one is raised wherever it
    comes. Where SIGINT is ignored, as a shell has it for what it starts in the background, it
    stays so.
    """
    asked = pausing = False

    def interrupt(_: int, __: Any) -> None:
        nonlocal asked
        if asked or pausing:
            raise KeyboardInterrupt
        asked = True

    def pause(seconds: float) -> None:
        nonlocal pausing
        pausing = True
        try:
            if asked:
                raise KeyboardInterrupt
            time.sleep(seconds)
        finally:
            pausing = False

    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        yield time.sleep
        return
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield pause
    finally:
        signal.signal(signal.SIGINT, before)
