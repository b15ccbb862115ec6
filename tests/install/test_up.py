"""``up`` and ``down``: from nothing to a board that works, again and again, and away."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path

import psutil
import yaml

from tests.install.conftest import Shell
from tests.support.actors import gone
from tests.support.waiting import wait_until

AGENT = '#!/bin/sh\n[ "$1" = --version ] && echo "2.1.331 (Claude Code)"\n'


def agent(user: Path) -> None:
    """Claude Code, as far as it says its version."""
    file = user / "bin" / "claude"
    file.write_text(AGENT)
    file.chmod(0o755)


def configuration(home: Path, text: str) -> None:
    home.mkdir(parents=True)
    (home / "config.yaml").write_text(text)


def test_from_nothing_to_a_task_that_is_done(shell: Shell, home: Path, port: int) -> None:
    up = shell("up", "--json").json["up"]
    assert up["home"] == str(home)
    assert home.stat().st_mode & 0o777 == 0o700
    assert up["gateway"]["started"]
    assert up["page"]["address"] == f"http://127.0.0.1:{port}"
    with urllib.request.urlopen(up["page"]["address"], timeout=20) as page:
        assert b"<html" in page.read()
    task = shell("create", "Count", "--body", "one two", "--assignee", "counter", "--json").json
    number = task["task"]["id"]
    wait_until(lambda: shell("show", number, "--json").json["task"]["status"] == "done")

    # It outlives whoever started it, and their terminal.
    pid = up["gateway"]["pid"]
    assert psutil.Process(pid).terminal() is None
    assert os.getsid(pid) == pid

    # A second one starts and changes nothing, and says what runs.
    files = {file: file.read_text() for file in home.glob("**/*.yaml")}
    again = shell("up")
    assert f"runs, pid {pid}" in again.out
    assert up["page"]["url"] not in again.out
    assert {file: file.read_text() for file in home.glob("**/*.yaml")} == files


def test_down_stops_the_gateway_and_no_worker(shell: Shell, home: Path) -> None:
    written = "# mine\nprofiles:\n  slow: {argv: [sh, -c, 'sleep 600']}  # slow\n"
    configuration(home, written)
    pid = shell("up", "--json").json["up"]["gateway"]["pid"]
    text = (home / "config.yaml").read_text()
    assert text.startswith(written)
    assert yaml.safe_load(text)["web"] == {"in_gateway": True}

    task = shell("create", "Wait", "--assignee", "slow", "--json").json["task"]["id"]

    def runs() -> list[dict[str, int]]:
        found = shell("runs", task, "--json").json["runs"]
        return [run for run in found if run["worker_pid"]]

    (run,) = wait_until(runs)
    stopped = shell("down")
    assert f"gateway stopped, pid {pid}" in stopped.out
    assert gone(pid)
    assert not gone(run["worker_pid"])
    assert "no gateway" in shell("down").out
    shell("cancel", task)
    shell("dispatch")
    wait_until(lambda: gone(run["worker_pid"]), progress=lambda: shell("dispatch").out)


def test_agents_get_profiles_once(shell: Shell, user: Path, home: Path) -> None:
    agent(user)
    up = shell("up")
    assert "claude 2.1.331, profile claude (new)" in up.out
    assert "--assignee claude" in up.out
    assert not (home / "profiles" / "counter.yaml").exists()
    (home / "profiles" / "claude.yaml").rename(home / "profiles" / "coder.yaml")
    assert "claude 2.1.331, profile coder" in shell("up").out
    assert not (home / "profiles" / "claude.yaml").exists()


def test_who_wants_no_page_gets_none(shell: Shell, home: Path) -> None:
    configuration(home, "web: {in_gateway: false}\nprofiles:\n  a: {argv: [/bin/true]}\n")
    up = shell("up", "--json")
    assert "hermes-kanban web --open" in up.error
    assert up.json["up"]["page"] is None
