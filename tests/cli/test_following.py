"""Logs and events as they come: over rotation, to the end of the run, without secrets."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.logtail import LogReader, last_line
from hermes_kanban.surfaces.cli.interrupts import interruptible

KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def log(board: Any) -> tuple[kb.Task, Path]:
    """A running task and the file of its log."""
    task = board.claimed()
    folder = board.conn.paths.run_dir(task.current_run_id)
    folder.mkdir(parents=True)
    return task, folder / "log"


@contextmanager
def following(*words: str) -> Iterator[subprocess.Popen[str]]:
    """The command as a process that is ended when the test has seen enough."""
    program = Path(sys.executable).with_name("hermes-kanban")
    process = subprocess.Popen(
        [str(program), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_log_of_the_newest_run_is_shown(cli: Any, log: Any) -> None:
    task, file = log
    file.with_name("log.1").write_text("older\n")
    file.write_text("one\ntwo\nunfinished")
    assert cli("log", task.id).out == "older\none\ntwo\nunfinished\n"
    assert cli("log", task.id, "-n", "1").out == "unfinished\n"
    answer = cli("log", task.id, "--json").json
    assert answer["log"]["lines"] == ["older", "one", "two", "unfinished"]


def test_a_log_tells_no_secret_and_moves_no_cursor(cli: Any, log: Any) -> None:
    task, file = log
    file.write_text(f"\x1b[2Jcleared\ntoken=abcdefgh12345\n{KEY}after\n")
    shown = cli("log", task.id).out
    assert "\x1b" not in shown
    assert "abcdefgh12345" not in shown
    assert "MIIEvQ" not in shown
    assert shown.startswith("cleared\n")
    assert shown.endswith("after\n")


def test_a_key_that_comes_in_two_parts_is_hidden(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text(f"before\n{KEY[:40]}")
    with LogReader(file) as reader:
        assert list(reader.lines(final=False)) == ["before"]
        with file.open("a") as stream:
            stream.write(KEY[40:] + "after\n")
        assert list(reader.lines(final=False)) == ["[redacted]", "after"]


def test_a_rotation_loses_no_line(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text("one\n")
    with LogReader(file) as reader:
        assert list(reader.lines(final=False)) == ["one"]
        with file.open("a") as stream:
            stream.write("two\nhalf ")
        os.rename(file, tmp_path / "log.1")
        file.write_text("line\nthree\n")
        assert list(reader.lines(final=False)) == ["two", "half line", "three"]


def test_other_bytes_than_text_are_shown_all_the_same(cli: Any, log: Any) -> None:
    task, file = log
    file.write_bytes(b"caf\xe9 \xff\n")
    assert cli("log", task.id).out == "caf� �\n"


def test_a_run_of_another_task_is_not_shown(cli: Any, board: Any, log: Any) -> None:
    task, _ = log
    other = board.task()
    done = cli("log", other, "--run", str(task.current_run_id))
    assert done.code == 3
    assert f"hermes-kanban runs {other}" in done.error


def test_following_ends_with_the_run(board: Any, log: Any) -> None:
    task, file = log
    file.write_text("one\n")
    with following("log", task.id, "-f") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "one\n"
        with file.open("a") as stream:
            stream.write("two\n")
        assert process.stdout.readline() == "two\n"
        with file.open("a") as stream:
            stream.write("last words")
        kb.complete_task(board.conn, task.id)
        assert process.stdout.read() == "last words\n"
        assert process.wait(10) == 0


def test_tail_follows_the_board(board: Any) -> None:
    task_id = board.task("First")
    with following("tail", "--json") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"]["task_id"] == task_id
        kb.complete_task(board.conn, task_id)
        told = json.loads(process.stdout.readline())
        assert (told["v"], told["event"]["kind"]) == (1, "completed")


def test_an_interrupt_ends_it_quietly(board: Any) -> None:
    board.task()
    with following("tail") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(2)
        assert process.wait(10) == 130
        assert "Traceback" not in process.communicate()[1]


@pytest.mark.parametrize(
    "make", [lambda log, key: log.symlink_to(key), lambda log, _: os.mkfifo(log)]
)
def test_what_a_worker_puts_in_the_place_of_its_log_is_not_read(
    log: tuple[kb.Task, Path], tmp_path: Path, make: Any
) -> None:
    _, path = log
    (tmp_path / "secret").write_text("of another\n")
    make(path, tmp_path / "secret")
    with LogReader(path) as reader:
        assert list(reader.lines(final=True)) == []
    assert last_line(path) is None


def test_an_interrupt_in_the_midst_of_a_statement_is_not_lost() -> None:
    conn = sqlite3.connect(":memory:")
    conn.create_function("interrupt", 0, lambda: signal.raise_signal(signal.SIGINT))
    with interruptible() as pause:
        conn.execute("SELECT interrupt()").fetchall()
        with pytest.raises(KeyboardInterrupt):
            pause(10)
    conn.close()


def test_a_second_interrupt_ends_what_does_not_pause() -> None:
    with interruptible(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)


def test_the_live_board_draws_itself_on_a_terminal_and_ends_with_ctrl_c(board: Any) -> None:
    board.claimed(title="A running thing")
    screen = _watch_on_a_terminal(seconds=10, until="A running thing")
    assert "running 1" in screen
    assert "done 0" in screen


def _watch_on_a_terminal(seconds: float, until: str) -> str:
    import pty

    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    pid, terminal = pty.fork()
    if pid == 0:
        program = str(Path(sys.executable).with_name("hermes-kanban"))
        os.execve(program, [program, "watch"], environment)
    seen = ""
    deadline = time.monotonic() + seconds
    while until not in seen and time.monotonic() < deadline:
        seen += os.read(terminal, 65_536).decode("utf-8", "replace")
    os.write(terminal, b"\x03")
    guard = threading.Timer(seconds, os.kill, (pid, signal.SIGKILL))
    guard.start()
    try:
        while os.read(terminal, 65_536):
            pass
    except OSError:
        pass  # the terminal's other end is closed
    guard.cancel()
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    return seen
