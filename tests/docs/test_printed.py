"""What is compared when a page is run: a page that says what is not so must fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.pages import Block, blocks, commands
from tests.support.playing import Player, Wrong
from tests.support.printed import Names


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        ("done  0  tester", "done    0    tester"),
        ("started 2031-05-04 09:30:05 (4m ago)", "started  2026-11-29 23:02:22 (1m 3s ago)"),
        ("seen now", "seen 12s ago"),
        ("Ran 1 test in 0.000s", "Ran 1 test in 12.5s"),
        ("in /home/ann/clock", "in /tmp/x/ann/clock"),
        ("a … z", "a whole alphabet to z"),
    ],
)
def test_what_differs_each_day_is_alike(said: str, printed: str) -> None:
    assert Names({"/home/ann": "/tmp/x/ann"}).matches([said], [printed])


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        (["done  0  tester"], ["ready  0  tester"]),
        (["Ran 1 test in 0.000s"], ["Ran 2 tests in 0.000s"]),
        (["t_abc234 waits for t_abc234"], ["t_aaaaaa waits for t_bbbbbb"]),
        (["one"], ["one", "two"]),
        (["one", "two"], ["one"]),
        (["…", "two"], ["two", "three"]),
        (["a.c"], ["abc"]),
    ],
)
def test_what_is_not_so_is_not_alike(said: list[str], printed: list[str]) -> None:
    assert not Names({}).matches(said, printed)


def test_a_task_that_was_named_stays_that_task() -> None:
    names = Names({})
    assert names.matches(["…", "t_abc234"], ["a warning", "t_aaaaaa"])
    assert names.real("hermes-kanban show t_abc234") == "hermes-kanban show t_aaaaaa"
    assert not names.matches(["t_abc234 done"], ["t_bbbbbb done"])


def test_the_commands_of_a_block_come_with_what_they_print() -> None:
    [block] = blocks("```console\n$ one \\\n>   two\nthree\n\nfour\n$ five\n```\n")
    first, second = commands(block)
    assert (first.text, first.prints) == ("one \\\n  two", ["three", "four"])
    assert (second.text, second.prints, second.line) == ("five", [], 7)


@pytest.mark.parametrize(
    "block",
    [
        Block("console", "", "$ false\n", 1),
        Block("console", "", "$ echo one\ntwo\n", 1),
        Block("console", "", "$ echo hermes-kanban: no\nhermes-kanban: no\n", 1),
        Block("console", "", "printed before any command\n", 1),
        Block("console", "", "$ make no-such-target\n", 1),
        Block("yaml", "", "kanban: {max_spwan: 3}\n", 1),
        Block("json", "", "{", 1),
        Block("python", "", "import no_such_module\n", 1),
        Block("sh", "", "hermes-kanban list\n", 1),
        Block("(indented)", "", "hermes-kanban list\n", 1),
        Block("", "", "hermes-kanban list\n", 1),
    ],
    ids=lambda block: f"{block.language} {block.text.split(chr(10), maxsplit=1)[0]}",
)
def test_a_block_that_is_wrong_is_said_to_be(block: Block, tmp_path: Path) -> None:
    player = Player(tmp_path)
    try:
        with pytest.raises(Wrong):
            player.do(block)
    finally:
        player.close()
