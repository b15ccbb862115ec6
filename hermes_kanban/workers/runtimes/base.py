"""What every runtime is asked and what it answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from hermes_kanban.config import Profile
from hermes_kanban.model import Run, Task
from hermes_kanban.ports import Conclusion

# As much of the end of a run's output as a runtime reads; its last report is within it.
OUTPUT_BYTES = 256 * 1024
SAID_BYTES = 4 * 1024

TOKEN = re.compile(r"\{(task_id|workspace|prompt)\}")


class RemoteTools(msgspec.Struct, frozen=True):
    """Where the run's tools are served over streamable HTTP, and the bearer token that opens.

    ``url`` is for programs of this host. ``anywhere`` are the addresses by which other machines
    reach the gateways of the board, this host's first. ``state`` is the folder of this host in
    which a hand-over waits where the gateway looks for it.
    """

    url: str
    token: str
    anywhere: tuple[str, ...] = ()
    state: str = ""

    @property
    def variables(self) -> dict[str, str]:
        """What a program needs to reach them from wherever it is taken to."""
        return {
            "HERMES_KANBAN_URL": ",".join(self.anywhere or (self.url,)),
            "HERMES_KANBAN_TOKEN": self.token,
            "HERMES_KANBAN_STATE": self.state,
        }


class LaunchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One run to start.

    ``prompt`` is the text for the agent, ``prompt_file`` where it may lie. ``folder`` is the run's
    own, for the client's configuration. ``variables`` name the run, ``reach`` its board; both
    are what our own commands need, and ``tools`` is the command that serves the run's tools over
    standard input and output (MCP); with ``remote`` they are reached over HTTP instead.
    ``inherited`` is what the agent gets of the gateway's environment. ``session`` is the
    conversation to go on with, None to begin one.
    """

    task: Task
    run: Run
    profile: Profile
    prompt: str
    prompt_file: Path
    folder: Path
    workspace: Path
    variables: dict[str, str]
    reach: dict[str, str]
    tools: list[str]
    inherited: dict[str, str]
    session: str | None = None
    remote: RemoteTools | None = None

    @property
    def model(self) -> str | None:
        """The task's model, else the profile's."""
        return self.task.model or self.profile.model

    @property
    def provider(self) -> str | None:
        """Who answers for the model: the task's, else the profile's."""
        return self.task.provider or self.profile.provider

    @property
    def skills(self) -> list[str]:
        """The profile's skills and then the task's own, each once."""
        return list(dict.fromkeys([*self.profile.skills, *self.task.skills]))

    @property
    def tools_environment(self) -> dict[str, str]:
        """What the tools' command must find where its client passes no environment on."""
        return self.variables | self.reach


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """How to start the agent.

    ``env`` goes on top of the run's variables. ``files`` are written, for the owner alone, before
    the start. With ``writes_prompt`` the prompt is written to the request's ``prompt_file``; with
    ``reads_stdin`` the agent reads that file as its input. ``session`` is the conversation's name
    where we choose it.
    """

    argv: list[str]
    env: dict[str, str]
    cwd: str
    on_exit_zero: str
    files: dict[Path, str] = {}
    writes_prompt: bool = False
    reads_stdin: bool = False
    session: str | None = None


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How an agent ended: its exit code (negative: the signal) and its last output.

    ``now`` is when it ended, Unix seconds. ``folder`` is the run's own.
    """

    exit_code: int | None
    output: str
    now: int
    folder: Path


class SkillQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Whose skills to look for: the profile called ``name``, on a task in ``workspace``, if known.

    ``environ`` is the gateway's environment.
    """

    name: str
    profile: Profile
    workspace: Path | None
    environ: Mapping[str, str]

    def variable(self, name: str) -> str:
        """What the agent will find in its environment, empty for nothing."""
        return self.profile.env.get(name) or self.environ.get(name, "")

    @property
    def home(self) -> Path:
        """The home of the user that the agent runs as."""
        return Path(self.variable("HOME") or Path.home())


class SkillList(msgspec.Struct, frozen=True):
    """The names of the skills that are there, and the folder ``where`` one would be put."""

    names: frozenset[str]
    where: Path


class Runtime(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of agent.

    ``program`` is the name of its executable, empty where the profile names it. ``has_tools``
    says that it is given the run's tools, so that one which never called them never reached the
    board. ``inherits`` are variables that it gets of the gateway's environment beside what every
    worker gets: where the client keeps its things, and its own vendor's login. ``list_skills``
    says which skills its agent finds; it is None, or answers None, where that cannot be told.
    ``keeps``, given the agent's environment, the profile's name and a conversation's, says whether
    the client still has that conversation; it is None where that cannot be told.
    """

    name: str
    program: str
    launch: Callable[[LaunchRequest], Launch]
    conclude: Callable[[Ending], Conclusion]
    has_tools: bool = True
    inherits: tuple[str, ...] = ()
    list_skills: Callable[[SkillQuery], SkillList | None] | None = None
    keeps: Callable[[Mapping[str, str], str, str], bool] | None = None


def fill(text: str, request: LaunchRequest, prompt: str) -> str:
    """``text`` with the exact tokens replaced in one pass, so that no value is read as a token."""
    values = {
        "task_id": request.task.id,
        "workspace": str(request.workspace),
        "prompt": prompt,
    }
    return TOKEN.sub(lambda found: values[found[1]], text)


def filled_env(request: LaunchRequest, prompt: str) -> dict[str, str]:
    """The profile's own variables."""
    return {name: fill(value, request, prompt) for name, value in request.profile.env.items()}


def working_directory(request: LaunchRequest, prompt: str) -> str:
    """Where the agent starts: the workspace, or the profile's place in or beside it."""
    return str(request.workspace / fill(request.profile.cwd or ".", request, prompt))
