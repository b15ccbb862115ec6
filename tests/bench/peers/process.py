"""The processes of one side, as this bench starts them, talks to them and kills them."""

from __future__ import annotations

import json
import os
import select
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.bench.peers.venvs import ROOT

PATIENCE_SECONDS: Final = 120.0


class Failed(Exception):
    """A process of a side that did not do its work; the message is why."""


class Player(NamedTuple):
    """A side that can be played: its name and the interpreter that has it."""

    name: str
    python: Path

    def command(self, folder: Path, work: str, count: int = 0) -> list[str]:
        return [
            str(self.python), "-m", "tests.bench.peers.runner", self.name, str(folder), work,
            str(count),
        ]  # fmt: skip

    def run(self, folder: Path, work: str, count: int = 0) -> dict[str, Any]:
        """Do it to the end; what it said last."""
        with Process(self.command(folder, work, count)) as process:
            facts = process.hear()
            process.wait()
        return facts


class Process:
    """A process that says lines of JSON; whatever happens, it does not outlive the block."""

    def __init__(self, command: Sequence[str], name: str | None = None) -> None:
        env = dict(os.environ)
        if name is not None:
            env["BENCH_EXECUTOR"] = name
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def hear(self, patience_seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """The next line. Raises Failed if the process ends or says nothing for so long."""
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], patience_seconds)[0]:
            raise Failed(f"no answer in {patience_seconds:g} s")
        line = self._process.stdout.readline()
        if not line:
            assert self._process.stderr is not None
            complaint = self._process.stderr.read().strip().splitlines() or ["no reason given"]
            raise Failed(complaint[-1])
        facts: dict[str, Any] = json.loads(line)
        return facts

    def tell(self) -> None:
        """The line for which it waits."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def wait(self) -> None:
        """Its end, which must be a good one."""
        try:
            _, complaint = self._process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failed(f"no end in {PATIENCE_SECONDS:g} s") from None
        if self._process.returncode:
            raise Failed((complaint.strip().splitlines() or ["no reason given"])[-1])

    def kill(self) -> None:
        """kill -9, and the end of its pipes."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
