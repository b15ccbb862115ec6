"""What arrives at a client's program, through the real supervisor.

A script stands where the client would: what is tested is our side of it.
"""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban.config import Profile
from hermes_kanban.workers.conclusions import conclude
from tests.runtimes.conftest import NAMES, PROGRAMS, write
from tests.workers.conftest import Rig, Worker, a_run, a_task, rig

__all__ = ["rig"]

PROMPT = "Do it: ü\n" + "x" * (200 * 1024)
SCRIPT = f"""#!{sys.executable} -IS
import json, os, sys
told = {{"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd()}}
told["stdin"] = sys.stdin.buffer.read().decode()
with open(os.environ["TOLD"], "w") as file:
    json.dump(told, file)
"""


class Stand:
    """A machine with every client's program, each a script that notes what it is told."""

    def __init__(self, rig: Rig, root: Path) -> None:
        self.rig, self.told = rig, root / "told.json"
        self.home, self.programs = root / "person", root / "bin"
        self.programs.mkdir()
        for name in PROGRAMS:
            (self.programs / name).write_text(SCRIPT)
            (self.programs / name).chmod(0o755)
        write(self.home / ".gemini/settings.json", {"mcpServers": {"board": {}}})
        write(self.home / ".continue/config.yaml", {"models": [{"name": "m"}]})
        profile = self.home / ".hermes/profiles/tester"
        write(profile / "config.yaml", {"mcp_servers": {"board": {"enabled": False}}})
        write(profile / "skills/kanban-worker/SKILL.md", "")

    def run(self, name: str, **environ: str) -> tuple[Worker, dict[str, Any]]:
        """Start the client by its runtime, and read what its program was told."""
        inherited = {"HOME": str(self.home), "PATH": str(self.programs), "GATEWAYS": "secret"}
        options = {
            "environ": inherited | environ,
            "prompt_for": lambda task, run: PROMPT,
        }
        profile: dict[str, Any] = {"runtime": name, "env": {"TOLD": str(self.told)}}
        worker = self.rig.start(task=a_task(), options=options, **profile)
        record = worker.record()
        assert (record.exit_code, record.spawn_failed) == (0, None), record.tail
        return worker, json.loads(self.told.read_text())


@pytest.fixture
def stand(rig: Rig, tmp_path: Path) -> Stand:
    return Stand(rig, tmp_path)


@pytest.mark.parametrize("name", [one for one in NAMES if one != "hermes"])
def test_a_prompt_too_long_for_an_argument_arrives_whole(name: str, stand: Stand) -> None:
    _, told = stand.run(name)
    assert told["stdin"] == PROMPT


def test_hermes_is_told_its_task_and_reads_nothing(stand: Stand) -> None:
    _, told = stand.run("hermes")
    assert told["stdin"] == ""
    assert told["argv"][-1] == "work kanban task t_abc"
    forbidden = {"HERMES_KANBAN_HOME", "HERMES_KANBAN_ROOT", "HERMES_KANBAN_DB"}
    assert not forbidden & {*told["env"]}


@pytest.mark.parametrize("name", NAMES)
def test_the_run_is_named_and_nothing_of_the_gateways_leaks(name: str, stand: Stand) -> None:
    worker, told = stand.run(name)
    env = told["env"]
    assert (env["HERMES_KANBAN_TASK"], env["HERMES_KANBAN_RUN_ID"]) == ("t_abc", "1")
    assert env["HERMES_KANBAN_CLAIM_LOCK"] == worker.ref.claim_lock
    assert "GATEWAYS" not in env
    assert told["cwd"] == str(stand.rig.paths.workspaces / "t_abc")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_for_a_client_is_its_owners_alone(name: str, stand: Stand) -> None:
    worker, _ = stand.run(name)
    files = [file for file in worker.ref.run_dir.rglob("*") if file.is_file()]
    assert {"spec.json", "prompt"} <= {file.name for file in files}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.parametrize("name", NAMES)
def test_a_client_that_never_called_its_tools_never_reached_the_board(
    name: str, stand: Stand
) -> None:
    worker, _ = stand.run(name)
    record = stand.rig.processes.exit_record(worker.ref)
    assert record is not None
    found = conclude(worker.ref, record)
    assert (found.error, found.rate_limited, found.reached_board) == (None, False, False)


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("claude", "ANTHROPIC_API_KEY"),
        ("claude", "CLAUDE_CONFIG_DIR"),
        ("codex", "OPENAI_API_KEY"),
        ("opencode", "OPENCODE_CONFIG"),
        ("gemini", "GEMINI_API_KEY"),
        ("qwen", "OPENAI_BASE_URL"),
        ("continue", "CONTINUE_API_KEY"),
    ],
)
def test_a_client_gets_its_own_vendors_login_of_the_gateway(
    name: str, variable: str, stand: Stand
) -> None:
    _, told = stand.run(name, **{variable: "theirs", "AWS_SECRET_ACCESS_KEY": "not"})
    assert told["env"][variable] == "theirs"
    assert "AWS_SECRET_ACCESS_KEY" not in told["env"]


def test_the_conversation_that_we_name_goes_onto_the_run(stand: Stand) -> None:
    spawner = stand.rig.spawner(Profile(runtime="claude", env={"PATH": str(stand.programs)}))
    spawned = spawner(a_task(), a_run(9))
    spawned.abandon()
    assert spawned.launched is not None
    assert spawned.launched.runtime == "claude"
    assert spawned.launched.session is not None
