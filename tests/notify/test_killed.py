"""kill -9 of the notifier: nothing is missing, and a repeat carries the same key."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import subscriptions
from tests.notify.conftest import Inbox, World
from tests.notify.notifier_process import POINTS
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
KILLED = -9


@contextmanager
def notifier_process(**environment: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.notify.notifier_process"]
    env = os.environ | environment
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, env=env)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def all_delivered(world: World, count: int) -> bool:
    return len(world.deliveries("delivered")) == count


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
        with notifier_process() as process:
            assert process.wait(timeout=30) == KILLED
    assert all(one.state == "waiting" for one in world.deliveries())
    with notifier_process():
        wait_until(lambda: all_delivered(world, messages))
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
        with notifier_process() as process:
            ends = time.monotonic() + 0.3 + chance.random() * 0.5
            while time.monotonic() < ends:
                world.create(f"task {created}")
                created += 1
                time.sleep(chance.random() * 0.03)
            process.kill()
    with notifier_process():
        wait_until(
            lambda: all_delivered(world, 2 * created),
            timeout=60,
            progress=lambda: len(world.deliveries("delivered")),
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
        made = [one for one in kb.list_tasks(conn, limit=10_000) if one.created_by == "notifier"]
        assert len({one.idempotency_key for one in made}) == len(made) == 2 * self.asked
        assert kb.check(conn) == []
        assert kb.replay_differences(conn) == []
        return repeats


@pytest.mark.parametrize(
    "kills", [len(POINTS), pytest.param(1_000, marks=pytest.mark.torture)], ids=["few", "many"]
)
def test_killed_between_every_two_steps(world: World, kills: int) -> None:
    """Before and after each step of owing, waking, gathering, sending, marking and closing.

    Once at each point on each store, which is over 50 times, and many times each for the torture.
    """
    assert len(POINTS) >= 25
    watched = Watched(world)
    died = 0
    for number in range(kills):
        point = f"{POINTS[number % len(POINTS)]}:{1 + number // len(POINTS) % 3}"
        with notifier_process(KILL_AT=point, **watched.room) as process:
            watched.ask()
            # Some points come with the digest only, a second later, or with an old question.
            try:
                died += process.wait(timeout=1.8) == KILLED
            except subprocess.TimeoutExpired:
                watched.ask()
                died += wait_for_end(process) == KILLED
    assert died >= 0.9 * kills
    with notifier_process(**watched.room):
        wait_until(
            watched.is_at_rest,
            timeout=60,
            progress=lambda: len(world.deliveries("delivered")),
        )
    repeats = watched.judge()
    assert repeats <= kills


def wait_for_end(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(timeout=4)
    except subprocess.TimeoutExpired:
        return None
