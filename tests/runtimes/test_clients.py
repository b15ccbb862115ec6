"""The command line and configuration of each client."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hermes_kanban.workers.profiles import SpawnRefused
from hermes_kanban.workers.runtimes import Launch
from tests.runtimes.conftest import LOCK, REMOTE, TOOLS, Ask, after, launched, write

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"


def _config(launch: Launch, name: str) -> Any:
    return json.loads(next(text for file, text in launch.files.items() if file.name == name))


def _command(tmp_path: Path) -> list[str]:
    run = ["--task", "t_abc", "--run", "7", "--lock", LOCK]
    return [*TOOLS, *run, "--home", str(tmp_path / "kanban"), "--board", "default"]


# Claude Code


def test_claude_sees_no_mcp_server_but_the_board(ask: Ask, tmp_path: Path) -> None:
    request = ask("claude", model="opus")
    launch = launched(request)
    config = str(request.folder / "claude-mcp.json")
    assert launch.argv == [
        *("claude", "-p", "--output-format", "stream-json", "--verbose"),
        *("--mcp-config", config, "--strict-mcp-config", "--allowedTools", "mcp__board"),
        *("--permission-mode", "acceptEdits", "--model", "opus"),
        *("--session-id", launch.session),
    ]
    program, *arguments = _command(tmp_path)
    server = {"type": "stdio", "command": program, "args": arguments}
    server["env"] = request.tools_environment
    assert _config(launch, "claude-mcp.json") == {"mcpServers": {"board": server}}
    assert launch.env["ENABLE_TOOL_SEARCH"] == "false"


def test_claude_over_http(ask: Ask) -> None:
    config = _config(launched(ask("claude", change=REMOTE)), "claude-mcp.json")
    assert config["mcpServers"]["board"] == {
        "type": "http",
        "url": "http://127.0.0.1:8790/mcp",
        "headers": {"Authorization": "Bearer token-1"},
    }


def test_claude_is_pointed_at_a_provider_by_its_own_variable(ask: Ask) -> None:
    assert "CLAUDE_CODE_USE_BEDROCK" not in launched(ask("claude", provider="anthropic")).env
    launch = launched(ask("claude", provider="anthropic", task={"provider": "bedrock"}))
    assert launch.env["CLAUDE_CODE_USE_BEDROCK"] == "1"
    with pytest.raises(SpawnRefused, match="no provider openai; use anthropic, bedrock"):
        launched(ask("claude", provider="openai"))


@pytest.mark.parametrize("name", ["claude", "gemini", "qwen"])
def test_each_claim_begins_a_conversation_of_its_own(name: str, ask: Ask) -> None:
    request = ask(name)
    first = launched(request)
    session = first.session or ""
    assert re.fullmatch(UUID, session)
    assert after(first.argv, "--session-id") == session
    claimed_again = msgspec.structs.replace(request.run, claim_lock="lock-2")
    assert launched(ask(name, change={"run": claimed_again})).session != session
    resumed = launched(ask(name, change={"session": "s-1"})).argv
    assert after(resumed, "--resume") == "s-1"
    assert "--session-id" not in resumed


# Codex CLI


def _overrides(argv: list[str]) -> dict[str, Any]:
    """What Codex makes of its -c options: each is a key and a TOML value."""
    pairs = [argv[at + 1] for at, word in enumerate(argv) if word == "-c"]
    return tomllib.loads("\n".join(pairs))


def test_codex_does_not_start_without_the_board(ask: Ask, tmp_path: Path) -> None:
    request = ask("codex", model="gpt-5.5", args=("-s", "danger-full-access"))
    launch = launched(request)
    assert launch.argv[:4] == ["codex", "exec", "--json", "--skip-git-repo-check"]
    assert launch.argv[-5:] == ["-m", "gpt-5.5", "-s", "danger-full-access", "-"]
    program, *arguments = _command(tmp_path)
    assert _overrides(launch.argv) == {
        "sandbox_mode": "workspace-write",
        "mcp_servers": {
            "board": {
                "command": program,
                "args": arguments,
                "env_vars": sorted(request.tools_environment),
                "enabled": True,
                "required": True,
                "default_tools_approval_mode": "approve",
                "startup_timeout_sec": 60,
                "tool_timeout_sec": 120,
            }
        },
    }
    # By name alone the server finds them only if Codex has them.
    assert {*request.tools_environment} <= {*launch.env, *request.variables}


def test_codex_resumes_with_its_options_before_the_verb(ask: Ask) -> None:
    argv = launched(ask("codex", args=("--x",), change={"session": "th-1"})).argv
    assert argv[-4:] == ["--x", "resume", "th-1", "-"]


def test_codex_over_http_finds_the_token_in_its_environment(ask: Ask) -> None:
    launch = launched(ask("codex", change=REMOTE))
    board = _overrides(launch.argv)["mcp_servers"]["board"]
    assert board["url"] == "http://127.0.0.1:8790/mcp"
    assert launch.env[board["bearer_token_env_var"]] == "token-1"
    assert "command" not in board


@pytest.mark.parametrize(
    ("own", "change", "other"),
    [('command = "x"', REMOTE, "command"), ('url = "http://x"', {}, "url")],
)
def test_codex_cannot_turn_one_kind_of_server_into_the_other(
    own: str, change: dict[str, Any], other: str, ask: Ask, home: Path
) -> None:
    file = home / ".codex" / "config.toml"
    file.parent.mkdir()
    file.write_text(f"[mcp_servers.board]\n{own}\n")
    with pytest.raises(SpawnRefused, match=f"config.toml has a tool server board with a {other}"):
        launched(ask("codex", change=change))
    file.write_text(f"[mcp_servers.other]\n{own}\n")
    assert launched(ask("codex", change=change)).argv
    file.write_text("broken [")
    assert launched(ask("codex", change=change)).argv


def test_codex_takes_a_provider_of_its_configuration(ask: Ask) -> None:
    assert _overrides(launched(ask("codex", provider="azure")).argv)["model_provider"] == "azure"


def test_values_for_codex_are_toml_whatever_they_hold(ask: Ask) -> None:
    provider = 'q"uo\\te\x7f\tü\u2028'
    argv = launched(ask("codex", task={"provider": provider})).argv
    assert _overrides(argv)["model_provider"] == provider


# Gemini CLI


def test_gemini_starts_where_its_settings_have_the_board(ask: Ask, home: Path) -> None:
    launch = launched(ask("gemini", model="gemini-3-pro", provider="vertex"))
    assert launch.argv == [
        *("gemini", "--approval-mode", "yolo", "--skip-trust", "-o", "stream-json"),
        *("-m", "gemini-3-pro", "--session-id", launch.session),
    ]
    assert launch.env["GOOGLE_GENAI_USE_VERTEXAI"] == "true"
    (home / ".gemini/settings.json").write_text("{} // a comment")
    assert launched(ask("gemini")).argv


@pytest.mark.parametrize("settings", [None, "{}", '{"mcpServers": {"other": {}}}', "[]"])
def test_gemini_without_the_board_is_not_started(
    settings: str | None, ask: Ask, home: Path
) -> None:
    file = home / ".gemini/settings.json"
    file.unlink()
    if settings is not None:
        file.write_text(settings)
    with pytest.raises(SpawnRefused, match=r"does not know the board's tools .*setup gemini"):
        launched(ask("gemini"))


def test_gemini_has_no_way_over_http(ask: Ask) -> None:
    with pytest.raises(SpawnRefused, match="set transport: stdio"):
        launched(ask("gemini", change=REMOTE))


# Qwen Code


def test_qwen_shows_the_tools_at_once(ask: Ask, tmp_path: Path) -> None:
    request = ask("qwen", model="qwen3", provider="anthropic")
    launch = launched(request)
    config = str(request.folder / "qwen-mcp.json")
    assert launch.argv == [
        *("qwen", "--approval-mode", "yolo", "-o", "stream-json", "--mcp-config", config),
        *("-m", "qwen3", "--auth-type", "anthropic", "--session-id", launch.session),
    ]
    server = _config(launch, "qwen-mcp.json")["mcpServers"]["board"]
    assert [server["command"], *server["args"]] == _command(tmp_path)
    assert (server["trust"], server["alwaysLoadTools"]) == (True, True)
    with pytest.raises(SpawnRefused, match="no provider azure; use openai"):
        launched(ask("qwen", provider="azure"))


def test_qwen_gives_up_on_a_refusing_provider(ask: Ask, tmp_path: Path) -> None:
    launch = launched(ask("qwen"))
    assert launch.env["QWEN_CODE_SYSTEM_DEFAULTS_PATH"].endswith("/qwen-defaults.json")
    retries = _config(launch, "qwen-defaults.json")["model"]["generationConfig"]
    assert retries["maxRetries"] == 0


def test_an_administrators_defaults_for_qwen_stay(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "defaults.json", {})
    named = launched(ask("qwen", env={"QWEN_CODE_SYSTEM_DEFAULTS_PATH": str(file)}))
    assert named.env["QWEN_CODE_SYSTEM_DEFAULTS_PATH"] == str(file)
    monkeypatch.setattr("hermes_kanban.workers.runtimes.qwen.SYSTEM_DEFAULTS", file)
    assert "QWEN_CODE_SYSTEM_DEFAULTS_PATH" not in launched(ask("qwen")).env


# opencode


def test_opencode_merges_the_board_into_the_persons_configuration(ask: Ask, tmp_path: Path) -> None:
    request = ask("opencode", args=("--agent", "build"))
    launch = launched(request)
    assert launch.argv == ["opencode", "run", "--format", "json", "--auto", "--agent", "build"]
    board = json.loads(launch.env["OPENCODE_CONFIG_CONTENT"])["mcp"]["board"]
    assert board["command"] == _command(tmp_path)
    assert board["environment"] == request.tools_environment
    assert (board["type"], board["enabled"]) == ("local", True)


@pytest.mark.parametrize(
    ("model", "provider", "wanted"),
    [
        ("big", "acme", "acme/big"),
        ("acme/big", "acme", "acme/big"),
        ("acme/big", None, "acme/big"),
        ("meta/llama", "openrouter", "openrouter/meta/llama"),
    ],
)
def test_opencode_names_a_model_by_its_provider(
    model: str, provider: str | None, wanted: str, ask: Ask
) -> None:
    assert after(launched(ask("opencode", model=model, provider=provider)).argv, "-m") == wanted


def test_opencode_needs_a_model_of_a_provider(ask: Ask) -> None:
    with pytest.raises(SpawnRefused, match="needs a model beside the provider acme"):
        launched(ask("opencode", provider="acme"))


# Continue


def test_continue_gets_the_persons_configuration_and_the_board(
    ask: Ask, home: Path, tmp_path: Path
) -> None:
    own = {
        "name": "mine",
        "models": [{"name": "a", "model": "a-1", "provider": "x"}, {"name": "b", "provider": "y"}],
        "mcpServers": [{"name": "other", "command": "o"}, {"name": "board", "command": "old"}],
    }
    write(home / ".continue/config.yaml", own)
    request = ask("continue", provider="y")
    launch = launched(request)
    config = _config(launch, "continue.yaml")
    assert launch.argv == ["cn", "--auto", "--config", str(request.folder / "continue.yaml"), "-p"]
    assert config["models"] == [{"name": "b", "provider": "y"}]
    other, board = config["mcpServers"]
    assert other == {"name": "other", "command": "o"}
    assert [board["command"], *board["args"]] == _command(tmp_path)
    assert board["name"] == "board"
    models = _config(launched(ask("continue")), "continue.yaml")["models"]
    assert models == own["models"]


def test_continue_reads_a_word_after_its_print_option_as_the_prompt(ask: Ask) -> None:
    launch = launched(ask("continue", args=("--rule", "x"), change={"session": "s-1"}))
    assert launch.argv[-1] == "-p"
    assert launch.argv[3:-1] == [launch.argv[3], "--fork", "s-1", "--rule", "x"]


def test_the_profile_may_name_another_configuration_for_continue(ask: Ask, tmp_path: Path) -> None:
    file = write(tmp_path / "other.yaml", {"models": [{"name": "other"}]})
    launch = launched(ask("continue", args=("--config", str(file), "--rule", "x")))
    assert _config(launch, "continue.yaml")["models"] == [{"name": "other"}]
    assert launch.argv.count("--config") == 1
    assert launch.argv[-3:] == ["--rule", "x", "-p"]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"model": "nope"}, r"the models in .*config.yaml have no nope$"),
        ({"model": "m", "provider": "z"}, "have no m of z$"),
        ({"args": ("--config", "/nowhere.yaml")}, "has no configuration in /nowhere.yaml"),
    ],
)
def test_continue_without_its_model_is_not_started(
    keys: dict[str, Any], said: str, ask: Ask
) -> None:
    with pytest.raises(SpawnRefused, match=said):
        launched(ask("continue", **keys))


def test_a_broken_configuration_of_the_person_is_named(ask: Ask, home: Path) -> None:
    (home / ".continue/config.yaml").write_text("models: [\n")
    with pytest.raises(SpawnRefused, match=r"config\.yaml cannot be read: "):
        launched(ask("continue"))


def test_continue_over_http(ask: Ask) -> None:
    config = _config(launched(ask("continue", change=REMOTE)), "continue.yaml")
    board = config["mcpServers"][0]
    assert (board["type"], board["url"]) == ("streamable-http", "http://127.0.0.1:8790/mcp")
    assert board["requestOptions"]["headers"] == {"Authorization": "Bearer token-1"}
