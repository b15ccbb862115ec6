"""Sleeping and waking: every watcher waits here, and the board wakes it when something changed.

A doorbell datagram after each commit wakes at once (on PostgreSQL, a notification), and the
board's ``source`` catches whoever did not ring. Either only says "look": a watcher is woken when
the newest event id is newer than what its own last look left.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import anyio

from gateway.sources import POLL_SECONDS, BoardGone, Source, source_of
from hermes_kanban.paths import BoardPaths
from hermes_kanban.ports import SystemClock
from hermes_kanban.store.protocol import BoardConnection

SLICE_SECONDS: Final = 1.0
DATAGRAMS_AT_ONCE: Final = 1024
CLOCK_JUMP_SECONDS: Final = 3


class Wakeup:
    """An interruptible sleep for one loop over one board.

    ``seen`` is the newest event id that the loop's own last look left behind.
    """

    def __init__(self, pulse: Pulse) -> None:
        self.seen = -1
        self._pulse = pulse
        self._event = anyio.Event()
        self._reason: str | None = None

    def wake(self, reason: str) -> None:
        """End the sleep, or the next one, for this reason."""
        self._reason = self._reason or reason
        self._event.set()

    def look(self) -> None:
        """Let the sleeper see whether there are newer events."""
        self._event.set()

    async def sleep(self, seconds: float) -> str:
        """Sleep at most ``seconds``, in slices of a second; return what ended it."""
        deadline = anyio.current_time() + seconds
        while True:
            if self._reason is not None:
                reason, self._reason = self._reason, None
                return reason
            if self._pulse.newest > self.seen:
                return "change"
            left = deadline - anyio.current_time()
            if left <= 0:
                return "interval"
            self._event = anyio.Event()
            with anyio.move_on_after(min(left, SLICE_SECONDS)):
                await self._event.wait()


class Pulse:
    """What the board's newest event is, kept current by the bell and by the change counter.

    ``board_made`` is called when another board was made beside it, where the server tells that.
    """

    def __init__(
        self,
        paths: BoardPaths,
        poll_seconds: float = POLL_SECONDS,
        board_made: Callable[[], None] | None = None,
    ) -> None:
        self.newest = 0
        self.bells = 0
        self._paths = paths
        self._poll_seconds = poll_seconds
        self._board_made = board_made
        self._source: Source | None = None
        self._sleepers: list[Wakeup] = []

    def sleeper(self) -> Wakeup:
        """A new sleep that this pulse ends when newer events appear."""
        wakeup = Wakeup(self)
        self._sleepers.append(wakeup)
        return wakeup

    def drop(self, wakeup: Wakeup) -> None:
        """The loop of that sleep has ended."""
        self._sleepers.remove(wakeup)

    def nudge(self, reason: str) -> None:
        """Wake every sleeper, for a reason that is no row of the board."""
        for sleeper in self._sleepers:
            sleeper.wake(reason)

    async def run(self) -> None:
        """Follow the board until cancelled. Raises BoardGone, and what the board's file raises."""
        async with source_of(self._paths, self._poll_seconds, self._board_made) as source:
            self._source = source
            ahead = _clock_ahead()
            await self.refresh()
            while True:
                if await source.changed():
                    await self.refresh()
                # What is written between a jump and the look that follows it would be shifted too.
                was, ahead = ahead, _clock_ahead()
                if abs(ahead - was) > CLOCK_JUMP_SECONDS:
                    self.nudge("clock")

    async def refresh(self) -> None:
        """Read the newest event id and wake whoever has not seen it."""
        if self._source is None:
            return
        newest = await self._source.newest()
        if newest < self.newest:
            # Ids only rise: whoever waits for newer ones would wait until these are passed.
            raise BoardGone(f"its newest event is {newest}, after {self.newest}: it was set back")
        if newest != self.newest:
            self.newest = newest
            for sleeper in self._sleepers:
                sleeper.look()

    async def listen(self, bell: socket.socket) -> None:
        """Refresh at every ring until cancelled; ``bells`` counts those that are listened to."""
        self.bells += 1
        try:
            while True:
                await anyio.wait_readable(bell)
                _drain(bell)
                await self.refresh()
        finally:
            self.bells -= 1


def _clock_ahead() -> float:
    """Seconds by which the wall clock is ahead of the boot clock."""
    clock = SystemClock()
    return clock.now() - clock.boottime()


@contextlib.contextmanager
def doorbell(conn: BoardConnection, path: Path) -> Iterator[socket.socket | None]:
    """The listening side of a bell; only who holds the lock of that role may bind it.

    None on PostgreSQL, where the notification is the bell, and where it cannot be had: the change
    counter tells the same a little later.
    """
    bell = None
    if not conn.shared:
        with contextlib.suppress(OSError):
            bell = _bound(path)
    try:
        yield bell
    finally:
        if bell is not None:
            bell.close()
            with contextlib.suppress(OSError):
                path.unlink()


def _bound(path: Path) -> socket.socket:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    before = os.umask(0o177)
    try:
        bell.bind(str(path))
    except BaseException:
        bell.close()
        raise
    finally:
        os.umask(before)
    return bell


def _drain(bell: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        for _ in range(DATAGRAMS_AT_ONCE):
            bell.recv(16)
