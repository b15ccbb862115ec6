"""Waiting for a condition instead of sleeping for luck."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

TIMEOUT_SECONDS = 20.0
_POLL_SECONDS = 0.005


def wait_until(
    condition: Callable[[], T], *, timeout: float = TIMEOUT_SECONDS, message: str = ""
) -> T:
    """The first true value of ``condition``; AssertionError after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            raise AssertionError(message or f"{condition} did not come true in {timeout:.0f} s")
        time.sleep(_POLL_SECONDS)
