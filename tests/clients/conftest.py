"""A home folder of nobody's, a board's home with a planner, and the command line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hermes_kanban.clients import CLIENTS, Place
from hermes_kanban.surfaces.cli import clients as surface
from hermes_kanban.surfaces.cli.root import run
from tests.agents.fetch import chosen

CONFIGURATION = """\
profiles:
  planner:
    argv: [/bin/true]
    orchestrator: true
    may_assign: [writer]
  writer:
    argv: [/bin/true]
"""
OWN_VARIABLES = (
    *("CLAUDE_CONFIG_DIR", "CODEX_HOME", "CONTINUE_GLOBAL_DIR", "GEMINI_CLI_HOME"),
    *("OPENCODE_CONFIG", "OPENCODE_CONFIG_DIR", "QWEN_HOME", "XDG_CONFIG_HOME"),
)


class Answer(NamedTuple):
    """What one command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> str:
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


Cli = Callable[..., Answer]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the tests with a real client, those stay that are about one of ``CLIENTS``."""
    here, wanted = Path(__file__).parent, set(chosen())
    others = [
        item
        for item in items
        if item.path.is_relative_to(here)
        and item.get_closest_marker("clients")
        and not wanted.intersection(_clients_of(item))
    ]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


def _clients_of(item: pytest.Item) -> tuple[str, ...]:
    only, called = item.get_closest_marker("only"), getattr(item, "callspec", None)
    if only is not None:
        return only.args
    return () if called is None else (str(called.params["name"]),)


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a user who has configured nothing yet."""
    for name in [*OWN_VARIABLES, *(name for name in os.environ if name.startswith("HERMES_"))]:
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "user"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, user: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of boards with one profile that may plan."""
    del user  # which clears the environment
    folder = tmp_path / "kanban"
    folder.mkdir()
    (folder / "config.yaml").write_text(CONFIGURATION)
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def skill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The skill as an installation has it, for tests that change it."""
    folder = tmp_path / "shipped" / "kanban-orchestrator"
    (folder / "examples").mkdir(parents=True)
    (folder / "SKILL.md").write_text("---\nname: kanban-orchestrator\ndescription: Plan\n---\n")
    (folder / "examples" / "fan-out.md").write_text("three at once\n")
    monkeypatch.setattr(surface, "_skills", lambda: folder)
    return folder


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """The command line in this process; nobody sits at a terminal."""

    def call(*words: str) -> Answer:
        capsys.readouterr()
        code = run(list(words))
        out, err = capsys.readouterr()
        return Answer(code, out, err)

    return call


def config_of(name: str, project: Path | None = None) -> Path:
    """The file that the client's configuration goes to here."""
    return CLIENTS[name].config(Place(os.environ, project))


def everything(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder`` with what is in it, but for what is only remembered."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != ".config-cache.json"
    }
