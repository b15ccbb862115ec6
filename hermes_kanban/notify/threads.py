"""Calls that may hang, each in a thread of its own.

The event loop's threads are few and are waited for when the program ends; one that hangs in a
lookup of a name or in somebody else's library would keep others from being served.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar, cast

T = TypeVar("T")


async def run(call: Callable[[], T], *, started: set[threading.Thread] | None = None) -> T:
    """What ``call`` returns or raises. When cancelled, the thread is left to end by itself.

    The thread is put into ``started``, for who wants to count those that are still at it.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: Exception | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(cast(T, value))

    def work() -> None:
        value, error = None, None
        try:
            value = call()
        except Exception as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, value, error)

    thread = threading.Thread(target=work, name="notify", daemon=True)
    if started is not None:
        started.add(thread)
    thread.start()
    return await answer
