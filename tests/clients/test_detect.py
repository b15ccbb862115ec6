"""``profiles detect``: what is installed here, and a profile for each."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hermes_kanban.clients import CLIENTS
from hermes_kanban.clients import detect as looking
from hermes_kanban.config import load
from hermes_kanban.workers.environment import usable_path
from tests.clients.conftest import Cli, everything
from tests.support.actors import gone
from tests.support.waiting import wait_until

SAID = {
    "claude": "2.1.331 (Claude Code)",
    "codex": "WARNING: something about PATH\ncodex-cli 0.169.0",
    "gemini": "0.61.0",
    "opencode": "1.18.33",
    "qwen": "0.24.4",
    "cn": "1.5.47",
    "hermes": "Hermes Agent v0.19.0 (2026.7.20)\nPython: 3.11",
}
VERSIONS = {
    "claude": "2.1.331",
    "codex": "0.169.0",
    "gemini": "0.61.0",
    "opencode": "1.18.33",
    "qwen": "0.24.4",
    "continue": "1.5.47",
    "hermes": "0.19.0",
}


def install(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def says(text: str) -> str:
    return f"[ \"$1\" = --version ] || exit 9\ncat <<'END'\n{text}\nEND"


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH beside the system's; it is empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


@pytest.fixture
def installed(path: Path) -> None:
    for name, text in SAID.items():
        install(path, name, says(text))


def test_each_is_found_with_its_version(cli: Cli, installed: None, path: Path) -> None:
    done = cli("profiles", "detect", "--json")
    assert done.code == 0, done.err
    found = {one["client"]: one for one in done.json["clients"]}
    assert {name: one["version"] for name, one in found.items()} == VERSIONS
    assert found["continue"]["program"] == str(path / "cn")
    assert all(one["on_path"] and not one["written"] for one in found.values())


def test_nothing_is_written_unasked(cli: Cli, installed: None, home: Path) -> None:
    before = everything(home)
    shown = cli("profiles", "detect").out
    assert f"{home}/profiles/claude.yaml" in shown
    assert "    runtime: claude" in shown
    assert everything(home) == before


def test_the_missing_profiles_are_added_and_are_valid(
    cli: Cli, installed: None, home: Path
) -> None:
    assert cli("profiles", "detect", "--write").code == 0
    profiles = load(home).profiles
    for name in CLIENTS:
        assert profiles[name].runtime == name
        assert profiles[name].description == f"{CLIENTS[name].title} {VERSIONS[name]}"
    again = cli("profiles", "detect", "--write", "--json").json["clients"]
    assert [one["profiles"] for one in again] == [[name] for name in CLIENTS]
    assert not any(one["written"] for one in again)


def test_a_profile_that_is_there_is_never_touched(cli: Cli, installed: None, home: Path) -> None:
    folder = home / "profiles"
    folder.mkdir()
    (folder / "coder.yaml").write_text("runtime: claude\nmodel: opus\n")
    (folder / "codex.yaml").write_text("argv: [/bin/true]\n")
    (folder / "gemini-job.yaml").write_text("argv: [gemini, -p, x]\n")
    before = everything(home)
    assert cli("profiles", "detect", "--write").code == 0
    after = everything(home)
    assert {name: after[name] for name in before} == before
    # Claude and Gemini have one; the name codex is another's.
    assert "profiles/claude.yaml" not in after
    assert "profiles/gemini.yaml" not in after
    assert b"runtime: codex" in after["profiles/codex-2.yaml"]


def test_a_file_that_another_made_meanwhile_stays(home: Path) -> None:
    (home / "profiles").mkdir()
    (home / "profiles" / "claude.yaml").write_text("mine\n")
    with pytest.raises(FileExistsError):
        looking.write_profile(home, "claude", "runtime: claude\n")
    assert (home / "profiles" / "claude.yaml").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("claude", ".claude/local"),
        ("codex", ".npm-global/bin"),
        ("opencode", ".opencode/bin"),
        ("qwen", ".nvm/versions/node/v22.1.0/bin"),
        ("hermes", ".hermes/hermes-agent/venv/bin"),
    ],
)
def test_what_is_not_on_the_path_gets_a_profile_that_finds_it(
    cli: Cli, user: Path, home: Path, path: Path, name: str, place: str
) -> None:
    program = install(user / place, name, says(SAID[name]))
    found = cli("profiles", "detect", "--write", "--json").json["clients"]
    assert [(one["program"], one["on_path"]) for one in found] == [(str(program), False)]
    wanted = load(home).profiles[name].env["PATH"].split(":")
    assert wanted == [str(program.parent), *usable_path(os.environ["PATH"]).split(":")]


def test_of_several_versions_the_newest_is_found(cli: Cli, user: Path) -> None:
    for version in ("v9.2.0", "v22.1.0", "v18.0.0"):
        install(user / ".nvm/versions/node" / version / "bin", "gemini", says("0.61.0"))
    found = cli("profiles", "detect", "--json").json["clients"]
    assert "v22.1.0" in found[0]["program"]


def test_another_program_of_that_name_is_suggested_nothing(
    cli: Cli, path: Path, home: Path
) -> None:
    install(path, "hermes", says("hermes 1.10.6 (relayer)"))
    install(path, "claude", "exit 1")
    (path / "codex").write_text("no program")
    (path / "codex").chmod(0o755)
    done = cli("profiles", "detect", "--write", "--json").json["clients"]
    assert [(one["client"], one["version"], one["suggested"]) for one in done] == [
        ("claude", None, None),
        ("codex", None, None),
        ("hermes", None, None),
    ]
    assert not (home / "profiles").exists()


def test_one_that_does_not_answer_is_given_up_and_ended(path: Path, tmp_path: Path) -> None:
    install(
        path, "claude", f"sleep 600 & echo $! > {tmp_path}/pid; echo '2.0.0 (Claude Code)'; wait"
    )
    install(path, "codex", f"echo $$ > {tmp_path}/pid2; exec sleep 600")
    found = looking.detect(CLIENTS, {}, os.environ, seconds=4.0)
    # What it said before it hung counts.
    assert [one.version for one in found] == ["2.0.0", None]
    for name in ("pid", "pid2"):
        pid = int((tmp_path / name).read_text())
        wait_until(lambda pid=pid: gone(pid))


def test_what_a_version_leaves_behind_is_ended(path: Path, tmp_path: Path) -> None:
    behind = f"sleep 600 </dev/null >/dev/null 2>&1 & echo $! > {tmp_path}/pid"
    install(path, "claude", f"{behind}\necho '2.0.0 (Claude Code)'")
    assert looking.detect(CLIENTS, {}, os.environ)[0].version == "2.0.0"
    wait_until(lambda: gone(int((tmp_path / "pid").read_text())))


def test_where_nothing_is_installed_it_says_so(cli: Cli) -> None:
    done = cli("profiles", "detect")
    assert (done.code, "none of claude, codex" in done.out) == (0, True)


def test_the_list_is_what_it_was(cli: Cli) -> None:
    assert cli("profiles", "--json").json == cli("profiles", "list", "--json").json
    assert "planner" in cli("profiles").out
