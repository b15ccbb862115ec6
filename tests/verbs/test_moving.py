"""Dropping a card on a column: what that does, and why it may not be."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.model.words import STATUSES
from hermes_kanban.verbs.moving import IllegalMove, legal_verbs
from tests.simulation.spec import LEGAL
from tests.verbs.conftest import Verbs


def legal(verbs: Verbs, task: str) -> dict[str, str]:
    """Column → verb, of those on which the card may be dropped."""
    return {
        move.to: move.verb for move in verbs.person("moves", task_id=task).moves if move.allowed
    }


def why_not(verbs: Verbs, task: str, to: str) -> str:
    (move,) = [one for one in verbs.person("moves", task_id=task).moves if one.to == to]
    assert not move.allowed
    text: str = move.why_not
    return text


def in_triage(verbs: Verbs) -> str:
    return verbs.task(triage=True)


def ready(verbs: Verbs) -> str:
    return verbs.task()


def todo(verbs: Verbs) -> str:
    return verbs.task(parents=[verbs.task()])


def running(verbs: Verbs) -> str:
    return verbs.worker("coder").task_id or ""


def in_review(verbs: Verbs) -> str:
    me = verbs.worker("lead")
    verbs.call(me, "request_review")
    return me.task_id or ""


def blocked(verbs: Verbs) -> str:
    task = verbs.task()
    verbs.person("block", task_id=task, reason="which?")
    return task


def blocked_in_review(verbs: Verbs) -> str:
    task = in_review(verbs)
    verbs.person("block", task_id=task, reason="which?")
    return task


def done(verbs: Verbs) -> str:
    task = verbs.task()
    verbs.person("complete", task_id=task)
    return task


def archived(verbs: Verbs) -> str:
    task = verbs.task()
    verbs.person("archive", task_id=task)
    return task


CASES: list[tuple[Callable[[Verbs], str], dict[str, str]]] = [
    (in_triage, {"ready": "accept", "done": "complete", "archived": "archive"}),
    (
        ready,
        {"triage": "triage", "blocked": "block", "done": "complete", "archived": "archive"},
    ),
    (
        todo,
        {"triage": "triage", "blocked": "block", "done": "complete", "archived": "archive"},
    ),
    (
        running,
        {"ready": "reclaim", "blocked": "block", "done": "complete", "archived": "cancel"},
    ),
    (
        in_review,
        {
            "triage": "triage",
            "ready": "request_changes",
            "blocked": "block",
            "done": "approve",
            "archived": "archive",
        },
    ),
    (
        blocked,
        {"triage": "triage", "ready": "unblock", "done": "complete", "archived": "archive"},
    ),
    (
        blocked_in_review,
        {"triage": "triage", "review": "unblock", "done": "complete", "archived": "archive"},
    ),
    (done, {"ready": "reopen", "archived": "archive"}),
    (archived, {"ready": "reopen"}),
]


@pytest.mark.parametrize(("make", "expected"), CASES, ids=[case[0].__name__ for case in CASES])
def test_a_card_may_go_where_a_verb_takes_it_and_goes(
    verbs: Verbs, make: Callable[[Verbs], str], expected: dict[str, str]
) -> None:
    assert legal(verbs, make(verbs)) == expected
    for to, verb in expected.items():
        task = make(verbs)
        moved = verbs.person("move", task_id=task, to=to, text="so be it")
        assert (moved.status, moved.verb, moved.changed) == (to, verb, True)
        assert kb.get_task(verbs.conn, task).status == to
    refused = {"triage", "todo", "ready", "running", "review", "blocked", "done", "archived"}
    for to in refused - expected.keys():
        task = make(verbs)
        before = kb.get_task(verbs.conn, task).status
        if to == before:
            assert not verbs.person("move", task_id=task, to=to).changed
            continue
        with pytest.raises(IllegalMove, match=why_not(verbs, task, to)) as told:
            verbs.person("move", task_id=task, to=to)
        assert set(told.value.allowed) == expected.keys()
        assert kb.get_task(verbs.conn, task).status == before


def test_an_open_parent_says_where_a_card_comes_to_rest(verbs: Verbs) -> None:
    parent = verbs.task()
    child = verbs.task(parents=[parent], triage=True)
    assert legal(verbs, child)["todo"] == "accept"
    assert why_not(verbs, child, "ready") == f"{parent} is open, and {child} waits for it"
    assert verbs.person("move", task_id=child, to="todo").status == "todo"
    assert why_not(verbs, child, "ready") == f"{parent} is open, and {child} waits for it"
    assert why_not(verbs, parent, "todo") == "it waits for no parent"
    assert why_not(verbs, parent, "review") == "only its worker hands a task in for review"


def test_what_must_be_said_is_asked_for(verbs: Verbs) -> None:
    task = verbs.task()
    with pytest.raises(kb.InvalidInput, match="reason"):
        verbs.person("move", task_id=task, to="blocked")
    assert kb.get_task(verbs.conn, task).status == "ready"
    found = {move.to: move for move in verbs.person("moves", task_id=task).moves}
    assert (found["blocked"].needs, found["done"].needs) == ("reason", None)
    assert not found["done"].stops_work
    reviewed = {move.to: move for move in verbs.person("moves", task_id=in_review(verbs)).moves}
    assert reviewed["ready"].needs == "comment"
    started = verbs.person("moves", task_id=running(verbs)).moves
    assert all(move.stops_work for move in started)


@pytest.mark.parametrize("status", STATUSES)
def test_the_verbs_of_a_status_are_those_of_the_specification(status: str) -> None:
    specified = {verb for verb, legal in LEGAL.items() if status in legal} - {"purge"}
    found = legal_verbs(status)
    assert set(found) - {"link", "unlink", "attach", "undo"} == specified
    assert len(found) == len(set(found))
