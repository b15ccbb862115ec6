"""``doctor``: what is wrong is named with its remedy, and mended where that is safe."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban.doctor import CHECKS
from hermes_kanban.store import sqlite_version
from hermes_kanban.surfaces.cli.root import run
from tests.install.test_up import agent, configuration

TRUE = "profiles:\n  a: {argv: [/bin/true]}\n"


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str], user: Path) -> Iterator[Any]:
    """The command in this process: its findings, and its exit code."""

    def call(*words: str) -> tuple[dict[str, list[dict[str, str]]], int]:
        capsys.readouterr()
        code = run(["doctor", "--json", *words])
        found: dict[str, list[dict[str, str]]] = {}
        for one in json.loads(capsys.readouterr().out)["findings"]:
            found.setdefault(one["check"], []).append(one)
        return found, code

    yield call


def only(found: dict[str, list[dict[str, str]]], check: str) -> dict[str, str]:
    (one,) = found[check]
    return one


def test_a_home_that_is_well(doctor: Any, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configuration(home, TRUE)
    (home / "config.yaml").chmod(0o600)
    home.chmod(0o700)
    found, code = doctor("--fix")
    assert code == 0
    # What was missing is there now.
    assert [one["state"] for one in found["boards"]] == ["mended", "ok"]
    found, code = doctor()
    wrong = {one["check"] for all_of in found.values() for one in all_of if one["state"] != "ok"}
    assert wrong == {"gateway"}
    assert only(found, "gateway")["remedy"] == "hermes-kanban up"
    assert set(CHECKS) - {"database"} == set(found)  # its boards lie in files
    assert run(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert "no faults, 1 warning" in shown
    assert "→ hermes-kanban up" in shown


def test_where_messages_go_is_looked_at(doctor: Any, home: Path) -> None:
    configuration(home, TRUE)
    assert only(doctor()[0], "destinations")["state"] == "ok"
    hook = "{url: env:NO_SUCH_URL, secret: a secret of the tests}"
    chat = "{homeserver: https://m.example, user: '@k:m.example', access_token: x}"
    (home / "config.yaml").write_text(
        f"{TRUE}notify: {{webhooks: {{ops: {hook}}}}}\nchat: {{matrix: {chat}}}\n"
    )
    bad, deaf = doctor()[0]["destinations"]
    assert "webhook:ops: notify.webhooks.ops.url is in the environment" in bad["text"]
    assert (bad["state"], deaf["state"]) == ("warning", "warning")
    assert "chat.matrix.users" in deaf["remedy"]


def test_a_profile_that_this_host_may_not_run_is_told(
    doctor: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = "  b: {argv: [/no/such/program], requires: [gpu]}\n"
    other = "  c: {argv: [/no/such/program], hosts: [render-1]}\n"
    configuration(home, TRUE + gpu + other)
    _, mine, theirs = doctor()[0]["profiles"]
    assert mine["text"] == "b: no host runs it; this host does not offer gpu"
    assert "host.capabilities" in mine["remedy"]
    assert theirs["text"] == "c: no host runs it; it names render-1"
    # Another host may, where hosts share a board; its program need not be here.
    monkeypatch.setenv("HERMES_KANBAN_DATABASE", "postgresql://nobody@127.0.0.1:1/none")
    states = [one["state"] for one in doctor()[0]["profiles"]]
    assert states == ["ok", "ok", "ok"]


def test_what_others_can_read_is_closed(doctor: Any, home: Path) -> None:
    configuration(home, TRUE)
    home.chmod(0o755)
    found, _ = doctor()
    assert only(found, "rights")["remedy"] == f"chmod -R go= {home}"
    found, _ = doctor("--fix")
    assert [one["state"] for one in found["rights"]] == ["mended", "ok"]
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "config.yaml").stat().st_mode & 0o077 == 0


def test_a_slip_in_the_configuration_hides_no_other_check(doctor: Any, home: Path) -> None:
    configuration(home, TRUE)
    doctor("--fix")
    (home / "config.yaml").write_text("kanban: {max_spwan: 3}\n")
    found, code = doctor()
    assert code == 1
    assert "did you mean 'max_spawn'?" in only(found, "configuration")["text"]
    assert set(CHECKS) - {"database"} == set(found)  # its boards lie in files


def test_the_port_of_the_page_is_taken(doctor: Any, home: Path, port: int) -> None:
    configuration(home, "web: {in_gateway: true}\n" + TRUE)
    assert only(doctor()[0], "page")["state"] == "ok"
    with closing(socket.create_server(("127.0.0.1", port))):
        found, code = doctor()
    assert code == 1
    assert "set web.port" in only(found, "page")["remedy"]


def test_a_program_that_is_not_there(doctor: Any, home: Path) -> None:
    text = "  b: {argv: [no-such-program]}\n  c: {runtime: codex}\n"
    configuration(home, TRUE + text)
    found, code = doctor()
    assert code == 1
    assert [one["state"] for one in found["profiles"]] == ["ok", "fault", "fault"]
    assert "no-such-program is not installed" in found["profiles"][1]["text"]
    assert "PATH under env: of c" in found["profiles"][2]["remedy"]


def test_an_agent_without_its_key(
    doctor: Any, home: Path, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent(user)
    configuration(home, "profiles:\n  coder: {runtime: claude}\n")
    one = only(doctor()[0], "profiles")
    assert "no login of claude is seen" in one["text"]
    assert "set ANTHROPIC_API_KEY where the gateway starts, or under env:" in one["remedy"]
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    one = only(doctor()[0], "profiles")
    assert (one["state"], one["text"]) == ("ok", "coder: claude, logged in by ANTHROPIC_API_KEY")
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    (user / ".claude").mkdir()
    (user / ".claude" / ".credentials.json").write_text("{}")
    assert only(doctor()[0], "profiles")["state"] == "ok"


def test_whether_an_agents_sessions_reach_the_board(doctor: Any, home: Path, user: Path) -> None:
    agent(user)
    configuration(home, "profiles:\n  lead: {runtime: claude, orchestrator: true}\n")
    assert "its own sessions have no tools" in only(doctor()[0], "agents")["text"]
    assert run(["setup", "claude", "--yes", "--no-skill"]) == 0
    text = only(doctor()[0], "agents")["text"]
    assert "its own sessions have" in text
    assert "tools of the board" in text
    file = user / ".claude.json"
    entry = json.loads(file.read_text())
    entry["mcpServers"]["board"]["command"] = "/gone/hermes-kanban"
    file.write_text(json.dumps(entry))
    one = only(doctor()[0], "agents")
    assert one["state"] == "fault"
    assert "/gone/hermes-kanban cannot be started" in one["text"]
    assert one["remedy"] == "hermes-kanban setup claude --replace"


def test_a_damaged_board_is_named(doctor: Any, home: Path) -> None:
    configuration(home, TRUE)
    doctor("--fix")
    board = home / "boards" / "default"
    (board / "board.db").write_bytes(b"no database at all")
    for file in board.glob("board.db-*"):
        file.unlink()
    found, code = doctor()
    assert code == 1
    assert only(found, "boards")["text"].startswith("default: ")
    assert only(found, "boards")["remedy"]
    shutil.rmtree(board)


def test_an_old_sqlite(doctor: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_version, "LEAST", (99, 0, 0))
    found, code = doctor()
    assert code == 1
    assert "a board needs 99.0.0" in only(found, "sqlite")["text"]
    assert "another Python" in only(found, "sqlite")["remedy"]
    assert run(["list"]) == 1
    assert not (home / "boards").exists()
