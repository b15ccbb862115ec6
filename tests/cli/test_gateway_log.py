"""``gateway logs``: what people asked for, as it comes, in any state the file may be in."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import logs
from hermes_kanban.config import LoggingSettings
from hermes_kanban.present import cells
from tests.support.log_as_before import log_as_before

PROGRAM = str(Path(sys.executable).with_name("hermes-kanban"))
LATER = "2031-05-04T10:00:00Z"
OF_RUN = {"board": "default", "task": "t_aaa234", "run": 7, "profile": "writer"}
ERROR = "exit code 3; last output: " + "the report has no third chapter, " * 3


def entry(event: str, level: str = "info", at: str = "2031-05-04T09:00:00Z", **keys: Any) -> str:
    return json.dumps({"timestamp": at, "level": level, "event": event} | keys) + "\n"


SOME = [
    entry("gateway.started", home="/h", version="1.2", pid=41),
    entry("worker.spawned", **OF_RUN, pid=42, runtime="command"),
    entry("worker.failed", "warning", **OF_RUN, outcome="crashed", seconds=5, error=ERROR),
    entry("dispatch.tick", board="default", woken_by="exit", exited=[7]),
    entry("dispatch.tick", board="default", woken_by="change", exited=[7], promoted=["t_bbb234"]),
    entry("worker.exited", at=LATER, board="website", task="t_ccc234", run=2, profile="reader"),
    entry("watcher.failed", "error", LATER, watcher="web", error="no"),
]


@pytest.fixture
def log(home: Path) -> Path:
    """The log of a gateway, with its part that was moved aside."""
    file = home / "gateway.log"
    file.with_name("gateway.log.1").write_text("".join(SOME[:2]))
    file.write_text("".join(SOME[2:]))
    return file


def shown(cli: Any, *words: str) -> list[str]:
    done = cli("gateway", "logs", *words)
    assert done.code == 0, done.err
    return [line.split()[2].strip("!") or line.split()[3] for line in done.out.splitlines()]


@pytest.mark.parametrize(
    ("words", "events"),
    [
        ([], [0, 1, 2, 4, 5, 6]),
        (["-n", "2"], [5, 6]),
        (["--task", "t_aaa234"], [1, 2]),
        (["--task", "t_aaa234", "-n", "1"], [2]),
        (["--task", "t_aaa234", "--task", "t_ccc234"], [1, 2, 5]),
        (["--profile", "reader"], [5]),
        (["--event", "worker.failed", "--event", "gateway"], [0, 2]),
        (["--event", "dispatch"], [3, 4]),
        (["--level", "warning"], [2, 6]),
        (["--level", "error"], [6]),
        (["--since", "2031-05-04T09:30:00Z"], [5, 6]),
        (["--board", "website"], [0, 5, 6]),
        (["--board", "website", "--event", "worker"], [5]),
    ],
)
def test_what_was_asked_for_is_shown(
    cli: Any, log: Path, words: list[str], events: list[int]
) -> None:
    assert shown(cli, *words) == [json.loads(SOME[at])["event"] for at in events]
    answer = cli("gateway", "logs", "--json", *words).json["log"]
    told = events if words else range(len(SOME))
    assert answer["lines"] == [json.loads(SOME[at]) for at in told]


def test_the_last_hour_is_a_span_back(cli: Any, log: Path) -> None:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1_800))
    log.with_name("gateway.log.1").write_text(SOME[0].replace("2031", "2021"))
    log.write_text(entry("gateway.stopped", at=stamp))
    assert len(shown(cli)) == 2
    for since in ("1h", "-1h", "1h ago", str(int(time.time()) - 3_600)):
        assert shown(cli, "--since", since) == ["gateway.stopped"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--event", "worker.fialed"], "did you mean 'worker.failed'?"),
        (["--event", "xyz"], "there are board, breaker, chat"),
        (["--level", "loud"], "'debug', 'info', 'warning', 'error'"),
        (["--since", "yesterday"], "a span back such as 30m"),
    ],
)
def test_a_slip_is_told_in_one_line(cli: Any, log: Path, words: list[str], told: str) -> None:
    done = cli("gateway", "logs", *words)
    assert done.code == 2
    assert told in done.error


def test_nothing_found_is_told(cli: Any, log: Path) -> None:
    done = cli("gateway", "logs", "--task", "t_zzz234")
    assert (done.code, done.out) == (0, "")
    assert "no line of the log is as asked" in done.error


def test_what_is_no_line_of_the_log_is_shown_as_it_is(cli: Any, log: Path) -> None:
    torn = SOME[2][:40]
    deep = "[" * 5_000
    log.write_bytes(
        b"panic\x1b[2J\n\xff\xfe\n[1]\n{}\n" + f"{deep}\n{torn}{SOME[6]}null\n".encode()
    )
    lines = cli("gateway", "logs").out.splitlines()
    assert lines[2:6] == ["panic", "��", "[1]", "{}"]
    assert lines[6] == deep
    assert lines[7] == torn.rstrip()
    assert "watcher.failed" in lines[8]
    assert lines[9:] == ["null"]
    assert shown(cli, "--level", "error") == ["watcher.failed"]
    last = cli("gateway", "logs", "-n", "1", "--json").json["log"]["lines"]
    assert last == [{"text": "null"}]


def test_a_line_of_another_version_is_shown_with_all_that_it_says(cli: Any, log: Path) -> None:
    log.write_text(
        entry("worker.renamed", "notice", task="t_aaa234", colour=["red", "blue"], at="?")
        + entry("worker.spawned", run=None, pid={"a": [1]})
    )
    first, second = cli("gateway", "logs").out.splitlines()[2:]
    assert first.endswith("worker.renamed      t_aaa234  task t_aaa234, colour red, blue")
    assert second.endswith("worker.spawned      run ?, pid a: 1")


def test_secrets_stay_hidden_and_no_cursor_moves(cli: Any, log: Path) -> None:
    log.write_text(
        entry("config.rejected", "error", error="token=abcdefgh12345 \x1b[2J\x1b]0;t\x07 end")
        + entry("web.failed", "error", error="no", exception="Trace:\n  api_key=abcdefgh12345\n")
    )
    for more in ([], ["--json"]):
        done = cli("gateway", "logs", "--level", "error", *more)
        assert "abcdefgh12345" not in done.out
        assert "\x1b" not in done.out
        assert "[redacted]" in done.out


@contextmanager
def following(*words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [PROGRAM, "gateway", "logs", "-f", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_following_goes_on_over_rotation_and_restart_until_ctrl_c(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home / "gateway.log"
    monkeypatch.setattr(logs, "FILE_ROTATE_BYTES", 400)
    with log_as_before(), following("--event", "board.opened", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "there is no " in process.stderr.readline()
        seen = []
        for number in range(12):
            if number % 5 == 0:  # another gateway
                logs.configure(LoggingSettings(), io.StringIO(), file=file)
                logs.get_logger().info("gateway.stopped")
            logs.get_logger().info("board.opened", board="default", database=f"at {number}")
            answer = json.loads(process.stdout.readline())
            seen += [line["database"] for line in answer["log"]["lines"]]
        assert seen == [f"at {number}" for number in range(12)]
        assert file.with_name("gateway.log.1").exists()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr.read().strip() == ""


def test_following_ends_when_nobody_reads_on(log: Path) -> None:
    with following() as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "gateway.started" in process.stdout.readline()
        process.stdout.close()
        with log.open("a") as stream:
            stream.write(entry("gateway.stopped"))
        assert process.wait(20) == 1
        assert process.stderr.read() == ""
        process.stdout = None


def on_terminal(*words: str, columns: int = 80, **variables: str) -> list[str]:
    """What the command writes to a terminal of so many columns, line by line."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: text for name, text in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen(
        [PROGRAM, "gateway", "logs", *words],
        stdin=side,
        stdout=side,
        stderr=side,
        env=environment | {"TERM": "xterm"} | variables,
    )
    os.close(side)
    data = b""
    while select.select([main], [], [], 60)[0]:
        try:
            data += os.read(main, 65_536)
        except OSError:  # the other side is closed
            break
    os.close(main)
    assert process.wait(20) == 0
    return data.decode().splitlines()


def test_on_a_terminal_lines_fit_in_colour_and_without(log: Path) -> None:
    coloured = on_terminal()
    plain = on_terminal(NO_COLOR="1")
    assert "\x1b" not in "".join(plain)
    assert [re.sub(r"\x1b\[\d*m", "", line) for line in coloured] == plain
    assert max(map(cells, plain)) <= 80
    assert plain[0] == "Sunday, 04 May 2031"
    failed = next(line for line in coloured if "worker.failed" in line)
    assert "\x1b[33m!" in failed
    assert "\x1b[31mcrashed\x1b[0m" in failed
    assert max(map(cells, on_terminal(columns=60, NO_COLOR="1"))) <= 60


def test_in_a_pipe_an_event_is_one_plain_line_with_its_date(cli: Any, log: Path) -> None:
    done = cli("gateway", "logs", "--event", "worker.failed")
    (line,) = done.out.splitlines()
    assert re.match(r"2031-05-04 \d\d:\d\d:00 !  worker\.failed {7}t_aaa234 writer  run 7 ", line)
    assert line.endswith(f"crashed after 5s: {ERROR.strip()}".rstrip(",:; "))
