"""Hermes: the command that others rely on, and a profile that no run changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban.workers.profiles import SpawnRefused
from tests.runtimes.conftest import REMOTE, Ask, launched, write


def _settings(ask: Ask, **keys: Any) -> dict[str, Any]:
    """What the run lays over the profile's configuration."""
    request = ask("hermes", **keys)
    found: dict[str, Any] = json.loads(launched(request).files[request.folder / "config.yaml"])
    return found


def test_the_command_is_the_one_that_others_rely_on(ask: Ask) -> None:
    chat = ["chat", "-Q", "-q", "work kanban task t_abc"]
    plain = ["hermes", "-p", "coder", "--skills", "kanban-worker"]
    assert launched(ask("hermes")).argv == [*plain, *chat]
    full = ask("hermes", skills=("sql", "kanban-worker"), model="big", task={"skills": ["maps"]})
    assert launched(full).argv == [
        *(*plain, "--skills", "sql", "--skills", "maps", "-m", "big"),
        *chat,
    ]


def test_what_else_it_is_told_comes_behind(ask: Ask) -> None:
    request = ask("hermes", provider="nous", args=("--yolo",), change={"session": "s-1"})
    assert launched(request).argv[-5:] == ["--provider", "nous", "--resume", "s-1", "--yolo"]


def test_hermes_never_learns_where_the_boards_file_is(ask: Ask) -> None:
    names = ["HERMES_KANBAN_DB", "HERMES_KANBAN_HOME", "HERMES_KANBAN_ROOT"]
    names += ["HERMES_KANBAN_GOAL_MODE"]
    launch = launched(ask("hermes", env=dict.fromkeys(names, "/x")))
    assert not {*names} & {*launch.env}
    assert launch.env["HERMES_KANBAN_STOP_NUDGE"] == "0"


def test_its_tools_work_in_the_workspace(ask: Ask, tmp_path: Path) -> None:
    assert launched(ask("hermes", cwd="src")).env["TERMINAL_CWD"] == str(tmp_path / "work/src")


def test_the_board_lies_over_the_profile_for_this_run_alone(ask: Ask, home: Path) -> None:
    profile = home / ".hermes/profiles/coder"
    before = {file: file.read_bytes() for file in profile.rglob("*") if file.is_file()}
    request = ask("hermes")
    launch = launched(request)
    assert launch.env["HERMES_MANAGED_DIR"] == str(request.folder)
    settings = _settings(ask)
    server = settings["mcp_servers"]["board"]
    assert server["enabled"] is True
    assert server["env"] == request.tools_environment
    assert settings["mcp_discovery_timeout"] == 60
    assert settings["agent"] == {"disabled_toolsets": ["kanban"]}
    assert settings["display"] == {"interface": "cli"}
    assert {file: file.read_bytes() for file in profile.rglob("*") if file.is_file()} == before


def test_toolsets_that_the_profile_has_off_stay_off(ask: Ask, home: Path) -> None:
    config = {"mcp_servers": {"x": {}}, "agent": {"disabled_toolsets": ["web", "kanban"]}}
    write(home / ".hermes/profiles/coder/config.yaml", config)
    assert _settings(ask)["agent"]["disabled_toolsets"] == ["kanban", "web"]


def test_an_administrators_settings_are_taken_over(ask: Ask, tmp_path: Path) -> None:
    theirs = tmp_path / "etc"
    pinned = {
        "model": {"default": "pinned"},
        "mcp_servers": {"corporate": {"command": "c"}, "board": {"command": "old", "cwd": "/"}},
        "agent": {"disabled_toolsets": ["web"], "max_turns": 5},
    }
    write(theirs / "config.yaml", pinned)
    (theirs / ".env").write_text("KEY=1\n")
    request = ask("hermes", env={"HERMES_MANAGED_DIR": str(theirs)})
    launch = launched(request)
    settings = json.loads(launch.files[request.folder / "config.yaml"])
    assert settings["model"] == {"default": "pinned"}
    assert settings["agent"] == {"disabled_toolsets": ["kanban", "web"], "max_turns": 5}
    assert settings["mcp_servers"]["corporate"] == {"command": "c"}
    assert settings["mcp_servers"]["board"]["command"] != "old"
    assert "cwd" not in settings["mcp_servers"]["board"]
    assert launch.files[request.folder / ".env"] == "KEY=1\n"
    assert launch.env["HERMES_MANAGED_DIR"] == str(request.folder)


def test_over_http(ask: Ask) -> None:
    assert _settings(ask, change=REMOTE)["mcp_servers"]["board"] == {
        "url": "http://127.0.0.1:8790/mcp",
        "headers": {"Authorization": "Bearer token-1"},
        "enabled": True,
    }


def test_a_profile_that_hermes_does_not_have_is_named(ask: Ask) -> None:
    with pytest.raises(SpawnRefused, match=r"no profile other \(.*\); 'hermes profile create oth"):
        launched(ask("hermes", task={"assignee": "other"}))


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("skills/kanban-worker/SKILL.md", "has no skill kanban-worker in .*/skills"),
        ("config.yaml", r"has no mcp_servers in .*config\.yaml"),
    ],
)
def test_a_profile_that_would_not_find_the_board_is_not_started(
    gone: str, said: str, ask: Ask, home: Path
) -> None:
    (home / ".hermes/profiles/coder" / gone).unlink()
    with pytest.raises(SpawnRefused, match=rf"{said}; '.*setup hermes --worker coder' adds it"):
        launched(ask("hermes"))


def test_the_profile_is_found_where_hermes_would_find_it(
    ask: Ask, home: Path, tmp_path: Path
) -> None:
    """By ``HERMES_HOME``, also where that is another profile's; ``default`` is the home itself."""
    moved = (home / ".hermes").rename(tmp_path / "moved")
    for place in (moved, moved / "profiles" / "other"):
        assert launched(ask("hermes", env={"HERMES_HOME": str(place)})).argv
    (moved / "config.yaml").write_text("mcp_servers: {x: {enabled: false}}\n")
    (moved / "skills/kanban-worker").mkdir(parents=True)
    (moved / "skills/kanban-worker/SKILL.md").write_text("x")
    request = ask("hermes", task={"assignee": "default"}, env={"HERMES_HOME": str(moved)})
    assert launched(request).argv[:3] == ["hermes", "-p", "default"]
