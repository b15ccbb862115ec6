"""MCP over standard input and output: a line is a message.

Nothing but answers is written to standard output. Reading never waits for a call, nor for a client
that does not read: calls run on threads of their own, and one thread writes. Calls that change
something keep the order in which they came, so that a comment sent before a completion is written
before it; calls that only read run beside them.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Final

from hermes_kanban.surfaces.mcp.jsonrpc import (
    INVALID_REQUEST,
    MESSAGE_BYTES,
    Failure,
    decode,
    encode,
    failed,
)
from hermes_kanban.surfaces.mcp.protocol import Protocol, Session
from hermes_kanban.surfaces.mcp.turn import CALL_SECONDS, Turn

READERS: Final = 4
"""How many calls that only read may run at once."""
LAST_SECONDS: Final = 2.0
"""How long calls may go on after the client has closed its end; clients kill us about then."""
_CHUNK: Final = 65_536


def serve(protocol: Protocol, *, call_seconds: float = CALL_SECONDS) -> None:
    """Serve the process's own standard input and output until the client closes either.

    A call that takes ``call_seconds`` is answered without its outcome.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    source, sink = _claim()
    Server(protocol, source, sink, call_seconds).run()


def _claim() -> tuple[int, int]:
    """Both ends for us alone: a stray print goes to standard error, a stray read finds nothing."""
    source = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 3)
    sink = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 3)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # there is no standard error
        os.dup2(nothing, 1)
    os.close(nothing)
    return source, sink


class Server:
    """One client on a pair of descriptors."""

    def __init__(self, protocol: Protocol, source: int, sink: int, call_seconds: float) -> None:
        self._protocol, self._session = protocol, Session()
        self._call_seconds = call_seconds
        self._source, self._sink = source, sink
        self._writer = Writer(sink)
        self._writes, self._reads = Lane(1), Lane(READERS)
        self._deadlines: dict[Turn, float] = {}

    def run(self) -> None:
        """Read until the end of the input, then let calls end that are under way."""
        for line in lines(self._chunks()):
            self._take(line)
        self._settle_down()

    def _chunks(self) -> Iterator[bytes]:
        """What arrives, as it arrives, until the client closes either end."""
        waiting = select.poll()
        waiting.register(self._source, select.POLLIN)
        waiting.register(self._sink, 0)  # told of its closing only
        while True:
            ready = waiting.poll(self._milliseconds_left())
            if not ready:
                self._give_up_overdue()
                continue
            if any(end == self._sink for end, _ in ready):
                return
            try:
                chunk = os.read(self._source, _CHUNK)
            except BlockingIOError:
                continue
            if not chunk:
                return
            yield chunk

    def _take(self, line: bytes | None) -> None:
        if line is None:
            what = f"Invalid Request: a message has at most {MESSAGE_BYTES} bytes"
            self._refuse(Failure(INVALID_REQUEST, what))
            return
        try:
            message = decode(line)
        except Failure as failure:
            self._refuse(failure)
            return
        turn = self._protocol.receive(self._session, message)
        for request_id in turn.cancels:
            for other in list(self._deadlines):
                self._writer.send(other.cancel(request_id))
        if not turn.calls:
            self._writer.send(turn.answer())
            return
        self._deadlines[turn] = time.monotonic() + self._call_seconds
        lane = self._reads if all(call.read_only for call in turn.calls) else self._writes
        lane.put(lambda: self._perform(turn))

    def _refuse(self, failure: Failure) -> None:
        self._writer.send(encode([failed(None, failure)], batch=False))

    def _perform(self, turn: Turn) -> None:
        for call in turn.calls:
            if turn.is_open(call):
                self._writer.send(turn.settle(call, self._protocol.perform(call)))
        self._deadlines.pop(turn, None)

    def _milliseconds_left(self) -> float | None:
        deadlines = list(self._deadlines.values())
        if not deadlines:
            return None
        return max(0.0, min(deadlines) - time.monotonic()) * 1000 + 1

    def _give_up_overdue(self) -> None:
        now = time.monotonic()
        for turn, deadline in list(self._deadlines.items()):
            if deadline <= now:
                for call in turn.open_calls():
                    self._writer.send(turn.settle(call, self._protocol.give_up(call)))
                self._deadlines.pop(turn, None)

    def _settle_down(self) -> None:
        """Nothing more will come; what was asked for is still answered if that is soon."""
        end = time.monotonic() + LAST_SECONDS
        for ending in (self._writes.close, self._reads.close, self._writer.close):
            ending(end)


class Lane:
    """Threads that do what is put to them, ``width`` at a time and in that order."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._starting = threading.Lock()

    def put(self, job: Callable[[], None]) -> None:
        """Have it done as soon as a thread is free; each comes into being when it is needed."""
        self._jobs.put(job)
        with self._starting:
            if len(self._threads) < self._width:
                self._threads.append(threading.Thread(target=self._work, daemon=True))
                self._threads[-1].start()

    def close(self, end: float) -> None:
        """Wait until all is done, or until ``end`` on the monotonic clock."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


class Writer(Lane):
    """Writes one answer after the other, and none once the client takes no more."""

    def __init__(self, sink: int) -> None:
        super().__init__(1)
        self._sink = sink
        self._broken = False

    def send(self, answer: bytes | None) -> None:
        """One line, after those before it; nothing for None."""
        if answer is not None:
            self.put(lambda: self._write(answer + b"\n"))

    def _write(self, line: bytes) -> None:
        rest = memoryview(line)
        while rest and not self._broken:
            try:
                rest = rest[os.write(self._sink, rest) :]
            except BlockingIOError:
                select.select([], [self._sink], [])
            except OSError:
                self._broken = True


def lines(chunks: Iterator[bytes]) -> Iterator[bytes | None]:
    """The lines that are not blank; None for one that is too long, which is skipped to its end."""
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            parts.append(end)
            yield from _line(parts, size + len(end))
            parts, size = [], 0
        size += len(rest)
        if size <= MESSAGE_BYTES:
            parts.append(rest)
        else:
            parts.clear()
    yield from _line(parts, size)


def _line(parts: list[bytes], size: int) -> Iterator[bytes | None]:
    if size > MESSAGE_BYTES:
        yield None
    elif line := b"".join(parts).strip():
        yield line
