"""Claude Code (``claude -p``), with its events one a line.

The tools stand in a file of the run that is the only MCP configuration in force. Edits in the
workspace are allowed; what else it may do without a question is the person's own settings and the
profile's ``args`` (``--permission-mode``, ``--allowedTools``, ``--mcp-config``).
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from hermes_kanban.model import Usage
from hermes_kanban.ports import Conclusion
from hermes_kanban.workers.profiles import SpawnRefused
from hermes_kanban.workers.runtimes.base import Ending, Launch, LaunchRequest, Runtime
from hermes_kanban.workers.runtimes.board import (
    SERVER,
    START_SECONDS,
    arguments,
    bearer,
    conversation_id,
    piped,
    stdio_server,
)
from hermes_kanban.workers.runtimes.failures import failed
from hermes_kanban.workers.runtimes.output import Record, last_text, number, records, sub, text
from hermes_kanban.workers.runtimes.program import keeps_file, need_program
from hermes_kanban.workers.runtimes.skills import of_claude

PROVIDERS: Final[dict[str, dict[str, str]]] = {
    "anthropic": {},
    "bedrock": {"CLAUDE_CODE_USE_BEDROCK": "1"},
    "vertex": {"CLAUDE_CODE_USE_VERTEX": "1"},
    "foundry": {"CLAUDE_CODE_USE_FOUNDRY": "1"},
}
ENVIRONMENT: Final = {
    # Else the tools are hidden until the model searches for them.
    "ENABLE_TOOL_SEARCH": "false",
    "MCP_TIMEOUT": str(START_SECONDS * 1000),
    # Ten by default, which takes minutes; the board tries again without holding a process.
    "CLAUDE_CODE_MAX_RETRIES": "4",
    "DISABLE_AUTOUPDATER": "1",
}


def launch(request: LaunchRequest) -> Launch:
    """The command line of one run; the prompt comes on standard input."""
    program = need_program("claude", request)
    config = request.folder / "claude-mcp.json"
    session = request.session or conversation_id(request)
    argv = [program, "-p", "--output-format", "stream-json", "--verbose"]
    argv += ["--mcp-config", str(config), "--strict-mcp-config"]
    argv += ["--allowedTools", f"mcp__{SERVER}", "--permission-mode", "acceptEdits"]
    if request.model:
        argv += ["--model", request.model]
    argv += ["--resume" if request.session else "--session-id", session]
    return piped(
        request,
        argv + arguments(request),
        env=ENVIRONMENT | _provider(request),
        files={config: msgspec.json.encode({"mcpServers": {SERVER: _server(request)}}).decode()},
        session=session,
    )


def _server(request: LaunchRequest) -> dict[str, Any]:
    if request.remote is not None:
        headers = bearer(request.remote.token)
        return {"type": "http", "url": request.remote.url, "headers": headers}
    return {"type": "stdio", **stdio_server(request)}


def _provider(request: LaunchRequest) -> dict[str, str]:
    provider = request.provider or "anthropic"
    if provider not in PROVIDERS:
        known = ", ".join(PROVIDERS)
        raise SpawnRefused(f"Claude Code knows no provider {provider}; use {known}")
    return PROVIDERS[provider]


def conclude(ending: Ending) -> Conclusion:
    """Its last record says how it went; a run that was killed has none."""
    told = records(ending.output)
    session = next((one["session_id"] for one in reversed(told) if "session_id" in one), None)
    result = next((one for one in reversed(told) if one.get("type") == "result"), None)
    if result is None:
        broken = ending.exit_code == 1
        found = failed("claude", ending, None) if broken else Conclusion(said=last_text(told))
        return msgspec.structs.replace(found, session=text(session), usage=_so_far(told))
    said = text(result.get("result"))
    if result.get("is_error"):
        found = failed(
            "claude",
            ending,
            said or text(result.get("subtype")),
            status=result.get("api_error_status"),
            reset_at=_reset_at(told),
        )
    else:
        found = Conclusion(said=said)
    return msgspec.structs.replace(found, session=text(session), usage=_usage(result))


def _reset_at(told: list[Record]) -> int | None:
    """When a refused subscription's window ends; the last such event counts."""
    for record in reversed(told):
        limit = sub(record, "rate_limit_info")
        if record.get("type") == "rate_limit_event" and limit.get("status") == "rejected":
            return number(limit.get("resetsAt")) or None
    return None


def _usage(result: Record) -> Usage:
    """Of this run, with its subagents; ``total_cost_usd`` counts over the whole conversation."""
    models = [one for one in sub(result, _THIS_RUN).values() if isinstance(one, dict)]
    turns = number(result.get("num_turns"))
    if not models:
        usage = sub(result, "usage")
        output = number(usage.get("output_tokens"))
        return Usage(**_tokens(usage), output=output, cost_usd=_cost(result, _COST), turns=turns)
    cached = sum(number(one.get("cacheReadInputTokens")) for one in models)
    written = sum(number(one.get("cacheCreationInputTokens")) for one in models)
    return Usage(
        input=sum(number(one.get("inputTokens")) for one in models) + cached + written,
        cached=cached,
        output=sum(number(one.get("outputTokens")) for one in models),
        cost_usd=sum(_cost(one, "costUSD") or 0.0 for one in models),
        turns=turns,
    )


_THIS_RUN: Final = "model_usage_since_last_result"
_COST: Final = "total_cost_usd"


def _cost(record: Record, name: str) -> float | None:
    value = record.get(name)
    return float(value) if isinstance(value, int | float) else None


def _so_far(told: list[Record]) -> Usage | None:
    """What a run without a last record had read; how much it had written is not told."""
    messages = {sub(one, "message").get("id"): sub(one, "message", "usage") for one in told}
    messages.pop(None, None)
    if not messages:
        return None
    counts = [_tokens(usage) for usage in messages.values()]
    return Usage(
        input=sum(count["input"] for count in counts),
        cached=sum(count["cached"] for count in counts),
        turns=len(messages),
    )


def _tokens(usage: Record) -> dict[str, int]:
    cached = number(usage.get("cache_read_input_tokens"))
    written = number(usage.get("cache_creation_input_tokens"))
    return {"input": number(usage.get("input_tokens")) + cached + written, "cached": cached}


RUNTIME = Runtime(
    name="claude",
    program="claude",
    launch=launch,
    conclude=conclude,
    keeps=keeps_file("CLAUDE_CONFIG_DIR", ".claude", "projects/*/{session}.jsonl"),
    list_skills=of_claude,
    inherits=(
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_BASE_URL",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "CLAUDE_CONFIG_DIR",
    ),
)
