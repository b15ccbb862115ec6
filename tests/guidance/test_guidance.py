"""What an agent is told beside its tools: short, and never of a tool that it does not have."""

from __future__ import annotations

import re

import click
import pytest

from hermes_kanban import guidance
from hermes_kanban.config import Profile
from hermes_kanban.kernel import limits
from hermes_kanban.model.words import BLOCK_KINDS
from hermes_kanban.surfaces.cli.root import MODULES, cli
from hermes_kanban.verbs import Caller, Verb, offered, orchestrator, worker

PROFILES = {
    "coder": Profile(runtime="claude"),
    "finder": Profile(runtime="claude", tools=("why", "attach", "attachments", "wait_for")),
    "handing_in": Profile(runtime="claude", tools=("request_review",)),
    "splitter": Profile(runtime="claude", may_assign=("coder",)),
    "lead": Profile(runtime="claude", orchestrator=True, may_assign=("coder", "finder")),
}
WORKER_BYTES = 1_200
ORCHESTRATOR_BYTES = 1_500
COMMANDS_BYTES = 1_650  # options are spelled out where no schema tells them


def _worker(profile: str) -> Caller:
    return worker("t_abc234", 7, "lock", profile=profile, profiles=PROFILES)


def _callers() -> dict[str, Caller]:
    planning = orchestrator("lead", PROFILES)
    assert planning is not None
    return {name: _worker(name) for name in PROFILES} | {"planning": planning}


CALLERS = _callers()


def _verbs(caller: Caller) -> list[Verb]:
    return offered(caller)


def _by_tools(caller: Caller) -> str:
    names = guidance.as_tools([verb.tool or "" for verb in _verbs(caller)])
    return guidance.guide(names, task=caller.task_id, may_assign=caller.rights.may_assign)


def _by_commands(caller: Caller) -> str:
    names = guidance.as_commands([verb.name for verb in _verbs(caller)])
    return guidance.guide(names, task=caller.task_id, may_assign=caller.rights.may_assign)


@pytest.mark.parametrize("name", CALLERS)
def test_it_is_short(name: str) -> None:
    caller = CALLERS[name]
    tools, commands = _by_tools(caller), _by_commands(caller)
    orchestrates = "create" in {verb.name for verb in _verbs(caller)}
    assert len(tools.encode()) <= (ORCHESTRATOR_BYTES if orchestrates else WORKER_BYTES)
    assert len(commands.encode()) <= (COMMANDS_BYTES if orchestrates else WORKER_BYTES)


@pytest.mark.parametrize("name", CALLERS)
def test_it_names_only_tools_that_are_there(name: str) -> None:
    caller = CALLERS[name]
    named = set(re.findall(r"\bkanban_\w+", _by_tools(caller)))
    assert named <= {verb.tool for verb in _verbs(caller)}
    assert len(named) >= 5


ARGUMENTS = ("artifacts", "assignee", "idempotency_key", "kind", "metadata", "summary")


@pytest.mark.parametrize("name", CALLERS)
def test_an_argument_is_one_of_a_tool_on_the_same_line(name: str) -> None:
    verbs = {verb.tool: verb for verb in _verbs(CALLERS[name])}
    seen = set()
    for line in _by_tools(CALLERS[name]).splitlines():
        named = [verbs[tool] for tool in re.findall(r"\bkanban_\w+", line)]
        taken = {field for verb in named for field in verb.request.__struct_fields__}
        told = set(re.findall(r"\w+", line)) & set(ARGUMENTS)
        assert told <= taken
        seen |= told
    assert len(seen) >= 2


@pytest.mark.parametrize("name", CALLERS)
def test_every_command_and_option_is_there(name: str) -> None:
    told = _by_commands(CALLERS[name])
    assert "commands" in told
    assert "`hermes-kanban NAME`" in told
    commands = re.findall(r"`([a-z-]+)`((?: (?:--[a-z-]+ )?[A-Z.]+)*)", told)
    assert {command for command, _ in commands} <= set(MODULES)
    assert len(commands) >= 5
    for command, rest in commands:
        found = cli.get_command(click.Context(cli), command)
        assert found is not None
        options = {option for parameter in found.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= options


def test_the_basics_are_told_to_every_worker() -> None:
    told = _by_tools(_worker("coder"))
    for basic in ("t_abc234", "kanban_show", "kanban_complete", "kanban_block", *BLOCK_KINDS):
        assert basic in told
    assert "kanban_create" not in told
    assert "kanban_wait_for" not in told


def test_what_is_offered_beside_the_basics_is_told_too() -> None:
    assert "kanban_wait_for" in _by_tools(_worker("finder"))
    assert "kanban_request_review" in _by_tools(_worker("handing_in"))
    lead = _by_tools(_worker("lead"))
    for word in ("coder, finder", "kanban_approve", f"{limits.TASKS_PER_RUN} tasks", "Pipeline"):
        assert word in lead
    assert f"{limits.TASK_DEPTH} deep" in lead


def test_who_may_create_and_not_orchestrate_is_not_told_to_review() -> None:
    told = _by_tools(_worker("splitter"))
    assert "kanban_create" in told
    assert "kanban_approve" not in told


def test_who_may_assign_to_nobody_is_told_to_leave_it_out() -> None:
    caller = worker(
        "t_abc234", 7, None, profile="x", profiles={"x": Profile(runtime="qwen", orchestrator=True)}
    )
    assert "assignee: leave it out" in _by_tools(caller)


def test_who_only_plans_has_nothing_to_finish() -> None:
    told = _by_tools(CALLERS["planning"])
    assert "no task of it is yours" in told
    assert "kanban_complete" not in told
    assert "counts as a failure" not in told


def test_a_plain_program_is_told_what_its_exit_code_means() -> None:
    complete, strict = guidance.report("complete"), guidance.report("protocol_violation")
    assert "Exit code 0 completes the task" in complete
    assert "exit code 0 without either is a failed attempt" in strict
    for text in (complete, strict):
        assert "Exit code 75 means: try again later" in text
        assert text.startswith("## How to report\n")
        for kind in BLOCK_KINDS:
            assert kind in text
