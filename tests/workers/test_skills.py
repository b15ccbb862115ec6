"""Which skills a client would find: its folders as it lays them out, and no false alarm."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from hermes_kanban.config import Profile
from hermes_kanban.workers import runtimes
from hermes_kanban.workers.runtimes import command, skills
from hermes_kanban.workers.runtimes.base import Runtime, SkillList, SkillQuery
from hermes_kanban.workers.skills import KEPT_SECONDS, InstalledSkills

HERMES = Profile(runtime="hermes")
CLAUDE = Profile(runtime="claude")


def _skill(folder: Path, text: str = "") -> None:
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(text)


def _of_hermes(tmp_path: Path, profile: Profile = HERMES, name: str = "coder") -> SkillList | None:
    return skills.of_hermes(
        SkillQuery(
            name=name, profile=profile, workspace=None, environ={"HERMES_HOME": str(tmp_path)}
        )
    )


def _of_claude(
    home: Path, profile: Profile = CLAUDE, workspace: Path | None = None
) -> SkillList | None:
    return skills.of_claude(
        SkillQuery(name="coder", profile=profile, workspace=workspace, environ={"HOME": str(home)})
    )


@pytest.fixture
def coder(tmp_path: Path) -> Path:
    """A Hermes profile."""
    folder = tmp_path / "profiles" / "coder"
    folder.mkdir(parents=True)
    return folder


def test_a_hermes_profile_finds_what_is_in_its_own_folder(tmp_path: Path, coder: Path) -> None:
    _skill(coder / "skills" / "sql")
    _skill(coder / "skills" / "data" / "charts" / "plots")
    _skill(coder / "skills" / "short", "---\nname: long-name\ndescription: x\n---\n")
    (coder / "skills" / "single.md").write_text("a skill in one file")
    _skill(tmp_path / "skills" / "of-the-default-profile")
    found = _of_hermes(tmp_path)
    assert found == SkillList(
        frozenset({"sql", "plots", "short", "long-name", "single"}), coder / "skills"
    )


@pytest.mark.parametrize("place", [".hub/old", "node_modules/x", "sql/references/kept", ".git/x"])
def test_what_hermes_walks_past_is_no_skill(tmp_path: Path, coder: Path, place: str) -> None:
    _skill(coder / "skills" / "sql")
    _skill(coder / "skills" / place)
    found = _of_hermes(tmp_path)
    assert found is not None
    assert found.names == {"sql"}


def test_folders_that_its_configuration_adds_count_too(
    tmp_path: Path, coder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARED_SKILLS", str(tmp_path / "shared"))
    _skill(tmp_path / "shared" / "maps")
    _skill(coder / "beside" / "prose")
    (coder / "config.yaml").write_text(
        "skills:\n  external_dirs: [$SHARED_SKILLS, beside, gone]\n  disabled: prose\n"
    )
    found = _of_hermes(tmp_path)
    assert found is not None
    assert found.names == {"maps"}
    (coder / "config.yaml").write_text("skills:\n  external_dirs: beside\n")
    found = _of_hermes(tmp_path)
    assert found is not None
    assert found.names == {"prose"}


def test_the_default_profile_is_the_home_itself(tmp_path: Path) -> None:
    _skill(tmp_path / "skills" / "sql")
    found = _of_hermes(tmp_path, name="default")
    assert found is not None
    assert found.names == {"sql"}


def test_a_home_that_is_a_profile_leads_to_its_siblings(tmp_path: Path, coder: Path) -> None:
    _skill(coder / "skills" / "sql")
    other = coder.parent / "other"
    found = _of_hermes(other, name="Coder")
    assert found is not None
    assert found.names == {"sql"}


def test_the_profile_s_own_environment_says_where_hermes_lives(tmp_path: Path) -> None:
    _skill(tmp_path / "mine" / "profiles" / "coder" / "skills" / "sql")
    profile = Profile(runtime="hermes", env={"HERMES_HOME": str(tmp_path / "mine")})
    found = _of_hermes(tmp_path, profile)
    assert found is not None
    assert found.names == {"sql"}


def test_a_hermes_profile_that_is_not_there_tells_nothing(tmp_path: Path) -> None:
    assert _of_hermes(tmp_path) is None


def test_a_configuration_that_cannot_be_read_tells_nothing(tmp_path: Path, coder: Path) -> None:
    (coder / "config.yaml").write_text("skills: [")
    assert _of_hermes(tmp_path) is None


def test_a_profile_without_a_skills_folder_has_none(tmp_path: Path, coder: Path) -> None:
    assert _of_hermes(tmp_path) == SkillList(frozenset(), coder / "skills")


@pytest.mark.parametrize("of_client", ["hermes", "claude"])
def test_a_folder_that_may_not_be_read_tells_nothing(
    tmp_path: Path, coder: Path, of_client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(top: object, *, onerror: Callable[[OSError], None], **_: object) -> list[object]:
        onerror(PermissionError(13, "Permission denied", str(top)))
        return []

    monkeypatch.setattr(os, "walk", closed)
    assert (_of_hermes(tmp_path) if of_client == "hermes" else _of_claude(tmp_path)) is None


def test_claude_finds_the_person_s_the_workspace_s_and_its_own(tmp_path: Path) -> None:
    home, repository = tmp_path / "home", tmp_path / "repository"
    _skill(home / ".claude" / "skills" / "sql")
    _skill(repository / ".claude" / "skills" / "plots", "---\nname: charts\n---\n")
    (repository / ".claude" / "skills" / "no-skill").mkdir()
    (home / ".claude" / "commands" / "team").mkdir(parents=True)
    (home / ".claude" / "commands" / "team" / "review.md").write_text("look at it")
    plugin = home / ".claude" / "plugins" / "cache" / "market" / "plugin" / "1.0"
    _skill(plugin / "skills" / "maps")
    found = _of_claude(home, workspace=repository)
    assert found is not None
    assert found.where == home / ".claude" / "skills"
    assert {"sql", "plots", "charts", "review", "maps", "simplify"} <= found.names
    assert "no-skill" not in found.names
    elsewhere = _of_claude(home)
    assert elsewhere is not None
    assert "plots" not in elsewhere.names


def test_claude_looks_above_the_folder_that_it_starts_in(tmp_path: Path) -> None:
    _skill(tmp_path / "repository" / ".claude" / "skills" / "plots")
    profile = Profile(runtime="claude", cwd="packages/site")
    found = _of_claude(tmp_path / "home", profile, tmp_path / "repository")
    assert found is not None
    assert "plots" in found.names


def test_claude_s_configuration_may_lie_elsewhere(tmp_path: Path) -> None:
    _skill(tmp_path / "mine" / "skills" / "sql")
    profile = Profile(runtime="claude", env={"CLAUDE_CONFIG_DIR": str(tmp_path / "mine")})
    found = _of_claude(tmp_path, profile)
    assert found is not None
    assert "sql" in found.names
    assert found.where == tmp_path / "mine" / "skills"


def test_a_configuration_of_each_task_s_own_tells_nothing(tmp_path: Path) -> None:
    profile = Profile(runtime="claude", env={"CLAUDE_CONFIG_DIR": "{workspace}/.claude"})
    assert _of_claude(tmp_path, profile) is None


@pytest.mark.parametrize("option", ["--add-dir", "--plugin-dir=/x"])
def test_folders_that_the_profile_adds_are_not_guessed_at(tmp_path: Path, option: str) -> None:
    assert _of_claude(tmp_path, Profile(runtime="claude", args=(option,))) is None


# What the kernel asks


class Runtimes:
    """Runtimes that list what a test put there, and how often they were asked."""

    def __init__(self, names: set[str] | None) -> None:
        self.names = names
        self.asked: list[SkillQuery] = []

    def named(self, name: str) -> Runtime:
        if self.names is None:
            return command.RUNTIME
        return msgspec.structs.replace(command.RUNTIME, name=name, list_skills=self._list)

    def _list(self, query: SkillQuery) -> SkillList:
        self.asked.append(query)
        return SkillList(frozenset(self.names or ()), Path("/shelf"))


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Runtimes:
    """One skill, whoever asks."""
    found = Runtimes({"sql"})
    monkeypatch.setattr(runtimes, "runtime_named", found.named)
    return found


def test_the_missing_ones_are_named_once_each(shelf: Runtimes) -> None:
    installed = InstalledSkills({"HOME": "/h"})
    unknown = installed.unknown("coder", HERMES, ["plots", "sql", "maps", "plots"], "/w")
    assert unknown is not None
    assert (unknown.names, unknown.runtime) == (("plots", "maps"), "hermes")
    assert unknown.where == "/shelf"
    (query,) = shelf.asked
    assert (query.name, query.workspace, query.home) == ("coder", Path("/w"), Path("/h"))


def test_nothing_is_missing_where_all_are_there(shelf: Runtimes) -> None:
    assert InstalledSkills({}).unknown("coder", HERMES, ["sql"], None) is None


def test_a_runtime_that_lists_none_cannot_say(shelf: Runtimes) -> None:
    shelf.names = None
    assert InstalledSkills({}).unknown("coder", HERMES, ["plots"], None) is None


def test_a_look_serves_for_a_while(shelf: Runtimes) -> None:
    now = [100.0]
    installed = InstalledSkills({}, clock=lambda: now[0])
    for _ in range(3):
        assert installed.unknown("coder", HERMES, ["plots"], None) is not None
    assert len(shelf.asked) == 1
    shelf.names = {"plots"}
    assert installed.unknown("coder", HERMES, ["plots"], None) is not None
    assert installed.unknown("coder", HERMES, ["plots"], "/w") is None
    now[0] += KEPT_SECONDS
    assert installed.unknown("coder", HERMES, ["plots"], None) is None


def test_a_changed_profile_is_looked_at_anew(shelf: Runtimes) -> None:
    installed = InstalledSkills({}, clock=lambda: 0.0)
    installed.unknown("coder", HERMES, ["plots"], None)
    installed.unknown("coder", Profile(runtime="hermes", env={"HOME": "/h"}), ["plots"], None)
    assert len(shelf.asked) == 2


def test_what_is_kept_has_a_bound(shelf: Runtimes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hermes_kanban.workers.skills.KEPT_LISTS", 2)
    installed = InstalledSkills({}, clock=lambda: 0.0)
    for place in ("/a", "/b", "/c", "/b"):
        installed.unknown("coder", HERMES, ["plots"], place)
    assert [str(query.workspace) for query in shelf.asked] == ["/a", "/b", "/c", "/b"]


def test_an_unknown_runtime_cannot_say() -> None:
    profile = msgspec.structs.replace(HERMES, runtime="unheard-of")
    assert InstalledSkills({}).unknown("coder", profile, ["plots"], None) is None
