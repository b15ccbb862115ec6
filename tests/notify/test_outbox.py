"""The outbox: events become deliveries with the cursor, and are sent in order or given up."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import messages, outbox, subscriptions
from hermes_kanban.model import Delivery, InvalidInput, NotFound
from tests.support.boards import ABoard, due_deliveries

CREATED = {"kinds": ["created"]}


def subscribe(board: ABoard, **keys: Any) -> int:
    given: dict[str, Any] = {"destination": "log", "filter": CREATED}
    return subscriptions.subscribe(board.conn, **(given | keys))


def owed(board: ABoard, sub_id: int | None = None) -> list[Delivery]:
    every = outbox.list_outbox(board.conn, limit=10_000)
    return [one for one in every if sub_id in (None, one.sub_id)]


def due_ids(board: ABoard) -> list[int]:
    return [one.id for one in due_deliveries(board.conn)]


def cursor(board: ABoard, sub_id: int) -> int:
    return subscriptions.get_subscription(board.conn, sub_id).cursor


def test_matching_events_become_deliveries_with_the_cursor(board: ABoard) -> None:
    sub_id = subscribe(board)
    board.create()
    event_id = kb.newest_event_id(board.conn)
    assert outbox.advance_cursors(board.conn) == 1
    (delivery,) = owed(board)
    assert (delivery.sub_id, delivery.event_id, delivery.state) == (sub_id, event_id, "waiting")
    assert delivery.dedup_key == f"{board.conn.board_id}:{sub_id}:{event_id}"
    assert delivery.next_attempt_at == board.clock.now()
    assert cursor(board, sub_id) == event_id
    assert outbox.advance_cursors(board.conn) == 0


@pytest.mark.stores("sqlite")
def test_without_subscriptions_or_news_nothing_is_written(board: ABoard) -> None:
    board.create()
    changes = board.conn.total_changes
    assert outbox.advance_cursors(board.conn) == 0
    assert board.conn.total_changes == changes


def test_a_few_events_that_nobody_asked_for_cost_no_commit(board: ABoard) -> None:
    sub_id = subscribe(board, filter={"kinds": ["paused"]})
    before = cursor(board, sub_id)
    board.create()
    assert outbox.advance_cursors(board.conn) == 0
    assert cursor(board, sub_id) == before
    with kb.batch(board.conn):
        for _ in range(outbox.QUIET_EVENTS):
            board.create()
    assert outbox.advance_cursors(board.conn) == outbox.QUIET_EVENTS + 1
    assert cursor(board, sub_id) == kb.newest_event_id(board.conn)
    kb.pause(board.conn)
    outbox.advance_cursors(board.conn)
    assert len(owed(board)) == 1


def test_a_call_reads_no_more_than_its_limit(board: ABoard) -> None:
    subscribe(board)
    with kb.batch(board.conn):
        for _ in range(25):
            board.create()
    counts = []
    while passed := outbox.advance_cursors(board.conn, limit=10):
        counts.append(passed)
    assert counts == [10, 10, 5]
    assert len(owed(board)) == 25


def test_a_subscription_gets_nothing_from_before_its_start(board: ABoard) -> None:
    early = subscribe(board)
    board.create()
    late = subscribe(board, filter={"kinds": ["created", "completed"]})
    board.create()
    outbox.advance_cursors(board.conn)
    assert (len(owed(board, early)), len(owed(board, late))) == (2, 1)


def test_what_is_owed_twice_is_owed_once(board: ABoard) -> None:
    sub_id = subscribe(board)
    board.create()
    outbox.advance_cursors(board.conn)
    board.conn.execute("UPDATE kanban_notify_subs SET cursor = start_event_id")
    outbox.advance_cursors(board.conn)
    assert len(owed(board, sub_id)) == 1


def test_a_message_is_read_as_of_one_moment_whatever_is_purged_meanwhile(
    board: ABoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    sub_id, task = subscribe(board), board.create()
    outbox.advance_cursors(board.conn)
    kb.archive_task(board.conn, task)
    other, read_event = board.connect(), messages.get_event

    def purged_first(conn: kb.BoardConnection, event_id: int) -> object:
        kb.purge_task(other, task)
        return read_event(conn, event_id)

    monkeypatch.setattr(messages, "get_event", purged_first)
    outgoing = outbox.next_outgoing(board.conn, sub_id)
    assert outgoing is not None
    assert outgoing.problem == ""
    assert outbox.next_outgoing(board.conn, sub_id) is None
    other.close()


def test_only_the_oldest_waiting_of_each_subscription_is_due(board: ABoard) -> None:
    first, second = subscribe(board), subscribe(board, filter={"kinds": ["created", "edited"]})
    for _ in range(3):
        board.create()
    outbox.advance_cursors(board.conn)
    heads = [owed(board, first)[0].id, owed(board, second)[0].id]
    assert due_ids(board) == heads
    outbox.mark_delivered(board.conn, heads[0])
    outbox.mark_retry(board.conn, heads[1], reason="later")
    assert due_ids(board) == [owed(board, first)[1].id]
    survey = outbox.survey_outbox(board.conn)
    assert survey.next_at == outbox.get_delivery(board.conn, heads[1]).next_attempt_at
    board.clock.advance(60)
    assert heads[1] in due_ids(board)


def test_busy_subscriptions_and_those_beyond_the_limit_are_left_out(board: ABoard) -> None:
    subs = [subscribe(board, filter={"kinds": ["created", one]}) for one in ("edited", "linked")]
    board.create()
    outbox.advance_cursors(board.conn)
    survey = outbox.survey_outbox(board.conn, busy={subs[0]})
    assert [head.delivery.sub_id for head in survey.heads] == [subs[1]]
    assert survey.next_at is None
    survey = outbox.survey_outbox(board.conn, limit=1)
    assert len(survey.heads) == 1
    assert survey.next_at == board.clock.now()


def test_retries_wait_longer_each_time_and_end(board: ABoard) -> None:
    subscribe(board)
    board.create()
    outbox.advance_cursors(board.conn)
    (delivery,) = owed(board)
    waits = []
    while delivery.state == "waiting":
        delivery = outbox.mark_retry(board.conn, delivery.id, reason="exit code 3")
        waits.append((delivery.next_attempt_at or 0) - board.clock.now())
        board.clock.advance(max(0, waits[-1]))
    assert len(waits) == delivery.attempts == outbox.MAX_ATTEMPTS
    for number, wait in enumerate(waits[:-1]):
        full = min(outbox.RETRY_SECONDS * 2**number, outbox.RETRY_SECONDS_MAX)
        assert full / 2 - 1 <= wait <= full
    assert 4 * 3600 < sum(waits[:-1]) < 24 * 3600
    assert delivery.reason == "gave up after 20 attempts; the last: exit code 3"


@pytest.mark.parametrize(
    ("asked", "at_least", "at_most"),
    [
        (120, 120, 121),
        (0.5, 1, 5),
        (0, 1, 5),
        (-3, 1, 5),
        (float("nan"), 1, 5),
        (1e12, 86_400, 86_401),
    ],
)
def test_the_time_that_a_destination_asks_for_is_kept(
    board: ABoard, asked: float, at_least: int, at_most: int
) -> None:
    subscribe(board)
    board.create()
    outbox.advance_cursors(board.conn)
    marked = outbox.mark_retry(board.conn, owed(board)[0].id, reason="429", retry_after=asked)
    wait = (marked.next_attempt_at or 0) - board.clock.now()
    assert at_least <= wait <= at_most


def test_a_reason_is_one_short_line_without_secrets(board: ABoard) -> None:
    subscribe(board)
    board.create()
    outbox.advance_cursors(board.conn)
    told = "no\nway password=hunter2 \x00" + "x" * 10_000
    marked = outbox.mark_dead(board.conn, owed(board)[0].id, reason=told)
    assert marked == owed(board)[0]
    reason = str(marked.reason)
    assert reason.startswith("no way password=[redacted]")
    assert len(reason) <= outbox.REASON_CHARACTERS


def test_what_arrived_is_delivered_even_if_it_was_given_up_meanwhile(board: ABoard) -> None:
    subscribe(board)
    board.create()
    outbox.advance_cursors(board.conn)
    (delivery,) = owed(board)
    assert outbox.drop_delivery(board.conn, delivery.id) is True
    assert outbox.drop_delivery(board.conn, delivery.id) is False
    outbox.mark_retry(board.conn, delivery.id, reason="late")
    assert owed(board)[0].reason == "dropped by a person"
    outbox.mark_delivered(board.conn, delivery.id)
    assert (owed(board)[0].state, owed(board)[0].reason) == ("delivered", None)
    outbox.mark_dead(board.conn, delivery.id, reason="late")
    assert owed(board)[0].state == "delivered"


def test_a_dead_delivery_is_tried_again_before_what_waits(board: ABoard) -> None:
    subscribe(board)
    for _ in range(2):
        board.create()
    outbox.advance_cursors(board.conn)
    first, second = owed(board)
    outbox.mark_dead(board.conn, first.id, reason="no such command")
    assert due_ids(board) == [second.id]
    assert outbox.retry_delivery(board.conn, first.id) is True
    assert due_ids(board) == [first.id]
    assert owed(board)[0].attempts == 0
    outbox.mark_delivered(board.conn, first.id)
    with pytest.raises(InvalidInput, match="delivered"):
        outbox.retry_delivery(board.conn, first.id)


@pytest.mark.parametrize(
    "call",
    [outbox.get_delivery, outbox.mark_delivered, outbox.retry_delivery, outbox.drop_delivery],
)
def test_an_unknown_delivery_is_not_found(board: ABoard, call: Any) -> None:
    with pytest.raises(NotFound):
        call(board.conn, 77)


def test_a_message_carries_no_claim_lock_and_no_long_text(board: ABoard) -> None:
    sub_id = subscribe(board, filter={"kinds": ["claimed", "completed"]})
    task_id = board.create("x" * 500)
    run = board.claim(task_id)
    kb.complete_task(
        board.conn, task_id, summary="s" * 16_000, run_id=run.id, claim_lock=run.claim_lock
    )
    outbox.advance_cursors(board.conn)
    for _ in range(2):
        outgoing = outbox.next_outgoing(board.conn, sub_id)
        assert outgoing is not None
        assert outgoing.message is not None
        assert str(run.claim_lock) not in repr(outgoing.message)
        assert len(outgoing.message.text) <= 1_000
        outbox.mark_delivered(board.conn, outgoing.delivery.id)
    assert outbox.next_outgoing(board.conn, sub_id) is None


@pytest.mark.parametrize("seed", range(5))
def test_matching_events_up_to_the_cursor_are_exactly_the_deliveries(
    board: ABoard, seed: int
) -> None:
    """Any history, subscriptions that come and go, calls of any size at any time."""
    chance = random.Random(seed)
    tasks = [board.create(assignee="ann", tenant="a")]
    filters: list[dict[str, Any] | None] = [
        None,
        {"kinds": "all"},
        {"assignee": "ann", "kinds": "all"},
        {"tenant": ["a", "b"], "kinds": ["attention", "commented"]},
    ]

    def touch() -> None:
        task_id = chance.choice(tasks)
        chance.choice(
            [
                lambda: tasks.append(
                    board.create(
                        assignee=chance.choice(["ann", "bob"]), tenant=chance.choice("abc")
                    )
                ),
                lambda: kb.assign_task(board.conn, task_id, chance.choice(["ann", "bob", None])),
                lambda: kb.edit_task(board.conn, task_id, tenant=chance.choice("abc")),
                lambda: kb.add_comment(board.conn, task_id, "hm"),
                lambda: kb.complete_task(board.conn, task_id),
                lambda: kb.block_task(board.conn, task_id, reason="why"),
                lambda: kb.reopen_task(board.conn, task_id),
                lambda: kb.archive_task(board.conn, task_id),
            ]
        )()

    for _ in range(300):
        try:
            touch()
        except kb.IllegalTransition:
            continue
        if chance.random() < 0.1:
            task_id = chance.choice([None, chance.choice(tasks)])
            subscribe(board, filter=chance.choice(filters), task_id=task_id)
        live = subscriptions.list_subscriptions(board.conn)
        if live and chance.random() < 0.03:
            subscriptions.unsubscribe(board.conn, chance.choice(live).id)
        if chance.random() < 0.2:
            outbox.advance_cursors(board.conn, limit=chance.randint(1, 20))
    while outbox.advance_cursors(board.conn, limit=7):
        pass
    assert_deliveries_are_right(board)
    assert kb.check(board.conn) == []


def assert_deliveries_are_right(board: ABoard) -> None:
    """Told by folding the whole stream forwards, as the rule in the code does not."""
    facts: dict[str, dict[str, Any]] = {}
    live = subscriptions.list_subscriptions(board.conn, limit=10_000)
    wanted: dict[int, list[int]] = {sub.id: [] for sub in live}
    for event in kb.list_events(board.conn, limit=10_000):
        known = facts.setdefault(event.task_id or "", {})
        known |= event.payload.get("task", {})
        for sub in live:
            if sub.start_event_id < event.id <= sub.cursor and wants(sub, event, known):
                wanted[sub.id].append(event.id)
    for sub in live:
        assert [one.event_id for one in owed(board, sub.id)] == wanted[sub.id], sub


def wants(sub: kb.Subscription, event: kb.Event, known: dict[str, Any]) -> bool:
    asked = sub.filter or {}
    attention = event.kind in ("gave_up", "review_requested", "completed", "approved")
    attention |= event.kind == "triaged" and event.actor == "system"
    attention |= event.kind == "blocked" and known.get("block_kind") == "needs_input"
    attention |= event.kind == "archived" and known.get("completed_at") is None
    kinds = asked["kinds"]
    return (
        (sub.task_id in (None, event.task_id))
        and ("all" in kinds or event.kind in kinds or ("attention" in kinds and attention))
        and known.get("assignee") in asked.get("assignee", [known.get("assignee")])
        and known.get("tenant") in asked.get("tenant", [known.get("tenant")])
    )


def test_a_night_offline_is_caught_up_in_short_calls_and_little_memory(board: ABoard) -> None:
    """10,000 owed deliveries to two subscriptions, some behind a filter that reads histories."""
    subs = [
        subscribe(board, filter={"kinds": ["commented"]}),
        subscribe(board, filter={"kinds": ["commented"], "assignee": ["ann"]}),
    ]
    tasks = [board.create(assignee="ann", body="b" * 100_000) for _ in range(50)]
    with kb.batch(board.conn):
        for number in range(5_000):
            kb.add_comment(board.conn, tasks[number % 50], "hm")
    spent = [cpu_seconds(lambda: outbox.advance_cursors(board.conn)) for _ in range(5)]
    tracemalloc.start()
    try:
        while outbox.advance_cursors(board.conn):
            pass
        survey = outbox.survey_outbox(board.conn)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    spent.append(cpu_seconds(lambda: outbox.survey_outbox(board.conn)))
    assert len(survey.heads) == 2
    assert all(len(owed(board, sub_id)) == 5_000 for sub_id in subs)
    assert max(spent) < 0.5
    assert peak < 20 * 1024 * 1024


def cpu_seconds(call: Callable[[], object]) -> float:
    """What a call costs, whatever else the machine is doing."""
    before = time.thread_time()
    call()
    return time.thread_time() - before


@pytest.mark.stores("sqlite")
def test_no_question_scans_tasks_runs_or_events(board: ABoard) -> None:
    sub_id = subscribe(board, filter={"kinds": "all", "assignee": "ann"})
    task_id = board.create(assignee="ann")
    subscribe(board, task_id=task_id)
    kb.complete_task(board.conn, task_id)
    asked: list[str] = []
    board.conn.set_trace_callback(asked.append)
    outbox.advance_cursors(board.conn)
    outbox.survey_outbox(board.conn)
    outgoing = outbox.next_outgoing(board.conn, sub_id)
    assert outgoing is not None
    outbox.mark_retry(board.conn, outgoing.delivery.id, reason="later")
    outbox.list_outbox(board.conn, state="waiting", after=3)
    subscriptions.list_subscriptions(board.conn, task_id=task_id)
    board.conn.set_trace_callback(None)
    plans = [
        str(row[3])
        for sql in dict.fromkeys(asked)
        if sql.lstrip().upper().startswith(("SELECT", "WITH", "UPDATE", "INSERT"))
        for row in board.conn.execute(f"EXPLAIN QUERY PLAN {sql}")
    ]
    assert len(plans) > 20
    scans = [plan for plan in plans if plan.startswith("SCAN")]
    assert not [plan for plan in scans if plan.split()[1].startswith(("task", "t "))]
    # The first of an index, by LIMIT 1, is called a scan of that index.
    assert {plan for plan in scans if plan.split()[1] in ("d", "h", "deliveries")} <= {
        "SCAN d USING INDEX deliveries_waiting"
    }
    # From one waiting subscription to the next by one jump, however much each is owed.
    assert any("deliveries_waiting (sub_id>?)" in plan for plan in plans)
