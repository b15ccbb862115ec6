"""Skills of a task on the command line, from create to undo, and why a missing one holds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.ports import UnknownSkills
from hermes_kanban.verbs import VERBS, perform, person
from hermes_kanban.workers.skills import InstalledSkills

SKILLS = ["--skill", "sql", "--skill", "plots-2.1", "--skill", "sql"]


def _create(cli: Any, *words: str) -> str:
    made = cli("create", "Draw", "--assignee", "writer", "--json", *words)
    assert made.code == 0
    return str(made.json["task"]["id"])


def test_the_option_is_repeatable_and_each_skill_is_there_once(cli: Any, board: Any) -> None:
    task = _create(cli, *SKILLS)
    wanted = ["sql", "plots-2.1"]
    assert kb.get_task(board.conn, task).skills == wanted
    assert "sql, plots-2.1" in cli("show", task).out
    assert cli("show", task, "--json").json["task"]["skills"] == wanted
    assert cli("list", "--json").json["tasks"][0]["skills"] == wanted
    created = cli("events", task, "--json").json["events"][0]
    assert created["payload"]["task"]["skills"] == '["sql","plots-2.1"]'
    assert "skills: sql, plots-2.1" in cli("context", task).out


@pytest.mark.parametrize("name", ["SQL", "../x", "-x", "a b", "", "é", "x" * 65])
def test_a_name_that_is_none_is_refused_before_anything_is_written(
    cli: Any, board: Any, name: str
) -> None:
    before = board.events()
    refused = cli("create", "Draw", f"--skill={name}")
    assert refused.code == 2
    assert "[a-z0-9][a-z0-9._-]{0,63}" in refused.error
    assert board.events() == before


def test_an_edit_replaces_them_and_an_undo_brings_them_back(cli: Any, board: Any) -> None:
    task = _create(cli, *SKILLS)
    then = board.events()
    assert cli("edit", task, "--skill", "maps").code == 0
    assert cli("show", task, "--json").json["task"]["skills"] == ["maps"]
    seen = cli("show", task, "--at", f"event:{then}", "--json").json
    assert seen["task"]["skills"] == ["sql", "plots-2.1"]
    assert cli("undo", task).code == 0
    assert cli("show", task, "--json").json["task"]["skills"] == ["sql", "plots-2.1"]
    assert cli("edit", task, "--no-skills").code == 0
    assert cli("show", task, "--json").json["task"]["skills"] == []
    listed = cli("list", "--at", f"event:{then}", "--json").json["tasks"]
    assert listed[0]["skills"] == ["sql", "plots-2.1"]


def test_the_verbs_behind_tools_and_routes_take_them_too(board: Any) -> None:
    def call(verb: str, **arguments: Any) -> Any:
        return perform(board.conn, person(), VERBS[verb], arguments).result

    task = call("create", title="Draw", skills=["sql", "plots"]).id
    assert call("show", task_id=task).task.skills == ["sql", "plots"]
    call("edit", task_id=task, skills=["maps"])
    assert call("list").tasks[0].skills == ["maps"]
    assert "skills: maps" in call("context", task_id=task).text
    with pytest.raises(kb.InvalidInput, match="skills holds 'No Skill'"):
        call("create", title="Draw", skills=["No Skill"])


def test_a_profile_tells_its_own(cli: Any, home: Path) -> None:
    file = home / "config.yaml"
    file.write_text(file.read_text() + "  drawer: {argv: [/bin/true], skills: [sql]}\n")
    profiles = cli("profiles", "--json").json["profiles"]
    assert {one["name"]: one["skills"] for one in profiles}["drawer"] == ["sql"]


@pytest.fixture
def without_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host on which no agent has the skill ``maps``."""

    def unknown(_: object, name: str, profile: Any, wanted: list[str], place: object) -> Any:
        del name, place
        return UnknownSkills(("maps",), profile.runtime, "/shelf") if "maps" in wanted else None

    monkeypatch.setattr(InstalledSkills, "unknown", unknown)


@pytest.mark.usefixtures("without_maps")
def test_a_missing_skill_is_why_a_task_does_not_start(cli: Any, board: Any) -> None:
    task = _create(cli, "--skill", "maps")
    for words in (["why", task], ["show", task]):
        told = cli(*words).out
        assert "unknown_skill: command finds no skill maps for profile writer" in told
        assert f"install it in /shelf, or hermes-kanban edit {task} --skill NAME" in told
    assert cli("why", task, "--json").json["why"][0]["code"] == "unknown_skill"
    assert cli("dispatch", "--dry-run", "--json").json["dispatch"]["held"] == {
        "unknown_skill": [task]
    }
    assert cli("dispatch", "--json").json["dispatch"]["held"] == {"unknown_skill": [task]}
    assert board.status(task) == "ready"
