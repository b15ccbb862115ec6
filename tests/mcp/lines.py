"""A client on the standard input and output of a process, which speaks in whole lines."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any

import msgspec

from tests.support.waiting import TIMEOUT_SECONDS

BOXES = (sys.executable, "-m", "tests.mcp.boxes")


class Client:
    """Starts the command; what it writes is read all the time, so that it never has to wait."""

    def __init__(self, *command: str, environment: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | (environment or {}),
        )
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.errors: list[bytes] = []
        self._readers = [
            threading.Thread(target=self._read_answers),
            threading.Thread(target=self._read_errors),
        ]
        for reader in self._readers:
            reader.start()

    def send(self, *messages: object) -> None:
        """Each message as a line of its own; bytes as they are."""
        assert self.process.stdin is not None
        for message in messages:
            line = message if isinstance(message, bytes) else msgspec.json.encode(message)
            self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        """The next line that comes, decoded; AssertionError at the end or if none comes."""
        try:
            line = self._lines.get(timeout=TIMEOUT_SECONDS)
        except queue.Empty:
            raise AssertionError("no answer came") from None
        assert line, "the server closed its end"
        return msgspec.json.decode(line)

    def ask(self, message: object) -> Any:
        self.send(message)
        return self.answer()

    def hang_up(self) -> int:
        """Close the server's input; its exit code."""
        assert self.process.stdin is not None
        if not self.process.stdin.closed:
            self.process.stdin.close()
        return self.process.wait(TIMEOUT_SECONDS)

    def rest(self) -> list[Any]:
        """What else was answered, once the server has ended."""
        self._join()
        left = []
        while line := self._lines.get(timeout=TIMEOUT_SECONDS):
            left.append(msgspec.json.decode(line))
        return left

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        self._join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            with suppress(BrokenPipeError):
                stream.close()

    def _join(self) -> None:
        for reader in self._readers:
            reader.join(TIMEOUT_SECONDS)

    def _read_answers(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(self.process.stderr)
