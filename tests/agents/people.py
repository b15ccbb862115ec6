"""What a person has in their home before the board comes: each client, set up for its provider.

The provider is the scripted model. Nothing here is the board's: what a run needs of that, its
runtime brings along or ``hermes-kanban setup`` has written.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.support.model import Call, Fail

PROFILE: Final = "worker"
BOSS: Final = "boss"
MODEL: Final = "scripted"
LIMIT: Final = Fail(429, "Rate limit reached. Please try again in 7s.")


@dataclass(frozen=True)
class Habit:
    """One client as its person uses it.

    ``settle`` writes the person's own configuration into ``home`` and returns the profile's keys
    beside ``runtime``. ``shell`` is how its model runs a command, with these ``shell_arguments``
    of the client. ``setup`` are the words for ``hermes-kanban setup`` without which it could not
    work. ``notices`` says that it does not start without its tools, ``forgets`` that it keeps
    nothing of a conversation that was stopped in its middle. ``refusal`` is a rate limit that it
    gives up on soonest, and ``reset`` after how many seconds it then says to try again.
    """

    settle: Callable[[Path, str], dict[str, Any]]
    shell: Callable[[str], Call]
    shell_arguments: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    notices: bool = False
    forgets: bool = False
    refusal: Fail = LIMIT
    reset: int | None = 7


def _write(file: Path, content: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    file.write_text(text, encoding="utf-8")


def _continue(home: Path, url: str) -> dict[str, Any]:
    model = {"name": MODEL, "model": MODEL, "provider": "openai", "roles": ["chat"]}
    model |= {"apiBase": f"{url}/v1", "apiKey": "none"}
    config = {"name": "own", "version": "1.0.0", "schema": "v1", "models": [model]}
    _write(home / ".continue" / "config.yaml", yaml.safe_dump(config))
    return {}


def _hermes(home: Path, url: str) -> dict[str, Any]:
    config = {
        "model": {
            "default": MODEL,
            "provider": "custom",
            "base_url": f"{url}/v1",
            "api_key": "none",
            "context_length": 131_072,
        },
        "security": {"tirith_enabled": False, "allow_lazy_installs": False},
    }
    _write(home / ".hermes" / "profiles" / PROFILE / "config.yaml", yaml.safe_dump(config))
    return {}


def _opencode(home: Path, url: str) -> dict[str, Any]:
    model = {"name": MODEL, "tool_call": True, "limit": {"context": 128_000, "output": 8_000}}
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": f"{url}/v1", "apiKey": "none"},
        "models": {MODEL: model | {"cost": {"input": 1, "output": 2, "cache_read": 0.1}}},
    }
    _write(home / ".config" / "opencode" / "opencode.json", {"provider": {"script": provider}})
    # It fetches its list of models and a library for plugins at every start.
    quiet = {"OPENCODE_DISABLE_MODELS_FETCH": "1", "npm_config_offline": "true"}
    return {"provider": "script", "model": MODEL, "env": quiet}


def _claude(home: Path, url: str) -> dict[str, Any]:
    del home
    env = {
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "none",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_TELEMETRY": "1",
    }
    return {"env": env}


def _codex(home: Path, url: str) -> dict[str, Any]:
    config = f"""
        model = "{MODEL}"
        model_provider = "script"
        [model_providers.script]
        name = "script"
        base_url = "{url}/v1"
        env_key = "SCRIPT_KEY"
        wire_api = "responses"
        request_max_retries = 1
        stream_max_retries = 1
    """
    _write(home / ".codex" / "config.toml", config)
    return {"env": {"SCRIPT_KEY": "none"}}


def _gemini(home: Path, url: str) -> dict[str, Any]:
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "telemetry": {"enabled": False},
        "privacy": {"usageStatisticsEnabled": False},
        "general": {"disableAutoUpdate": True, "maxAttempts": 2},
    }
    _write(home / ".gemini" / "settings.json", settings)
    # Without a model it asks another one first which to take.
    env = {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": "none"}
    return {"model": "gemini-2.5-pro", "env": env}


def _qwen(home: Path, url: str) -> dict[str, Any]:
    settings = {
        "security": {"auth": {"selectedType": "openai"}},
        "telemetry": {"enabled": False},
        "privacy": {"usageStatisticsEnabled": False},
        "general": {"enableAutoUpdate": False},
        # Else it holds on for half an hour.
        "model": {
            "generationConfig": {
                "maxRetries": 0,
                "retryInitialDelayMs": 100,
                "retryMaxDelayMs": 100,
            }
        },
        # Else it goes on in a conversation of its own about what to remember.
        "memory": {"enableManagedAutoMemory": False, "enableManagedAutoDream": False},
    }
    _write(home / ".qwen" / "settings.json", settings)
    return {"model": MODEL, "env": {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "none"}}


def _tool(name: str, key: str = "command", **more: Any) -> Callable[[str], Call]:
    return lambda command: Call(name, {key: command, **more})


HABITS: Final = {
    "continue": Habit(_continue, _tool("Bash"), notices=True, forgets=True),
    "hermes": Habit(_hermes, _tool("terminal"), setup=("--worker", PROFILE)),
    "opencode": Habit(
        _opencode,
        _tool("bash", description="run it"),
        refusal=Fail(429, "Rate limit reached.", retry_after=2),
        reset=2,
    ),
    "claude": Habit(
        _claude, _tool("Bash", description="run it"), shell_arguments=("--allowedTools", "Bash")
    ),
    "codex": Habit(
        _codex,
        _tool("exec_command", key="cmd"),
        shell_arguments=("-s", "danger-full-access"),
        notices=True,
        reset=None,
    ),
    "gemini": Habit(
        _gemini,
        _tool("run_shell_command"),
        setup=("--profile", BOSS),
        refusal=Fail(429, "Resource exhausted.", retry_after=3),
        reset=3,
    ),
    "qwen": Habit(_qwen, _tool("run_shell_command", is_background=False)),
}
