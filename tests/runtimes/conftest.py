"""A run to start, as a spawner would describe it to a runtime, with clients that only exist."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hermes_kanban.config import Profile
from hermes_kanban.workers.runtimes import Ending, Launch, LaunchRequest, runtime_named
from hermes_kanban.workers.runtimes.base import RemoteTools
from tests.workers.conftest import a_run, a_task

NAMES = ("claude", "codex", "continue", "gemini", "hermes", "opencode", "qwen")
PROGRAMS = ("claude", "cn", "codex", "gemini", "hermes", "opencode", "qwen")
SAMPLES = Path(__file__).parent / "samples"
TOOLS = ["/usr/bin/python3", "-P", "-m", "hermes_kanban.surfaces.cli.main", "mcp"]
LOCK = "lock-1"
NOW = 1_795_568_000  # 2026-11-25 00:53:20 UTC

Ask = Callable[..., LaunchRequest]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A person's home with every client's own files in it, as far as a run needs them."""
    home = tmp_path / "person"
    write(home / ".gemini/settings.json", {"mcpServers": {"board": {"command": "x"}}})
    write(home / ".continue/config.yaml", {"models": [{"name": "m", "model": "m-1"}]})
    profile = home / ".hermes/profiles/coder"
    write(profile / "config.yaml", {"mcp_servers": {"board": {"enabled": False}}})
    skill = profile / "skills/kanban-worker/SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("---\nname: kanban-worker\n---\n")
    return home


@pytest.fixture
def ask(tmp_path: Path, home: Path) -> Ask:
    """Makes requests; keyword arguments are keys of the profile, ``task`` and ``change`` apart."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in PROGRAMS:
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    folder = tmp_path / "kanban/boards/default/runs/7"
    folder.mkdir(parents=True)

    def make(
        runtime: str,
        *,
        task: dict[str, Any] | None = None,
        change: dict[str, Any] | None = None,
        **keys: Any,
    ) -> LaunchRequest:
        work = a_task(**({"assignee": "coder"} | (task or {})))
        values: dict[str, Any] = {
            "task": work,
            "run": msgspec.structs.replace(a_run(7, work.id), claim_lock=LOCK),
            "profile": Profile(runtime=runtime, **keys),  # type: ignore[arg-type]
            "prompt": "Do it.",
            "prompt_file": folder / "prompt",
            "folder": folder,
            "workspace": tmp_path / "work",
            "variables": {
                "HERMES_KANBAN_TASK": work.id,
                "HERMES_KANBAN_RUN_ID": "7",
                "HERMES_KANBAN_CLAIM_LOCK": LOCK,
                "HERMES_KANBAN_BOARD": "default",
                "HERMES_PROFILE": "coder",
            },
            "reach": {"HERMES_KANBAN_DB": str(tmp_path / "kanban/boards/default/board.db")},
            "tools": TOOLS,
            "inherited": {"HOME": str(home), "PATH": str(programs)},
        }
        return LaunchRequest(**(values | (change or {})))

    return make


REMOTE = {"remote": RemoteTools("http://127.0.0.1:8790/mcp", "token-1")}


def launched(request: LaunchRequest) -> Launch:
    return runtime_named(request.profile.runtime).launch(request)


def after(argv: list[str], option: str) -> str:
    """The word behind an option."""
    return argv[argv.index(option) + 1]


def write(file: Path, value: Any) -> Path:
    """JSON, which is YAML too."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value))
    return file


def ending(
    folder: Path, output: str = "", code: int | None = 0, spec: dict[str, Any] | None = None
) -> Ending:
    """How an agent ended that was started as ``spec`` says."""
    values: dict[str, Any] = {"argv": ["client"], "env": {"HOME": str(folder)}, "cwd": "/work"}
    folder.mkdir(exist_ok=True)
    write(folder / "spec.json", values | (spec or {}))
    (folder / "log").write_text(output)
    return Ending(exit_code=code, output=output, now=NOW, folder=folder)
