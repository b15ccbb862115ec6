"""``setup``: what is written for each client, and that just this can be taken back."""

from __future__ import annotations

import json
import os
import stat
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban.clients import CLIENTS, Place, applying, formats
from hermes_kanban.clients.formats import plain
from hermes_kanban.surfaces.cli import clients as surface
from tests.clients.conftest import Cli, config_of, everything

ALL = list(CLIENTS)
WITH_PROJECTS = [name for name, client in CLIENTS.items() if client.projects]
PROGRAM = str(Path(sys.executable).with_name("hermes-kanban"))

# Where an installation has it; the other tests are given one of their own.
SHIPPED = surface._skills()

# A file of each format as somebody has kept it.
KEPT = {
    "jsonc": '{\n  // mine\n  "theme": "dark",\n  "KEY": {"other": {"command": "z"}, },\n}\n',
    "toml": '# mine\nmodel = "x"  # keep\n\n[KEY.other]\ncommand = "z"\n',
    "yaml": "# mine\nmodel: x   # keep\nKEY:\n  other:\n    command: z\n",
}


def kept_text(name: str) -> str:
    client = CLIENTS[name]
    text = KEPT[client.format].replace("KEY", client.entry[0])
    if client.listed:
        text = text.replace("  other:\n", "  - name: other\n")
    return text


def entry_of(name: str, file: Path | None = None) -> Any:
    client = CLIENTS[name]
    text = (file or config_of(name)).read_text()
    return plain.get(formats.load(client.format, text), client.entry)


def test_the_command_knows_every_client() -> None:
    assert tuple(CLIENTS) == surface.NAMES


# Writing


@pytest.mark.parametrize("name", ALL)
def test_a_client_gets_our_server_by_absolute_paths(cli: Cli, home: Path, name: str) -> None:
    done = cli("setup", name, "--yes")
    assert done.code == 0, done.err
    entry = entry_of(name)
    command = entry["command"] if isinstance(entry["command"], list) else [entry["command"]]
    words = [*command, *entry.get("args", [])]
    assert words == [PROGRAM, "mcp", "--home", str(home), "--profile", "planner"]
    assert CLIENTS[name].is_ours(entry)
    assert "next session" in done.out


# Seen of each client; see docs/clients.md.
WRITTEN = {
    "claude": {"type": "stdio", "env": {}},
    "codex": {"startup_timeout_sec": 60, "default_tools_approval_mode": "approve"},
    "gemini": {"trust": True},
    "opencode": {"type": "local", "enabled": True},
    "qwen": {"trust": True},
    "continue": {"name": "board"},
    "hermes": {"enabled": True},
}


@pytest.mark.parametrize("name", ALL)
def test_each_client_is_told_what_it_needs(cli: Cli, name: str) -> None:
    cli("setup", name, "--yes")
    entry = entry_of(name)
    assert {key: entry[key] for key in entry.keys() - {"command", "args"}} == WRITTEN[name]
    assert CLIENTS[name].entry[-1] == "board"


def test_hermes_waits_longer_unless_it_was_told_how_long(cli: Cli) -> None:
    cli("setup", "hermes", "--yes")
    assert formats.load("yaml", config_of("hermes").read_text())["mcp_discovery_timeout"] == 60
    cli("setup", "hermes", "--undo", "--yes")
    config_of("hermes").parent.mkdir(exist_ok=True)
    config_of("hermes").write_text("mcp_discovery_timeout: 3\n")
    cli("setup", "hermes", "--yes")
    assert formats.load("yaml", config_of("hermes").read_text())["mcp_discovery_timeout"] == 3
    cli("setup", "hermes", "--undo", "--yes")
    assert config_of("hermes").read_text() == "mcp_discovery_timeout: 3\n"


@pytest.mark.parametrize(
    ("name", "variable", "file"),
    [
        ("claude", "CLAUDE_CONFIG_DIR", "own/.claude.json"),
        ("codex", "CODEX_HOME", "own/config.toml"),
        ("gemini", "GEMINI_CLI_HOME", "own/.gemini/settings.json"),
        ("opencode", "XDG_CONFIG_HOME", "own/opencode/opencode.jsonc"),
        ("opencode", "OPENCODE_CONFIG_DIR", "own/opencode.jsonc"),
        ("opencode", "OPENCODE_CONFIG", "own"),
        ("qwen", "QWEN_HOME", "own/settings.json"),
        ("continue", "CONTINUE_GLOBAL_DIR", "own/config.yaml"),
        ("hermes", "HERMES_HOME", "own/config.yaml"),
    ],
)
def test_its_own_environment_says_where(
    cli: Cli, user: Path, monkeypatch: pytest.MonkeyPatch, name: str, variable: str, file: str
) -> None:
    monkeypatch.setenv(variable, "~/own")
    done = cli("setup", name, "--yes", "--json")
    assert done.code == 0, done.err
    assert done.json["setup"]["config"] == str(user / file)
    assert (user / file).is_file()


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("claude", ".claude.json"),
        ("codex", ".codex/config.toml"),
        ("gemini", ".gemini/settings.json"),
        ("opencode", ".config/opencode/opencode.jsonc"),
        ("qwen", ".qwen/settings.json"),
        ("continue", ".continue/config.yaml"),
        ("hermes", ".hermes/config.yaml"),
    ],
)
def test_without_one_it_is_the_usual_place(user: Path, name: str, file: str) -> None:
    assert config_of(name) == user / file


def test_the_file_that_the_client_would_read_is_the_one(user: Path) -> None:
    folder = user / ".config" / "opencode"
    folder.mkdir(parents=True)
    (folder / "opencode.json").write_text("{}")
    assert config_of("opencode") == folder / "opencode.json"
    (user / ".claude").mkdir()
    (user / ".claude" / ".config.json").write_text("{}")
    assert config_of("claude") == user / ".claude" / ".config.json"
    (user / ".hermes" / "profiles" / "work").mkdir(parents=True)
    (user / ".hermes" / "active_profile").write_text("work\n")
    assert config_of("hermes") == user / ".hermes" / "profiles" / "work" / "config.yaml"


@pytest.mark.parametrize("name", WITH_PROJECTS)
def test_a_project_has_a_file_of_its_own(cli: Cli, user: Path, tmp_path: Path, name: str) -> None:
    project = tmp_path / "project"
    project.mkdir()
    done = cli("setup", name, "--project", str(project), "--yes")
    assert done.code == 0, done.err
    file = config_of(name, project)
    assert file.is_relative_to(project)
    assert CLIENTS[name].is_ours(entry_of(name, file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert list(user.rglob("*")) == []
    assert cli("setup", name, "--project", str(project), "--undo", "--yes").code == 0
    assert list(project.rglob("*")) == []


@pytest.mark.parametrize("name", [name for name in ALL if name not in WITH_PROJECTS])
def test_a_client_without_project_files_says_so(cli: Cli, tmp_path: Path, name: str) -> None:
    done = cli("setup", name, "--project", str(tmp_path), "--yes")
    assert done.code == 2
    assert "--project" in done.error


@pytest.mark.parametrize("name", ALL)
def test_the_skill_comes_with_it(cli: Cli, skill: Path, name: str) -> None:
    cli("setup", name, "--yes")
    skills = CLIENTS[name].skills
    assert skills is not None
    assert everything(skills(Place(os.environ)) / "kanban-orchestrator") == everything(skill)


def test_an_installation_has_the_skill(
    cli: Cli, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surface, "_skills", lambda: SHIPPED)
    assert cli("setup", "claude", "--yes").code == 0
    text = (user / ".claude/skills/kanban-orchestrator/SKILL.md").read_text()
    assert "\nname: kanban-orchestrator\n" in text
    assert text == (SHIPPED / "SKILL.md").read_text()


def test_the_skill_may_be_left_out(cli: Cli, user: Path) -> None:
    cli("setup", "claude", "--no-skill", "--yes")
    assert list(everything(user)) == [".claude.json"]


@pytest.mark.parametrize("name", ALL)
def test_what_was_in_the_file_stays_as_it_was(cli: Cli, name: str) -> None:
    file = config_of(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(kept_text(name))
    file.chmod(0o640)
    assert cli("setup", name, "--yes").code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    rest = iter(file.read_text())
    assert all(letter in rest for letter in kept_text(name))
    before = formats.load(CLIENTS[name].format, kept_text(name))
    after = formats.load(CLIENTS[name].format, file.read_text())
    assert {key: after[key] for key in before.keys() - {CLIENTS[name].entry[0]}} == {
        key: before[key] for key in before.keys() - {CLIENTS[name].entry[0]}
    }
    other = (*CLIENTS[name].entry[:-1], "other")
    assert plain.get(after, other) == plain.get(before, other)


@pytest.mark.parametrize("name", ALL)
def test_a_second_time_changes_nothing(cli: Cli, tmp_path: Path, name: str) -> None:
    cli("setup", name, "--yes")
    before = everything(tmp_path)
    done = cli("setup", name, "--yes")
    assert done.code == 0
    assert done.out == f"{CLIENTS[name].title} is set up already\n"
    assert everything(tmp_path) == before


@pytest.mark.parametrize("name", ALL)
def test_another_profile_changes_only_the_arguments(cli: Cli, home: Path, name: str) -> None:
    (home / "profiles").mkdir()
    (home / "profiles" / "lead.yaml").write_text("argv: [/bin/true]\norchestrator: true\n")
    assert cli("setup", name, "--yes").code == 2
    cli("setup", name, "--profile", "planner", "--yes")
    before = entry_of(name)
    done = cli("setup", name, "--profile", "lead", "--board", "website", "--yes", "--json")
    assert [change["action"] for change in done.json["setup"]["changes"]] == ["change"]
    entry = entry_of(name)
    words = entry.pop("args", None) or entry.pop("command")
    assert words[-4:] == ["--profile", "lead", "--board", "website"]
    assert entry == {key: before[key] for key in entry}


def test_settings_that_a_person_added_to_our_entry_stay(cli: Cli) -> None:
    cli("setup", "gemini", "--yes")
    file = config_of("gemini")
    text = formats.put("jsonc", file.read_text(), ("mcpServers", "board", "timeout"), 5)
    file.write_text(
        formats.put("jsonc", text, ("mcpServers", "board", "command"), "/old/hermes-kanban")
    )
    assert cli("setup", "gemini", "--yes").code == 0
    entry = entry_of("gemini")
    assert (entry["timeout"], entry["command"]) == (5, PROGRAM)


def test_a_link_stays_a_link(cli: Cli, user: Path, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles.toml"
    kept.write_text('model = "x"\n')
    (user / ".codex").mkdir()
    (user / ".codex" / "config.toml").symlink_to(kept)
    assert cli("setup", "codex", "--yes").code == 0
    assert (user / ".codex" / "config.toml").is_symlink()
    assert "mcp_servers.board" in kept.read_text()
    cli("setup", "codex", "--undo", "--yes")
    assert (user / ".codex" / "config.toml").is_symlink()
    assert kept.read_text() == 'model = "x"\n'


def test_new_files_are_their_owners_alone(cli: Cli, user: Path, home: Path) -> None:
    cli("setup", "claude", "--yes")
    assert stat.S_IMODE((user / ".claude.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "clients").stat().st_mode) == 0o700
    for file in (home / "clients").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


# Asking


def test_what_would_change_is_shown_and_nothing_is_done(cli: Cli, tmp_path: Path) -> None:
    before = everything(tmp_path)
    for name in ALL:
        done = cli("setup", name, "--dry-run")
        assert done.code == 0
        assert f"+++ {config_of(name)}" in done.out
        assert "SKILL.md" in done.out
    done = cli("setup", "claude", "--yes", "--dry-run")
    assert "nothing was written" in done.out
    assert everything(tmp_path) == before


def test_nobody_is_asked_where_nobody_sits(
    cli: Cli, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(os.devnull) as nobody:
        monkeypatch.setattr(sys, "stdin", nobody)
        done = cli("setup", "claude")
    assert done.code == 2
    assert "--yes" in done.err.splitlines()[-1]
    assert cli("setup", "claude", "--json").code == 2
    assert everything(user) == {}


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_on_a_terminal_the_person_decides(
    cli: Cli, user: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    controller, terminal = os.openpty()
    os.write(controller, answer.encode())
    with open(terminal) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        done = cli("setup", "claude")
    os.close(controller)
    assert done.code == code, done.err
    assert bool(everything(user)) is (code == 0)


def test_secrets_beside_our_lines_are_not_shown(cli: Cli, user: Path) -> None:
    secret = "sk-ant-" + "a1b2c3d4" * 5
    (user / ".claude.json").write_text(
        json.dumps({"oauth": {"accessToken": "abcdefghijk"}, "key": secret}, indent=1)
    )
    for words in (["--dry-run"], ["--dry-run", "--json"]):
        shown = cli("setup", "claude", *words).out
        assert "mcpServers" in shown
        assert secret not in shown
        assert "abcdefghijk" not in shown


def test_json_tells_what_was_done(cli: Cli, user: Path) -> None:
    done = cli("setup", "claude", "--yes", "--json").json["setup"]
    assert (done["client"], done["written"]) == ("claude", True)
    assert [(one["file"], one["action"]) for one in done["changes"]] == [
        (str(user / ".claude.json"), "create"),
        (str(user / ".claude/skills/kanban-orchestrator/SKILL.md"), "create"),
        (str(user / ".claude/skills/kanban-orchestrator/examples/fan-out.md"), "create"),
    ]
    assert '+    "board": {' in done["changes"][0]["diff"]


# Who may plan


def test_sessions_act_for_a_profile_that_may_plan(cli: Cli, home: Path) -> None:
    assert "writer" in cli("setup", "claude", "--profile", "writer", "--yes").error
    done = cli("setup", "claude", "--profile", "nobody", "--yes")
    assert (done.code, "not configured" in done.error) == (2, True)
    (home / "config.yaml").write_text("profiles: {}\n")
    done = cli("setup", "claude", "--yes")
    assert (done.code, "orchestrator: true" in done.error) == (2, True)


def test_an_address_of_the_environment_is_not_written_down(
    cli: Cli, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERMES_KANBAN_DATABASE", "postgresql://me:pw@host/db")
    done = cli("setup", "claude", "--yes")
    assert done.code == 0
    assert "HERMES_KANBAN_DATABASE" in done.error
    assert b"postgresql" not in b"".join(everything(user).values())


# What is not ours


@pytest.mark.parametrize("name", ALL)
def test_another_server_of_that_name_is_not_touched_unasked(cli: Cli, name: str) -> None:
    file = config_of(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    before = kept_text(name).replace("other", "board")
    file.write_text(before)
    done = cli("setup", name, "--yes")
    assert done.code == 4
    assert "(z)" in done.error
    assert "--replace" in done.error
    assert file.read_text() == before
    assert cli("setup", name, "--replace", "--yes").code == 0
    assert CLIENTS[name].is_ours(entry_of(name))
    assert cli("setup", name, "--undo", "--yes").code == 0
    assert file.read_text() == before


@pytest.mark.parametrize("name", ALL)
def test_what_ours_took_the_place_of_comes_back_beside_later_edits(cli: Cli, name: str) -> None:
    client = CLIENTS[name]
    file = config_of(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(kept_text(name).replace("other", "board"))
    before = entry_of(name)
    cli("setup", name, "--replace", "--yes")
    edited = formats.put(client.format, file.read_text(), ("later",), {"a": 1})
    file.write_text(edited)
    assert cli("setup", name, "--undo", "--yes").code == 0
    assert entry_of(name) == before
    assert formats.load(client.format, file.read_text())["later"] == {"a": 1}


def test_another_skill_of_that_name_is_not_touched_unasked(cli: Cli, user: Path) -> None:
    file = user / ".claude" / "skills" / "kanban-orchestrator" / "SKILL.md"
    file.parent.mkdir(parents=True)
    file.write_text("mine\n")
    done = cli("setup", "claude", "--yes")
    assert (done.code, str(file) in done.error) == (4, True)
    assert list(everything(user)) == [str(file.relative_to(user))]
    assert cli("setup", "claude", "--replace", "--yes").code == 0
    assert file.read_text() != "mine\n"
    cli("setup", "claude", "--undo", "--yes")
    assert everything(user) == {str(file.relative_to(user)): b"mine\n"}


def test_a_newer_skill_takes_the_place_of_ours(cli: Cli, user: Path, skill: Path) -> None:
    cli("setup", "claude", "--yes")
    (skill / "SKILL.md").write_text("newer\n")
    (skill / "examples" / "fan-out.md").rename(skill / "examples" / "quorum.md")
    assert cli("setup", "claude", "--yes").code == 0
    folder = user / ".claude" / "skills" / "kanban-orchestrator"
    assert everything(folder) == everything(skill)
    cli("setup", "claude", "--undo", "--yes")
    assert everything(user) == {}


BROKEN = {"jsonc": '{\n  "a": 1,\n  b\n}\n', "toml": "a = 1\n\nb\n", "yaml": "a: 1\nb:\n c: [\n"}


@pytest.mark.parametrize("verb", [[], ["--undo"]])
@pytest.mark.parametrize("name", ALL)
def test_a_broken_file_is_one_clear_line(
    cli: Cli, tmp_path: Path, name: str, verb: list[str]
) -> None:
    file = config_of(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(BROKEN[CLIENTS[name].format])
    before = everything(tmp_path)
    done = cli("setup", name, "--yes", *verb)
    assert done.code == 1
    line = 4 if CLIENTS[name].format == "yaml" else 3
    assert f"{file}, line {line}: is no valid" in done.error
    assert "nothing was changed" in done.error
    assert everything(tmp_path) == before


def test_bytes_that_are_no_text_are_one_clear_line(cli: Cli, user: Path) -> None:
    (user / ".claude.json").write_bytes(b'{\n"a": "\xff"}')
    assert "line 2: is not UTF-8" in cli("setup", "claude", "--yes").error


def test_a_folder_in_the_files_place_is_one_clear_line(cli: Cli, user: Path) -> None:
    (user / ".claude.json").mkdir()
    done = cli("setup", "claude", "--yes")
    assert (done.code, "is no file" in done.error) == (1, True)


def test_what_cannot_be_edited_safely_is_shown_to_be_added_by_hand(cli: Cli, user: Path) -> None:
    (user / ".codex").mkdir()
    (user / ".codex" / "config.toml").write_text("mcp_servers = {other = {command = 'z'}}\n")
    done = cli("setup", "codex", "--yes")
    assert done.code == 1
    assert "by hand" in done.error
    assert '"command": "' in done.error
    assert list(everything(user)) == [".codex/config.toml"]


# Taking back


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("kept", [False, True])
def test_undo_leaves_things_as_they_were(cli: Cli, tmp_path: Path, name: str, kept: bool) -> None:
    file = config_of(name)
    if kept:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(kept_text(name))
    before = everything(tmp_path)
    folders = sorted(one for one in tmp_path.rglob("*") if one.is_dir())
    cli("setup", name, "--yes")
    assert everything(tmp_path) != before
    done = cli("setup", name, "--undo", "--yes")
    assert done.code == 0, done.err
    assert everything(tmp_path) == before
    assert sorted(one for one in tmp_path.rglob("*") if one.is_dir()) == folders
    done = cli("setup", name, "--undo", "--yes")
    assert (done.code, "nothing of ours" in done.out) == (0, True)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("kept", [False, True])
def test_undo_leaves_later_edits(cli: Cli, name: str, kept: bool) -> None:
    client = CLIENTS[name]
    file = config_of(name)
    if kept:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(kept_text(name))
    cli("setup", name, "--yes")
    later = client.server(["/bin/later"]) | ({"name": "later"} if client.listed else {})
    text = formats.put(client.format, file.read_text(), (*client.entry[:-1], "later"), later)
    text = formats.put(client.format, text, ("zone",), {"a": 1})
    file.write_text(text)
    assert cli("setup", name, "--undo", "--yes").code == 0
    meant = plain.drop(formats.load(client.format, text), client.entry)
    for wish, _ in client.wishes:
        meant = plain.drop(meant, wish)
    assert formats.load(client.format, file.read_text()) == meant
    assert plain.get(meant, (*client.entry[:-1], "later")) == later


@pytest.mark.parametrize("name", ALL)
def test_undo_after_an_edit_and_another_setup_keeps_the_edit(cli: Cli, name: str) -> None:
    client = CLIENTS[name]
    cli("setup", name, "--yes")
    file = config_of(name)
    file.write_text(formats.put(client.format, file.read_text(), ("zone",), {"a": 1}))
    assert cli("setup", name, "--board", "website", "--yes").code == 0
    assert cli("setup", name, "--undo", "--yes").code == 0
    left = formats.load(client.format, file.read_text())
    assert left == dict(client.base) | {"zone": {"a": 1}}


def test_undo_does_not_need_its_record(cli: Cli, user: Path, home: Path) -> None:
    cli("setup", "codex", "--yes")
    for file in (home / "clients").iterdir():
        file.unlink()
    assert cli("setup", "codex", "--undo", "--yes").code == 0
    assert {k: v.strip() for k, v in everything(user).items()} == {".codex/config.toml": b""}


def test_undo_leaves_an_entry_that_is_not_ours_any_more(cli: Cli, user: Path) -> None:
    cli("setup", "claude", "--yes")
    text = (user / ".claude.json").read_text().replace(PROGRAM, "/bin/other")
    (user / ".claude.json").write_text(text)
    done = cli("setup", "claude", "--undo", "--yes")
    assert "is not ours any more" in done.out
    assert (user / ".claude.json").read_text() == text


def test_undo_leaves_a_skill_that_was_changed(cli: Cli, user: Path) -> None:
    cli("setup", "claude", "--yes")
    file = user / ".claude" / "skills" / "kanban-orchestrator" / "SKILL.md"
    file.write_text("mine now\n")
    done = cli("setup", "claude", "--undo", "--yes")
    assert (done.code, f"{file} was changed" in done.out) == (0, True)
    assert everything(user) == {str(file.relative_to(user)): b"mine now\n"}


def test_undo_can_be_looked_at_first(cli: Cli, tmp_path: Path) -> None:
    cli("setup", "claude", "--yes")
    before = everything(tmp_path)
    done = cli("setup", "claude", "--undo", "--dry-run")
    assert '-    "board": {' in done.out
    assert everything(tmp_path) == before


# Others at the same time, and disks that refuse


def test_a_file_that_changes_while_the_person_thinks_is_left_alone(
    cli: Cli, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = user / ".claude.json"
    real = applying.apply

    def after_an_edit(*words: Any) -> None:
        file.write_text('{"numStartups": 5}')
        real(*words)

    monkeypatch.setattr(applying, "apply", after_an_edit)
    done = cli("setup", "claude", "--yes")
    assert (done.code, "was changed meanwhile" in done.error) == (1, True)
    assert everything(user) == {".claude.json": b'{"numStartups": 5}'}


def test_readers_never_see_half_a_file(cli: Cli, user: Path) -> None:
    file = user / ".claude.json"
    file.write_text(json.dumps({"filler": "x" * 200_000}))
    stop, torn = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            try:
                json.loads(file.read_bytes())
            except ValueError as problem:
                torn.append(problem)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(15):
        cli("setup", "claude", "--yes")
        cli("setup", "claude", "--undo", "--yes")
    stop.set()
    reader.join()
    assert torn == []
    assert [name for name in everything(user) if name != ".claude.json"] == []


def test_half_a_setup_can_be_taken_back(
    cli: Cli, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (user / ".claude").mkdir()
    (user / ".claude" / "skills").write_text("in the way")
    done = cli("setup", "claude", "--yes")
    assert done.code == 1
    (user / ".claude" / "skills").unlink()
    real = os.replace

    def full(source: Any, target: Any) -> None:
        if str(target).endswith("fan-out.md"):
            raise OSError(28, "No space left on device", str(target))
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        done = cli("setup", "claude", "--yes")
    assert (done.code, "No space left" in done.error) == (1, True)
    assert (user / ".claude.json").exists()
    assert cli("setup", "claude", "--undo", "--yes").code == 0
    assert everything(user) == {}
