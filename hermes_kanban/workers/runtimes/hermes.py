"""Hermes Agent (``hermes -p <assignee>``): the task's assignee is the Hermes profile.

A run writes nothing to the profile. What it needs of Hermes' configuration lies in its own folder,
which Hermes takes for the folder of an administrator's settings, above the profile's own; a real
administrator's settings are taken over into it. Two things only the profile itself can have, and
``hermes-kanban setup hermes --worker`` puts them there: a skill, and any entry under
``mcp_servers``, without which Hermes does not look for tools at all.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from hermes_kanban.ports import Conclusion
from hermes_kanban.regular import read_regular
from hermes_kanban.workers.profiles import SpawnRefused
from hermes_kanban.workers.runtimes import spent
from hermes_kanban.workers.runtimes.base import (
    Ending,
    Launch,
    LaunchRequest,
    Runtime,
    SkillQuery,
    filled_env,
    working_directory,
)
from hermes_kanban.workers.runtimes.board import (
    SERVER,
    START_SECONDS,
    arguments,
    bearer,
    stdio_server,
)
from hermes_kanban.workers.runtimes.failures import failed
from hermes_kanban.workers.runtimes.hermes_state import (
    has_session,
    newest,
    profile_folder,
    spent_on,
)
from hermes_kanban.workers.runtimes.output import sub, text
from hermes_kanban.workers.runtimes.program import (
    agent_environment,
    need_program,
    place_of,
    read_yaml,
    started_with,
)
from hermes_kanban.workers.runtimes.skills import of_hermes

WORKER_SKILL: Final = "kanban-worker"
SETTINGS_FOLDER: Final = "HERMES_MANAGED_DIR"
SYSTEM_SETTINGS: Final = Path("/etc/hermes")
# With one of these Hermes would open the board's file and make tables of its own in it; with the
# last it would run a loop of its own around the task.
FORBIDDEN: Final = frozenset(
    {
        "HERMES_KANBAN_DB",
        "HERMES_KANBAN_HOME",
        "HERMES_KANBAN_ROOT",
        "HERMES_KANBAN_GOAL_MODE",
    }
)
ENVIRONMENT: Final = {
    # It looks for its own tools' names and would ask again after ours.
    "HERMES_KANBAN_STOP_NUDGE": "0",
    # Nobody is there to approve of hooks.
    "HERMES_ACCEPT_HOOKS": "1",
    # Else its answer, held back until the end, comes after what standard error says last.
    "PYTHONUNBUFFERED": "1",
}

_SESSION: Final = re.compile(r"^session_id: (\d{8}_\d{6}_[0-9a-f]{4,32})$", re.MULTILINE)
_RESUMED: Final = re.compile(r"^↻ Resumed session .*$", re.MULTILINE)


def launch(request: LaunchRequest) -> Launch:
    """The command line of one run; the task's text it reads by ``kanban_show``."""
    program = need_program("hermes", request)
    profile = _profile_folder(request)
    own = _check_profile(request, profile)
    argv = [program, "-p", request.task.assignee or ""]
    for skill in dict.fromkeys([WORKER_SKILL, *request.skills]):
        argv += ["--skills", skill]
    if request.model:
        argv += ["-m", request.model]
    argv += ["chat", "-Q", "-q", f"work kanban task {request.task.id}"]
    if request.provider:
        argv += ["--provider", request.provider]
    if request.session:
        argv += ["--resume", request.session]
    prompt_file = str(request.prompt_file)
    cwd = working_directory(request, prompt_file)
    env = {**ENVIRONMENT, "TERMINAL_CWD": cwd, **filled_env(request, prompt_file)}
    env[SETTINGS_FOLDER] = str(request.folder)
    return Launch(
        argv=argv + arguments(request),
        env={name: value for name, value in env.items() if name not in FORBIDDEN},
        cwd=cwd,
        files={**_settings(request, own), **_before(request, profile)},
        writes_prompt=True,
        session=request.session,
        on_exit_zero=request.profile.exit_zero,
    )


def _profile_folder(request: LaunchRequest) -> Path:
    """Where the Hermes profile of that name lies; SpawnRefused if there is none."""
    name = request.task.assignee or ""
    folder = _folder_of(agent_environment(request), name)
    if not folder.is_dir():
        raise SpawnRefused(
            f"Hermes has no profile {name} ({folder}); 'hermes profile create {name}' makes it"
        )
    return folder


def _folder_of(env: Mapping[str, str], name: str) -> Path:
    return profile_folder(place_of(env, "HERMES_HOME", ".hermes"), name)


def _check_profile(request: LaunchRequest, folder: Path) -> dict[str, Any]:
    """The profile's configuration; SpawnRefused if Hermes would start without the board."""
    config = read_yaml(folder / "config.yaml")
    query = SkillQuery(
        name=request.task.assignee or "",
        profile=request.profile,
        workspace=None,
        environ=agent_environment(request),
    )
    skills = of_hermes(query)
    lacks = "" if sub(config, "mcp_servers") else f"mcp_servers in {folder / 'config.yaml'}"
    if skills is not None and WORKER_SKILL not in skills.names:
        lacks = f"skill {WORKER_SKILL} in {skills.where}"
    if lacks:
        name = request.task.assignee
        raise SpawnRefused(
            f"the Hermes profile {name} has no {lacks};"
            f" 'hermes-kanban setup hermes --worker {name}' adds it"
        )
    return config


def _settings(request: LaunchRequest, own: dict[str, Any]) -> dict[Path, str]:
    """What Hermes reads above the profile's own configuration."""
    named = agent_environment(request).get(SETTINGS_FOLDER)
    administrators = Path(named) if named else SYSTEM_SETTINGS
    theirs = read_yaml(administrators / "config.yaml")
    off = [sub(one, "agent").get("disabled_toolsets") for one in (theirs, own)]
    ours = {
        "mcp_servers": {SERVER: _server(request)},
        # A second and a half by default, after which a run goes on without them.
        "mcp_discovery_timeout": START_SECONDS,
        # Its own board's tools, which the task in the environment would wake.
        "agent": {"disabled_toolsets": sorted({*(off[0] or off[1] or []), "kanban"})},
        # A terminal interface would end at once, with exit code 0.
        "display": {"interface": "cli"},
    }
    files = {request.folder / "config.yaml": json.dumps(_merged(theirs, ours))}
    with contextlib.suppress(FileNotFoundError):
        files[request.folder / ".env"] = read_regular(administrators / ".env", links=True).decode()
    return files


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    found = dict(below)
    for key, value in above.items():
        had = found.get(key)
        within = isinstance(had, dict) and isinstance(value, dict) and key != SERVER
        found[key] = _merged(cast("dict[str, Any]", had), value) if within else value
    return found


def _server(request: LaunchRequest) -> dict[str, Any]:
    way: dict[str, Any] = stdio_server(request)
    if request.remote is not None:
        way = {"url": request.remote.url, "headers": bearer(request.remote.token)}
    # In the profile the entry may be off, so that only runs start it.
    return way | {"enabled": True}


def _before(request: LaunchRequest, profile: Path) -> dict[Path, str]:
    if request.session is None:
        return {}
    return spent.before(request.folder, spent_on(profile, request.session))


def conclude(ending: Ending) -> Conclusion:
    """First its answer, then the conversation's name, and after that at most complaints."""
    output = _RESUMED.sub("", ending.output)
    named = next(reversed(list(_SESSION.finditer(output))), None)
    said = text(output[: named.start()] if named else output)
    if (ending.exit_code or 0) > 0:
        found = failed("hermes", ending, _last_line(said))
    else:
        found = Conclusion(said=said)
    started = started_with(ending.folder)
    profile = _folder_of(started.env, started.argv[started.argv.index("-p") + 1])
    session = named[1] if named else newest(profile, ending.folder, started.cwd)
    if session is None:
        return found
    total = spent_on(profile, session)
    usage = None if total is None else spent.since(ending.folder, total)
    return msgspec.structs.replace(found, session=session, usage=usage)


def keeps(environment: Mapping[str, str], name: str, session: str) -> bool:
    """Whether the profile still has the conversation, or cannot be asked."""
    return has_session(_folder_of(environment, name), session)


def _last_line(said: str | None) -> str | None:
    """Of an error there is one line; before it may stand what a traceback leaves."""
    return said.splitlines()[-1] if said else None


RUNTIME = Runtime(
    name="hermes",
    program="hermes",
    launch=launch,
    conclude=conclude,
    keeps=keeps,
    list_skills=of_hermes,
    inherits=("HERMES_HOME", SETTINGS_FOLDER),
)
