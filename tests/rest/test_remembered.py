"""Answers that are remembered by the key of their request."""

from __future__ import annotations

import anyio
import pytest

from hermes_kanban.surfaces.rest import remembered
from hermes_kanban.surfaces.rest.performing import Answer
from hermes_kanban.surfaces.rest.problems import Problem
from hermes_kanban.surfaces.rest.remembered import Remembered


class Verb:
    """Counts how often it was performed; fails, or answers much, if it is told to."""

    def __init__(self) -> None:
        self.done = 0
        self.fail = False
        self.body = b"answer"
        self.go_on = anyio.Event()
        self.go_on.set()

    async def __call__(self) -> Answer:
        self.done += 1
        await self.go_on.wait()
        if self.fail:
            raise Problem("refused", "not now")
        return Answer(200, self.body)


@pytest.fixture
def kept() -> Remembered:
    return Remembered()


@pytest.fixture
def verb() -> Verb:
    return Verb()


@pytest.mark.asyncio
async def test_a_repeat_is_answered_and_not_done(kept: Remembered, verb: Verb) -> None:
    first = await kept.once("b", "key", b"request", verb)
    again = await kept.once("b", "key", b"request", verb)
    assert (first.body, again.body, verb.done) == (b"answer", b"answer", 1)
    assert again.headers == {"Idempotency-Replayed": "true"}
    await kept.once("other board", "key", b"request", verb)
    assert verb.done == 2
    with pytest.raises(Problem, match="idempotency_key_reused"):
        await kept.once("b", "key", b"another request", verb)


@pytest.mark.asyncio
async def test_what_failed_may_be_tried_again(kept: Remembered, verb: Verb) -> None:
    verb.fail = True
    with pytest.raises(Problem, match="refused"):
        await kept.once("b", "key", b"request", verb)
    verb.fail = False
    assert (await kept.once("b", "key", b"request", verb)).status == 200
    assert verb.done == 2


@pytest.mark.asyncio
async def test_whoever_comes_meanwhile_waits(kept: Remembered, verb: Verb) -> None:
    verb.go_on = anyio.Event()
    answers: list[Answer] = []

    async def ask() -> None:
        answers.append(await kept.once("b", "key", b"request", verb))

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        assert answers == []
        verb.go_on.set()
    assert (len(answers), verb.done) == (5, 1)


@pytest.mark.asyncio
async def test_whoever_waited_for_what_failed_tries_it(kept: Remembered, verb: Verb) -> None:
    verb.go_on, verb.fail = anyio.Event(), True
    outcomes: list[str] = []

    async def ask() -> None:
        try:
            await kept.once("b", "key", b"request", verb)
            outcomes.append("done")
        except Problem:
            outcomes.append("failed")
            verb.fail = False

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        verb.go_on.set()
    assert sorted(outcomes) == ["done", "done", "failed"]
    assert verb.done == 2


@pytest.mark.asyncio
async def test_a_first_that_is_cut_off_leaves_the_key_free(kept: Remembered, verb: Verb) -> None:
    verb.go_on = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(kept.once, "b", "key", b"request", verb)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    verb.go_on.set()
    assert (await kept.once("b", "key", b"request", verb)).body == b"answer"


@pytest.mark.asyncio
async def test_only_so_many_are_kept(
    kept: Remembered, verb: Verb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "KEPT", 3)
    monkeypatch.setattr(remembered, "KEPT_BYTES", 10)
    for key in "abcdef":
        await kept.once("b", key, b"request", verb)
    assert verb.done == 6
    await kept.once("b", "f", b"request", verb)
    assert verb.done == 6
    await kept.once("b", "a", b"request", verb)
    assert verb.done == 7
    verb.body = b"x" * 11
    await kept.once("b", "long", b"request", verb)
    await kept.once("b", "long", b"request", verb)
    assert verb.done == 9


@pytest.mark.asyncio
async def test_only_so_much_is_kept(
    kept: Remembered, verb: Verb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "ALL_KEPT_BYTES", 20)
    verb.body = b"x" * 9
    for key in "abc":
        await kept.once("b", key, b"request", verb)
    for key in "cb":
        await kept.once("b", key, b"request", verb)
    assert verb.done == 3
    await kept.once("b", "a", b"request", verb)
    assert verb.done == 4


@pytest.mark.parametrize("key", ["", " ", "a b", "ä", "x" * 201, "a\n"])
@pytest.mark.asyncio
async def test_what_is_no_key_is_told(kept: Remembered, verb: Verb, key: str) -> None:
    with pytest.raises(Problem, match="Idempotency-Key"):
        await kept.once("b", key, b"request", verb)
    assert verb.done == 0
