"""Every page does what it says: its commands are run, its files are written, its code is run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import stores
from tests.support.pages import all_pages, blocks, name_of
from tests.support.playing import PREFIX, Player

# What needs a service or minutes that a test does not have; each says so to its reader.
NOT_TESTED_AT_MOST = 18


# These have commands that reach a database.
WITH_DATABASE = ("docs/how-to/move.md",)


@pytest.fixture
def player(request: pytest.FixtureRequest) -> Iterator[Player]:
    """Somebody at an empty home, and at an empty database where the page needs one."""
    page = name_of(request.getfixturevalue("page"))
    database = stores.database_of("kanban") if page in WITH_DATABASE else ""
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as folder:
        somebody = Player(Path(folder), database=database)
        yield somebody
        somebody.close()


@pytest.mark.parametrize("page", all_pages(), ids=name_of)
def test_the_page_does_what_it_says(page: Path, player: Player) -> None:
    for block in blocks(page.read_text("utf-8")):
        player.do(block)


def test_few_commands_are_left_out() -> None:
    left = [
        f"{name_of(page)}:{block.line}"
        for page in all_pages()
        for block in blocks(page.read_text("utf-8"))
        if block.language == "console" and not block.tested
    ]
    assert len(left) <= NOT_TESTED_AT_MOST, left
