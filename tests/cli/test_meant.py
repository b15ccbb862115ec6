"""A word that is not known: one line, with the word that was meant."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import Cli


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("cretae x", "did you mean 'create'?"),
        ("notify subscrib", "did you mean 'subscribe'?"),
        ("list --statsu ready", "there is no option --statsu; did you mean --status?"),
        ("list --status runing", "did you mean 'running'?"),
        ("block t_abc234 why --kind need_input", "did you mean 'needs_input'?"),
        ("setup claud", "did you mean 'claude'?"),
    ],
)
def test_the_word_that_was_meant_is_named(cli: Cli, words: str, meant: str) -> None:
    done = cli(*words.split())
    assert done.code == 2
    assert meant in done.error


@pytest.mark.parametrize("words", ["list --zzzzzz", "qqqqq", "list --status qqqqq"])
def test_nothing_is_guessed_where_nothing_is_near(cli: Cli, words: str) -> None:
    done = cli(*words.split())
    assert done.code == 2
    assert "did you mean" not in done.error


def test_an_id_is_known_by_what_there_is_of_it(cli: Cli, board: Any) -> None:
    task = board.task()
    other = "a" if task[-1] != "a" else "b"
    for given in (task[2:], task.upper(), task[:5], task[:-1] + other, task[:-1]):
        done = cli("show", given)
        assert done.code == 3
        assert f"no task {given}; did you mean {task}?" in done.error
    assert "list --all" in cli("show", "t_0").error


def test_an_assignee_is_known_by_his_profile_or_tasks(cli: Cli, board: Any) -> None:
    board.task(assignee="beekeeper")
    assert cli("list", "--assignee", "wirter").out == "no tasks of wirter; did you mean writer?\n"
    assert "did you mean beekeeper?" in cli("list", "--assignee", "beekeper").out
    assert cli("list", "--assignee", "reader").out == "no tasks of reader\n"
    assert cli("list", "--assignee", "zzzzzz").out == "no tasks of zzzzzz\n"
    assert cli("list", "--status", "done").out == "no such tasks\n"


def test_a_board_is_known_by_its_name(cli: Cli, board: Any) -> None:
    del board
    cli("boards", "create", "website")
    done = cli("--board", "websit", "list")
    assert done.code == 3
    assert "did you mean website? or create it: hermes-kanban boards create websit" in done.error
