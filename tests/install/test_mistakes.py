"""What a newcomer gets wrong gives one line and what to do, and changes nothing."""

from __future__ import annotations

import ast
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import hermes_kanban
from tests.install.conftest import PROGRAM, Shell

SOURCE = Path(hermes_kanban.__file__ or "").resolve().parents[1]
NOBODY = 65534
IN_A_MOUNT_NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]
POWERS = "-dac_override,-dac_read_search"
# Root that is refused what its rights do not allow, as anybody is.
AS_ANYBODY = (
    ["setpriv", "--inh-caps", POWERS, "--bounding-set", POWERS] if os.geteuid() == 0 else []
)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user of this machine gets to."""
    folder = Path(tempfile.mkdtemp(prefix="hk-mistake-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def on_disk(folder: Path, prepare: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The command with its home on a disk of 1 MiB, after ``prepare`` did something to that."""
    script = (
        f'mount -t tmpfs -o size=1m tmpfs "$0" && cd "$0" && {prepare} && export'
        ' HERMES_KANBAN_HOME="$0/home" && exec "$@"'
    )
    command = [*IN_A_MOUNT_NAMESPACE, "sh", "-c", script, str(folder)]
    return subprocess.run(
        [*command, str(PROGRAM), *words], capture_output=True, text=True, check=False, timeout=60
    )


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = done.stderr.splitlines()
    assert done.returncode != 0
    assert len(lines) == 1, done
    return lines[0]


@pytest.mark.parametrize("words", [["up"], ["init"], ["gateway", "run"]])
def test_a_disk_that_can_only_be_read(place: Path, words: list[str]) -> None:
    said = one_line(on_disk(place, 'mount -o remount,ro "$0"', *words))
    assert "Read-only file system; its disk can only be read" in said
    assert "set HERMES_KANBAN_HOME" in said


@pytest.mark.parametrize("words", [["up"], ["init"], ["gateway", "run"]])
def test_a_full_disk(place: Path, words: list[str]) -> None:
    said = one_line(on_disk(place, "{ head -c 2000k /dev/zero >fill 2>&-; true; }", *words))
    assert "make room" in said or "free some space" in said


@pytest.mark.parametrize("words", [["up"], ["create", "x"]])
def test_no_rights(place: Path, words: list[str]) -> None:
    place.chmod(0o555)
    if os.geteuid() == 0:
        os.chown(place, NOBODY, NOBODY)
    done = subprocess.run(
        [*AS_ANYBODY, str(PROGRAM), *words],
        env=os.environ | {"HERMES_KANBAN_HOME": str(place / "home")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    said = one_line(done)
    assert f"{place / 'home'}: Permission denied; give yourself the right to it" in said
    assert "set HERMES_KANBAN_HOME" in said


def test_a_file_where_the_home_should_be(shell: Shell, user: Path) -> None:
    file = user / "notes"
    file.write_text("mine")
    said = shell("up", code=1, HERMES_KANBAN_HOME=str(file)).error
    assert f"{file}: File exists; a file stands where a folder should; move it away" in said
    assert file.read_text() == "mine"


def test_a_folder_that_is_gone(user: Path) -> None:
    gone = user / "gone"
    gone.mkdir()
    script = 'cd "$0" && rmdir "$0" && exec "$@"'
    done = subprocess.run(
        ["sh", "-c", script, str(gone), str(PROGRAM), "attach", "t_abc234", "report.md"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == 3
    assert "no task t_abc234" in done.stderr


def test_a_port_that_is_taken(shell: Shell, home: Path, port: int) -> None:
    with closing(socket.create_server(("127.0.0.1", port))):
        said = shell("up", code=1).error
        assert f"another program listens at http://127.0.0.1:{port}" in said
        assert f"set web.port in {home / 'config.yaml'}" in said
        assert shell("gateway", "status", code=1)
        assert "choose another: --port N" in shell("web", code=1).error


def test_a_second_gateway(shell: Shell, home: Path) -> None:
    pid = shell("up", "--json").json["up"]["gateway"]["pid"]
    second = subprocess.Popen(
        [str(PROGRAM), "gateway", "run"], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert second.stderr is not None
    said = second.stderr.readline().decode()
    assert f"a gateway serves default already, pid {pid}; this one waits to take over" in said
    assert "hermes-kanban down" in said
    second.kill()
    second.communicate()


def test_an_old_python() -> None:
    """It reads its own first lines, and says which one it wants."""
    first = SOURCE / "hermes_kanban" / "__main__.py"
    ast.parse(first.read_text("utf-8"), feature_version=(3, 4))
    old = "import runpy, sys; sys.version_info = (3, 8, 20, 'final', 0)"
    done = subprocess.run(
        [sys.executable, "-c", f"{old}; runpy.run_module('hermes_kanban', run_name='__main__')"],
        cwd=SOURCE,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "needs Python 3.11 or newer, and this is 3.8" in one_line(done)


def test_a_slip_in_the_configuration(shell: Shell, home: Path) -> None:
    shell("up")
    file = home / "config.yaml"
    file.write_text(file.read_text() + "kanban: {max_spwan: 3}\n")
    said = shell("up", code=2).error
    assert "config.yaml, line 5: kanban.max_spwan is not a known key" in said
    assert "did you mean 'max_spawn'?" in said
    # To look at the board needs no configuration.
    assert "/#/login?code=" in shell("board").out
