"""The skills that are shipped: in the standard form, and true to the tools and commands."""

from __future__ import annotations

import re
import shlex
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec
import pytest
import yaml

import hermes_kanban
from hermes_kanban.kernel import limits
from hermes_kanban.model.words import BLOCK_KINDS, FAILURES, OUTCOMES, STATUSES
from hermes_kanban.surfaces.cli.root import cli
from hermes_kanban.verbs import VERBS, Verb
from hermes_kanban.verbs.perform import decode

PACKAGE = Path(hermes_kanban.__file__ or "").parent
SKILLS = ("kanban-worker", "kanban-orchestrator")
TOOLS = {verb.tool: verb for verb in VERBS.values() if verb.tool is not None}
ARGUMENTS = {field for verb in TOOLS.values() for field in verb.request.__struct_fields__}
# What the inbox and profiles call their parts.
OTHER_WORDS = {"seconds_left", "may_assign", "done"}


class Called(NamedTuple):
    """One call of a tool in a skill's examples."""

    verb: Verb
    arguments: dict[str, Any]


def _text(skill: str) -> str:
    return (PACKAGE / "skills" / skill / "SKILL.md").read_text()


def _parts(skill: str) -> tuple[dict[str, Any], str]:
    head, _, body = _text(skill).removeprefix("---\n").partition("\n---\n")
    return yaml.safe_load(head), body


def _blocks(body: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", body, re.DOTALL)


def _calls(body: str) -> list[Called]:
    """Every ``kanban_x {…}``, in a block or within the text."""
    decoder = msgspec.json.Decoder(dict[str, Any])
    found = []
    for tool, rest in re.findall(
        r"(\bkanban_\w+) (\{.*?\})(?=`|\n(?:kanban_|```))", body, re.DOTALL
    ):
        found.append(Called(TOOLS[tool], decoder.decode(rest)))
    return found


@pytest.mark.parametrize("skill", SKILLS)
def test_its_head_is_in_the_standard_form(skill: str) -> None:
    head, body = _parts(skill)
    assert set(head) == {"name", "description"}
    assert head["name"] == skill
    assert limits.skills([skill]) == [skill]
    assert 40 < len(head["description"]) <= 1_024
    assert "Use it when" in head["description"]
    assert body.startswith("\n# ")


@pytest.mark.parametrize("skill", SKILLS)
def test_it_is_short_enough_to_be_read_at_every_start(skill: str) -> None:
    assert len(_text(skill).encode()) < 6_500


@pytest.mark.parametrize("skill", SKILLS)
def test_every_tool_that_it_names_is_there(skill: str) -> None:
    named = set(re.findall(r"\bkanban_\w+", _text(skill)))
    assert named <= TOOLS.keys()
    assert len(named) >= 8


@pytest.mark.parametrize("skill", SKILLS)
def test_every_example_call_is_one_that_the_verb_takes(skill: str) -> None:
    body = _parts(skill)[1]
    calls = _calls(body)
    assert len(calls) == len(re.findall(r"\bkanban_\w+ \{", body)) >= 8
    for called in calls:
        decode(called.verb, called.arguments)


@pytest.mark.parametrize("skill", SKILLS)
def test_every_word_in_code_is_one_of_the_board(skill: str) -> None:
    known = ARGUMENTS | OTHER_WORDS | {*STATUSES, *OUTCOMES, *BLOCK_KINDS}
    words = set(re.findall(r"`([a-z_]+)`", _parts(skill)[1])) - TOOLS.keys()
    assert words <= known
    assert len(words) >= 6


@pytest.mark.parametrize("skill", SKILLS)
def test_every_command_is_one_that_the_command_line_takes(skill: str) -> None:
    lines = "".join(_blocks(_parts(skill)[1], "sh")).splitlines()
    assert len(lines) >= 5
    for line in lines:
        program, name, *words = shlex.split(line)
        assert program == "hermes-kanban"
        command = cli.get_command(click.Context(cli), name)
        assert command is not None, name
        command.make_context(name, words)


def test_the_worker_knows_every_kind_of_block_and_of_failure() -> None:
    body = _parts("kanban-worker")[1]
    examples = {one.arguments["kind"] for one in _calls(body) if one.verb.name == "block"}
    assert examples == set(BLOCK_KINDS)
    for kind in BLOCK_KINDS:
        assert f"| `{kind}` |" in body
    told = FAILURES - {"spawn_failed"}  # in which no agent saw anything
    assert all(re.search(rf"^\|.*\b{outcome}\b", body, re.MULTILINE) for outcome in told)


def test_the_orchestrator_knows_the_limits() -> None:
    body = _parts("kanban-orchestrator")[1]
    assert f"{limits.TASKS_PER_RUN} tasks" in body
    assert f"{limits.TASK_DEPTH} deep" in body
    for shape in ("Fan-out", "Pipeline", "Quorum", "Review", "Wait"):
        assert f"**{shape}" in body


def test_every_create_of_the_examples_has_a_key() -> None:
    created = [one for one in _calls(_parts("kanban-orchestrator")[1]) if one.verb.name == "create"]
    assert len(created) >= 4
    assert all(one.arguments.get("idempotency_key") for one in created)


def test_they_are_shipped_with_the_package() -> None:
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())
    shipped = project["tool"]["setuptools"]["package-data"]["hermes_kanban"]
    for skill in SKILLS:
        assert any(fnmatch(f"skills/{skill}/SKILL.md", pattern) for pattern in shipped)
    assert {one.name for one in (PACKAGE / "skills").iterdir()} == set(SKILLS)
