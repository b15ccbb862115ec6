"""kill -9 of the notifier: nothing is missing, and a repeat carries the same key."""

from __future__ import annotations

import json
import random
import time
from contextlib import AbstractContextManager
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import subscriptions
from tests.notify.conftest import Inbox, World
from tests.notify.notifier_process import POINTS, main
from tests.support.dying import KILLED, running
from tests.support.waiting import wait_until

DEATH_SECONDS = 60.0
# After so long something more happens: some points come with the next question, or the next digest.
PATIENCE_SECONDS = 0.4


def notifier_process(
    world: World, point: str = "", **variables: str
) -> AbstractContextManager[BaseProcess]:
    return running(main, point, errors=world.root / "notifier.err", **variables)


def assert_none_is_missing(world: World, inbox: Inbox) -> list[str]:
    """Every key that is owed has arrived, and none that is not; returns those that arrived."""
    arrived = [message["dedup_key"] for message in inbox.messages()]
    assert set(arrived) == {one.dedup_key for one in world.deliveries()}
    events = {(message["dedup_key"], message["event"]["id"]) for message in inbox.messages()}
    assert len(events) == len(set(arrived))
    assert kb.check(world.conn) == []
    return arrived


def test_dying_between_sending_and_marking_sends_it_again_with_its_key(world: World) -> None:
    """Each command kills the notifier that started it, right after it has got the message."""
    kills, messages = 10, 5
    inbox = world.inbox()
    tally = world.root / "tally"
    script = f"echo x >> {tally}; if [ $(wc -l < {tally}) -le {kills} ]; then kill -9 $PPID; fi"
    world.subscribe(inbox.command(script))
    for number in range(messages):
        world.create(f"task {number}")
    for _ in range(kills):
        with notifier_process(world) as process:
            process.join(DEATH_SECONDS)
            assert process.exitcode == KILLED
    assert all(one.state == "waiting" for one in world.deliveries())
    with notifier_process(world):
        wait_until(lambda: world.delivered() == messages)
    arrived = assert_none_is_missing(world, inbox)
    assert len(arrived) == kills + messages
    assert arrived[: kills + 1] == [arrived[0]] * (kills + 1)
    assert inbox.titles()[kills:] == [f"task {number}" for number in range(messages)]


@pytest.mark.parametrize(
    "kills", [10, pytest.param(300, marks=pytest.mark.torture)], ids=["few", "many"]
)
def test_killed_at_random_points_none_is_missing(world: World, kills: int) -> None:
    chance = random.Random(kills)
    inbox = world.inbox()
    world.subscribe(inbox.command("sleep 0.01"))
    world.subscribe(inbox.command(), filter={"kinds": ["created", "edited"]})
    created = 0
    for _ in range(kills):
        with notifier_process(world) as process:
            ends = time.monotonic() + 0.3 + chance.random() * 0.5
            while time.monotonic() < ends:
                world.create(f"task {created}")
                created += 1
                time.sleep(chance.random() * 0.03)
            process.kill()
    with notifier_process(world):
        wait_until(
            lambda: world.delivered() == 2 * created,
            timeout=60,
            progress=world.delivered,
        )
    arrived = assert_none_is_missing(world, inbox)
    # Of each subscription at most one message was on its way at each kill.
    assert len(arrived) - 2 * created <= 2 * kills


class Watched:
    """A board with every kind of subscription to one chat, which is a file."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.file = world.root / "room"
        self.room = {"ROOM": str(self.file)}
        self.asked = 0
        for keys in (
            {"filter": {"kinds": ["blocked"]}},
            {"filter": {"kinds": ["created"]}, "options": {"digest_seconds": 1}},
            {
                "filter": {"kinds": ["unblocked"]},
                "mode": "notify_and_wake",
                "options": {"wake": "planner"},
            },
        ):
            subscriptions.subscribe(world.conn, destination="matrix:!room:x", **keys)
        subscriptions.subscribe(
            world.conn, filter={"kinds": ["blocked"]}, mode="wake", options={"wake": "answerer"}
        )

    def ask(self) -> None:
        """Something happens that every subscription hears of; the last question is decided."""
        task_id = self.world.create(f"task {self.asked}")
        kb.block_task(self.world.conn, task_id, reason=f"question {self.asked}?")
        kb.unblock_task(self.world.conn, task_id, reason=f"answer {self.asked}")
        self.asked += 1

    def is_at_rest(self) -> bool:
        owed = self.world.deliveries()
        return len(owed) >= 4 * self.asked and all(
            one.state == "delivered" and one.closed_at is not None and one.wake_at is None
            for one in owed
        )

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.file.read_text().splitlines()]

    def judge(self) -> int:
        """Nothing is missing, whatever came twice is the same, agents were woken once; how many
        messages came again."""
        conn = self.world.conn
        sent: dict[str, dict[str, Any]] = {}
        heard: dict[int, list[int]] = {}
        repeats = 0
        for line in self.lines():
            if "closed" in line:
                assert line["closed"] in sent
                continue
            key = line["dedup_key"]
            told = [item["event"]["id"] for item in line["items"]] or [line["event"]["id"]]
            if key in sent:
                repeats += 1
                assert sent[key] == told
                continue
            sent[key] = told
            heard.setdefault(line["subscription"], []).extend(told)
        rows = self.world.deliveries()
        for sub_id, told in heard.items():
            assert told == [one.event_id for one in rows if one.sub_id == sub_id]
        assert {one.batch or one.dedup_key for one in rows if one.sub_id in heard} == set(sent)
        sql = "SELECT count(*), count(DISTINCT idempotency_key) FROM tasks WHERE created_by = :by"
        made, different = conn.execute(sql, {"by": "notifier"}).fetchone()
        assert made == different == 2 * self.asked
        assert kb.check(conn) == []
        assert kb.replay_differences(conn) == []
        return repeats


@pytest.mark.parametrize(
    "kills", [2 * len(POINTS), pytest.param(1_000, marks=pytest.mark.torture)], ids=["few", "many"]
)
def test_killed_between_every_two_steps(world: World, kills: int) -> None:
    """Before and after each step of owing, waking, gathering, sending, marking and closing.

    Twice at each point on each store, and many times each for the torture.
    """
    assert len(POINTS) >= 25
    watched = Watched(world)
    for number in range(kills):
        point = f"{POINTS[number % len(POINTS)]}:{1 + number // len(POINTS) % 3}"
        with notifier_process(world, point, **watched.room) as process:
            deadline = time.monotonic() + DEATH_SECONDS
            while process.is_alive():
                assert time.monotonic() < deadline, f"it does not come to {point}"
                watched.ask()
                process.join(PATIENCE_SECONDS)
            assert process.exitcode == KILLED
    with notifier_process(world, **watched.room):
        wait_until(
            watched.is_at_rest,
            timeout=60,
            progress=world.delivered,
        )
    repeats = watched.judge()
    assert repeats <= kills
    print(f"{kills} kills, {watched.asked} questions, {repeats} messages came again")
