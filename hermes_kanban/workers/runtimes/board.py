"""The board's tools as an MCP server in a client's configuration, and what the agent is asked.

Most clients start such a server with little of their own environment, so all that names the run
and its board stands in the command and in the configuration.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hermes_kanban.workers.runtimes.base import (
    Launch,
    LaunchRequest,
    fill,
    filled_env,
    working_directory,
)

# Hermes offers no tool of a server that is called kanban.
SERVER: Final = "board"
# How long a client may wait for the server to come up, on a machine under load.
START_SECONDS: Final = 60
# Longer than any call takes to be answered.
CALL_SECONDS: Final = 120

_DATABASE_FILE: Final = "HERMES_KANBAN_DB"
_HOME: Final = "HERMES_KANBAN_HOME"
_BOARD: Final = "HERMES_KANBAN_BOARD"


def tools_command(request: LaunchRequest) -> list[str]:
    """The command that serves this run's tools over standard input and output."""
    run = request.run
    words = [*request.tools, "--task", request.task.id, "--run", str(run.id)]
    words += ["--lock", run.claim_lock or ""]
    home = _home(request)
    return words if home is None else [*words, "--home", home, "--board", request.variables[_BOARD]]


def stdio_server(request: LaunchRequest) -> dict[str, Any]:
    """The same in the form that most clients' configuration has: command, args, env."""
    program, *arguments = tools_command(request)
    return {"command": program, "args": arguments, "env": request.tools_environment}


def bearer(token: str) -> dict[str, str]:
    """The header by which a run's tools are opened over HTTP."""
    return {"Authorization": f"Bearer {token}"}


def briefing(request: LaunchRequest) -> str:
    """The prompt, with the skills to load for clients that take none by option."""
    if not request.skills:
        return request.prompt
    named = ", ".join(f"`{skill}`" for skill in request.skills)
    return f"{request.prompt}\n\nLoad these skills before you begin, and follow them: {named}.\n"


def arguments(request: LaunchRequest) -> list[str]:
    """The profile's own arguments; ``{prompt}`` in them is the path of the prompt's file."""
    return [fill(word, request, str(request.prompt_file)) for word in request.profile.args]


def piped(
    request: LaunchRequest,
    argv: list[str],
    *,
    env: Mapping[str, str],
    files: Mapping[Path, str] | None = None,
    session: str | None = None,
) -> Launch:
    """The launch of a client that reads its prompt from standard input, of any length.

    On top of ``env`` comes what our own commands need to find the board, so that the agent may
    use them in its shell, and then what the profile says.
    """
    prompt_file = str(request.prompt_file)
    return Launch(
        argv=argv,
        env={**env, **request.reach, **filled_env(request, prompt_file)},
        cwd=working_directory(request, prompt_file),
        files={request.prompt_file: briefing(request), **(files or {})},
        reads_stdin=True,
        session=session,
        on_exit_zero=request.profile.exit_zero,
    )


def conversation_id(request: LaunchRequest) -> str:
    """A UUID for the conversation that this run begins, for clients that let us choose it."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{request.run.id}/{request.run.claim_lock}"))


def _home(request: LaunchRequest) -> str | None:
    """The home of the board, None if the board is a file that lies in none."""
    if home := request.reach.get(_HOME):
        return home
    database = Path(request.reach[_DATABASE_FILE])
    root = database.parent
    in_home = root.parent.name == "boards" and database.name == "board.db"
    return str(root.parent.parent) if in_home and root.name == request.variables[_BOARD] else None
