"""``show``, ``why`` and ``watch`` as a person sees them: on a terminal of some width."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban import present

Screen = Callable[..., str]

PROGRAM = Path(sys.executable).with_name("hermes-kanban")
SGR = re.compile(r"\x1b\[[0-9;]*m")
BODY = """Count them all, page by page, and write what you have found into a table of results.

- an item that is longer than the terminal is wide, so that it has to hang below its own mark
  and a line that goes on

```
code that is longer than the terminal is wide and must stay as it was written, however long it is
```
"""
WIDE = "表の幅を守るために切られなければならないとても長いタイトルです。表の幅を守るために"


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """What a command writes to a terminal of so many columns, with or without colour."""

    def call(*words: str, columns: int = 80, colour: bool = False) -> str:
        environ = {**os.environ, "TERM": "xterm-256color"}
        environ.pop("NO_COLOR", None)
        if not colour:
            environ["NO_COLOR"] = "1"
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        with subprocess.Popen(
            [str(PROGRAM), *words], stdin=theirs, stdout=theirs, stderr=theirs, env=environ
        ) as process:
            os.close(theirs)
            told = b""
            while True:
                try:
                    part = os.read(ours, 65536)
                except OSError:
                    break
                if not part:
                    break
                told += part
            assert process.wait(60) == 0, told
        os.close(ours)
        return told.decode().replace("\r\n", "\n")

    return call


def _over(text: str, columns: int) -> list[str]:
    lines = [SGR.sub("", line) for line in text.splitlines()]
    # Warnings are of standard error, whose lines are whole for whoever looks for them there.
    told = (line for line in lines if not line.startswith("hermes-kanban: warning"))
    return [line for line in told if present.cells(line) > columns]


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_task_is_shown_within_the_terminal(board: Any, screen: Screen, columns: int) -> None:
    parent = board.task(WIDE)
    task = board.task("Count " + "the words " * 20, body=BODY, parents=[parent], priority=3)
    kb.add_comment(board.conn, task, "一" * 90)
    told = screen("show", task, columns=columns)
    over = _over(told, columns)
    assert all("code that" in line for line in over)
    assert len(over) == (columns < 100)
    assert "\n  - an item that" in told
    assert re.search(r"\n    [a-z ]+mark\n", told) or columns == 120
    assert _over(screen("why", task, columns=columns), columns) == []


def test_what_is_long_is_cut_on_a_terminal_alone(board: Any, screen: Screen, shell: Any) -> None:
    body = "\n".join(f"line {number}" for number in range(400))
    task = board.task(body=body)
    for number in range(40):
        kb.add_comment(board.conn, task, f"comment {number}")
    told = screen("show", task)
    assert "line 29\n" in told
    assert "line 30\n" not in told
    assert "… 370 more lines: hermes-kanban show" in told
    assert "20 earlier comments" in told
    assert "comment 39" in told
    assert "comment 19\n" not in told
    piped = shell("show", task).out
    assert all(f"line {number}\n" in piped for number in range(400))
    assert "comment 0\n" in piped


def test_colours_are_those_of_the_table_and_can_be_had_without(board: Any, screen: Screen) -> None:
    blocked = board.task()
    kb.block_task(board.conn, blocked, reason="which?")
    later = board.task(scheduled_at=board.conn.clock.now() + 9_000)
    assert "\x1b[31mblocked_needs_input:\x1b[0m" in screen("why", blocked, colour=True)
    assert "\x1b[33mscheduled:\x1b[0m" in screen("why", later, colour=True)
    assert "\x1b" not in screen("why", later)
    assert "\x1b" not in screen("show", blocked)
    assert "\x1b[31mblocked\x1b[0m" in screen("events", blocked, colour=True)
    assert "\x1b" not in screen("events", blocked)
    assert f"\x1b[36mhermes-kanban schedule {later} now\x1b[0m" in screen("why", later, colour=True)


def test_a_command_is_never_broken(board: Any, screen: Screen) -> None:
    task = board.claimed()
    kb.request_review(board.conn, task.id, run_id=task.current_run_id, claim_lock=task.claim_lock)
    told = screen("why", task.id, columns=60)
    assert f"hermes-kanban request-changes {task.id} COMMENT\n" in told


def test_the_end_of_a_long_wait_is_named(board: Any, screen: Screen) -> None:
    first = last = board.task("The first")
    for number in range(30):
        last = board.task(f"Step {number}", parents=[last])
    told = screen("why", last)
    assert told.index("In the end it waits for") < told.index(f"{first}  ready     The first")
    child = board.task(parents=[first])
    assert "In the end" not in screen("why", child)


@pytest.mark.parametrize("columns", [80, 120])
def test_the_live_board_fits(board: Any, screen: Screen, columns: int) -> None:
    running = board.claimed(title="At work " * 12)
    for number in range(16):
        board.task(f"{number} {WIDE}")
    kb.block_task(board.conn, board.task("Ask"), reason="which?")
    kb.triage_task(board.conn, board.task("Vague"))
    kb.complete_task(board.conn, board.task("Over"))
    told = screen("watch", "--once", columns=columns)
    assert _over(told, columns) == []
    assert "no gateway is running" in told
    plain = SGR.sub("", told)
    assert re.search(rf"{running.id} +writer +\d+", plain)
    assert "ready 16" in plain
    assert "more" in plain


def test_the_live_board_of_no_tasks_says_how_to_begin(board: Any, screen: Screen) -> None:
    del board
    assert 'hermes-kanban create "TITLE"' in screen("watch", "--once")
