"""A user who has just installed it: no home, no agents, a port of the test's own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest

PROGRAM = Path(sys.executable).with_name("hermes-kanban")


class Answer(NamedTuple):
    """What one command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object of the answer."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one line that says what was wrong; there is no other."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self
        return lines[0]


class Shell(Protocol):
    """Starts the installed command as a process."""

    def __call__(self, *words: str, code: int | None = ..., **variables: str) -> Answer: ...


@pytest.fixture
def port() -> int:
    """One that is free."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: int) -> Path:
    """The user's own folder; their PATH has the system's programs and ``<user>/bin``."""
    for name in list(os.environ):
        if name.startswith(("HERMES_", "XDG_", "ANTHROPIC_", "CLAUDE_")):
            monkeypatch.delenv(name)
    folder = tmp_path / "user"
    (folder / "bin").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("HERMES_KANBAN_WEB_PORT", str(port))
    return folder


@pytest.fixture
def home(user: Path) -> Path:
    """Where the home will be; nothing is there yet."""
    return user / ".hermes" / "hermes-kanban"


@pytest.fixture
def shell(user: Path) -> Iterator[Shell]:
    """The installed command; what it left running is ended with the test."""

    def call(*words: str, code: int | None = 0, **variables: str) -> Answer:
        done = subprocess.run(
            [str(PROGRAM), *words],
            cwd=user,
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        answer = Answer(done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in answer.err, answer.err
        assert code is None or answer.code == code, answer
        return answer

    yield call
    call("down", code=None)
