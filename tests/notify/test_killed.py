"""kill -9 of the notifier: nothing is missing, and a repeat carries the same key."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hermes_kanban import kernel as kb
from tests.notify.conftest import Inbox, World
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
KILLED = -9


@contextmanager
def notifier_process() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.notify.notifier_process"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, env=os.environ)
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
