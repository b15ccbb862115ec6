"""Colours of a run's output: kept where they are asked for, with nothing else and no secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_kanban import logtail
from hermes_kanban.colours import shown_lines
from hermes_kanban.logtail import LogReader
from hermes_kanban.redact import redact, strip_control
from tests.rest.client import Served
from tests.rest.live_client import page

RED, OFF = "\x1b[31m", "\x1b[0m"
SECRET = "sk-ant-abcdefghijklmnop0123"
COLOUR = re.compile(r"\x1b\[[0-9;:]*m")

HOSTILE = {
    "clears the screen": "\x1b[2J\x1b[H",
    "moves the cursor": "\x1b[10;10H\x1b[A",
    "sets the title": "\x1b]0;owned\x07",
    "makes a link": "\x1b]8;;https://example.com\x1b\\here\x1b]8;;\x1b\\",
    "writes the clipboard": "\x1b]52;c;cm0gLXJm\x07",
    "asks for an answer": "\x1b[c\x1b[6n\x1bP$q\x1b\\",
    "has private parameters": "\x1b[?25l\x1b[>4;1m",
    "has an intermediate": "\x1b[31 m\x1b[!p",
    "hides in a colour": "\x1b[3\x1b[31m1m\x1b[\x00 31m",
    "never ends": "\x1b[" + "1;" * 100 + "m",
    "is of one byte": "\x9b31m\x9d0;x\x9c",
    "turns the text round": "\u202etxt.exe\u2066",
    "rings and deletes": "\x07\x08\x7f\x00\r",
}


def shown(output: str) -> list[str]:
    return [line.coloured for line in shown_lines(output)]


@pytest.mark.parametrize("kind", HOSTILE)
def test_nothing_but_colours_is_left(kind: str) -> None:
    (line,) = shown(f"{RED}before{HOSTILE[kind]}after{OFF}\n")
    assert line.startswith(f"{RED}before")
    assert line.endswith(f"after{OFF}")
    rest = COLOUR.sub("", line)
    assert strip_control(rest) == rest
    assert "\x1b" not in rest


def test_colours_stay_where_they_were() -> None:
    text = f"{RED}FAIL{OFF} one\n\x1b[1;38:2::1:2:3mbold\nstill bold\n{OFF}plain\n"
    assert shown(text) == text.splitlines()


@pytest.mark.parametrize(
    "text",
    [
        f"sk-ant-{RED}abcdefghijklmnop0123",
        f"{RED}sk{OFF}-ant-abcdefghij\x1b[1mklmnop0123 and more",
        f"sk-ant-abcdefgh{OFF * 30}ijklmnop0123",
        f"password: {RED}hunter2{OFF}",
        f"pass{RED}word{OFF}=hunter2",
        f"https://me:{RED}hunter2{OFF}@example.com/",
    ],
)
def test_a_colour_inside_hides_no_secret_from_us(text: str) -> None:
    for line in (shown(text)[0], shown_lines(text)[0].text):
        plain = COLOUR.sub("", line)
        assert "[redacted]" in plain
        assert "hunter2" not in plain
        assert SECRET not in plain
    assert COLOUR.findall(shown(text)[0]) == COLOUR.findall(text)  # what follows looks the same


def test_a_key_that_a_highlighter_coloured_is_hidden_as_it_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logtail, "CHUNK_BYTES", 100)
    body = "MIIEvQIBADANBgkq\n" * 40
    file = tmp_path / "log"
    file.write_text(
        f"one\n-----{RED}BEGIN{OFF} PRIVATE KEY-----\n{body}"
        f"-----{RED}END{OFF} PRIVATE KEY-----\ntwo\n"
    )
    for colours in (False, True):
        with LogReader(file, colours=colours) as reader:
            told = list(reader.lines(final=False))
        assert [COLOUR.sub("", line) for line in told] == ["one", "[redacted]", "two"]


@given(
    st.lists(
        st.sampled_from(
            [
                RED,
                OFF,
                "\x1b",
                "[",
                "m",
                "31",
                "\n",
                "a",
                " ",
                SECRET[:9],
                "token=",
                *HOSTILE.values(),
            ]
        )
    ).map("".join)
)
def test_without_its_colours_a_log_is_what_it_is_without_them(text: str) -> None:
    lines = shown_lines(text)
    assert [line.text for line in lines] == redact(strip_control(text)).splitlines()
    for line in lines:
        assert COLOUR.sub("", line.coloured) == line.text


@pytest.fixture
def run(shared: Served) -> Iterator[tuple[str, int]]:
    """A run that works, and has said something in red."""
    task = shared.task()
    number: int = shared.post(f"/tasks/{task}/claim", {"claimer": "me"}).json["run_id"]
    file = shared.conn.paths.run_dir(number) / "log"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{RED}FAIL{OFF} \x1b[2Jtoken=hunter2\n")
    yield task, number


def test_a_page_gets_colours_where_it_asks_for_them(shared: Served, run: tuple[str, int]) -> None:
    task, number = run
    plain, coloured = "FAIL token=[redacted]", f"FAIL token=[redacted]{RED}{OFF}"
    assert shared.get(f"/tasks/{task}/log").json["lines"] == [plain]
    assert shared.get(f"/tasks/{task}/log?colours=true").json["lines"] == [coloured]
    assert shared.get(f"/tasks/{task}/log.txt").body.decode() == f"{plain}\n"
    with page(shared) as heard:
        heard.say("log", board="default", run_id=number, colours=True)
        assert heard.hear_of("log")["lines"] == [coloured]
        heard.say("log", board="default", run_id=number)
        assert heard.hear_of("log")["lines"] == [plain]
