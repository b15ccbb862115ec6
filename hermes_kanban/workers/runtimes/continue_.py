"""The Continue CLI (``cn -p``), which prints the last answer and nothing else.

Its ``--config`` stands in the place of the person's own configuration, so the run's file is that
configuration and the tools. What a run cost and which conversation it was, it tells only in the
file of the session.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import msgspec

from hermes_kanban.model import Usage
from hermes_kanban.ports import Conclusion
from hermes_kanban.regular import read_regular
from hermes_kanban.workers.profiles import SpawnRefused
from hermes_kanban.workers.runtimes.base import Ending, Launch, LaunchRequest, Runtime
from hermes_kanban.workers.runtimes.board import (
    SERVER,
    START_SECONDS,
    arguments,
    bearer,
    piped,
    stdio_server,
)
from hermes_kanban.workers.runtimes.failures import failed
from hermes_kanban.workers.runtimes.output import (
    Record,
    number,
    objects,
    records,
    sub,
    text,
)
from hermes_kanban.workers.runtimes.program import (
    agent_environment,
    keeps_file,
    need_program,
    place_of,
    read_yaml,
    started_with,
)

PLACE: Final = "CONTINUE_GLOBAL_DIR"
DEFAULT_PLACE: Final = ".continue"


def launch(request: LaunchRequest) -> Launch:
    """The command line of one run; the prompt comes on standard input."""
    program = need_program("cn", request)
    own, rest = _own_configuration(request)
    config = request.folder / "continue.yaml"
    argv = [program, "--auto", "--config", str(config)]
    if request.session:
        argv += ["--fork", request.session]
    return piped(
        request,
        # Last: a word after it passes for the prompt, and standard input goes unread.
        [*argv, *rest, "-p"],
        env={"CONTINUE_TELEMETRY_ENABLED": "0"},
        # JSON is YAML.
        files={config: json.dumps(_configuration(request, own))},
    )


def _own_configuration(request: LaunchRequest) -> tuple[Path, list[str]]:
    """The person's file, which the profile's ``--config`` may name, and the other arguments."""
    rest = arguments(request)
    if "--config" in rest[:-1]:
        at = rest.index("--config")
        return Path(rest[at + 1]).expanduser(), rest[:at] + rest[at + 2 :]
    return place_of(agent_environment(request), PLACE, DEFAULT_PLACE) / "config.yaml", rest


def _configuration(request: LaunchRequest, own: Path) -> Record:
    found = read_yaml(own)
    if not found:
        raise SpawnRefused(
            f"the Continue CLI has no configuration in {own}; name a file with models there,"
            " or by args: [--config, FILE] of the profile"
        )
    servers = [one for one in objects(found.get("mcpServers")) if one.get("name") != SERVER]
    found["mcpServers"] = [*servers, {"name": SERVER, **_server(request)}]
    if request.model or request.provider:
        found["models"] = [_model(request, found, own)]
    return found


def _server(request: LaunchRequest) -> dict[str, Any]:
    way: dict[str, Any] = stdio_server(request)
    if request.remote is not None:
        headers = bearer(request.remote.token)
        way = {"type": "streamable-http", "url": request.remote.url}
        way["requestOptions"] = {"headers": headers}
    return way | {"connectionTimeout": START_SECONDS * 1000}


def _model(request: LaunchRequest, found: Record, own: Path) -> Record:
    """The one model of that name and provider."""
    for model in objects(found.get("models")):
        named = request.model in (None, model.get("name"), model.get("model"))
        if named and request.provider in (None, model.get("provider")):
            return model
    wanted = " of ".join(word for word in (request.model, request.provider) if word)
    raise SpawnRefused(f"the models in {own} have no {wanted}")


def conclude(ending: Ending) -> Conclusion:
    """An error is one record on standard error; else the output is the last answer."""
    if ending.exit_code == 1:
        errors = [one for one in records(ending.output) if one.get("status") == "error"]
        found = failed("continue", ending, text(errors[-1].get("message")) if errors else None)
    else:
        found = Conclusion(said=text(ending.output))
    session = _session(ending)
    if session is None:
        return found
    name = text(session.get("sessionId"))
    return msgspec.structs.replace(found, session=name, usage=_usage(session))


def _session(ending: Ending) -> Record | None:
    """The newest session of the run's folder since the run began: no other run works there."""
    started = started_with(ending.folder)
    since = (ending.folder / "spec.json").stat().st_mtime
    sessions = place_of(started.env, PLACE, DEFAULT_PLACE) / "sessions"
    files = [(file.stat().st_mtime, file) for file in sessions.glob("*.json")]
    for changed, file in sorted(files, reverse=True):
        if changed < since:
            break
        if file.name != "sessions.json":
            found = msgspec.json.decode(read_regular(file))
            if isinstance(found, dict) and found.get("workspaceDirectory") == started.cwd:
                return found
    return None


def _usage(session: Record) -> Usage | None:
    """The answers since the last prompt, since one run gives one."""
    counts: list[Record] = []
    for item in objects(session.get("history")):
        message = sub(item, "message")
        if message.get("role") == "user":
            counts = []
        elif usage := sub(message, "usage"):
            counts.append(usage)
    if not counts:
        return None
    details = [sub(count, "prompt_tokens_details") for count in counts]
    return Usage(
        input=sum(number(count.get("prompt_tokens")) for count in counts),
        cached=sum(number(detail.get("cached_tokens")) for detail in details),
        output=sum(number(count.get("completion_tokens")) for count in counts),
        turns=len(counts),
    )


RUNTIME = Runtime(
    name="continue",
    program="cn",
    launch=launch,
    conclude=conclude,
    keeps=keeps_file(PLACE, DEFAULT_PLACE, "sessions/{session}.json"),
    inherits=("CONTINUE_API_KEY", PLACE),
)
