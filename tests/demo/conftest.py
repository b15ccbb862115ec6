"""``make run`` as a process, on a board of the test's own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from hermes_kanban import kernel as kb

DEADLINE_SECONDS = 180


class Run:
    """Runs of the demonstration over one home."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def to_the_end(self) -> subprocess.CompletedProcess[str]:
        """With ``--exit-when-idle``."""
        return subprocess.run(
            [*self._command(), "--exit-when-idle"],
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )

    def start(self) -> subprocess.Popen[str]:
        """As ``make run`` has it, until a signal."""
        return subprocess.Popen(self._command(), stdout=subprocess.PIPE, text=True)

    def gateway(self) -> subprocess.Popen[bytes]:
        """A gateway that somebody else started on this board."""
        with open(os.devnull, "wb") as nowhere:
            return subprocess.Popen(
                [sys.executable, "-m", "gateway"], stdout=nowhere, stderr=nowhere
            )

    def processes(self) -> list[psutil.Process]:
        """Whatever lives with this home in its command line or environment, but this process."""
        return [one for one in psutil.process_iter() if self._is_of_home(one)]

    def _is_of_home(self, process: psutil.Process) -> bool:
        if process.pid == os.getpid():
            return False
        with contextlib.suppress(psutil.Error):
            words = [*process.cmdline(), process.environ().get("HERMES_KANBAN_HOME", "")]
            return any(str(self.home) in word for word in words)
        return False

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "hermes_kanban.demo", "--home", str(self.home)]


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """The demonstration; whatever a failed test leaves of it is killed."""
    run = Run(tmp_path / "a board")
    for name in [name for name in os.environ if name.startswith("HERMES_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(run.home))
    yield run
    for process in run.processes():
        with contextlib.suppress(psutil.Error):
            process.kill()


@pytest.fixture
def conn(demo: Run) -> Iterator[kb.BoardConnection]:
    """The demonstration's board, from outside."""
    conn = kb.connect()
    yield conn
    conn.close()
