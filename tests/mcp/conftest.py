"""A board at work: profiles with more and fewer rights, and runs whose tools a test calls."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.surfaces.mcp.board import BoardToolbox
from hermes_kanban.surfaces.mcp.inforce import InForce
from hermes_kanban.surfaces.mcp.toolbox import CallResult
from tests.mcp.lines import Client
from tests.support import stores

PROGRAM = Path(sys.executable).with_name("hermes-kanban")
CONFIGURATION = """\
profiles:
  coder:
    argv: [/bin/true]
  helper:
    argv: [/bin/true]
    tools: [request_review, wait_for, attach, attachments, why]
    may_assign: [coder]
  boss:
    argv: [/bin/true]
    orchestrator: true
    may_assign: [coder, helper]
"""


class Worker:
    """A run, and its tools as the model calls them."""

    def __init__(self, conn: kb.BoardConnection, task: kb.Task, profile: str) -> None:
        assert task.current_run_id is not None
        self.conn, self.profile = conn, profile
        self.task_id, self.run_id, self.lock = task.id, task.current_run_id, task.claim_lock
        told = InForce(
            task_id=task.id, run_id=task.current_run_id, claim_lock=task.claim_lock, profile=profile
        )
        self.toolbox = BoardToolbox(told.caller)

    def call(self, tool: str, **arguments: Any) -> CallResult:
        return self.toolbox.call(f"kanban_{tool}", arguments)

    def says(self, tool: str, **arguments: Any) -> str:
        """The text of a call that must succeed."""
        result = self.call(tool, **arguments)
        assert not result.is_error, result.text
        return result.text

    def fails(self, tool: str, **arguments: Any) -> str:
        """The text of a call that must not."""
        result = self.call(tool, **arguments)
        assert result.is_error, result.text
        return result.text

    @property
    def arguments(self) -> list[str]:
        """What starts its server."""
        run = ["--task", self.task_id, "--run", str(self.run_id), "--lock", str(self.lock)]
        return [str(PROGRAM), "mcp", *run, "--profile", self.profile]

    @property
    def status(self) -> str:
        return kb.get_task(self.conn, self.task_id).status

    @property
    def workspace(self) -> Path:
        """Its folder, as the supervisor would have made it."""
        folder = self.conn.paths.workspaces / self.task_id
        folder.mkdir(parents=True, exist_ok=True)
        return folder


class AtWork:
    """The default board of the home."""

    def __init__(self) -> None:
        self.conn = kb.connect()

    def task(self, title: str = "Count the words", **settings: Any) -> str:
        return kb.create_task(self.conn, title=title, **({"assignee": "coder"} | settings))

    def worker(self, profile: str = "coder", **settings: Any) -> Worker:
        """A run of a new task of that profile."""
        task_id = self.task(**({"assignee": profile} | settings))
        task = kb.claim_task(self.conn, task_id, claimer=f"profile:{profile}")
        assert task is not None
        return Worker(self.conn, task, profile)

    def comment(self, task_id: str, body: str) -> None:
        """What a person says."""
        kb.add_comment(self.conn, task_id, body, actor="person:ann")


@pytest.fixture
def home(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with three profiles; nothing of the caller's environment leaks in."""
    del store
    stores.forget_ours(monkeypatch)
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "config.yaml").write_text(CONFIGURATION)
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(folder))
    monkeypatch.setenv("HERMES_KANBAN_DURABILITY", "normal")
    monkeypatch.setenv("LOGNAME", "ann")
    return folder


@pytest.fixture
def at_work(home: Path) -> Iterator[AtWork]:
    del home
    board = AtWork()
    yield board
    board.conn.close()


@pytest.fixture
def coder(at_work: AtWork) -> Worker:
    """A run whose profile adds nothing to what every worker has."""
    return at_work.worker()


@pytest.fixture
def helper(at_work: AtWork) -> Worker:
    """A run that has every extra tool on its own task."""
    return at_work.worker("helper")


@pytest.fixture
def boss(at_work: AtWork) -> Worker:
    """A run of an orchestrating profile."""
    return at_work.worker("boss")


@pytest.fixture
def server(coder: Worker) -> Iterator[Client]:
    """The server of ``coder``, as its client starts it."""
    with Client(*coder.arguments) as client:
        yield client
