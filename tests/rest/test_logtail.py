"""Reading a log from its end and from a place in it, over rotations, without secrets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hermes_kanban import logtail
from hermes_kanban.logtail import LogReader, last_line

KEY = "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBgkq\n" * 40 + "-----END PRIVATE KEY-----\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log"


def rotate(file: Path) -> None:
    os.rename(file, file.with_name("log.1"))


def append(file: Path, text: str) -> None:
    with file.open("a") as stream:
        stream.write(text)


def read(file: Path, place: str | None = None, **how: int) -> tuple[list[str], str | None]:
    with LogReader(file, place=place, **how) as reader:
        return list(reader.lines(final=False)), reader.place


def test_whoever_comes_back_misses_nothing_and_sees_nothing_twice(file: Path) -> None:
    append(file, "one\ntwo\nhal")
    lines, place = read(file)
    assert lines == ["one", "two"]
    append(file, "f\nthree\n")
    lines, place = read(file, place)
    assert lines == ["half", "three"]
    append(file, "four\nun")
    rotate(file)
    append(file, "finished\nfive\n")
    lines, place = read(file, place)
    assert lines == ["four", "unfinished", "five"]
    assert read(file, place)[0] == []


def test_a_place_inside_a_line_that_was_rotated(file: Path) -> None:
    append(file, "one\nun")
    with LogReader(file) as reader:
        assert list(reader.lines(final=False)) == ["one"]
        rotate(file)
        append(file, "finis")
        assert list(reader.lines(final=False)) == []
        place = reader.place
    append(file, "hed\ntwo\n")
    assert read(file, place)[0] == ["unfinished", "two"]


def test_a_place_that_is_gone_is_told(file: Path) -> None:
    append(file, "one\n")
    _, place = read(file)
    for text in ("two\n", "three\n"):
        rotate(file)
        append(file, text)
    with LogReader(file, place=place) as reader:
        assert not reader.resumed
        assert list(reader.lines(final=False)) == ["two", "three"]


def test_an_inode_that_is_used_again_is_another_file(file: Path) -> None:
    append(file, "one\n")
    _, place = read(file)
    assert place is not None
    with file.open("r+") as stream:
        stream.write("TWO\nthree\n")
    with LogReader(file, place=place) as reader:
        assert not reader.resumed


@pytest.mark.parametrize("place", ["", "1:2", "x.1:0", "1.1:-1", f"1.1:{'9' * 19}"])
def test_what_is_no_place_is_none(file: Path, place: str) -> None:
    append(file, "one\n")
    with LogReader(file, place=place) as reader:
        assert not reader.resumed


@pytest.mark.parametrize("in_one_file", [True, False])
def test_a_tail_begins_near_the_end(file: Path, in_one_file: bool) -> None:
    lines = [f"line {at:06}" for at in range(40_000)]
    append(file, "\n".join(lines[:39_000]) + "\n")
    if not in_one_file:
        rotate(file)
    append(file, "\n".join(lines[39_000:]) + "\n")
    seen, place = read(file, tail_bytes=20_000)
    assert seen == lines[-len(seen) :]
    assert 19_000 < len("\n".join(seen)) < 21_000
    append(file, "more\n")
    assert read(file, place)[0] == ["more"]


def test_a_tail_shows_nothing_of_a_key_that_began_before_it(file: Path) -> None:
    append(file, "x\n" * 50_000 + KEY * 9 + "after\n")
    for size in range(1, 40_000, 577):
        seen, _ = read(file, tail_bytes=size)
        assert not any("MIIEv" in line for line in seen)
        assert seen == [] or seen[-1] == "after"
    found = last_line(file)
    assert found is not None
    assert found[0] == "after"


def test_the_last_line_that_says_something(file: Path) -> None:
    assert last_line(file) is None
    append(file, "one\ntwo token=abcdefgh12345\x1b[0m\n \n")
    assert last_line(file) == ("two token=[redacted]", int(file.stat().st_mtime))
    append(file, "unfinished")
    found = last_line(file)
    assert found is not None
    assert found[0] == "unfinished"
    file.write_text("\n\n")
    assert last_line(file) is None


def test_a_line_without_end_is_not_kept_in_memory(file: Path) -> None:
    file.write_bytes(b"x" * (5 * logtail.HELD_BYTES))
    with LogReader(file) as reader:
        assert sum(map(len, reader.lines(final=False))) >= 4 * logtail.HELD_BYTES
