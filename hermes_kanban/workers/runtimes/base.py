"""What every runtime is asked and what it answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec

from hermes_kanban.config import Profile
from hermes_kanban.model import Run, Task

_TOKEN = re.compile(r"\{(task_id|workspace|prompt)\}")


class LaunchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One run to start: ``prompt`` is the text for the agent, ``prompt_file`` where it may lie.

    ``reach`` are the variables by which our own commands find the run's board.
    """

    task: Task
    run: Run
    profile: Profile
    prompt: str
    prompt_file: Path
    workspace: Path
    reach: dict[str, str]


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """How to start the agent.

    ``env`` goes on top of the run's variables. With ``writes_prompt`` the prompt is written to
    the request's ``prompt_file``; with ``reads_stdin`` the agent reads that file as its input.
    """

    argv: list[str]
    env: dict[str, str]
    cwd: str
    writes_prompt: bool
    reads_stdin: bool
    on_exit_zero: str


Runtime = Callable[[LaunchRequest], Launch]


def fill(text: str, request: LaunchRequest, prompt: str) -> str:
    """``text`` with the exact tokens replaced in one pass, so that no value is read as a token."""
    values = {
        "task_id": request.task.id,
        "workspace": str(request.workspace),
        "prompt": prompt,
    }
    return _TOKEN.sub(lambda found: values[found[1]], text)
