"""What a worker is told: its prompt, its command line, its environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec
import pytest

from hermes_kanban.config import Profile
from hermes_kanban.workers import environment
from hermes_kanban.workers.profiles import SpawnRefused
from hermes_kanban.workers.runtimes import runtime_named
from hermes_kanban.workers.spawn import Spec
from tests.workers.conftest import PROMPT, Rig, a_run, a_task

SHOW = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
SHOW_ARGUMENTS = "import sys; print(sys.argv[1:])"


def spec_of(rig: Rig, profile: Profile, **changes: object) -> Spec:
    """The specification that a spawner writes, its supervisor sent away."""
    spawner = rig.spawner(profile)
    spawned = spawner(a_task(**changes), a_run())
    spawned.abandon()
    os.waitpid(spawned.pid, 0)
    return msgspec.json.decode((rig.paths.run_dir(1) / "spec.json").read_bytes(), type=Spec)


def test_the_prompt_comes_on_standard_input(rig: Rig) -> None:
    assert rig.python(SHOW, prompt="stdin").record().tail == PROMPT


def test_the_prompt_comes_in_a_file(rig: Rig) -> None:
    worker = rig.start(
        "/bin/sh",
        "-c",
        'cat "$HERMES_KANBAN_PROMPT_FILE"; echo; cat "$0"',
        "{prompt}",
        prompt="file",
    )
    assert worker.record().tail == f"{PROMPT}\n{PROMPT}"


def test_the_prompt_comes_as_the_last_argument(rig: Rig) -> None:
    record = rig.python(SHOW_ARGUMENTS, prompt="argument", args=("-q",)).record()
    assert record.tail == f"{['-q', PROMPT]}\n"


def test_tokens_are_filled_and_other_braces_stay(rig: Rig) -> None:
    args = ("--ask={prompt}", "{task_id}", "{workspace}/x", "{other}", '{"a": {}}', "{ prompt }")
    record = rig.python(SHOW_ARGUMENTS, prompt="argument", args=args).record()
    workspace = rig.paths.workspaces / "t_abc"
    expected = [f"--ask={PROMPT}", "t_abc", f"{workspace}/x", "{other}", '{"a": {}}', "{ prompt }"]
    assert record.tail == f"{expected}\n"


def test_the_run_is_named_in_the_environment(rig: Rig) -> None:
    worker = rig.start("env", task=a_task(tenant="acme", workspace_kind="scratch", branch="b"))
    worker.record()
    got = dict(line.split("=", 1) for line in worker.log.splitlines())
    workspaces = str(rig.paths.workspaces)
    ours = {k: v for k, v in got.items() if k.startswith(("HERMES_", "TRACE"))}
    assert ours == {
        "HERMES_KANBAN_TASK": "t_abc",
        "HERMES_KANBAN_RUN_ID": "1",
        "HERMES_KANBAN_CLAIM_LOCK": worker.ref.claim_lock,
        "HERMES_KANBAN_WORKSPACE": f"{workspaces}/t_abc",
        "HERMES_KANBAN_WORKSPACES_ROOT": workspaces,
        "HERMES_KANBAN_BRANCH": "b",
        "HERMES_KANBAN_BOARD": "test",
        "HERMES_KANBAN_DB": str(rig.paths.database),
        "HERMES_PROFILE": "tester",
        "HERMES_TENANT": "acme",
        "TRACEPARENT": environment.traceparent("b-1", "t_abc", 1),
    }


def test_only_what_is_allowed_is_inherited() -> None:
    given = {
        "SECRET_KEY": "1",
        "HERMES_KANBAN_HOME": "2",
        "LC_TIME": "3",
        "HOME": "/h",
        "LANG": "\udcff",
        "PATH": "/b",
    }
    got = environment.inherited(given)
    assert got == {
        "LC_TIME": "3",
        "HOME": "/h",
        "PATH": f"/b:{os.defpath}:{Path(sys.executable).parent}",
    }
    assert environment.inherited(given, ["SECRET_KEY", "NOT_THERE"]) == got | {"SECRET_KEY": "1"}


@pytest.mark.parametrize("path", ["", ":"])
def test_a_stripped_path_still_finds_the_system(rig: Rig, path: str) -> None:
    worker = rig.start("true", options={"environ": {"PATH": path}})
    assert worker.record().exit_code == 0


def test_a_profiles_environment_cannot_rename_the_run(rig: Rig) -> None:
    env = {"HERMES_KANBAN_RUN_ID": "99", "HOME": "/other", "WHERE": "{workspace}"}
    spec = spec_of(rig, Profile(argv=("true",), env=env))
    assert spec.env["HERMES_KANBAN_RUN_ID"] == "1"
    assert spec.env["HOME"] == "/other"
    assert spec.env["WHERE"] == str(rig.paths.workspaces / "t_abc")


def test_limits_come_from_the_task_then_the_profile(rig: Rig) -> None:
    profile = Profile(argv=("true",), max_runtime_seconds=50, on_exit_zero="protocol_violation")
    assert spec_of(rig, profile).max_runtime_seconds == 50
    spec = spec_of(rig, profile, max_runtime_seconds=7)
    assert (spec.max_runtime_seconds, spec.on_exit_zero) == (7, "protocol_violation")


def test_the_working_directory_is_below_the_workspace(rig: Rig) -> None:
    workspace = rig.paths.workspaces / "t_abc"
    assert spec_of(rig, Profile(argv=("true",))).cwd == str(workspace)
    assert spec_of(rig, Profile(argv=("true",), cwd="src")).cwd == str(workspace / "src")
    assert spec_of(rig, Profile(argv=("true",), cwd="/srv/{task_id}")).cwd == "/srv/t_abc"


def test_an_unknown_profile_is_refused_with_what_to_do(rig: Rig) -> None:
    spawner = rig.spawner(Profile(argv=("true",)))
    with pytest.raises(SpawnRefused, match=r"no profile testr is configured; assign .* to tester"):
        spawner(a_task(assignee="testr"), a_run())
    with pytest.raises(SpawnRefused, match="no assignee"):
        spawner(a_task(assignee=None), a_run())
    assert not rig.paths.runs.exists()


def test_an_unknown_runtime_is_refused() -> None:
    with pytest.raises(
        SpawnRefused, match="no runtime gopher in this version; use claude, codex, command"
    ):
        runtime_named("gopher")


def test_failed_spawns_leak_no_descriptor(rig: Rig) -> None:
    rig.paths.run_dir(1).mkdir(parents=True)
    (rig.paths.run_dir(1) / "supervisor.err").mkdir()
    spawner = rig.spawner(Profile(argv=("true",)))
    before = os.listdir("/proc/self/fd")
    for _ in range(3):
        with pytest.raises(OSError):
            spawner(a_task(), a_run())
    assert os.listdir("/proc/self/fd") == before
