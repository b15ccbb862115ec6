"""The self-test as a process, over a home of the test's own, and with faults planted in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from hermes_kanban.selftest.children import marked
from tests.support.waiting import wait_until

PROGRAM: Final = Path(sys.executable).with_name("hermes-kanban")


class SelfTest:
    """Starts the command; ``fault`` is code that every interpreter it starts runs first."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.started: list[subprocess.Popen[str]] = []
        self._faults = folder / "faults"
        kept = {name: text for name, text in os.environ.items() if not name.startswith("HERMES_")}
        self.environment = kept | {"HERMES_KANBAN_HOME": str(self.home)}

    def plant(self, fault: str) -> None:
        """Make every interpreter run ``fault`` as it starts."""
        self._faults.mkdir()
        (self._faults / "sitecustomize.py").write_text(fault, "utf-8")
        self.environment["PYTHONPATH"] = str(self._faults)

    def start(self, *words: str, program: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Start ``hermes-kanban selftest``, or another program."""
        process = subprocess.Popen(
            [*(program or (str(PROGRAM), "selftest")), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def run(
        self, *words: str, program: tuple[str, ...] = (), timeout: float = 300
    ) -> tuple[int, str, str]:
        """Exit code, output and complaints of a whole run."""
        process = self.start(*words, program=program)
        out, errors = process.communicate(timeout=timeout)
        return process.returncode, out, errors

    def nursery(self, verb: int, verbs: int) -> str:
        """What the process says that kills one verb at every step."""
        module = "hermes_kanban.selftest.nursery"
        words = ("steps-test", str(verb), str(verbs))
        code, out, errors = self.run(*words, program=(sys.executable, "-m", module))
        assert code == 0, errors
        return out

    def folders(self) -> list[Path]:
        """The homes of self-tests that are there."""
        return sorted((self.home / "selftest").glob("*"))

    def processes(self) -> dict[int, int]:
        """What runs on behalf of any of them."""
        return {pid: at for folder in self.folders() for pid, at in marked(folder.name).items()}

    def wait_for_gateway(self) -> str:
        """Wait until a gateway of the self-test is on its way; the stamp of the self-test."""

        def found() -> str | None:
            boards = list(self.home.glob("selftest/*/boards/workers-*/board.db"))
            stamp = boards[0].parents[2].name if boards else ""
            return stamp if boards and marked(stamp) else None

        return wait_until(found, message="no gateway was started") or ""


@pytest.fixture
def selftest(tmp_path: Path) -> Any:
    """The command and its home; nothing of it outlives the test."""
    made = SelfTest(tmp_path)
    yield made
    for process in made.started:
        if process.poll() is None:
            process.kill()
        process.communicate()
