"""A client's program, and where it keeps its own things."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from hermes_kanban.regular import open_regular, read_regular
from hermes_kanban.workers.profiles import SpawnRefused
from hermes_kanban.workers.runtimes.base import LaunchRequest

END_BYTES: Final = 1 << 20

TITLES: Final = {
    "claude": "Claude Code",
    "cn": "the Continue CLI",
    "codex": "Codex CLI",
    "gemini": "Gemini CLI",
    "hermes": "Hermes Agent",
    "opencode": "opencode",
    "qwen": "Qwen Code",
}


def need_program(name: str, request: LaunchRequest) -> str:
    """``name`` itself, if the agent's PATH has such a program; raises SpawnRefused if not."""
    env = agent_environment(request)
    if shutil.which(name, path=env.get("PATH", "")) is None:
        raise SpawnRefused(
            f"{name} ({TITLES[name]}) is not installed, or not on the PATH of the gateway;"
            f" PATH under env: of the profile can name another folder"
        )
    return name


def agent_environment(request: LaunchRequest) -> dict[str, str]:
    """What the agent will find in its environment, before its runtime adds to it."""
    return request.inherited | request.profile.env


def place_of(environment: Mapping[str, str], variable: str, default: str) -> Path:
    """The folder that ``variable`` names, else ``default`` below the home folder."""
    if named := environment.get(variable):
        return Path(named).expanduser()
    return Path(environment.get("HOME") or Path.home()) / default


def keeps_file(
    variable: str, default: str, pattern: str
) -> Callable[[Mapping[str, str], str, str], bool]:
    """For ``Runtime.keeps``: ``pattern`` is the conversation's file below the client's place.

    ``{session}`` in it is the conversation's name, ``{start}`` its first eight characters.
    """

    def keeps(environment: Mapping[str, str], _: str, session: str) -> bool:
        name = glob.escape(session)
        wanted = pattern.format(session=name, start=name[:8])
        return next(place_of(environment, variable, default).glob(wanted), None) is not None

    return keeps


class Started(msgspec.Struct):
    """What an agent was started with."""

    argv: list[str]
    env: dict[str, str]
    cwd: str


def started_with(folder: Path) -> Started:
    """The environment and working folder of the agent whose run lies in ``folder``."""
    return msgspec.json.decode(read_regular(folder / "spec.json"), type=Started)


def end_of(file: Path) -> str:
    """The last lines of a client's own record, as far as ``END_BYTES`` go; empty if unreadable."""
    try:
        with open(open_regular(file, links=True), "rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - END_BYTES))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""


def read_yaml(file: Path) -> dict[str, Any]:
    """A client's own configuration; empty where there is none, SpawnRefused for what is none."""
    import yaml  # slow to import, and not every client needs it

    try:
        found = yaml.load(
            read_regular(file, links=True), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        )
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        told = " ".join(str(error).split())
        raise SpawnRefused(f"{file} cannot be read: {told}") from None
    return found if isinstance(found, dict) else {}
