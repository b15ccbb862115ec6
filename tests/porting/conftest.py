"""The command line over an empty home, and sources to import."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model.words import STATUSES
from tests.cli.conftest import Answer, Board, Cli, board, cli, home, shell
from tests.porting import hermes_boards
from tests.support.payloads import undeclared

__all__ = ["Answer", "Board", "Cli", "board", "cli", "home", "shell"]

SOURCES = hermes_boards.SOURCES


@pytest.fixture
def hermes(tmp_path: Path) -> Path:
    """The board that Hermes made, with the file that was attached to one of its tasks."""
    place = tmp_path / "hermes"
    attached = place / "kanban" / "attachments" / "t_ab105b15" / "note.txt"
    attached.parent.mkdir(parents=True)
    attached.write_text("hello\n")
    return hermes_boards.as_dumped(place / "kanban.db")


@pytest.fixture
def backlog(tmp_path: Path) -> Path:
    """The folder that Backlog.md made, to be changed."""
    folder = tmp_path / "project" / "backlog"
    shutil.copytree(SOURCES / "backlog", folder)
    return folder


def by_title(board: Board) -> dict[str, kb.Task]:
    """Every task of the board."""
    found = kb.list_tasks(board.conn, status=STATUSES, limit=1_000)
    return {task.title: task for task in found}


def is_sound(board: Board) -> bool:
    """What the checker and the replay say."""
    assert kb.check(board.conn, deep=True) == []
    assert kb.replay_differences(board.conn) == []
    assert undeclared(board.conn) == set()
    return True
