"""What an agent is told at its start: by what is in force, and in the words that it can use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.workers import lineage
from hermes_kanban.workers.lineage import Binding

MORE_PROFILES = """\
  coder:
    runtime: claude
  lead:
    runtime: claude
    orchestrator: true
    may_assign: [coder, writer]
  boss:
    argv: [/bin/true]
    orchestrator: true
    may_assign: [writer]
"""


@pytest.fixture(autouse=True)
def profiles(home: Path) -> None:
    """Profiles of agents beside those of programs."""
    file = home / "config.yaml"
    file.write_text(file.read_text() + MORE_PROFILES)


@pytest.fixture
def at_work(board: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes this process the worker of a new task of that profile."""

    def begin(profile: str) -> kb.Task:
        task: kb.Task = board.claimed(assignee=profile)
        monkeypatch.setenv("HERMES_KANBAN_TASK", task.id)
        monkeypatch.setenv("HERMES_KANBAN_RUN_ID", str(task.current_run_id))
        monkeypatch.setenv("HERMES_KANBAN_CLAIM_LOCK", task.claim_lock or "")
        monkeypatch.setenv("HERMES_PROFILE", profile)
        return task

    return begin


def test_where_nothing_is_in_force_one_line_says_so(cli: Any) -> None:
    told = cli("prime")
    assert told.code == 0
    assert told.out.count("\n") == 1
    assert "No task and no orchestrating profile is in force" in told.out
    answer = cli("prime", "--json").json["guidance"]
    assert (answer["for"], answer["task_id"]) == (None, None)


@pytest.mark.parametrize("profile", ["writer", "nobody", "${HERMES_PROFILE}"])
def test_a_profile_that_does_not_orchestrate_is_nothing_by_itself(
    cli: Any, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    monkeypatch.setenv("HERMES_PROFILE", profile)
    assert cli("prime", "--json").json["guidance"]["for"] is None


def test_a_variable_that_a_client_left_unfilled_counts_as_none(
    cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERMES_KANBAN_TASK", "${HERMES_KANBAN_TASK}")
    monkeypatch.setenv("HERMES_KANBAN_RUN_ID", "${HERMES_KANBAN_RUN_ID}")
    assert cli("prime", "--json").json["guidance"]["for"] is None


def test_a_worker_with_tools_is_told_their_names(cli: Any, at_work: Any) -> None:
    task = at_work("coder")
    told = cli("prime")
    assert f"You work on task {task.id}" in told.out
    assert "kanban_complete" in told.out
    assert "kanban_create" not in told.out
    assert "hermes-kanban" not in told.out


def test_a_worker_without_tools_is_told_the_commands(cli: Any, at_work: Any) -> None:
    task = at_work("writer")
    told = cli("prime")
    assert f"You work on task {task.id}" in told.out
    assert "`complete` --summary TEXT" in told.out
    assert "`hermes-kanban NAME`" in told.out
    assert "kanban_complete" not in told.out


def test_a_worker_that_orchestrates_is_told_of_both(cli: Any, at_work: Any) -> None:
    at_work("lead")
    told = cli("prime").out
    assert "kanban_complete" in told
    assert "kanban_create" in told
    assert "assignee: coder, writer" in told


@pytest.mark.parametrize(
    ("profile", "creates"), [("lead", "kanban_create only"), ("boss", "`create` TITLE")]
)
def test_an_orchestrating_profile_without_a_run_is_told_how_to_plan(
    cli: Any, monkeypatch: pytest.MonkeyPatch, profile: str, creates: str
) -> None:
    monkeypatch.setenv("HERMES_PROFILE", profile)
    answer = cli("prime", "--json").json["guidance"]
    assert (answer["for"], answer["task_id"]) == ("orchestrator", None)
    assert creates in answer["text"]
    assert "no task of it is yours" in answer["text"]


def test_a_nested_agent_is_told_to_leave_the_task_alone(
    cli: Any, at_work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = at_work("coder")
    monkeypatch.setattr(lineage, "bind", lambda *_: Binding(own=False, program="codex", pid=12))
    answer = cli("prime", "--json").json["guidance"]
    assert (answer["for"], answer["task_id"]) == ("reader", task.id)
    assert "belongs to the agent that started you: kanban_show shows it" in answer["text"]
    assert "kanban_complete" not in answer["text"]


def test_either_role_may_be_asked_for(cli: Any) -> None:
    worker = cli("prime", "--worker", "--json").json["guidance"]
    assert worker["for"] == "worker"
    assert "task $HERMES_KANBAN_TASK" in worker["text"]
    planner = cli("prime", "--orchestrator", "--json").json["guidance"]
    assert planner["for"] == "orchestrator"
    assert "profiles: boss, coder, lead, reader, writer" in planner["text"]


def test_what_is_in_force_is_told_of_the_role_that_it_has(cli: Any, at_work: Any) -> None:
    task = at_work("coder")
    assert task.id in cli("prime", "--worker").out
    planner = cli("prime", "--orchestrator").out
    assert task.id not in planner
    assert "no task of it is yours" in planner


def test_both_roles_at_once_are_misuse(cli: Any) -> None:
    refused = cli("prime", "--worker", "--orchestrator")
    assert refused.code == 2
    assert "either --worker or --orchestrator" in refused.error


def test_it_writes_nothing(cli: Any, board: Any, at_work: Any) -> None:
    at_work("coder")
    before = board.events()
    cli("prime")
    assert board.events() == before
