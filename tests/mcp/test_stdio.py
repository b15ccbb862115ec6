"""The server on standard input and output, as a process."""

from __future__ import annotations

import signal
import subprocess
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hermes_kanban.surfaces.mcp.jsonrpc import MESSAGE_BYTES
from hermes_kanban.surfaces.mcp.stdio import lines
from tests.mcp.lines import BOXES, Client
from tests.mcp.messages import MODERN_VERSION, call, initialize, notification, request
from tests.support.waiting import TIMEOUT_SECONDS, wait_until

VERSION = "2025-11-25"


@pytest.fixture
def client() -> Iterator[Client]:
    """A client whose server has shaken hands."""
    with Client(*BOXES) as connected:
        connected.ask(initialize(VERSION))
        connected.send(notification("notifications/initialized"))
        yield connected


def text(answer: Any) -> str:
    return str(answer["result"]["content"][0]["text"])


def test_it_answers_until_its_input_ends(client: Client) -> None:
    assert text(client.ask(call(VERSION, "tell", text="hello"))) == "tell hello"
    assert text(client.ask(call(MODERN_VERSION, "tell", text="now"))) == "tell now"
    assert client.hang_up() == 0
    assert client.rest() == []


def test_what_was_asked_before_the_end_is_answered() -> None:
    asked = [initialize(VERSION), call(VERSION, "note", text="last"), request("ping")]
    with Client(*BOXES) as client:
        client.send(*asked)
        assert client.hang_up() == 0
        assert {answer["id"] for answer in client.rest()} == {one["id"] for one in asked}


def test_nothing_but_answers_is_written(client: Client) -> None:
    client.ask(call(VERSION, "tell"))
    client.hang_up()
    assert client.rest() == []
    assert b"what a careless library prints\n" in client.errors


def test_calls_that_read_overlap(client: Client, tmp_path: Path) -> None:
    slow = call(VERSION, "wait", file=str(tmp_path / "go"))
    quick = call(VERSION, "tell", text="quick")
    client.send(slow, quick)
    assert client.answer()["id"] == quick["id"]
    (tmp_path / "go").touch()
    assert client.answer()["id"] == slow["id"]


def test_calls_that_change_something_keep_their_order(client: Client, tmp_path: Path) -> None:
    first = call(VERSION, "note", file=str(tmp_path / "go"))
    later = [call(VERSION, "note", text=str(number)) for number in range(20)]
    client.send(first, *later, call(VERSION, "tell", text="beside them"))
    assert text(client.answer()) == "tell beside them"
    (tmp_path / "go").touch()
    assert [client.answer()["id"] for _ in range(21)] == [
        first["id"],
        *(one["id"] for one in later),
    ]


def test_a_slow_call_does_not_keep_a_ping_waiting(client: Client, tmp_path: Path) -> None:
    slow = [call(VERSION, "wait", file=str(tmp_path / "go")) for _ in range(10)]
    client.send(*slow)
    assert client.ask(ping := request("ping"))["id"] == ping["id"]
    (tmp_path / "go").touch()
    assert {client.answer()["id"] for _ in slow} == {one["id"] for one in slow}


@pytest.mark.parametrize("tool", ["wait", "note"])
def test_a_cancelled_call_is_not_answered(client: Client, tmp_path: Path, tool: str) -> None:
    slow = call(VERSION, tool, file=str(tmp_path / "go"))
    client.send(slow, notification("notifications/cancelled", requestId=slow["id"]))
    client.ask(request("ping"))  # the cancellation has been read
    (tmp_path / "go").touch()
    assert text(client.ask(call(VERSION, "note", text="next"))) == "note next"
    client.hang_up()
    assert client.rest() == []


def test_a_call_that_was_cancelled_while_it_waited_is_not_made(
    client: Client, tmp_path: Path
) -> None:
    first = call(VERSION, "note", file=str(tmp_path / "go"))
    second = call(VERSION, "fail")
    client.send(first, second, notification("notifications/cancelled", requestId=second["id"]))
    client.ask(request("ping"))  # the cancellation has been read
    (tmp_path / "go").touch()
    assert client.answer()["id"] == first["id"]
    client.hang_up()
    assert not [line for line in client.errors if b"ZeroDivisionError" in line]


def test_cancelling_what_is_finished_is_harmless(client: Client) -> None:
    done = call(VERSION, "tell")
    client.ask(done)
    client.send(
        notification("notifications/cancelled", requestId=done["id"], reason="timed out"),
        notification("notifications/cancelled", requestId="nobody's"),
    )
    assert client.ask(request("ping"))["result"] == {}


def test_a_call_that_takes_too_long_is_answered_once(tmp_path: Path) -> None:
    with Client(*BOXES, "0.2") as client:
        client.ask(initialize(VERSION))
        for tool in ("wait", "note"):
            slow = client.ask(call(VERSION, tool, file=str(tmp_path / "go")))
            assert slow["result"]["isError"] is True
            assert "kanban_show" in text(slow)
        (tmp_path / "go").touch()
        wait_until(lambda: text(client.ask(call(VERSION, "note", text="after"))) == "note after")
        assert client.hang_up() == 0
        assert client.rest() == []


def test_a_call_behind_one_that_takes_too_long_is_answered_too(tmp_path: Path) -> None:
    with Client(*BOXES, "0.2") as client:
        client.ask(initialize(VERSION))
        slow = call(VERSION, "note", file=str(tmp_path / "go"))
        behind = call(VERSION, "note", text="behind")
        client.send(slow, behind)
        answers = [client.answer(), client.answer()]
        assert [answer["id"] for answer in answers] == [slow["id"], behind["id"]]
        assert all(answer["result"]["isError"] for answer in answers)
        (tmp_path / "go").touch()


def test_what_is_no_message_ends_nothing(client: Client) -> None:
    for line, code in [(b"{", -32700), (b"\xff\x00", -32700), (b"7", -32600), (b"[]", -32600)]:
        answer = client.ask(line)
        assert (answer["id"], answer["error"]["code"]) == (None, code)
    client.send(b"", b"   ", b"\r")
    assert client.ask(request("ping"))["result"] == {}


def test_a_line_of_ten_megabytes_is_a_call_like_another(client: Client) -> None:
    long = call(VERSION, "tell", text="x" * 10_000_000)
    answer = client.ask(long)
    assert answer["id"] == long["id"]
    assert len(text(answer)) == len("tell ") + 10_000_000


def test_a_line_without_end_is_refused_and_skipped(client: Client) -> None:
    answer = client.ask(b"x" * (MESSAGE_BYTES + 1))
    assert (answer["id"], answer["error"]["code"]) == (None, -32600)
    assert str(MESSAGE_BYTES) in answer["error"]["message"]
    assert client.ask(request("ping"))["result"] == {}


@pytest.mark.parametrize("cut", [1, 2, 7, 64])
def test_lines_are_the_same_however_they_arrive(cut: int) -> None:
    told = b'{"a":1}\n\n \r\n{"b":2}\r\nlast'
    chunks = (told[start : start + cut] for start in range(0, len(told), cut))
    assert list(lines(chunks)) == [b'{"a":1}', b'{"b":2}', b"last"]


def test_a_line_that_is_too_long_is_told_once_in_its_place() -> None:
    long = b"x" * (MESSAGE_BYTES // 2)
    assert list(lines(iter([b"a\n", long, long, b"y\nb", b"\n"]))) == [b"a", None, b"b"]
    assert list(lines(iter([long, long, b"\n"]))) == [long * 2]
    assert list(lines(iter([long, long, b"y"]))) == [None]


def test_a_line_without_end_is_not_kept() -> None:
    tracemalloc.start()
    try:
        assert list(lines(b"x" * 2**20 for _ in range(MESSAGE_BYTES // 2**20 * 5))) == [None]
        assert tracemalloc.get_traced_memory()[1] < MESSAGE_BYTES * 2
    finally:
        tracemalloc.stop()


def test_a_client_that_closes_its_ear_ends_the_server() -> None:
    process = subprocess.Popen([*BOXES], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(TIMEOUT_SECONDS) == 0
    process.stdin.close()


def test_a_client_that_does_not_listen_keeps_no_call_waiting() -> None:
    process = subprocess.Popen([*BOXES], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    many = [call(MODERN_VERSION, "tell", text="x" * 50_000) for _ in range(40)]
    for message in many:  # more than a pipe holds, and nobody reads
        process.stdin.write(msgspec.json.encode(message) + b"\n")
    process.stdin.close()
    answered = {msgspec.json.decode(line)["id"] for line in process.stdout}
    assert answered == {one["id"] for one in many}
    assert process.wait(TIMEOUT_SECONDS) == 0
    process.stdout.close()


@pytest.mark.parametrize("end", ["2>&-", "2>/dev/full"])
def test_a_server_whose_errors_nobody_takes_answers_all_the_same(end: str) -> None:
    with Client("/bin/sh", "-c", f"exec {' '.join(BOXES)} {end}") as client:
        client.ask(initialize(VERSION))
        assert client.ask(call(VERSION, "fail"))["result"]["isError"] is True
        assert client.ask(request("ping"))["result"] == {}


@pytest.mark.parametrize("busy", [False, True])
def test_sigterm_ends_it_at_once(client: Client, tmp_path: Path, busy: bool) -> None:
    if busy:
        client.send(call(VERSION, "note", file=str(tmp_path / "never")))
        client.ask(request("ping"))
    client.process.send_signal(signal.SIGTERM)
    assert client.process.wait(TIMEOUT_SECONDS) == -signal.SIGTERM


def test_the_end_of_input_does_not_wait_for_a_call_that_hangs(
    client: Client, tmp_path: Path
) -> None:
    client.send(call(VERSION, "note", file=str(tmp_path / "never")))
    client.ask(request("ping"))
    assert client.hang_up() == 0
    assert client.rest() == []
