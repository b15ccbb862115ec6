"""Digests and quiet hours: one message for many, the same one whenever it is sent again."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import digests, outbox, subscriptions
from hermes_kanban.model import Delivery
from hermes_kanban.notify.message import Message
from tests.support.boards import ABoard

MINUTE = 60
DIGEST = {"digest_seconds": 15 * MINUTE}
NIGHT = {"quiet": {"from": "22:00", "to": "07:00", "zone": "Europe/Berlin"}}


def subscribe(board: ABoard, options: dict[str, Any], **keys: Any) -> int:
    keys = {"destination": "log", "filter": {"kinds": ["created", "blocked"]}} | keys
    return subscriptions.subscribe(board.conn, options=options, **keys)


def advance(board: ABoard) -> None:
    while outbox.advance_cursors(board.conn):
        pass


def due(board: ABoard) -> list[int]:
    return [head.delivery.sub_id for head in outbox.survey_outbox(board.conn).heads]


def outgoing(board: ABoard, sub_id: int) -> Message:
    found = outbox.next_outgoing(board.conn, sub_id)
    assert found is not None
    assert found.message is not None
    return found.message


def titles(message: Message) -> list[str]:
    return [one.task.title if one.task else "" for one in message.items]


def owed(board: ABoard) -> list[Delivery]:
    return outbox.list_outbox(board.conn, limit=1_000)


def create(board: ABoard, *names: str) -> None:
    for name in names:
        board.create(name)
    advance(board)


def test_what_comes_within_its_time_goes_in_one_message(board: ABoard) -> None:
    sub_id = subscribe(board, DIGEST)
    create(board, "a")
    board.clock.advance(10 * MINUTE)
    create(board, "b", "c")
    assert (due(board), outbox.next_outgoing(board.conn, sub_id)) == ([], None)
    assert outbox.survey_outbox(board.conn).next_at == board.clock.now() + 5 * MINUTE
    board.clock.advance(5 * MINUTE)
    assert due(board) == [sub_id]
    message = outgoing(board, sub_id)
    assert titles(message) == ["a", "b", "c"]
    assert message.subject == "3 things happened on default"
    assert [line[:10] for line in message.text.splitlines()[1:]] == ["- Created:"] * 3
    outbox.mark_delivered(board.conn, owed(board)[0].id)
    assert {one.state for one in owed(board)} == {"delivered"}
    assert outbox.next_outgoing(board.conn, sub_id) is None
    assert kb.check(board.conn) == []


def test_one_that_comes_alone_is_an_ordinary_message(board: ABoard) -> None:
    sub_id = subscribe(board, DIGEST)
    create(board, "alone")
    board.clock.advance(15 * MINUTE)
    message = outgoing(board, sub_id)
    assert message.items == []
    assert "alone" in message.subject


def test_what_comes_while_a_digest_is_on_its_way_is_of_the_next(board: ABoard) -> None:
    sub_id = subscribe(board, DIGEST)
    create(board, "a", "b")
    board.clock.advance(15 * MINUTE)
    first = outgoing(board, sub_id)
    create(board, "c")
    assert outgoing(board, sub_id) == first
    outbox.mark_retry(board.conn, owed(board)[0].id, reason="try later")
    board.clock.advance(outbox.RETRY_SECONDS_MAX)
    again = outgoing(board, sub_id)
    assert (titles(again), again.dedup_key) == (["a", "b"], first.dedup_key)
    assert [one.attempts for one in owed(board)] == [1, 1, 0]
    outbox.mark_delivered(board.conn, owed(board)[0].id)
    assert outgoing(board, sub_id).subject.startswith("Created: c")


def test_a_digest_holds_so_many_and_the_rest_is_in_the_next(board: ABoard) -> None:
    sub_id = subscribe(board, DIGEST)
    names = [f"task {number}" for number in range(digests.IN_ONE + 3)]
    with kb.batch(board.conn):
        for name in names:
            board.create(name)
    advance(board)
    board.clock.advance(15 * MINUTE)
    first = outgoing(board, sub_id)
    outbox.mark_delivered(board.conn, owed(board)[0].id)
    second = outgoing(board, sub_id)
    assert titles(first) + titles(second) == names
    assert (len(first.items), len(second.items)) == (digests.IN_ONE, 3)
    assert first.dedup_key != second.dedup_key


def test_a_digest_is_retried_and_dropped_as_one(board: ABoard) -> None:
    sub_id = subscribe(board, DIGEST)
    create(board, "a", "b")
    board.clock.advance(15 * MINUTE)
    first = outgoing(board, sub_id)
    outbox.drop_delivery(board.conn, owed(board)[1].id)
    assert {one.state for one in owed(board)} == {"dead"}
    outbox.retry_delivery(board.conn, owed(board)[0].id)
    assert {one.state for one in owed(board)} == {"waiting"}
    assert outgoing(board, sub_id) == first


def test_what_cannot_be_told_holds_up_nothing_of_a_digest(board: ABoard) -> None:
    sub_id = subscribe(board, DIGEST)
    create(board, "broken", "good")
    board.conn.execute(
        "UPDATE task_events SET payload = '{' WHERE id = :id", {"id": owed(board)[0].event_id}
    )
    board.clock.advance(15 * MINUTE)
    message = outgoing(board, sub_id)
    assert "cannot be written" in message.items[0].subject
    assert titles(message)[1] == "good"


def test_a_digest_says_how_many_ask(board: ABoard) -> None:
    sub_id = subscribe(board, DIGEST, filter={"kinds": ["blocked"]})
    first, second = board.create("a"), board.create("b")
    kb.block_task(board.conn, first, reason="how long?")
    kb.block_task(board.conn, second, reason="the net", kind="transient", retry_in_seconds=99)
    advance(board)
    board.clock.advance(15 * MINUTE)
    message = outgoing(board, sub_id)
    assert message.subject == "2 things happened on default, 1 to decide"
    assert "  how long?" in message.text.splitlines()
    assert [one.question is not None for one in message.items] == [True, False]


@pytest.fixture
def evening(board: ABoard) -> int:
    """20:00 in Berlin, on the board's clock too."""
    at = datetime(2031, 5, 4, 20, tzinfo=ZoneInfo("Europe/Berlin"))
    board.clock.advance(int(at.timestamp()) - board.clock.now())
    return int(at.timestamp())


def test_at_night_nothing_is_due_and_in_the_morning_all_of_it(board: ABoard, evening: int) -> None:
    sub_id = subscribe(board, NIGHT)
    create(board, "before")
    assert due(board) == [sub_id]
    outbox.mark_delivered(board.conn, owed(board)[0].id)
    board.clock.advance(3 * 3600)
    create(board, "at 23:00", "at 23:00, too")
    assert due(board) == []
    morning = evening + 11 * 3600
    assert outbox.survey_outbox(board.conn).next_at == morning
    board.clock.advance(morning - board.clock.now() - 1)
    assert (due(board), outbox.next_outgoing(board.conn, sub_id)) == ([], None)
    board.clock.advance(1)
    assert due(board) == [sub_id]
    assert "at 23:00" in outgoing(board, sub_id).subject


def test_what_was_due_before_the_night_and_not_sent_waits_for_the_morning(
    board: ABoard, evening: int
) -> None:
    sub_id = subscribe(board, NIGHT)
    other = subscribe(board, {}, filter={"kinds": ["created"]})
    create(board, "while no gateway ran")
    board.clock.advance(4 * 3600)
    assert due(board) == [other]
    assert outbox.next_outgoing(board.conn, sub_id) is None
    assert outbox.survey_outbox(board.conn).next_at == evening + 11 * 3600


def test_a_retry_at_night_waits_for_the_morning(board: ABoard, evening: int) -> None:
    subscribe(board, NIGHT)
    create(board, "late")
    board.clock.advance(2 * 3600 - 1)
    marked = outbox.mark_retry(board.conn, owed(board)[0].id, reason="try later")
    assert marked.next_attempt_at == evening + 11 * 3600


def test_a_digest_that_ends_at_night_comes_in_the_morning(board: ABoard, evening: int) -> None:
    sub_id = subscribe(board, NIGHT | DIGEST)
    board.clock.advance(2 * 3600 - 5 * MINUTE)
    create(board, "in the evening")
    board.clock.advance(10 * MINUTE)
    create(board, "at night")
    board.clock.advance(evening + 11 * 3600 - board.clock.now())
    assert titles(outgoing(board, sub_id)) == ["in the evening", "at night"]


def test_nobody_having_tried_counts_no_attempt(board: ABoard) -> None:
    sub_id = subscribe(board, {})
    create(board, "a")
    for _ in range(2 * outbox.MAX_ATTEMPTS):
        marked = outbox.mark_retry(board.conn, owed(board)[0].id, reason="no adapter", counts=False)
        assert (marked.state, marked.attempts) == ("waiting", 0)
        assert due(board) == []
        board.clock.advance(outbox.UNTRIED_SECONDS)
        assert due(board) == [sub_id]
