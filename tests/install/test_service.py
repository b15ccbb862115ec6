"""The gateway as a service: what is written, and what a real systemd makes of it."""

from __future__ import annotations

import os
import plistlib
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban.service import Wanted, installed_home, manager
from tests.install.conftest import PROGRAM, Shell
from tests.install.test_up import configuration

ODD = 'it\'s 100% "odd" \\ $HOME'
SYSTEMD = "/lib/systemd/systemd"
# A user manager of its own, with a /run of its own: what the machine runs is left alone.
WITH_SYSTEMD = """
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR"
group=/sys/fs/cgroup/systemd/hk-$$
mkdir "$group"
echo $$ > "$group/cgroup.procs"
"$0" --user &
manager=$!
set +e
until systemctl --user show --property=Version >/dev/null 2>&1; do
    kill -0 $manager || exit 99
    sleep 0.05
done
"$@"
code=$?
kill $manager
wait $manager
echo $$ > /sys/fs/cgroup/systemd/cgroup.procs
find "$group" -depth -type d -exec rmdir {} \\;
exit $code
"""
STORY = """
set -e
hk service install
first=$(systemctl --user show -P MainPID hermes-kanban)
hk service status
task=$(hk create Wait --assignee slow)
until hk runs "$task" --json | grep -q '"worker_pid":[0-9]'; do sleep 0.1; done
kill -9 "$first"
until hk service status; do sleep 0.1; done
second=$(systemctl --user show -P MainPID hermes-kanban)
test "$first" != "$second"
until hk gateway status | grep "pid $second" | grep "1 in progress"; do sleep 0.1; done
hk down | grep "hermes-kanban service remove"
! hk service status
hk up | grep "gateway  started"
hk service status
hk runs "$task" --json | grep '"outcome":null'
hk cancel "$task"
hk service remove
! hk gateway status
! test -e "$HOME/.config/systemd/user/hermes-kanban.service"
echo the end
"""


def odd() -> Wanted:
    return Wanted([f"/opt/{ODD}/hermes-kanban", "gateway", "run"], Path(f"/home/{ODD}"), around())


def around() -> dict[str, str]:
    return {"HERMES_KANBAN_HOME": f"/home/{ODD}", "PATH": "/usr/bin:/bin"}


def test_what_would_be_written_is_shown_and_not_written(shell: Shell, user: Path) -> None:
    shown = shell("service", "install", "--dry-run", "--for", "systemd")
    assert "KillMode=process" in shown.out
    assert f'ExecStart="{PROGRAM}" "gateway" "run"' in shown.out
    assert not (user / ".config").exists()
    plist = shell("service", "install", "--dry-run", "--for", "launchd", "--json").json["service"]
    assert plist["file"] == str(user / "Library/LaunchAgents/hermes-kanban.gateway.plist")
    assert plistlib.loads(plist["text"].encode())["AbandonProcessGroup"] is True


@pytest.mark.parametrize("kind", ["systemd", "launchd"])
def test_a_home_of_any_name_is_found_again(kind: str) -> None:
    found = manager(kind)
    assert found.home_in(found.text(odd())) == f"/home/{ODD}"
    assert found.home_in("something else") is None


def test_the_property_list_says_what_is_wanted() -> None:
    value = plistlib.loads(manager("launchd").text(odd()).encode())
    assert value["ProgramArguments"] == [*odd().command, "--quiet"]
    assert value["EnvironmentVariables"] == around()
    assert value["KeepAlive"] == {"SuccessfulExit": False}


@pytest.mark.torture  # systemd comes with a system, not from a package index
def test_systemd_reads_the_unit_as_it_is_meant(tmp_path: Path) -> None:
    folder = tmp_path / ODD
    folder.mkdir()
    program = folder / "hermes-kanban"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "hermes-kanban.service"
    wanted = odd()._replace(command=[str(program), "gateway", "run"], home=folder)
    unit.write_text(manager("systemd").text(wanted))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", str(unit)],
        env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    told = [line for line in done.stderr.splitlines() if "hermes-kanban" in line]
    assert (done.returncode, told) == (0, []), done.stderr


def test_secrets_do_not_get_into_the_file(shell: Shell, home: Path) -> None:
    given = {
        "ANTHROPIC_API_KEY": "sk-very-secret",
        "CODEX_HOME": "/opt/codex",
        "HERMES_KANBAN_WEB_TOKEN": "t" * 40,
    }
    text = shell("service", "install", "--dry-run", **given).out
    assert "sk-very-secret" not in text
    assert "tttt" not in text
    assert 'Environment="CODEX_HOME=/opt/codex"' in text


def test_without_a_service_manager_it_says_what_to_do(shell: Shell, user: Path) -> None:
    said = shell("service", "install", code=1, DBUS_SESSION_BUS_ADDRESS="").error
    assert "no service manager is here" in said
    assert "hermes-kanban up" in said
    assert not (user / ".config").exists()
    assert "service install" in shell("service", "status", code=1).out
    assert "no service was installed" in shell("service", "remove").out


@pytest.mark.torture
def test_a_real_systemd_runs_it(shell: Shell, user: Path, home: Path, tmp_path: Path) -> None:
    profile = "profiles:\n  slow: {argv: [sh, -c, 'sleep 600']}\n"
    configuration(home, f"web: {{in_gateway: false}}\n{profile}")
    (user / "bin" / "hk").symlink_to(PROGRAM)
    inner = ["bash", "-c", WITH_SYSTEMD, SYSTEMD, "timeout", "120", "bash", "-c", STORY]
    done = subprocess.run(
        ["unshare", "-m", "--propagation", "private", *inner],
        # A service gets no setting of this shell: the port is not needed, the home is the usual.
        env=plain_environment(user) | {"XDG_RUNTIME_DIR": "/run/user/hk"},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert done.stdout.endswith("the end\n")
    assert installed_home(manager("systemd"), {"HOME": str(user)}) is None


def plain_environment(user: Path) -> dict[str, Any]:
    kept = {name: os.environ[name] for name in ("HOME", "PATH", "NO_COLOR")}
    return kept | ({"PYTHONPATH": path} if (path := os.environ.get("PYTHONPATH")) else {})
