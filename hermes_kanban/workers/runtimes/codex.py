"""Codex CLI (``codex exec``), with its events one a line.

The tools are given on the command line, over what the person's ``config.toml`` says, and without
them it does not start. Commands run in Codex's own sandbox, which may write in the workspace;
``args`` of the profile may choose another (``-s danger-full-access``).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from hermes_kanban.model import Usage
from hermes_kanban.ports import Conclusion
from hermes_kanban.regular import read_regular
from hermes_kanban.workers.profiles import SpawnRefused
from hermes_kanban.workers.runtimes import spent
from hermes_kanban.workers.runtimes.base import Ending, Launch, LaunchRequest, Runtime
from hermes_kanban.workers.runtimes.board import (
    CALL_SECONDS,
    SERVER,
    START_SECONDS,
    arguments,
    piped,
    tools_command,
)
from hermes_kanban.workers.runtimes.failures import failed
from hermes_kanban.workers.runtimes.output import (
    Record,
    first_record,
    number,
    records,
    sub,
    text,
)
from hermes_kanban.workers.runtimes.program import (
    agent_environment,
    end_of,
    keeps_file,
    need_program,
    place_of,
    started_with,
)

TOKEN_VARIABLE: Final = "HERMES_KANBAN_TOKEN"


def launch(request: LaunchRequest) -> Launch:
    """The command line of one run; the prompt comes on standard input."""
    argv = [need_program("codex", request), "exec", "--json", "--skip-git-repo-check"]
    _check_own_server(request)
    for key, value in _settings(request).items():
        argv += ["-c", f"{key}={_toml(value)}"]
    if request.model:
        argv += ["-m", request.model]
    argv += arguments(request)
    argv += ["resume", request.session, "-"] if request.session else ["-"]
    env = {} if request.remote is None else {TOKEN_VARIABLE: request.remote.token}
    return piped(request, argv, env=env, files=_before(request), session=request.session)


def _settings(request: LaunchRequest) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "sandbox_mode": "workspace-write",
        f"mcp_servers.{SERVER}": _server(request)
        | {
            "enabled": True,
            "required": True,
            "default_tools_approval_mode": "approve",
            "startup_timeout_sec": START_SECONDS,
            "tool_timeout_sec": CALL_SECONDS,
        },
    }
    if request.provider:
        settings["model_provider"] = request.provider
    return settings


def _server(request: LaunchRequest) -> dict[str, Any]:
    if request.remote is not None:
        return {"url": request.remote.url, "bearer_token_env_var": TOKEN_VARIABLE}
    program, *words = tools_command(request)
    # By name: values would stand on the command line for all to see.
    return {"command": program, "args": words, "env_vars": sorted(request.tools_environment)}


def _check_own_server(request: LaunchRequest) -> None:
    """Codex merges ours into an entry of the person's, and knows one way to a server at a time."""
    file = place_of(agent_environment(request), "CODEX_HOME", ".codex") / "config.toml"
    try:
        own = sub(tomllib.loads(read_regular(file, links=True).decode()), "mcp_servers", SERVER)
    except (OSError, ValueError):
        return  # none, or one that Codex itself will complain of
    other = "command" if request.remote is not None else "url"
    if other in own:
        raise SpawnRefused(
            f"{file} has a tool server {SERVER} with a {other}, which cannot be combined with"
            f" transport: {request.profile.transport} of the profile; change one of the two"
        )


def _toml(value: Any) -> str:
    """A value as TOML writes it; its strings are those of JSON, but for DEL."""
    if isinstance(value, dict):
        pairs = ", ".join(f"{key} = {_toml(one)}" for key, one in value.items())
        return f"{{ {pairs} }}"
    if isinstance(value, list):
        return f"[{', '.join(_toml(one) for one in value)}]"
    return json.dumps(value).replace("\x7f", "\\u007f")


def conclude(ending: Ending) -> Conclusion:
    """What failed is in ``turn.failed``; what it says meanwhile of reconnecting is no end."""
    told = records(ending.output)
    started = first_record(ending.folder, "thread.started", ending.output)
    session = text((started or {}).get("thread_id"))
    end = next((one for one in reversed(told) if one.get("type") in _ENDS), {})
    if end.get("type") == "turn.failed":
        found = failed("codex", ending, text(sub(end, "error").get("message")))
    elif end or ending.exit_code != 1:
        found = Conclusion(said=_said(told))
    else:
        found = failed("codex", ending, _last_error(told))
    usage = _usage(ending, session, sub(end, "usage"))
    return msgspec.structs.replace(found, session=session, usage=usage)


_ENDS: Final = ("turn.completed", "turn.failed")


def _said(told: list[Record]) -> str | None:
    for item in (sub(one, "item") for one in reversed(told)):
        if item.get("type") == "agent_message":
            return text(item.get("text"))
    return None


def _last_error(told: list[Record]) -> str | None:
    errors = [one for one in told if one.get("type") == "error"]
    return text(errors[-1].get("message")) if errors else None


def _usage(ending: Ending, session: str | None, counts: Record) -> Usage | None:
    """Of this run alone: Codex counts over the whole conversation, also where it did not end."""
    total = _of_counts(counts)
    if total is None and session is not None:
        total = _so_far(started_with(ending.folder).env, session)
    return None if total is None else spent.since(ending.folder, total)


def _before(request: LaunchRequest) -> dict[Path, str]:
    if request.session is None:
        return {}
    return spent.before(request.folder, _so_far(agent_environment(request), request.session))


def _so_far(env: dict[str, str], session: str) -> Usage | None:
    """What the conversation has cost by its own file, None where there is none to read."""
    for line in _last_lines(place_of(env, "CODEX_HOME", ".codex"), session):
        if '"total_token_usage"' in line:
            for record in records(line):
                return _of_counts(sub(record, "payload", "info", "total_token_usage"))
    return None


def _last_lines(home: Path, session: str) -> Iterator[str]:
    """The last lines of the conversation's file, the last one first."""
    for file in sorted(home.glob(f"sessions/*/*/*/rollout-*-{session}.jsonl"), reverse=True):
        yield from reversed(end_of(file).splitlines())


def _of_counts(counts: Record) -> Usage | None:
    if not counts:
        return None
    return Usage(
        input=number(counts.get("input_tokens")),
        cached=number(counts.get("cached_input_tokens")),
        output=number(counts.get("output_tokens")),
    )


RUNTIME = Runtime(
    name="codex",
    program="codex",
    launch=launch,
    conclude=conclude,
    keeps=keeps_file("CODEX_HOME", ".codex", "sessions/*/*/*/rollout-*-{session}.jsonl"),
    inherits=("CODEX_API_KEY", "CODEX_HOME", "OPENAI_API_KEY", "OPENAI_BASE_URL"),
)
