"""One message per event and destination, whichever subscriptions ask for it."""

from __future__ import annotations

from typing import Any

import anyio

from hermes_kanban import kernel as kb
from hermes_kanban import notify
from hermes_kanban.kernel import outbox, subscriptions, waking
from hermes_kanban.kernel.outbox import Outgoing
from hermes_kanban.model import Delivery
from hermes_kanban.notify.message import Message, Outcome
from tests.notify.conftest import World, until
from tests.support.boards import ABoard

PLACE = "matrix:!a:b.example"
CREATED = {"kinds": ["created"]}
DIGEST = {"digest_seconds": 60}


def subscribe(board: ABoard, **keys: Any) -> int:
    given = {"destination": PLACE, "filter": CREATED} | keys
    return subscriptions.subscribe(board.conn, **given)


def advance(board: ABoard) -> None:
    while outbox.advance_cursors(board.conn):
        pass


def outgoing(board: ABoard, sub_id: int) -> Outgoing | None:
    return outbox.next_outgoing(board.conn, sub_id)


def told(board: ABoard, sub_id: int) -> Message:
    """What a subscription has to say next; it arrives."""
    found = outgoing(board, sub_id)
    assert found is not None
    assert found.message is not None
    outbox.mark_delivered(board.conn, found.delivery.id, receipt=found.message.dedup_key)
    return found.message


def owed(board: ABoard, sub_id: int) -> list[Delivery]:
    return outbox.list_outbox(board.conn, sub_id=sub_id, limit=1_000)


def test_what_one_subscription_has_told_the_others_there_pass_over(board: ABoard) -> None:
    whole, named = subscribe(board), subscribe(board, filter=CREATED | {"tenant": "acme"})
    elsewhere = subscribe(board, destination="log")
    board.create("first", tenant="acme")
    board.create("second")
    board.create("third", tenant="acme")
    advance(board)
    assert told(board, named).subject.startswith("Created: first")
    subjects = [told(board, whole).subject.split()[1] for _ in range(2)]
    assert (subjects, outgoing(board, whole)) == (["second", "third"], None)
    assert outgoing(board, named) is None
    first = owed(board, whole)[0]
    assert (first.state, first.receipt) == ("delivered", None)
    assert first.reason == "told there by another subscription"
    assert told(board, elsewhere).subject.startswith("Created: first")
    assert kb.check(board.conn) == []


def test_each_is_ready_to_tell_it_and_under_the_same_key(board: ABoard) -> None:
    """So whoever repeats what an attempt that was cut short has told is recognised."""
    first, second = subscribe(board), subscribe(board, filter={"kinds": ["created", "blocked"]})
    board.create()
    advance(board)
    one, other = outgoing(board, first), outgoing(board, second)
    assert one is not None
    assert one.message is not None
    assert other is not None
    assert other.message is not None
    assert one.message.dedup_key == other.message.dedup_key
    outbox.mark_dead(board.conn, one.delivery.id, reason="refused")
    assert told(board, second).dedup_key == one.message.dedup_key


def test_one_that_ends_or_is_dropped_keeps_nothing_from_the_other(board: ABoard) -> None:
    ended, dropped, live = (
        subscribe(board, filter={"kinds": kinds})
        for kinds in (["created"], ["created", "blocked"], ["created", "edited"])
    )
    board.create("count")
    advance(board)
    subscriptions.unsubscribe(board.conn, ended)
    outbox.drop_delivery(board.conn, owed(board, dropped)[0].id)
    assert told(board, live).subject.startswith("Created: count")


def test_a_digest_goes_without_what_was_told_already(board: ABoard) -> None:
    digest = subscribe(board, options=DIGEST)
    at_once = subscribe(board, filter=CREATED | {"tenant": "acme"})
    for name, tenant in (("a", "acme"), ("b", None), ("c", None)):
        board.create(name, tenant=tenant)
    advance(board)
    told(board, at_once)
    board.clock.advance(60)
    found = outgoing(board, digest)
    assert found is not None
    assert found.message is not None
    assert [one.subject.split()[1] for one in found.message.items] == ["b", "c"]
    # It does not arrive, and meanwhile another tells a part of it.
    outbox.mark_retry(board.conn, found.delivery.id, reason="try later")
    late = subscribe(board, filter=CREATED | {"tenant": "late"})
    event = found.message.items[1].event.id
    board.conn.execute(
        'UPDATE kanban_notify_subs SET filter = \'{"kinds":["created"]}\','
        " cursor = :at, start_event_id = :at WHERE id = :id",
        {"at": event - 1, "id": late},
    )
    advance(board)
    told(board, late)
    board.clock.advance(outbox.RETRY_SECONDS_MAX)
    again = told(board, digest)
    assert (again.subject.split()[1], again.dedup_key) == ("b", found.message.dedup_key)
    assert outgoing(board, digest) is None
    assert kb.check(board.conn) == []


def test_a_digest_of_what_was_all_told_is_not_sent(board: ABoard) -> None:
    digest, at_once = subscribe(board, options=DIGEST), subscribe(board)
    board.create("a")
    board.create("b")
    advance(board)
    told(board, at_once)
    told(board, at_once)
    board.clock.advance(60)
    assert outgoing(board, digest) is None
    assert outbox.survey_outbox(board.conn).heads == []


def test_what_a_digest_has_told_is_not_told_again(board: ABoard) -> None:
    digest, at_once = subscribe(board, options=DIGEST), subscribe(board)
    board.create("a")
    board.create("b")
    advance(board)
    board.clock.advance(60)
    assert len(told(board, digest).items) == 2
    assert outgoing(board, at_once) is None


def test_an_agent_is_woken_whoever_told_the_people(board: ABoard) -> None:
    both = subscribe(board, mode="notify_and_wake", options={"wake": "planner"})
    plain = subscribe(board)
    board.create("a")
    advance(board)
    told(board, plain)
    assert outgoing(board, both) is None
    assert len(waking.wake_due(board.conn)) == 1
    assert waking.wake_due(board.conn) == []


def test_of_a_subscription_that_was_purged_nothing_is_to_be_told(board: ABoard) -> None:
    task_id = board.create()
    sub_id = subscribe(board, task_id=task_id, filter={"kinds": ["archived"]})
    kb.archive_task(board.conn, task_id)
    advance(board)
    kb.purge_task(board.conn, task_id)
    assert outgoing(board, sub_id) is None


class Room:
    """A chat that takes a moment for each message."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    async def send(self, _address: str, message: Message) -> Outcome:
        await anyio.sleep(0.02)
        self.sent.append(message)
        return notify.delivered(f"m{len(self.sent)}")

    async def close(self, _address: str, _receipt: str, _text: str) -> None:
        """Nobody edits."""

    async def rewrite(self, _address: str, _receipt: str, _digest: Message) -> None:
        """Nobody edits."""


def test_a_room_that_is_subscribed_three_times_hears_everything_once(world: World) -> None:
    room = Room()
    top = world.create("top")
    filter = {"kinds": ["commented", "blocked"]}
    world.subscribe(PLACE, task_id=top, filter=filter, options={"inherit": True})
    world.subscribe(PLACE, filter=filter)
    world.subscribe(PLACE, filter=filter | {"tenant": "acme"})
    child = world.create("child", parents=[top], tenant="acme")

    async def run() -> None:
        async with world.notifier(senders={"matrix": room}):
            for number in range(20):
                kb.add_comment(world.conn, (top, child)[number % 2], f"number {number}")
            await until(lambda: world.deliveries() and not world.deliveries("waiting"))
            kb.block_task(world.conn, child, reason="which one?")
            await until(lambda: room.sent[-1].ask and not world.deliveries("waiting"))

    anyio.run(run)
    events = [one.event.id for one in room.sent]
    assert len(events) == len(set(events)) == 21
    by_task = {
        task: [one.event.id for one in room.sent if one.task and one.task.id == task]
        for task in (top, child)
    }
    assert all(ids == sorted(ids) for ids in by_task.values())
    assert len({one.dedup_key for one in room.sent}) == 21
