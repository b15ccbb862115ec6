"""What is configured where nothing, the file, a profile's file or the environment says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermes_kanban.config import (
    Config,
    KanbanSettings,
    LoggingSettings,
    WebSettings,
    load,
    setting_variables,
)
from hermes_kanban.config.host import HostSettings


def test_a_home_without_files_has_the_defaults_and_stays_empty(home):
    assert home.load() == Config()
    assert list(home.path.iterdir()) == []


def test_a_home_that_does_not_exist_has_the_defaults():
    assert load(Path("/no/such/home"), {}) == Config()


def test_the_defaults_are_those_of_the_contract():
    kanban = KanbanSettings(max_in_progress=1)
    assert (kanban.dispatch_in_gateway, kanban.dispatch_interval_seconds) == (True, 60)
    assert (kanban.max_retries, kanban.max_runs, kanban.lease_seconds) == (1, 20, 900)
    assert (kanban.stop_grace_seconds, kanban.linger_seconds, kanban.max_spawn) == (5, 30, 8)
    assert (kanban.backoff_base_seconds, kanban.backoff_max_seconds) == (10, 3600)
    assert (kanban.rate_limit_base_seconds, kanban.stuck_ticks) == (60, 5)
    assert (kanban.min_free_mb, kanban.durability, kanban.database) == (256, "full", "")
    assert kanban.notify_in_gateway is True
    assert kanban.serves("any-board")


def test_the_file_wins_over_the_default(home):
    home.write("kanban:\n  max_spawn: 3\n  boards: [work]\nlogging:\n  level: debug\n")
    config = home.load()
    assert config.kanban.max_spawn == 3
    assert config.kanban.serves("work")
    assert not config.kanban.serves("home")
    assert config.logging == LoggingSettings(level="debug")
    assert config.files == (home.config_file,)


def test_the_environment_wins_over_the_file(home):
    home.write("kanban:\n  max_spawn: 3\n")
    assert home.load(HERMES_KANBAN_MAX_SPAWN="4").kanban.max_spawn == 4
    assert home.load().kanban.max_spawn == 3


@pytest.mark.parametrize("text", ["", "# nothing\n", "kanban:\n", "kanban:\nprofiles:\n", "---\n"])
def test_empty_files_and_sections_are_the_defaults(home, text):
    home.write(text)
    assert home.load().kanban == KanbanSettings()


def test_yaml_words_for_a_switch_are_switches(home):
    home.write("kanban:\n  dispatch_in_gateway: off\n  notify_in_gateway: no\n")
    kanban = home.load().kanban
    assert (kanban.dispatch_in_gateway, kanban.notify_in_gateway) == (False, False)


@pytest.mark.parametrize("no", ["0", "false", "False", "no", "NO", "off", "Off"])
@pytest.mark.parametrize("yes", ["1", "true", "TRUE", "yes", "Yes", "on", "ON"])
def test_the_dispatch_gate_is_overridden_both_ways(home, yes, no):
    home.write("kanban:\n  dispatch_in_gateway: true\n")
    assert not home.load(HERMES_KANBAN_DISPATCH_IN_GATEWAY=no).kanban.dispatch_in_gateway
    home.write("kanban:\n  dispatch_in_gateway: false\n")
    assert home.load(HERMES_KANBAN_DISPATCH_IN_GATEWAY=yes).kanban.dispatch_in_gateway


def test_every_kind_of_setting_can_come_from_the_environment(home):
    config = home.load(
        HERMES_KANBAN_DISPATCH_INTERVAL_SECONDS="0.5",
        HERMES_KANBAN_BOARDS="work, play",
        HERMES_KANBAN_RESOURCES='{"gpu": 1}',
        HERMES_KANBAN_DURABILITY="normal",
        HERMES_KANBAN_DATABASE="postgresql://me@here/board",
        HERMES_KANBAN_LOGGING_FORMAT="json",
    )
    assert config.kanban.dispatch_interval_seconds == 0.5
    assert config.kanban.boards == ("work", "play")
    assert config.kanban.resources == {"gpu": 1}
    assert config.kanban.durability == "normal"
    assert config.kanban.database == "postgresql://me@here/board"
    assert config.logging.format == "json"


def test_every_setting_has_its_variable():
    expected = {f"kanban.{key}" for key in KanbanSettings.__struct_fields__}
    expected |= {f"logging.{key}" for key in LoggingSettings.__struct_fields__}
    expected |= {f"web.{key}" for key in WebSettings.__struct_fields__}
    expected |= {f"host.{key}" for key in HostSettings.__struct_fields__}
    assert set(setting_variables().values()) == expected
    assert setting_variables()["HERMES_KANBAN_LOGGING_LEVEL"] == "logging.level"


@pytest.mark.parametrize(
    "name",
    [
        "HOME",
        "DB",
        "BOARD",
        "WORKSPACES_ROOT",
        "TASK",
        "RUN_ID",
        "CLAIM_LOCK",
        "WORKSPACE",
        "BRANCH",
        "PROMPT_FILE",
        "STOP_NUDGE",
        "SOMETHING_NEW",
    ],
)
def test_other_variables_are_not_settings(home, name):
    assert home.load(**{f"HERMES_KANBAN_{name}": "no setting\n"}) == Config()


def test_profiles_come_from_the_file_and_from_files_of_their_own(home):
    home.write("profiles:\n  lint:\n    argv: [ruff, check]\n")
    home.write("runtime: claude\nmodel: large\n", "profiles/writer.yaml")
    profiles = home.load().profiles
    assert sorted(profiles) == ["lint", "writer"]
    assert (profiles["lint"].runtime, profiles["lint"].argv) == ("command", ("ruff", "check"))
    assert (profiles["writer"].runtime, profiles["writer"].model) == ("claude", "large")


def test_a_new_and_a_removed_profile_file_are_noticed(home):
    home.write("argv: [a]\n", "profiles/a.yaml")
    home.load()
    home.write("argv: [b]\n", "profiles/b.yaml")
    assert sorted(home.load().profiles) == ["a", "b"]
    (home.path / "profiles/a.yaml").unlink()
    assert sorted(home.load().profiles) == ["b"]


def test_what_editors_leave_behind_is_no_profile(home):
    for name in (".#a.yaml", "a.yaml~", "a.yaml.swp", "notes.txt"):
        home.write("not: [a profile", f"profiles/{name}")
    assert home.load().profiles == {}


def test_a_profile_has_every_key_of_the_contract(home):
    home.write(
        """
runtime: command
argv: [agent, "{prompt}"]
args: [--task, "{task_id}", "{other}"]
prompt: argument
env: {NO_COLOR: "1"}
cwd: "{workspace}/src"
model: m
provider: p
skills: [kanban-worker]
resources: {gpu: 1}
max_in_progress: 2
max_runtime_seconds: 60
on_exit_zero: protocol_violation
resume: true
orchestrator: true
may_assign: [writer]
description: "says {hello}"
""",
        "profiles/full.yaml",
    )
    home.write("kanban:\n  resources: {gpu: 2}\n")
    profile = home.load().profiles["full"]
    assert profile.args == ("--task", "{task_id}", "{other}")
    assert profile.env == {"NO_COLOR": "1"}
    assert profile.may_assign == ("writer",)
    assert profile.description == "says {hello}"


def test_exit_zero_follows_the_runtime_unless_the_profile_says(home):
    home.write(
        "profiles:\n"
        "  tool: {argv: [a]}\n"
        "  strict: {argv: [a], on_exit_zero: protocol_violation}\n"
        "  agent: {runtime: codex}\n"
        "  trusted: {runtime: codex, on_exit_zero: complete}\n"
    )
    resolved = {name: profile.exit_zero for name, profile in home.load().profiles.items()}
    assert resolved == {
        "tool": "complete",
        "strict": "protocol_violation",
        "agent": "protocol_violation",
        "trusted": "complete",
    }


def test_profiles_can_share_keys_by_anchor(home):
    home.write(
        "profiles:\n"
        "  one: &one {argv: [agent], prompt: file}\n"
        "  two:\n    <<: *one\n    args: [--fast]\n    prompt: stdin\n"
    )
    two = home.load().profiles["two"]
    assert (two.argv, two.args, two.prompt) == (("agent",), ("--fast",), "stdin")


def test_the_environment_can_give_a_resource_that_a_profile_uses(home):
    home.write("profiles:\n  train: {argv: [a], resources: {gpu: 1}}\n")
    assert "declare it" in home.error()
    assert home.load(HERMES_KANBAN_RESOURCES='{"gpu": 1}').kanban.resources == {"gpu": 1}
