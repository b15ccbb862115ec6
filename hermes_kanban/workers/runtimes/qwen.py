"""Qwen Code (``qwen``), with its events one a line.

The tools stand in a file of the run; the person's own settings stay in force beside it, and above
the defaults that a run is given where an administrator has set none.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import msgspec

from hermes_kanban.model import Usage
from hermes_kanban.ports import Conclusion
from hermes_kanban.workers.profiles import SpawnRefused
from hermes_kanban.workers.runtimes import spent
from hermes_kanban.workers.runtimes.base import Ending, Launch, LaunchRequest, Runtime
from hermes_kanban.workers.runtimes.board import (
    CALL_SECONDS,
    SERVER,
    arguments,
    bearer,
    conversation_id,
    piped,
    stdio_server,
)
from hermes_kanban.workers.runtimes.failures import failed
from hermes_kanban.workers.runtimes.output import Record, last_text, number, records, sub, text
from hermes_kanban.workers.runtimes.program import (
    agent_environment,
    end_of,
    keeps_file,
    need_program,
    place_of,
)

# The values of --auth-type.
PROVIDERS: Final = (
    "openai",
    "openai-responses",
    "anthropic",
    "gemini",
    "vertex-ai",
    "qwen-oauth",
)
DEFAULTS_VARIABLE: Final = "QWEN_CODE_SYSTEM_DEFAULTS_PATH"
SYSTEM_DEFAULTS: Final = Path("/etc/qwen-code/system-defaults.json")
DEFAULTS: Final = {
    # Else it tries for half an hour; the board tries again without holding a process.
    "model": {
        "generationConfig": {
            "maxRetries": 0,
            "retryInitialDelayMs": 2_000,
            "retryMaxDelayMs": 20_000,
        }
    },
    # Else it goes on in a conversation of its own about what to remember.
    "memory": {"enableManagedAutoMemory": False, "enableManagedAutoDream": False},
}


def launch(request: LaunchRequest) -> Launch:
    """The command line of one run; the prompt comes on standard input."""
    program = need_program("qwen", request)
    config = request.folder / "qwen-mcp.json"
    session = request.session or conversation_id(request)
    argv = [program, "--approval-mode", "yolo", "-o", "stream-json", "--mcp-config", str(config)]
    if request.model:
        argv += ["-m", request.model]
    if request.provider:
        argv += ["--auth-type", _provider(request.provider)]
    argv += ["--resume" if request.session else "--session-id", session]
    env = {"QWEN_CODE_SUPPRESS_YOLO_WARNING": "1"}
    files = {config: json.dumps({"mcpServers": {SERVER: _server(request)}}), **_before(request)}
    if _has_no_defaults(request):
        defaults = request.folder / "qwen-defaults.json"
        env[DEFAULTS_VARIABLE] = str(defaults)
        files[defaults] = json.dumps(DEFAULTS)
    return piped(
        request,
        argv + arguments(request),
        env=env,
        files=files,
        session=session,
    )


def _has_no_defaults(request: LaunchRequest) -> bool:
    """Whether no administrator's defaults would give way to the run's."""
    return DEFAULTS_VARIABLE not in agent_environment(request) and not SYSTEM_DEFAULTS.exists()


def _server(request: LaunchRequest) -> dict[str, Any]:
    way: dict[str, Any] = stdio_server(request)
    if request.remote is not None:
        way = {"httpUrl": request.remote.url, "headers": bearer(request.remote.token)}
    # Else the tools are hidden until the model searches for them.
    return way | {"trust": True, "timeout": CALL_SECONDS * 1000, "alwaysLoadTools": True}


def _provider(name: str) -> str:
    if name not in PROVIDERS:
        raise SpawnRefused(f"Qwen Code knows no provider {name}; use {', '.join(PROVIDERS)}")
    return name


def conclude(ending: Ending) -> Conclusion:
    """Its last record says how it went and what it cost."""
    told = records(ending.output)
    session = next((one["session_id"] for one in reversed(told) if "session_id" in one), None)
    result = next((one for one in reversed(told) if one.get("type") == "result"), {})
    if result.get("is_error") or (not result and (ending.exit_code or 0) > 0):
        found = failed("qwen", ending, _error(result))
    else:
        found = Conclusion(said=text(result.get("result")) or last_text(told))
    return msgspec.structs.replace(found, session=text(session), usage=_usage(ending, result))


def _error(result: Record) -> str | None:
    return text(sub(result, "error").get("message")) or text(result.get("result"))


def _usage(ending: Ending, result: Record) -> Usage | None:
    """Of this run alone: Qwen Code counts over the whole conversation."""
    counts = sub(result, "usage")
    if not counts:
        return None
    total = Usage(
        input=number(counts.get("input_tokens")),
        cached=number(counts.get("cache_read_input_tokens")),
        output=number(counts.get("output_tokens")),
    )
    found = spent.since(ending.folder, total)
    return msgspec.structs.replace(found, turns=number(result.get("num_turns")))


def _before(request: LaunchRequest) -> dict[Path, str]:
    if request.session is None:
        return {}
    home = place_of(agent_environment(request), "QWEN_HOME", ".qwen")
    for record in reversed(records(end_of(home / "usage_record.jsonl"))):
        if record.get("sessionId") == request.session:
            return spent.before(request.folder, _recorded(record))
    return {}


def _recorded(record: Record) -> Usage:
    models = [one for one in sub(record, "models").values() if isinstance(one, dict)]
    return Usage(
        input=sum(number(one.get("inputTokens")) for one in models),
        cached=sum(number(one.get("cachedTokens")) for one in models),
        output=sum(number(one.get("outputTokens")) for one in models),
    )


RUNTIME = Runtime(
    name="qwen",
    program="qwen",
    launch=launch,
    conclude=conclude,
    keeps=keeps_file("QWEN_HOME", ".qwen", "projects/*/chats/{session}.jsonl"),
    inherits=(
        DEFAULTS_VARIABLE,
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "OPENAI_MODEL",
        "QWEN_HOME",
        "QWEN_RUNTIME_DIR",
    ),
)
