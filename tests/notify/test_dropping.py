"""Giving up for good: what was dropped is dead, and nobody has to look at it any more."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hermes_kanban.kernel import deliveries, dropping, outbox, subscriptions
from hermes_kanban.model import Delivery
from hermes_kanban.surfaces.slash import slash
from tests.support.boards import ABoard

FILTER = {"kinds": ["created"]}


def dead(board: ABoard, *destinations: str, each: int = 2) -> list[Delivery]:
    """Deliveries that could not arrive, ``each`` at every destination."""
    for destination in destinations:
        subscriptions.subscribe(board.conn, destination=destination, filter=FILTER)
    for _ in range(each):
        board.create()
    outbox.advance_cursors(board.conn)
    for one in outbox.list_outbox(board.conn):
        outbox.mark_dead(board.conn, one.id, reason="the room is gone")
    return outbox.list_outbox(board.conn, state="dead")


def count(board: ABoard) -> int:
    """The dead ones that health tells of."""
    return deliveries.count_owed(board.conn).get("dead", 0)


def test_a_dead_delivery_can_be_dropped_and_is_counted_no_more(board: ABoard) -> None:
    first, second = dead(board, "log")
    assert count(board) == 2
    assert outbox.drop_delivery(board.conn, first.id) is True
    assert outbox.drop_delivery(board.conn, first.id) is False
    assert [one.id for one in outbox.list_outbox(board.conn, state="dead")] == [second.id]
    (dropped,) = outbox.list_outbox(board.conn, state="dropped")
    assert (dropped.state, dropped.reason) == ("dead", "the room is gone")
    assert (count(board), deliveries.owing(board.conn, first.sub_id).dead) == (1, 1)
    outbox.drop_delivery(board.conn, second.id, "nobody reads it")
    assert outbox.list_outbox(board.conn, state="dropped")[1].reason == "nobody reads it"
    assert count(board) == 0


def test_what_waits_is_not_counted_as_dead_once_it_is_dropped(board: ABoard) -> None:
    dead(board, "log", each=0)
    board.create()
    outbox.advance_cursors(board.conn)
    (one,) = outbox.list_outbox(board.conn)
    outbox.drop_delivery(board.conn, one.id)
    (dropped,) = outbox.list_outbox(board.conn, state="dropped")
    assert (dropped.state, dropped.reason, count(board)) == ("dead", outbox.DROPPED, 0)


def test_what_was_dropped_can_be_tried_again(board: ABoard) -> None:
    (one,) = dead(board, "log", each=1)
    outbox.drop_delivery(board.conn, one.id)
    outbox.retry_delivery(board.conn, one.id)
    (waiting,) = outbox.list_outbox(board.conn, state="waiting")
    assert waiting.dropped_at is None
    outbox.mark_dead(board.conn, one.id, reason="still gone")
    assert count(board) == 1


def test_all_dead_ones_of_a_destination_are_dropped_at_once(board: ABoard) -> None:
    found = dead(board, "matrix:!a:b.example", "log", each=3)
    subscriptions.subscribe(
        board.conn, destination="matrix:!a:b.example", filter=FILTER | {"tenant": "acme"}
    )
    board.create(tenant="acme")
    outbox.advance_cursors(board.conn)
    waiting = outbox.list_outbox(board.conn, state="waiting")
    gone = found[0]
    assert dropping.drop_all(board.conn, gone.id, "the room is closed") == 3
    assert dropping.drop_all(board.conn, gone.id) == 0
    left = outbox.list_outbox(board.conn, state="dead")
    assert {one.sub_id for one in left} == {found[-1].sub_id}
    assert len(left) == 3
    assert outbox.list_outbox(board.conn, state="waiting") == waiting
    reasons = {one.reason for one in outbox.list_outbox(board.conn, state="dropped")}
    assert reasons == {"the room is closed"}


def test_the_end_of_a_subscription_leaves_nothing_to_look_at(board: ABoard) -> None:
    (one,) = dead(board, "log", each=1)
    board.create()
    outbox.advance_cursors(board.conn)
    subscriptions.unsubscribe(board.conn, one.sub_id)
    assert deliveries.count_owed(board.conn) == {}
    assert len(outbox.list_outbox(board.conn, state="dropped")) == 2


@pytest.mark.parametrize("all", [False, True])
def test_it_is_a_command_of_chats_and_tells_how_many(board: ABoard, all: bool) -> None:
    first, _, _ = dead(board, "log", each=3)
    said: dict[str, Any] = {"actor": "person:mara", "platform": "plain"}
    listed = slash("/kanban notify outbox --state dead", **said)
    assert len(re.findall("the room is gone", listed.text)) == 3
    answer = slash(f"/kanban notify drop {first.id}{' --all' if all else ''}", **said)
    assert answer.text == ("3 deliveries dropped" if all else f"delivery {first.id} is dropped")
    assert count(board) == (0 if all else 2)
    answer = slash(f"/kanban notify drop {first.id}", **said)
    assert answer.text == f"delivery {first.id} is dropped (unchanged)"
