"""Bars for what takes a while: on a terminal, on standard error, and nowhere else."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb

PROGRAM = Path(sys.executable).with_name("hermes-kanban")
CASES = (
    ["check"],
    ["check", "--deep"],
    pytest.param(["backup"], marks=pytest.mark.stores("sqlite")),
)


def _at_terminal(words: list[str]) -> tuple[bytes, bytes]:
    """Standard output, which is a pipe, and what came to the terminal of standard error."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    environ = {**os.environ, "TERM": "xterm-256color"}
    with subprocess.Popen(
        [str(PROGRAM), *words], stdout=subprocess.PIPE, stderr=theirs, env=environ
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
        assert process.stdout is not None
        told = process.stdout.read()
        assert process.wait(60) == 0, shown
    os.close(ours)
    return told, shown


@pytest.fixture
def many(board: Any) -> None:
    """More tasks than one step of the bar."""
    with kb.batch(board.conn):
        for number in range(120):
            board.task(f"Task {number}")


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("words", CASES, ids=" ".join)
def test_a_terminal_has_a_bar_and_a_pipe_has_none(shell: Any, words: list[str]) -> None:
    told, shown = _at_terminal(words)
    assert (b"checking tasks" if words[0] == "check" else b"copying pages") in shown
    assert b"\x1b" not in told
    assert len(told.splitlines()) == 1
    assert shell(*words).err == ""


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("words", CASES, ids=" ".join)
def test_json_has_none(words: list[str]) -> None:
    assert _at_terminal([*words, "--json"])[1] == b""


def test_the_check_tells_how_far_it_has_come(many: None, board: Any) -> None:
    del many
    told: list[int] = []
    assert kb.check(board.conn, told=told.append) == []
    assert told == [50, 100]


@pytest.mark.stores("sqlite")
def test_the_copy_tells_how_far_it_has_come(many: None, board: Any) -> None:
    del many
    told: list[int] = []
    kb.backup(board.conn, told=told.append)
    assert told
    assert told == sorted(told)
    assert told[-1] > 0
