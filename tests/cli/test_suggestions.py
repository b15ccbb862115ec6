"""Every command that we tell people to give is one, and does what we say it does."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

import gateway
import hermes_kanban
from hermes_kanban import kernel as kb
from hermes_kanban.suggestions import commands_in
from hermes_kanban.surfaces.cli.root import MODULES
from hermes_kanban.surfaces.cli.root import cli as root
from tests.cli.conftest import Cli

# What follows the name in a sentence about the program itself.
PROSE = {"is", "knows", "watcher", "to", "again", "this", "wrote", "NAME"}


def _texts() -> Iterator[tuple[str, str]]:
    """Every text in our code, with what is filled in as X."""
    for package in (hermes_kanban, gateway):
        for file in Path(package.__file__ or "").parent.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    parts = [
                        part.value if isinstance(part, ast.Constant) else "X"
                        for part in node.values
                    ]
                    yield file.name, "".join(map(str, parts))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield file.name, node.value


def _command(words: list[str]) -> tuple[click.Command, list[str]]:
    found = root.get_command(click.Context(root), words[0])
    assert found is not None
    if isinstance(found, click.Group) and words[1:] and not words[1].startswith("-"):
        part = found.commands.get(words[1])
        assert part is not None, f"{words[0]} has no {words[1]}"
        return part, words[2:]
    return found, words[1:]


def test_every_command_in_our_texts_is_there_with_its_options() -> None:
    wrong, seen = [], 0
    for file, text in _texts():
        # A template is filled in: {id} is one word.
        for said in commands_in(re.sub(r"\{\w+\}", "X", text)):
            words = [word.strip("`'\".:!?") for word in said.split()[1:]]
            words = [word for word in words if word and not word.startswith("\\")]
            if not words or words[0] in PROSE or words[0][0] in "{X[":
                continue
            if words[0].startswith("-"):
                continue
            seen += 1
            if words[0] not in MODULES:
                wrong.append(f"{file}: {said}")
                continue
            command, rest = _command(words)
            known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
            known |= {"--help", "-h"}
            wrong += [
                f"{file}: {said}: {word}"
                for word in rest
                if word.startswith("--") and word.partition("=")[0] not in known
            ]
    assert seen > 100
    assert wrong == [], "\n".join(wrong)


def _blocked(board: Any, kind: str) -> str:
    task = board.task()
    kb.block_task(board.conn, task, reason="what?", kind=kind)
    return str(task)


def _in_triage(board: Any) -> str:
    task = board.task()
    kb.triage_task(board.conn, task)
    return str(task)


def _in_review(board: Any) -> str:
    task = board.claimed()
    kb.request_review(board.conn, task.id, run_id=task.current_run_id, claim_lock=task.claim_lock)
    return str(task.id)


def _paused(board: Any) -> str:
    kb.pause(board.conn, actor="person:ann")
    return str(board.task())


def _waiting(board: Any) -> str:
    return str(board.task(parents=[board.task()]))


def _of_an_archived(board: Any) -> str:
    parent = board.task()
    child = board.task(parents=[parent])
    kb.archive_task(board.conn, parent)
    return str(child)


# What holds a task, and what fills a word in capitals in.
HELD: dict[str, Callable[[Any], str]] = {
    "unassigned": lambda b: str(b.task(assignee=None)),
    "no_profile": lambda b: str(b.task(assignee="wirter")),
    "scheduled": lambda b: str(b.task(scheduled_at=b.conn.clock.now() + 9_000)),
    "paused": _paused,
    "unaccepted": _in_triage,
    "review": _in_review,
    "blocked_needs_input": lambda b: _blocked(b, "needs_input"),
    "blocked_capability": lambda b: _blocked(b, "capability"),
    "blocked_needs_input by an archived parent": _of_an_archived,
    "open_parent": _waiting,
}
FILLED = {"PROFILE": "reader", "COMMENT": "again", "REASON": "so", "TEXT": "done"}


def _suggested(cli: Cli, task: str, code: str) -> list[list[str]]:
    """The ways out, each as the commands that belong to it."""
    (hold,) = [one for one in cli("why", task, "--json").json["why"] if one["code"] == code]
    ways = re.split(r", or |\bor (?=hermes-kanban)", hold["lifted_by"])
    return [found for way in ways if (found := commands_in(way))]


@pytest.mark.parametrize("name", HELD)
def test_what_why_suggests_lifts_the_hold(cli: Cli, board: Any, name: str) -> None:
    code, hold = name.partition(" ")[0], HELD[name]
    ways = len(_suggested(cli, hold(board), code))
    assert ways
    kb.resume(board.conn, actor="person:ann")
    for way in range(ways):
        task = hold(board)
        commands = _suggested(cli, task, code)[way]
        for command in commands:
            words = [FILLED.get(word, word) for word in shlex.split(command)[1:]]
            done = cli(*words)
            assert done.code == 0, (command, done.err)
        held = [one.code for one in kb.why(board.conn, task)]
        # To see why the parent waits is the way on, not yet the way out.
        assert (code in held) == (code == "open_parent"), commands


def test_an_assignee_that_is_nobody_is_given_the_profile_that_was_meant(
    cli: Cli, board: Any
) -> None:
    for name, suggested in (
        ("wirter", "writer"),
        ("somebody-else", "PROFILE (one of writer, reader)"),
    ):
        task = board.task(assignee=name)
        (hold,) = cli("why", task, "--json").json["why"]
        assert f"hermes-kanban assign {task} {suggested}, or" in hold["lifted_by"]


def _late(board: Any) -> None:
    task = board.claimed(title="Late")
    kb.reclaim_task(board.conn, task.id)
    kb.complete_task(
        board.conn, task.id, result="late", run_id=task.current_run_id, claim_lock=task.claim_lock
    )


# What the matter is, and which of the suggested commands end it.
MATTERS: dict[str, tuple[Callable[[Any], object], tuple[str, ...]]] = {
    "paused": (_paused, ("resume",)),
    "unassigned": (lambda b: b.task(assignee=None), ("assign", "claim")),
    "no_profile": (lambda b: b.task(assignee="wirter"), ("assign", "claim")),
    "question": (lambda b: _blocked(b, "needs_input"), ("unblock",)),
    "review": (_in_review, ("approve", "request-changes")),
    "late_result": (_late, ("adopt", "dismiss")),
    "triage": (_in_triage, ("accept",)),
}


def _found(cli: Cli, code: str) -> Any:
    told = cli("diagnostics", "--json").json["findings"]
    return next((one for one in told if one["code"] == code), None)


@pytest.mark.parametrize("code", MATTERS)
def test_what_diagnostics_suggests_works_as_printed(cli: Cli, board: Any, code: str) -> None:
    arrange, ends = MATTERS[code]
    arrange(board)
    suggested = {shlex.split(one)[1]: one for one in _found(cli, code)["commands"]}
    assert set(ends) <= set(suggested)
    printed = cli("diagnostics").out.replace(" \\\n   ", "")
    for name, one in suggested.items():
        assert one in printed
        if _found(cli, code) is None:
            arrange(board)
            one = next(  # noqa: PLW2901
                other for other in _found(cli, code)["commands"] if shlex.split(other)[1] == name
            )
        words = [{**FILLED, "ANSWER": "both"}.get(word, word) for word in shlex.split(one)[1:]]
        done = cli(*words)
        assert done.code == 0, (one, done.err)
        assert (_found(cli, code) is None) == (name in ends)


def test_diagnostics_tells_by_its_exit_code_what_stops_work(cli: Cli, board: Any) -> None:
    quiet = cli("diagnostics")
    assert quiet.code == 0
    assert "nothing stops the board" in quiet.out
    board.task()
    stopped = cli("diagnostics")
    assert stopped.code == 1
    assert "no_gateway: no gateway is running; 1 ready task waits for one" in stopped.out
    assert "1 thing stops work" in stopped.out
