"""When a question is decided, the messages about it say so; that never holds up a delivery."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from gateway import closing
from hermes_kanban import kernel as kb
from hermes_kanban import notify
from hermes_kanban.kernel import closings, deliveries, outbox, subscriptions
from hermes_kanban.notify.message import Message, Outcome
from tests.notify.conftest import World, until
from tests.support.boards import ABoard


def asked(board: ABoard, receipt: str | None = "m1", **keys: Any) -> str:
    """A task that asks, and a message about it that was sent."""
    subscriptions.subscribe(board.conn, **({"destination": "matrix:!a:b.example"} | keys))
    task_id = board.create("paint")
    kb.block_task(board.conn, task_id, reason="which one?")
    while outbox.advance_cursors(board.conn):
        pass
    (delivery,) = outbox.list_outbox(board.conn)
    outbox.mark_delivered(board.conn, delivery.id, receipt=receipt)
    return task_id


def test_a_message_is_closed_when_its_question_is_decided(board: ABoard) -> None:
    task_id = asked(board)
    assert closings.to_close(board.conn).closings == []
    kb.unblock_task(board.conn, task_id, reason="30 days", actor="person:mara")
    (one,) = closings.to_close(board.conn).closings
    assert (one.destination, one.receipt) == ("matrix:!a:b.example", "m1")
    assert one.text == f"Blocked: paint ({task_id})\nwhich one?\nAnswered by mara: 30 days."
    closings.mark_closed(board.conn, one.delivery_ids)
    assert closings.to_close(board.conn).closings == []


def test_who_answers_finds_what_was_asked(board: ABoard) -> None:
    task_id = asked(board)
    (found,) = deliveries.with_receipt(board.conn, "m1")
    assert kb.decision_of(board.conn, task_id, found.event_id) is None
    kb.unblock_task(board.conn, task_id, reason="30 days", question=found.event_id)
    assert deliveries.with_receipt(board.conn, "m2") == []


@pytest.mark.parametrize(
    ("receipt", "keys"),
    [(None, {}), ("m1", {"filter": {"kinds": ["created"]}})],
    ids=["no receipt", "asks nothing"],
)
def test_what_cannot_be_edited_or_asks_nothing_is_left_alone(
    board: ABoard, receipt: str | None, keys: dict[str, Any]
) -> None:
    task_id = asked(board, receipt, **keys)
    kb.unblock_task(board.conn, task_id)
    assert closings.to_close(board.conn).closings == []
    assert outbox.list_outbox(board.conn)[0].receipt == receipt


def test_only_what_may_have_changed_is_looked_at(board: ABoard) -> None:
    task_id = asked(board)
    kb.unblock_task(board.conn, task_id)
    newest, now = kb.newest_event_id(board.conn), board.clock.now()
    look = closings.to_close
    assert look(board.conn, since_event=newest, since=now + 1).closings == []
    assert len(look(board.conn, since_event=newest - 1, since=now + 1).closings) == 1
    assert len(look(board.conn, since_event=newest, since=now).closings) == 1
    assert look(board.conn, limit=1).after is not None


def digest_of_two(board: ABoard) -> tuple[str, str, outbox.Outgoing]:
    """Two tasks that ask in one message, beside one that asks nothing."""
    sub_id = subscriptions.subscribe(
        board.conn,
        destination="matrix:!a:b.example",
        filter={"kinds": ["blocked", "created"]},
        options={"digest_seconds": 60},
    )
    first, second = board.create("paint"), board.create("print")
    kb.block_task(board.conn, first, reason="which one?")
    kb.block_task(board.conn, second, reason="how many?")
    while outbox.advance_cursors(board.conn):
        pass
    board.clock.advance(60)
    outgoing = outbox.next_outgoing(board.conn, sub_id)
    assert outgoing is not None
    outbox.mark_delivered(board.conn, outgoing.delivery.id, receipt="m1")
    return first, second, outgoing


def test_a_digest_is_edited_for_each_question_that_is_decided(board: ABoard) -> None:
    first, second, sent = digest_of_two(board)
    assert sent.message is not None
    assert closings.to_close(board.conn).closings == []
    kb.unblock_task(board.conn, second, reason="30", actor="person:mara")
    (one,) = closings.to_close(board.conn).closings
    assert (one.destination, one.receipt) == (sent.destination, "m1")
    assert one.digest is not None
    assert [bool(item.decided) for item in one.digest.items] == [False, False, False, True]
    assert one.text.splitlines() == [
        "4 things happened on default, 1 to decide",
        f"- Created: paint ({first})",
        f"- Created: print ({second})",
        f"- Blocked: paint ({first})",
        "  which one?",
        f"- Blocked: print ({second})",
        "  Answered by mara: 30.",
    ]
    closings.mark_closed(board.conn, one.delivery_ids)
    assert closings.to_close(board.conn).closings == []
    kb.unblock_task(board.conn, first, reason="red", actor="person:tom")
    (one,) = closings.to_close(board.conn).closings
    assert len(one.delivery_ids) == 1
    assert "Answered by tom: red." in one.text
    assert "Answered by mara: 30." in one.text
    closings.mark_closed(board.conn, one.delivery_ids)
    assert closings.to_close(board.conn).closings == []


def test_two_decisions_at_once_are_one_edit_of_a_digest(board: ABoard) -> None:
    for task_id in digest_of_two(board)[:2]:
        kb.unblock_task(board.conn, task_id, reason="yes", actor="person:mara")
    (one,) = closings.to_close(board.conn).closings
    assert one.text.count("Answered by mara: yes.") == 2
    assert len(one.delivery_ids) == 2


class Room:
    """A chat that keeps what it is sent and how it was edited; ``fails`` edits go wrong first."""

    def __init__(self, fails: int = 0) -> None:
        self.sent: list[Message] = []
        self.edits: list[tuple[str, str, str]] = []
        self.fails = fails
        self.attempts = 0

    async def send(self, _address: str, message: Message) -> Outcome:
        self.sent.append(message)
        return notify.delivered(f"m{len(self.sent)}")

    async def close(self, address: str, receipt: str, text: str) -> None:
        self.attempts += 1
        if self.attempts <= self.fails:
            raise ConnectionError("the room is gone")
        self.edits.append((address, receipt, text))

    async def rewrite(self, address: str, receipt: str, digest: Message) -> None:
        await self.close(address, receipt, digest.text)


def decided(world: World, room: Room, done: Any) -> None:
    """A question that is sent to the room, and decided there or elsewhere, until ``done``."""
    subscriptions.subscribe(world.conn, destination="matrix:!a:b.example")

    async def run() -> None:
        async with world.notifier(senders={"matrix": room}):
            task_id = world.create("paint")
            kb.block_task(world.conn, task_id, reason="which one?")
            await until(lambda: len(room.sent) == 1)
            kb.unblock_task(world.conn, task_id, reason="30 days", question=room.sent[0].question)
            await until(done)

    anyio.run(run)


def test_the_gateway_edits_the_message(world: World) -> None:
    room = Room()
    decided(world, room, lambda: world.deliveries()[0].closed_at)
    ((address, receipt, text),) = room.edits
    assert (address, receipt) == ("!a:b.example", "m1")
    assert text.endswith(": 30 days.")


def test_what_was_decided_before_the_room_could_be_reached_is_edited_then(world: World) -> None:
    room = Room()
    senders: dict[str, Any] = {"matrix": room}
    subscriptions.subscribe(world.conn, destination="matrix:!a:b.example")

    async def run() -> None:
        async with world.notifier(senders=senders):
            task_id = world.create("paint")
            kb.block_task(world.conn, task_id, reason="which one?")
            await until(lambda: world.deliveries("delivered"))
            del senders["matrix"]
            kb.unblock_task(world.conn, task_id, reason="30 days")
            world.subscribe("log")
            world.create("news, at which it looks")
            await until(lambda: len(world.deliveries("delivered")) == 2)
            assert world.deliveries()[0].closed_at is None
            senders["matrix"] = room
            world.create("more news")
            await until(lambda: room.edits)

    anyio.run(run)


def test_a_message_whose_adapter_goes_between_the_look_and_the_edit_is_edited_later(
    world: World,
) -> None:
    class Going(dict[str, Any]):
        """It is there when it is looked for; when it is first wanted it has gone."""

        wanted = 0

        def get(self, key: str, default: Any = None) -> Any:
            if key != "matrix" or not room.sent:
                return super().get(key, default)
            self.wanted += 1
            return default if self.wanted == 1 else self[key]

    room = Room()
    senders = Going(matrix=room)
    subscriptions.subscribe(world.conn, destination="matrix:!a:b.example")

    async def run() -> None:
        async with world.notifier(senders=senders):
            task_id = world.create("paint")
            kb.block_task(world.conn, task_id, reason="which one?")
            await until(lambda: world.deliveries("delivered"))
            kb.unblock_task(world.conn, task_id, reason="30 days")
            await until(lambda: senders.wanted)
            world.create("news, at which it looks")
            await until(lambda: world.deliveries()[0].closed_at)

    anyio.run(run)
    ((_, receipt, text),) = room.edits
    assert receipt == "m1"
    assert text.endswith(": 30 days.")
    assert senders.wanted == 2
    assert world.logged("notify.unclosed") == world.logged("watcher.failed") == []


def test_an_edit_that_fails_is_tried_a_few_times_and_holds_up_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "RETRY_SECONDS", 0.05)
    room = Room(fails=99)
    decided(
        world, room, lambda: world.logged("notify.unclosed") and world.deliveries()[0].closed_at
    )
    assert room.attempts == closing.ATTEMPTS
    assert world.deliveries()[0].state == "delivered"
    assert world.logged("watcher.failed") == []


def test_what_is_decided_while_a_digest_is_being_edited_is_in_the_next_edit(
    world: World,
) -> None:
    class Slow(Room):
        attempted = False

        async def close(self, address: str, receipt: str, text: str) -> None:
            self.attempted = True
            await decided_meanwhile.wait()
            await super().close(address, receipt, text)

    room, decided_meanwhile = Slow(), anyio.Event()
    subscriptions.subscribe(
        world.conn, destination="matrix:!a:b.example", options={"digest_seconds": 1}
    )

    async def run() -> None:
        async with world.notifier(senders={"matrix": room}):
            with kb.batch(world.conn):
                tasks = [world.create(name) for name in ("paint", "print")]
                for task_id in tasks:
                    kb.block_task(world.conn, task_id, reason="which one?")
            await until(lambda: len(world.deliveries("delivered")) == 2)
            kb.unblock_task(world.conn, tasks[0], reason="red", actor="person:mara")
            await until(lambda: room.attempted)
            kb.unblock_task(world.conn, tasks[1], reason="blue", actor="person:mara")
            decided_meanwhile.set()
            await until(lambda: all(one.closed_at for one in world.deliveries()))

    anyio.run(run)
    assert len(room.sent) == 1
    assert "blue" in room.edits[-1][2]
    assert "red" in room.edits[-1][2]


def test_what_no_adapter_here_can_send_waits_and_counts_no_attempt(world: World) -> None:
    subscriptions.subscribe(
        world.conn, destination="matrix:!a:b.example", filter={"kinds": ["created"]}
    )
    world.create("paint")
    world.deliver_until(lambda: world.logged("notify.retry"))
    (delivery,) = world.deliveries()
    assert (delivery.state, delivery.attempts) == ("waiting", 0)
    assert delivery.reason == "no gateway here is connected to chat.matrix"


def test_a_sender_that_raises_or_hangs_is_tried_again(world: World) -> None:
    class Broken:
        async def send(self, address: str, _message: Message) -> Outcome:
            if "hangs" in address:
                await anyio.sleep_forever()
            raise ConnectionError("the room is gone")

        async def close(self, _address: str, _receipt: str, _text: str) -> None:
            raise AssertionError

        async def rewrite(self, _address: str, _receipt: str, _digest: Message) -> None:
            raise AssertionError

    room = Room()
    for place in ("matrix:!raises:x", "matrix:!hangs:x", "telegram:1"):
        subscriptions.subscribe(world.conn, destination=place, filter={"kinds": ["created"]})

    async def run() -> None:
        async with world.notifier(senders={"matrix": Broken(), "telegram": room}):
            world.create("paint")
            await until(lambda: room.sent and world.logged("notify.retry"))

    anyio.run(run)
    assert "ConnectionError: the room is gone" in str(world.deliveries()[0].reason)
