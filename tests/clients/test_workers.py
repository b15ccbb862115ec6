"""``setup --worker``: what a client must have of its own before the gateway can start it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hermes_kanban.clients import formats
from hermes_kanban.surfaces.cli import clients as surface
from hermes_kanban.workers.profiles import SpawnRefused
from hermes_kanban.workers.runtimes import LaunchRequest
from tests.clients.conftest import CONFIGURATION, Cli, everything
from tests.runtimes.conftest import Ask, ask, launched

__all__ = ["ask"]

CONFIGURED = CONFIGURATION + "  coder:\n    runtime: hermes\n"


@pytest.fixture
def coder(user: Path, home: Path) -> Path:
    """A Hermes profile with settings of its own, which the board has a profile for."""
    (home / "config.yaml").write_text(CONFIGURED)
    folder = user / ".hermes" / "profiles" / "coder"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("# mine\nmodel:\n  default: big   # keep\n")
    return folder


def _entry(folder: Path) -> Any:
    loaded = formats.load("yaml", (folder / "config.yaml").read_text())
    return loaded["mcp_servers"]["board"]


def test_a_hermes_profile_gets_the_skill_and_an_entry_that_is_off(cli: Cli, coder: Path) -> None:
    before = everything(coder)
    done = cli("setup", "hermes", "--worker", "coder", "--yes")
    assert done.code == 0, done.err
    entry = _entry(coder)
    assert entry["enabled"] is False
    assert "--profile" not in entry["args"]
    assert "model:\n  default: big   # keep\n" in (coder / "config.yaml").read_text()
    shipped = surface._worker_skill()
    assert everything(coder / "skills" / "kanban-worker") == everything(shipped)
    assert "set up already" in cli("setup", "hermes", "--worker", "coder", "--yes").out
    assert cli("setup", "hermes", "--worker", "coder", "--undo", "--yes").code == 0
    assert everything(coder) == before


def test_then_the_runtime_starts_it(cli: Cli, coder: Path, ask: Ask, user: Path) -> None:
    def request() -> LaunchRequest:
        made = ask("hermes")
        return ask("hermes", change={"inherited": made.inherited | {"HOME": str(user)}})

    with pytest.raises(SpawnRefused, match="setup hermes --worker coder"):
        launched(request())
    cli("setup", "hermes", "--worker", "coder", "--yes")
    assert launched(request()).argv[:3] == ["hermes", "-p", "coder"]


def test_any_other_server_of_the_profile_does_as_well(cli: Cli, coder: Path) -> None:
    text = "mcp_servers:\n  github: {command: g}\n"
    (coder / "config.yaml").write_text(text)
    assert cli("setup", "hermes", "--worker", "coder", "--yes").code == 0
    assert (coder / "config.yaml").read_text() == text
    assert (coder / "skills" / "kanban-worker" / "SKILL.md").is_file()


def test_a_session_of_the_same_profile_keeps_its_tools(
    cli: Cli, coder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever comes first, and whichever goes first."""
    session = ["setup", "hermes", "--yes"]
    worker = ["setup", "hermes", "--worker", "coder", "--yes"]
    monkeypatch.setenv("HERMES_HOME", str(coder))
    cli(*worker)
    cli(*session)
    assert _entry(coder)["enabled"] is True
    assert "--profile" in _entry(coder)["args"]
    assert cli(*worker, "--undo").code == 0
    assert _entry(coder)["enabled"] is True
    assert (coder / "skills" / "kanban-orchestrator").is_dir()
    assert not (coder / "skills" / "kanban-worker").exists()
    cli(*worker)
    assert _entry(coder)["enabled"] is True


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hermes", "--worker", "nobody"], "profile nobody is not configured"),
        (["hermes", "--worker", "writer"], "profile writer has another runtime"),
        (["claude", "--worker", "coder"], "the runs of Claude Code need nothing of --worker"),
        (["hermes", "--worker", "coder", "--profile", "planner"], "exclude each other"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    cli: Cli, coder: Path, words: list[str], said: str
) -> None:
    before = everything(coder)
    done = cli("setup", *words, "--yes")
    assert (done.code, everything(coder)) == (2, before)
    assert said in done.err


def test_a_profile_that_hermes_does_not_have_is_named(cli: Cli, coder: Path) -> None:
    coder.rename(coder.with_name("other"))
    done = cli("setup", "hermes", "--worker", "coder", "--yes")
    assert done.code == 1
    assert "'hermes profile create coder' makes it" in done.err


def test_the_profiles_own_hermes_home_counts(cli: Cli, coder: Path, home: Path, user: Path) -> None:
    moved = (user / ".hermes").rename(user / "elsewhere")
    config = f"{CONFIGURED}    env: {{HERMES_HOME: {moved}}}\n"
    (home / "config.yaml").write_text(config)
    assert cli("setup", "hermes", "--worker", "coder", "--yes").code == 0
    assert _entry(moved / "profiles" / "coder")["enabled"] is False


def test_gemini_may_have_workers_and_no_orchestrator(cli: Cli, home: Path, user: Path) -> None:
    """Its workers find their tools by its settings alone."""
    (home / "config.yaml").write_text("profiles:\n  g:\n    runtime: gemini\n")
    assert cli("setup", "gemini", "--yes").code == 0
    text = (user / ".gemini" / "settings.json").read_text()
    assert "--profile" not in formats.load("jsonc", text)["mcpServers"]["board"]["args"]
    refused = cli("setup", "codex", "--yes")
    assert refused.code == 2
    assert "no profile has orchestrator: true" in refused.err
