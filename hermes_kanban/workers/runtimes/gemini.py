"""Gemini CLI (``gemini``), with its events one a line.

It knows MCP servers by its own settings alone: an administrator's file has to be root's, and there
is no option. So the tools must stand in the person's settings, where ``hermes-kanban setup gemini``
puts them; they find their run by the agent's environment, which Gemini hands on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from hermes_kanban.model import Usage
from hermes_kanban.ports import Conclusion
from hermes_kanban.regular import read_regular
from hermes_kanban.workers.profiles import SpawnRefused
from hermes_kanban.workers.runtimes.base import Ending, Launch, LaunchRequest, Runtime
from hermes_kanban.workers.runtimes.board import (
    SERVER,
    arguments,
    conversation_id,
    piped,
)
from hermes_kanban.workers.runtimes.failures import failed
from hermes_kanban.workers.runtimes.output import Record, number, records, sub, text
from hermes_kanban.workers.runtimes.program import (
    agent_environment,
    keeps_file,
    need_program,
    place_of,
)

SYSTEM_SETTINGS: Final = Path("/etc/gemini-cli/settings.json")
PROVIDERS: Final[dict[str, dict[str, str]]] = {
    "google": {},
    "vertex": {"GOOGLE_GENAI_USE_VERTEXAI": "true"},
}


def launch(request: LaunchRequest) -> Launch:
    """The command line of one run; the prompt comes on standard input."""
    argv = [need_program("gemini", request)]
    _check_tools(request)
    argv += ["--approval-mode", "yolo", "--skip-trust", "-o", "stream-json"]
    if request.model:
        argv += ["-m", request.model]
    session = request.session or conversation_id(request)
    argv += ["--resume" if request.session else "--session-id", session]
    return piped(request, argv + arguments(request), env=_provider(request), session=session)


def _check_tools(request: LaunchRequest) -> None:
    """Better not to start than to work without a way to the board."""
    if request.remote is not None:
        raise SpawnRefused(
            "Gemini CLI takes its tools from its own settings, not from the run;"
            " set transport: stdio in the profile"
        )
    env = agent_environment(request)
    own = place_of(env, "GEMINI_CLI_HOME", "") / ".gemini" / "settings.json"
    system = Path(env.get("GEMINI_CLI_SYSTEM_SETTINGS_PATH") or SYSTEM_SETTINGS)
    if not any(_may_have_tools(file) for file in (own, system)):
        raise SpawnRefused(
            f"Gemini CLI does not know the board's tools ({own});"
            " 'hermes-kanban setup gemini' adds them"
        )


def _may_have_tools(file: Path) -> bool:
    """Whether the file names our server; one that cannot be read (comments are allowed) may."""
    try:
        settings = msgspec.json.decode(read_regular(file, links=True))
    except OSError:
        return False
    except msgspec.DecodeError:
        return True
    return isinstance(settings, dict) and SERVER in sub(settings, "mcpServers")


def _provider(request: LaunchRequest) -> dict[str, str]:
    provider = request.provider or "google"
    if provider not in PROVIDERS:
        known = ", ".join(PROVIDERS)
        raise SpawnRefused(f"Gemini CLI knows no provider {provider}; use {known}")
    return PROVIDERS[provider]


def conclude(ending: Ending) -> Conclusion:
    """Its last record says how it went, and what every model cost."""
    told = records(ending.output)
    result = next((one for one in reversed(told) if one.get("type") == "result"), {})
    if result.get("status") == "error" or (not result and (ending.exit_code or 0) > 0):
        found = failed("gemini", ending, text(sub(result, "error").get("message")))
    else:
        found = Conclusion(said=_said(told))
    return msgspec.structs.replace(found, usage=_usage(sub(result, "stats")))


def _said(told: list[Record]) -> str | None:
    """The pieces of the last message of the model."""
    pieces: list[str] = []
    for record in told:
        if record.get("type") != "message":
            pieces = [] if record.get("type") in ("tool_use", "tool_result") else pieces
        elif record.get("role") == "assistant":
            pieces.append(str(record.get("content") or ""))
    return text("".join(pieces))


def _usage(stats: Record) -> Usage | None:
    if not stats:
        return None
    return Usage(
        input=number(stats.get("input_tokens")),
        cached=number(stats.get("cached")),
        output=number(stats.get("output_tokens")),
    )


RUNTIME = Runtime(
    name="gemini",
    program="gemini",
    launch=launch,
    conclude=conclude,
    keeps=keeps_file("GEMINI_CLI_HOME", "", ".gemini/tmp/*/chats/session-*-{start}.json*"),
    inherits=(
        "GEMINI_API_KEY",
        "GEMINI_CLI_HOME",
        "GOOGLE_API_KEY",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_CLOUD_LOCATION",
        "GOOGLE_CLOUD_PROJECT",
        "GEMINI_CLI_SYSTEM_SETTINGS_PATH",
        "GOOGLE_GEMINI_BASE_URL",
    ),
)
