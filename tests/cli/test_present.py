"""How times and tables are shown."""

from __future__ import annotations

import io

import pytest

from hermes_kanban import present


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0s"),
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m"),
        (252, "4m 12s"),
        (7_500, "2h 5m"),
        (7_200, "2h"),
        (273_600, "3d 4h"),
    ],
)
def test_a_duration_shows_its_two_largest_units(seconds: float, shown: str) -> None:
    assert present.duration(seconds) == shown


def test_a_moment_is_told_from_now() -> None:
    assert present.ago(100, 100) == "now"
    assert present.ago(40, 100) == "1m ago"
    assert present.ago(100, 40) == "in 1m"


def test_text_for_a_terminal_stays_on_its_line() -> None:
    assert present.clean("plain") == "plain"
    assert present.clean("\x1b[31mred\x1b[0m\r\nnext\x07") == "red next"
    assert present.clean("a\u202eb") == "ab"
    assert present.clean_text("one\n\ttwo\x1b[2J") == "one\n\ttwo"


def test_wide_characters_take_two_cells() -> None:
    assert present.cells("板") == 2
    assert present.cells("e\u0301") == 1
    assert present.shorten("板板板板", 5) == "板板…"
    assert present.cells(present.pad("板", 4)) == 4


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_table_fits_its_width(width: int) -> None:
    rows = [("t_abc234", "ready", "a" * 60, "板" * 100), ("t_def567", "done", "b", "short")]
    lines = present.table(("ID", "STATUS", "WHO", "TITLE"), rows, width=width)
    assert len(lines) == 3
    assert max(present.cells(line) for line in lines) <= width
    assert lines[1].startswith("t_abc234")
    assert lines[2].endswith("short")


def test_a_table_that_is_not_coloured_has_no_escapes() -> None:
    rows = [("t_abc234", "ready")]
    colours = {1: present.STATUS_COLOURS}
    plain = present.table(("ID", "STATUS"), rows, colours=colours)
    assert not any("\x1b" in line for line in plain)
    coloured = present.table(("ID", "STATUS"), rows, colours=colours, colour=True)
    assert "\x1b[36mready" in coloured[1]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_colours_need_a_terminal_that_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert present.wants_colour(Terminal())
    assert not present.wants_colour(io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    assert not present.wants_colour(Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not present.wants_colour(Terminal())
