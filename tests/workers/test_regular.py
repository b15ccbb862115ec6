"""What a worker put in place of a file is neither waited for nor followed."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from hermes_kanban import regular
from hermes_kanban.regular import NotRegular, open_regular, read_regular


def pipe(place: Path) -> None:
    os.mkfifo(place)


def bell(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(place))


def folder(place: Path) -> None:
    place.mkdir()


def link_to_a_file(place: Path) -> None:
    other = place.with_name("other")
    other.write_text("another's")
    place.symlink_to(other)


def link_without_end(place: Path) -> None:
    place.symlink_to("/dev/zero")


MADE = [pipe, bell, folder, link_to_a_file, link_without_end]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A name that is short enough for a socket."""
    monkeypatch.chdir(tmp_path)
    return Path("file")


@pytest.mark.parametrize("make", MADE)
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_APPEND])
def test_what_is_no_file_is_not_opened(
    place: Path, make: Callable[[Path], None], flags: int
) -> None:
    make(place)
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(OSError, match="file"):
        open_regular(place, flags)
    assert len(os.listdir("/dev/fd")) == before


@pytest.mark.parametrize("make", [pipe, folder, link_without_end])
def test_nor_where_a_link_leads_to_one(place: Path, make: Callable[[Path], None]) -> None:
    make(place.with_name("there"))
    place.symlink_to("there")
    with pytest.raises(NotRegular):
        read_regular(place, links=True)


def test_a_link_to_a_file_counts_where_people_may_make_one(place: Path) -> None:
    link_to_a_file(place)
    assert read_regular(place, links=True) == b"another's"


def test_a_file_is_read_whole_unless_it_has_no_end(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regular, "READ_BYTES", 1 << 20)
    data = os.urandom(1 << 20)
    place.write_bytes(data)
    assert read_regular(place) == data
    os.truncate(place, 1 << 40)
    with pytest.raises(OSError, match="too large"):
        read_regular(place)
