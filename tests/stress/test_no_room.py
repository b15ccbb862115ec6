"""The disk is full at the n-th write, for every n: what raises has changed nothing and all goes on.

Each call that takes room is made to fail in turn, by itself or with all that follow. Besides, each
sync fails in turn, as on a disk that breaks.
"""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path

import pytest

from tests.stress.power import board_of_version, environment, in_memory, supervisor_command
from tests.support.injector import SYNCING, TAKING_ROOM, run_refusing

folder = pytest.fixture(in_memory)


def run(
    root: Path,
    *arguments: str,
    names: frozenset[str] = TAKING_ROOM,
    error: int = errno.ENOSPC,
    durability: str = "normal",
) -> None:
    """Run a program of ``tests.stress.no_room``; what it finds wrong it raises."""
    root.mkdir()
    env = environment(root, HERMES_KANBAN_DURABILITY=durability)
    argv = [sys.executable, "-m", "tests.stress.no_room", *arguments]
    code, failed = run_refusing(argv, root, env=env, names=names, error=error)
    assert code == 0
    assert failed > 0
    print(f"{failed} calls failed")


EVERY_VERB = pytest.param(["1"], marks=pytest.mark.torture, id="every verb")
SOME_VERBS = pytest.param(["13", "complete", "batch"], id="some verbs")
A_FEW_SYNCS = pytest.param(["1", "complete", "attach", "hand_in"], id="some verbs")
WITH_FILES = pytest.param(["3", "attach", "hand_in"], id="with files")


@pytest.mark.parametrize("arguments", [SOME_VERBS, WITH_FILES, EVERY_VERB])
def test_a_verb_without_room_raises_and_changes_nothing(arguments: list[str], folder: Path) -> None:
    run(folder / "root", "verbs", *arguments)


@pytest.mark.parametrize("arguments", [A_FEW_SYNCS, EVERY_VERB])
def test_a_verb_whose_sync_fails_raises_and_the_board_stays_sound(
    arguments: list[str], folder: Path
) -> None:
    run(
        folder / "root",
        "verbs",
        *arguments,
        names=SYNCING,
        error=errno.EIO,
        durability="full",
    )


STRIDES = [29, pytest.param(1, marks=pytest.mark.torture)]


@pytest.mark.parametrize("stride", STRIDES)
def test_a_board_is_made_and_opened_or_not_at_all(stride: int, folder: Path) -> None:
    run(folder / "root", "opening", str(stride))


@pytest.mark.parametrize("stride", STRIDES)
def test_a_migration_without_room_leaves_the_old_board(stride: int, folder: Path) -> None:
    old = board_of_version(1, folder / "old")
    run(folder / "root", "migrating", str(stride), str(old))


@pytest.mark.parametrize("stride", STRIDES)
def test_a_backup_or_restore_without_room_changes_nothing(stride: int, folder: Path) -> None:
    run(folder / "root", "saving", str(stride))


@pytest.mark.parametrize("stride", [11, pytest.param(1, marks=pytest.mark.torture)])
def test_a_task_whose_start_finds_no_room_is_done_by_one_agent_later(
    stride: int, folder: Path
) -> None:
    run(folder / "root", "spawning", str(stride))


def test_a_supervisor_that_finds_no_room_once_still_tells_how_its_agent_ended(
    folder: Path,
) -> None:
    refused, number = 1, 0
    while refused:
        number += 1
        run_folder = folder / f"run-{number}"
        command = supervisor_command(run_folder, exit_code=3)
        go = folder / "go"
        go.write_text("G")
        with go.open("rb") as stdin:
            code, refused = run_refusing(
                command, Path(command[-1]), first=number, stdin=stdin.fileno()
            )
        assert code == 0
        record = json.loads((run_folder / "exit.json").read_bytes())
        assert record["exit_code"] == 3, record
    assert number > 4
