"""opencode (``opencode run``), with its events one a line.

The tools come by the variable whose configuration it merges over the person's own.
"""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

from hermes_kanban.model import Usage
from hermes_kanban.ports import Conclusion
from hermes_kanban.workers.profiles import SpawnRefused
from hermes_kanban.workers.runtimes.base import Ending, Launch, LaunchRequest, Runtime
from hermes_kanban.workers.runtimes.board import (
    CALL_SECONDS,
    SERVER,
    arguments,
    bearer,
    piped,
    tools_command,
)
from hermes_kanban.workers.runtimes.failures import failed
from hermes_kanban.workers.runtimes.output import Record, number, records, sub, text
from hermes_kanban.workers.runtimes.program import need_program

CONFIG_VARIABLE: Final = "OPENCODE_CONFIG_CONTENT"


def launch(request: LaunchRequest) -> Launch:
    """The command line of one run; the prompt comes on standard input."""
    argv = [need_program("opencode", request), "run", "--format", "json", "--auto"]
    if model := _model(request):
        argv += ["-m", model]
    if request.session:
        argv += ["--session", request.session]
    config = {"autoupdate": False, "share": "disabled", "mcp": {SERVER: _server(request)}}
    return piped(
        request,
        argv + arguments(request),
        env={CONFIG_VARIABLE: json.dumps(config)},
        session=request.session,
    )


def _model(request: LaunchRequest) -> str | None:
    """``provider/model``, as opencode names models."""
    model, provider = request.model, request.provider
    if provider is None or model is None:
        if provider is not None:
            raise SpawnRefused(f"opencode needs a model beside the provider {provider}")
        return model
    return model if model.startswith(f"{provider}/") else f"{provider}/{model}"


def _server(request: LaunchRequest) -> dict[str, Any]:
    way: dict[str, Any] = {
        "type": "local",
        "command": tools_command(request),
        "environment": request.tools_environment,
    }
    if request.remote is not None:
        headers = bearer(request.remote.token)
        way = {"type": "remote", "url": request.remote.url, "headers": headers, "oauth": False}
    return way | {"enabled": True, "timeout": CALL_SECONDS * 1000}


def conclude(ending: Ending) -> Conclusion:
    """An error has a record of its own; what a run cost is in the records of its steps."""
    told = records(ending.output)
    session = next((one["sessionID"] for one in reversed(told) if "sessionID" in one), None)
    errors = [one for one in told if one.get("type") == "error"]
    if ending.exit_code == 1:
        found = _failed(ending, sub(errors[-1], "error") if errors else {})
    else:
        said = [sub(one, "part").get("text") for one in told if one.get("type") == "text"]
        found = Conclusion(said=text(said[-1]) if said else None)
    return msgspec.structs.replace(found, session=text(session), usage=_usage(told))


def _failed(ending: Ending, error: Record) -> Conclusion:
    data = sub(error, "data")
    headers = sub(data, "responseHeaders")
    message = text(data.get("message")) or text(error.get("name"))
    after = text(headers.get("retry-after"))
    return failed(
        "opencode",
        ending,
        message,
        status=data.get("statusCode"),
        reset_at=ending.now + int(after) if after and after.isdecimal() else None,
    )


def _usage(told: list[Record]) -> Usage | None:
    steps = [sub(one, "part") for one in told if one.get("type") == "step_finish"]
    if not steps:
        return None
    counts = [sub(step, "tokens") for step in steps]
    cached = sum(number(sub(count, "cache").get("read")) for count in counts)
    written = sum(number(sub(count, "cache").get("write")) for count in counts)
    costs = [step["cost"] for step in steps if isinstance(step.get("cost"), int | float)]
    return Usage(
        input=sum(number(count.get("input")) for count in counts) + cached + written,
        cached=cached,
        output=sum(
            number(count.get("output")) + number(count.get("reasoning")) for count in counts
        ),
        cost_usd=float(sum(costs)),
        turns=len(steps),
    )


RUNTIME = Runtime(
    name="opencode",
    program="opencode",
    launch=launch,
    conclude=conclude,
    inherits=("OPENCODE_CONFIG", "OPENCODE_CONFIG_DIR"),
)
