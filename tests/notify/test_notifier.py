"""The notifier at work on a real board, with real commands as destinations."""

from __future__ import annotations

import time

import anyio
import psutil
import pytest

from gateway import notifier
from hermes_kanban import kernel as kb
from hermes_kanban import notify
from hermes_kanban.kernel import outbox, subscriptions
from hermes_kanban.store.protocol import write
from tests.notify.conftest import World, until
from tests.support.waiting import wait_until


def test_an_event_becomes_a_message_and_a_marked_row(world: World) -> None:
    inbox = world.inbox()
    sub_id = world.subscribe(inbox.command())
    task_id = world.create("Write the report")
    world.deliver_until(lambda: world.deliveries("delivered"))
    (message,) = inbox.messages()
    (delivery,) = world.deliveries()
    assert message["v"] == 1
    assert message["board"] == "default"
    assert message["dedup_key"] == delivery.dedup_key
    assert message["event"]["kind"] == "created"
    assert message["task"] == {
        "id": task_id,
        "title": "Write the report",
        "status": "ready",
        "assignee": None,
        "tenant": None,
    }
    assert "Write the report" in message["text"]
    assert delivery.sub_id == sub_id
    assert delivery.attempts == 1
    (line,) = world.logged("notify.delivered")
    assert (line["delivery"], line["task"]) == (delivery.id, task_id)


def test_an_event_is_delivered_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the event that wakes a notifier that sleeps for an hour."""
    monkeypatch.setattr(notifier, "INTERVAL_SECONDS", 3_600.0)
    inbox = world.inbox()
    world.subscribe(inbox.command())

    async def run() -> None:
        async with world.notifier():
            for number in range(3):
                world.create()
                await until(lambda: len(world.deliveries("delivered")) > number)  # noqa: B023
                await anyio.sleep(0.1)

    anyio.run(run)


@pytest.mark.stores("sqlite")
def test_a_commit_wakes_it_without_a_dispatcher(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the change counter nor the next look would come in time."""
    monkeypatch.setattr(notifier, "INTERVAL_SECONDS", 3_600.0)
    inbox = world.inbox()
    world.subscribe(inbox.command())

    async def run() -> None:
        async with world.notifier(poll_seconds=3_600.0):
            await until(world.conn.paths.notifier_bell(world.conn.board_id).exists)
            for number in range(4):
                world.create(f"{number}")
                await until(lambda: len(inbox.messages()) > number)  # noqa: B023

    anyio.run(run)
    assert inbox.titles() == ["0", "1", "2", "3"]


def test_the_destination_log_writes_one_line(world: World) -> None:
    world.subscribe("log")
    task_id = world.create("Write the report")
    world.deliver_until(lambda: world.deliveries("delivered"))
    (line,) = world.logged("notify.message")
    assert (line["board"], line["task"], line["kind"]) == ("default", task_id, "created")
    assert line["title"] == "Write the report"


def test_what_happened_while_no_notifier_ran_is_delivered_in_order(world: World) -> None:
    inbox = world.inbox()
    world.subscribe(inbox.command())
    titles = [f"task {number}" for number in range(50)]
    for title in titles:
        world.create(title)
    world.deliver_until(lambda: len(world.deliveries("delivered")) == len(titles))
    assert inbox.titles() == titles


def test_nothing_overtakes_a_delivery_that_waits(world: World) -> None:
    refusing = world.root / "refusing"
    refusing.touch()
    inbox = world.inbox()
    sub_id = world.subscribe(inbox.command(f"test ! -e {refusing} || exit 75"))
    for number in range(3):
        world.create(f"task {number}")
    world.deliver_until(lambda: world.logged("notify.retry"))
    assert set(inbox.titles()) == {"task 0"}
    assert [one.state for one in world.deliveries()] == ["waiting"] * 3
    refusing.unlink()
    head = world.deliveries()[0]
    assert head.reason == "exit code 75 (try again later)"
    outbox.retry_delivery(world.conn, head.id)
    world.deliver_until(lambda: len(world.deliveries("delivered")) == 3)
    assert inbox.titles()[-3:] == ["task 0", "task 1", "task 2"]
    assert {one.sub_id for one in world.deliveries()} == {sub_id}


def test_hanging_destinations_hold_up_nobody(world: World) -> None:
    """Many subscriptions to a destination that hangs, and others that hang by themselves."""
    inbox = world.inbox()
    for number in range(40):
        world.subscribe(
            "command:/bin/sleep 60", filter={"kinds": ["created"], "assignee": f"a{number}"}
        )
    for number in range(10):
        world.subscribe(f"command:/bin/sleep {100 + number}")
    world.subscribe(inbox.command())
    with kb.batch(world.conn):
        for number in range(40):
            world.create(f"task {number}", assignee=f"a{number}")
    world.deliver_until(lambda: len(world.deliveries("delivered")) == 40)
    assert len(inbox.messages()) == 40
    waiting = world.deliveries("waiting")
    assert len(waiting) == 40 + 400
    assert {one.attempts for one in waiting} == {0}, "nobody waited for one of those to end"


def test_a_bad_subscription_does_not_hold_up_another_to_the_same_destination(world: World) -> None:
    inbox = world.inbox()
    picky = 'read line; case "$line" in *poison*) sleep 60;; esac; echo "$line"'
    poisoned = f"command:/bin/sh -c '{picky} >> {inbox.file}'"
    bad = world.create("poison")
    good = world.create("good")
    world.subscribe(poisoned, task_id=bad, filter={"kinds": ["commented"]})
    world.subscribe(poisoned, task_id=good, filter={"kinds": ["commented"]})
    kb.add_comment(world.conn, bad, "hello")
    kb.add_comment(world.conn, good, "hello")
    world.deliver_until(lambda: world.deliveries("delivered"))
    assert inbox.titles() == ["good"]


def test_poisoned_rows_are_given_up_and_the_others_go_on(world: World) -> None:
    inbox = world.inbox()
    world.subscribe(inbox.command())
    unknown = world.subscribe("log")
    unreadable = world.subscribe("log", filter=None)
    for title in ("broken payload", "gone", "good"):
        world.create(title)
    outbox.advance_cursors(world.conn)
    ids = [one.event_id for one in world.deliveries() if one.sub_id == 1]
    world.conn.execute("UPDATE task_events SET payload = '{' WHERE id = ?", (ids[0],))
    world.conn.execute("DELETE FROM task_events WHERE id = ?", (ids[1],))
    damage = "UPDATE kanban_notify_subs SET {} WHERE id = ?"
    world.conn.execute(damage.format("destination = 'pigeon:coop'"), (unknown,))
    world.conn.execute(damage.format("filter = '{'"), (unreadable,))
    world.create("after the damage")
    outbox.advance_cursors(world.conn)
    world.deliver_until(lambda: not world.deliveries("waiting"))
    assert inbox.titles() == ["good", "after the damage"]
    reasons = {(one.sub_id, one.event_id): str(one.reason) for one in world.deliveries("dead")}
    assert "cannot be written" in reasons[1, ids[0]]
    assert "not on the board any more" in reasons[1, ids[1]]
    assert reasons[unknown, ids[2]].startswith("no destination is called 'pigeon'")
    assert {sub_id for sub_id, _ in reasons} == {1, unknown}


def test_it_stops_before_its_destinations_do_and_leaves_no_process(world: World) -> None:
    inbox = world.inbox()
    mark = f"{time.time_ns()}"
    world.subscribe(f"command:/bin/sh -c 'sleep 60{mark[-6:]} & wait'")
    world.subscribe(inbox.command())
    world.create()

    async def run() -> None:
        async with world.notifier():
            await until(lambda: world.deliveries("delivered"))
            await until(lambda: _processes(f"sleep 60{mark[-6:]}".split()))

    anyio.run(run)
    # It is killed by then, and gone once the kernel comes to it.
    wait_until(lambda: not _processes(f"sleep 60{mark[-6:]}".split()))
    (waiting,) = world.deliveries("waiting")
    assert waiting.attempts == 0


def test_a_message_that_is_out_is_marked_while_stopping(world: World) -> None:
    """Stopping again and again never sends one twice, as long as nobody kills the process."""
    inbox = world.inbox()
    world.subscribe(inbox.command())
    for number in range(60):
        world.create(f"task {number}")

    async def run(seconds: float) -> None:
        async with world.notifier():
            await anyio.sleep(seconds)

    for number in range(12):
        anyio.run(run, 0.1 + 0.013 * number)
    world.deliver_until(lambda: len(world.deliveries("delivered")) == 60)
    keys = [message["dedup_key"] for message in inbox.messages()]
    assert len(set(keys)) == 60
    # A command that is killed while it works may have worked: at least once, with its key.
    assert len(keys) - 60 <= 12


def test_what_cannot_be_written_down_is_not_sent_again_and_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message is out, the disk is full: its subscription waits until it can be marked."""
    inbox = world.inbox()
    world.subscribe(inbox.command())
    world.create()
    really_mark, refused = outbox.mark, []

    def refuse(conn: kb.BoardConnection, delivery_id: int, outcome: notify.Outcome) -> kb.Delivery:
        if len(refused) < 3:
            refused.append(delivery_id)
            raise kb.DiskFull("no room")
        return really_mark(conn, delivery_id, outcome)

    monkeypatch.setattr(outbox, "mark", refuse)
    world.deliver_until(lambda: world.deliveries("delivered"))
    assert len(refused) == 3
    assert len(inbox.messages()) == 1


def test_a_task_purged_while_its_message_is_on_its_way_holds_up_nobody(world: World) -> None:
    slow, prompt = world.inbox("slow"), world.inbox("prompt")
    gate = world.root / "gate"
    world.subscribe(slow.command(f"while test ! -e {gate}; do sleep 0.02; done"))
    task_id = world.create("short-lived")

    async def run() -> None:
        async with world.notifier():
            await until(slow.messages)
            kb.archive_task(world.conn, task_id)
            kb.purge_task(world.conn, task_id)
            gate.touch()
            await until(lambda: world.logged("notify.purged"))
            world.subscribe(prompt.command())
            world.create("later")
            await until(prompt.messages)
            await until(lambda: len(slow.messages()) > 1)

    anyio.run(run)
    assert "later" in slow.titles()
    assert world.logged("watcher.failed") == []


def test_a_retry_by_hand_is_taken_up_soon(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifier, "INTERVAL_SECONDS", 1.0)
    inbox = world.inbox()
    world.subscribe(inbox.command())
    world.create()
    outbox.advance_cursors(world.conn)
    (delivery,) = world.deliveries()
    outbox.drop_delivery(world.conn, delivery.id)

    async def run() -> None:
        async with world.notifier():
            await anyio.sleep(0.3)
            assert not inbox.messages()
            outbox.retry_delivery(world.conn, delivery.id)
            await until(inbox.messages)

    anyio.run(run)


def test_a_busy_board_delays_and_loses_nothing(world: World) -> None:
    inbox = world.inbox()
    world.subscribe(inbox.command())
    world.create("before")

    async def run() -> None:
        async with world.notifier():
            await until(inbox.messages)
            with write(world.conn, "holder"):
                world.create("while the board is locked")
                await anyio.sleep(2.5)
            await until(lambda: len(world.deliveries("delivered")) == 2)

    anyio.run(run)
    assert inbox.titles() == ["before", "while the board is locked"]


def test_an_ended_subscription_gets_nothing_more(world: World) -> None:
    ended, live = world.inbox("ended"), world.inbox("live")
    sub_id = world.subscribe(ended.command())
    world.subscribe(live.command())
    world.create("owed and not sent")
    outbox.advance_cursors(world.conn)
    subscriptions.unsubscribe(world.conn, sub_id)
    world.create("after the end")
    world.deliver_until(lambda: len(world.deliveries("delivered")) == 2)
    assert len(live.messages()) == 2
    assert ended.messages() == []
    assert world.deliveries("waiting") == []


def test_two_boards_share_nothing(world: World) -> None:
    kb.create_board("other")
    other = kb.connect("other")
    inbox = world.inbox()
    try:
        world.subscribe(inbox.command())
        kb.create_task(other, title="elsewhere")
        world.create("here")
        world.deliver_until(inbox.messages)
    finally:
        other.close()
    assert inbox.titles() == ["here"]


def _processes(argv: list[str]) -> list[int]:
    return [one.pid for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == argv]
