"""Waiting for a condition instead of sleeping for luck."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

TIMEOUT_SECONDS = 60.0
_POLL_SECONDS = 0.005


def wait_until(
    condition: Callable[[], T],
    *,
    timeout: float = TIMEOUT_SECONDS,
    message: str = "",
    progress: Callable[[], object] | None = None,
    pause: float = _POLL_SECONDS,
) -> T:
    """The first true value of ``condition``; AssertionError after ``timeout`` seconds.

    With ``progress``, after so many seconds in which its value stayed the same: for what takes as
    long as the machine makes it take, but must not stand still. ``pause`` is the time between two
    looks, for where a look is dear.
    """
    deadline, reached = time.monotonic() + timeout, None
    while True:
        if value := condition():
            return value
        if progress is not None and (now := progress()) != reached:
            deadline, reached = time.monotonic() + timeout, now
        if time.monotonic() > deadline:
            raise AssertionError(message or f"{condition} did not come true in {timeout:.0f} s")
        time.sleep(pause)
