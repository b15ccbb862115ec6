"""The clients themselves, from the cache of ``make test-clients``: they read what was written."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hermes_kanban.clients import CLIENTS, Place
from hermes_kanban.clients import detect as looking
from hermes_kanban.surfaces.cli import clients as surface
from tests.agents.fetch import CLIENTS as CACHE
from tests.agents.fetch import TOOLS
from tests.clients.conftest import Cli, config_of, everything

# How each lists its tool servers, and what it says of one that it could talk to.
LISTS = {
    "claude": (["claude", "mcp", "list"], "Connected"),
    "codex": (["codex", "mcp", "list"], "enabled"),
    "gemini": (["gemini", "mcp", "list"], "Connected"),
    "opencode": (["opencode", "mcp", "list"], "connected"),
    "qwen": (["qwen", "mcp", "list"], "Connected"),
    "hermes": (["hermes", "mcp", "test", "board"], "kanban_create"),
}
SKILLS = {
    "gemini": ["gemini", "skills", "list"],
    "opencode": ["opencode", "debug", "skill"],
    "hermes": ["hermes", "skills", "list"],
}
QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_TELEMETRY": "1",
    "GEMINI_CLI_TRUST_WORKSPACE": "true",
    "NO_COLOR": "1",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
}

Ask = Callable[..., str]

pytestmark = pytest.mark.clients


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Runs a client in an empty folder and returns all that it said."""
    folder = tmp_path / "work"
    folder.mkdir()
    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)

    def call(name: str, words: list[str], cwd: Path = folder) -> str:
        monkeypatch.setenv("PATH", f"{CACHE[name].programs}:{TOOLS}:{os.environ['PATH']}")
        done = subprocess.run(
            words,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        return done.stdout

    return call


@pytest.mark.parametrize("name", [*LISTS])
def test_it_starts_our_server(cli: Cli, ask: Ask, name: str) -> None:
    assert cli("setup", name, "--yes").code == 0
    words, said = LISTS[name]
    shown = ask(name, words)
    assert "board" in shown
    assert said in shown


# Of a model that nobody serves: the session ends soon, but has started its tool servers by then.
NO_MODEL = """\
name: mine
version: 1.0.0
schema: v1
models:
  - {name: m, provider: openai, model: x, apiBase: "http://127.0.0.1:9/v1", apiKey: x}
"""


@pytest.mark.parametrize("name", ["continue"])
def test_its_session_starts_our_server(
    cli: Cli, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    spy = tmp_path / "hermes-kanban"
    spy.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/words\nexec {surface.own_command()[0]} "$@"\n'
    )
    spy.chmod(0o755)
    monkeypatch.setattr(surface, "own_command", lambda: [str(spy)])
    config_of(name).parent.mkdir()
    config_of(name).write_text(NO_MODEL)
    assert cli("setup", name, "--yes").code == 0
    ask(name, ["cn", "-p", "hello"])
    assert (tmp_path / "words").read_text().startswith("mcp --home ")


@pytest.mark.parametrize("name", ["claude", "opencode", "qwen", "codex"])
def test_it_reads_the_file_that_its_environment_names(
    cli: Cli, ask: Ask, user: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    variable = {
        "claude": "CLAUDE_CONFIG_DIR",
        "codex": "CODEX_HOME",
        "opencode": "OPENCODE_CONFIG_DIR",
        "qwen": "QWEN_HOME",
    }[name]
    monkeypatch.setenv(variable, str(user / "elsewhere"))
    cli("setup", name, "--yes")
    assert config_of(name).is_relative_to(user / "elsewhere")
    words, said = LISTS[name]
    assert said in ask(name, words)


@pytest.mark.parametrize("name", ["claude", "opencode", "qwen", "gemini"])
def test_it_reads_the_file_of_a_project(cli: Cli, ask: Ask, tmp_path: Path, name: str) -> None:
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    cli("setup", name, "--project", str(project), "--yes")
    words, said = LISTS[name]
    # Two ask a person first, and here is none.
    asks = {"claude": "Pending approval", "qwen": "Pending approval"}
    assert asks.get(name, said) in ask(name, words, project)


@pytest.mark.parametrize("name", [*SKILLS])
def test_it_has_the_skill(cli: Cli, ask: Ask, name: str) -> None:
    cli("setup", name, "--yes")
    assert "kanban-orch" in ask(name, SKILLS[name])


@pytest.mark.parametrize("name", ["claude", "codex", "gemini", "qwen", "hermes"])
def test_what_it_wrote_into_its_file_since_then_outlives_an_undo(
    cli: Cli, ask: Ask, name: str
) -> None:
    assert cli("setup", name, "--yes").code == 0
    add = {
        "claude": ["claude", "mcp", "add", "-s", "user", "later", "--", "/bin/echo", "hi"],
        "codex": ["codex", "mcp", "add", "later", "--", "/bin/echo", "hi"],
        "gemini": ["gemini", "mcp", "add", "-s", "user", "later", "/bin/echo", "hi"],
        "qwen": ["qwen", "mcp", "add", "-s", "user", "later", "/bin/echo", "hi"],
        "hermes": ["hermes", "config", "set", "timezone", "later"],
    }[name]
    ask(name, add)
    assert "later" in config_of(name).read_text()
    assert cli("setup", name, "--undo", "--yes").code == 0
    text = config_of(name).read_text()
    assert "later" in text
    assert "hermes-kanban" not in text
    skills = CLIENTS[name].skills
    assert skills is not None
    assert "kanban-orchestrator" not in str(everything(skills(Place(os.environ))).keys())


@pytest.mark.parametrize("name", [*CLIENTS])
def test_it_is_found_with_its_version(ask: Ask, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{CACHE[name].programs}:{TOOLS}:{os.environ['PATH']}")
    found = {one.client.name: one for one in looking.detect(CLIENTS, {}, os.environ, 60.0)}
    assert found[name].program.parent == CACHE[name].programs
    assert found[name].version is not None
    assert found[name].version[0].isdigit()
