"""A home of its own for each test, and the command line called in this process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.surfaces.cli.root import run
from tests.support import stores

CONFIGURATION = """\
profiles:
  writer:
    argv: [/bin/sh, -c, "echo written"]
  reader:
    argv: [/bin/true]
"""


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
        """The one line that says what was wrong; the last of standard error."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("hermes-kanban: ")
        return lines[0]


class Cli(Protocol):
    """Calls the command line."""

    def __call__(self, *words: str) -> Answer: ...


@pytest.fixture(autouse=True)
def home(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home with two profiles; nothing of the caller's environment leaks in."""
    del store
    stores.forget_ours(monkeypatch)
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "config.yaml").write_text(CONFIGURATION)
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(folder))
    monkeypatch.setenv("LOGNAME", "ann")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("COLUMNS", raising=False)
    return folder


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """The command line in this process."""

    def call(*words: str) -> Answer:
        capsys.readouterr()
        code = run(list(words))
        out, err = capsys.readouterr()
        return Answer(code, out, err)

    return call


@pytest.fixture
def shell() -> Cli:
    """The installed command as a process of its own."""
    program = Path(sys.executable).with_name("hermes-kanban")

    def call(*words: str) -> Answer:
        done = subprocess.run(
            [str(program), *words], capture_output=True, text=True, check=False, timeout=60
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    return call


class Board:
    """Tasks made for a test, without the command line."""

    def __init__(self) -> None:
        self.conn = kb.connect()

    def task(self, title: str = "Write", **settings: Any) -> str:
        """A task of the writer."""
        return kb.create_task(self.conn, title=title, **({"assignee": "writer"} | settings))

    def claimed(self, **settings: Any) -> kb.Task:
        """A running task."""
        claimed = kb.claim_task(self.conn, self.task(**settings))
        assert claimed is not None
        return claimed

    def status(self, task_id: str) -> str:
        """What the task is now."""
        return kb.get_task(self.conn, task_id).status

    def events(self) -> int:
        """How many events the board has: the same number means that nothing was written."""
        return kb.newest_event_id(self.conn)


@pytest.fixture
def board() -> Any:
    """The default board."""
    made = Board()
    yield made
    made.conn.close()


@pytest.fixture
def worker(board: Board, monkeypatch: pytest.MonkeyPatch) -> kb.Task:
    """A running task, and the environment that its worker has."""
    task = board.claimed()
    monkeypatch.setenv("HERMES_KANBAN_TASK", task.id)
    monkeypatch.setenv("HERMES_KANBAN_RUN_ID", str(task.current_run_id))
    monkeypatch.setenv("HERMES_KANBAN_CLAIM_LOCK", task.claim_lock or "")
    monkeypatch.setenv("HERMES_KANBAN_BOARD", "default")
    monkeypatch.setenv("HERMES_PROFILE", "writer")
    return task
