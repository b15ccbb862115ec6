"""Subscriptions: what may be asked for, and which events match."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import matching, outbox, subscriptions
from hermes_kanban.model import InvalidInput, NotFound
from hermes_kanban.model.words import EVENT_KINDS
from hermes_kanban.notify.trial import send_test
from tests.support.boards import ABoard


def subscribe(board: ABoard, **keys: Any) -> int:
    return subscriptions.subscribe(board.conn, **({"destination": "log"} | keys))


def heard(board: ABoard, sub_id: int) -> list[str]:
    """The kinds of the events that match, from the subscription's start on."""
    sub = subscriptions.get_subscription(board.conn, sub_id)
    newest = kb.newest_event_id(board.conn)
    ids = matching.matching_event_ids(board.conn, sub, sub.start_event_id, newest)
    events = {event.id: event for event in kb.list_events(board.conn, limit=1_000)}
    return [events[one].kind for one in ids]


def quiet_hours(start: str, end: str, zone: str = "UTC") -> dict[str, str]:
    return {"from": start, "to": end, "zone": zone}


def test_it_starts_at_the_newest_event(board: ABoard) -> None:
    board.create()
    sub = subscriptions.get_subscription(board.conn, subscribe(board))
    assert sub.cursor == sub.start_event_id == kb.newest_event_id(board.conn)
    assert (sub.mode, sub.created_by, sub.ended_at) == ("notify", "person:tester", None)


def test_a_repeat_is_the_same_subscription_until_it_ends(board: ABoard) -> None:
    task_id = board.create()
    filters: list[dict[str, Any] | None] = [None, {"kinds": "attention"}, {"kinds": ["attention"]}]
    ids = {subscribe(board, task_id=task_id, filter=one) for one in filters}
    assert len(ids) == 1
    assert subscribe(board) not in ids
    assert subscribe(board, task_id=task_id, filter={"kinds": "all"}) not in ids
    (sub_id,) = ids
    assert subscriptions.unsubscribe(board.conn, sub_id) is True
    assert subscriptions.unsubscribe(board.conn, sub_id) is False
    assert subscribe(board, task_id=task_id) not in ids


def test_the_order_of_a_list_makes_no_other_subscription(board: ABoard) -> None:
    first = subscribe(board, filter={"kinds": ["completed", "blocked"], "assignee": ["b", "a"]})
    assert first == subscribe(
        board, filter={"assignee": ("a", "b"), "kinds": ["blocked", "completed"]}
    )


@pytest.mark.parametrize(
    ("keys", "field"),
    [
        ({"destination": ""}, "destination"),
        ({"destination": "pigeon:coop"}, "destination"),
        ({"destination": "log:there"}, "destination"),
        ({"destination": "command:"}, "destination"),
        ({"destination": "command:no-such-command-here"}, "destination"),
        ({"destination": "command:./here"}, "destination"),
        ({"destination": "command:/etc/passwd"}, "destination"),
        ({"destination": "command:sh 'open quote"}, "destination"),
        ({"destination": "command:sh -c 'a\nb'"}, "destination"),
        ({"destination": 7}, "destination"),
        ({"mode": "shout"}, "mode"),
        ({"mode": "wake"}, "options.wake"),
        ({"options": {"wake": "coder"}}, "options.wake"),
        ({"mode": "wake", "options": {"wake": "coder"}}, "destination"),
        ({"options": {"wake": "two words"}, "mode": "wake"}, "options.wake"),
        ({"options": {"inherit": True}}, "options.inherit"),
        ({"options": {"colour": "red"}}, "options"),
        ({"options": {"inherit": "yes"}}, "options"),
        ({"options": {"digest_seconds": 0}}, "options.digest_seconds"),
        ({"options": {"digest_seconds": 86_401}}, "options.digest_seconds"),
        ({"options": {"quiet": {"from": "22:00"}}}, "options"),
        ({"options": {"quiet": quiet_hours("24:00", "07:00")}}, "options.quiet.from"),
        ({"options": {"quiet": quiet_hours("22:00", "7:00")}}, "options.quiet.to"),
        ({"options": {"quiet": quiet_hours("22:00", "22:00")}}, "options.quiet.to"),
        ({"options": {"quiet": quiet_hours("22:00", "07:00", "Mars/Base")}}, "options.quiet.zone"),
        ({"options": {"quiet": quiet_hours("22:00", "07:00", "../passwd")}}, "options.quiet.zone"),
        ({"filter": {"colour": "red"}}, "filter"),
        ({"filter": ["completed"]}, "filter"),
        ({"filter": {"kinds": "finished"}}, "filter.kinds"),
        ({"filter": {"kinds": []}}, "filter.kinds"),
        ({"filter": {"assignee": 7}}, "filter.assignee"),
        ({"filter": {"tenant": "a b"}}, "filter.tenant"),
        ({"actor": "nobody"}, "actor"),
    ],
)
def test_what_cannot_be_is_refused_with_one_line(
    board: ABoard, keys: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        subscribe(board, **keys)
    assert refusal.value.field == field
    assert "\n" not in str(refusal.value)
    assert subscriptions.list_subscriptions(board.conn, live_only=False) == []


@pytest.mark.parametrize("keys", [{"task_id": "t_none"}, {"filter": {"tasks": ["t_none"]}}])
def test_an_unknown_task_is_not_found(board: ABoard, keys: dict[str, Any]) -> None:
    with pytest.raises(NotFound):
        subscribe(board, **keys)


def test_a_command_is_stored_by_the_path_that_was_checked(board: ABoard, tmp_path: Path) -> None:
    tool = tmp_path / "a tool"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o700)
    sub_id = subscribe(board, destination=f" command: {shlex.quote(str(tool))} --flag 'two words' ")
    stored = subscriptions.get_subscription(board.conn, sub_id).destination
    assert shlex.split(stored.removeprefix("command:")) == [str(tool), "--flag", "two words"]
    found = subscribe(board, destination="command:sh")
    program = subscriptions.get_subscription(board.conn, found).destination
    assert os.path.isabs(program.removeprefix("command:"))


def test_by_default_only_what_needs_a_person_or_ends_a_task(board: ABoard) -> None:
    sub_id = subscribe(board)
    done, asks, waits, dropped = (board.create(title) for title in ("a", "b", "c", "d"))
    run = board.claim(done)
    kb.request_review(board.conn, done, run_id=run.id, claim_lock=run.claim_lock)
    kb.approve_task(board.conn, done)
    kb.block_task(board.conn, asks, reason="which one?")
    kb.unblock_task(board.conn, asks, reason="the blue one")
    kb.block_task(board.conn, waits, reason="the network", kind="transient")
    kb.add_comment(board.conn, waits, "hm")
    kb.complete_task(board.conn, waits)
    kb.archive_task(board.conn, waits)
    kb.archive_task(board.conn, dropped)
    kb.triage_task(board.conn, asks)
    assert heard(board, sub_id) == [
        "review_requested",
        "approved",
        "blocked",
        "completed",
        "archived",
    ]


def test_the_breaker_and_a_third_block_are_told_once_each(board: ABoard) -> None:
    sub_id = subscribe(board)
    board.configure(max_retries=0)
    loops, breaks = board.create("loops"), board.create("breaks")
    for _ in range(3):
        run = board.claim(loops)
        kb.block_task(board.conn, loops, reason="stuck", run_id=run.id, claim_lock=run.claim_lock)
        if board.task(loops).status == "blocked":
            kb.unblock_task(board.conn, loops)
    run = board.start(breaks)
    board.processes.vanish(run.worker_pid or 0)
    kb.detect_crashed_workers(board.conn, board.processes)
    assert heard(board, sub_id) == ["blocked", "blocked", "triaged", "gave_up"]


def test_the_assignee_counts_as_it_was_when_the_event_happened(board: ABoard) -> None:
    sub_id = subscribe(board, filter={"kinds": "all", "assignee": "ann"})
    task_id = board.create(assignee="ann")
    kb.add_comment(board.conn, task_id, "for ann")
    kb.assign_task(board.conn, task_id, "bob")
    kb.add_comment(board.conn, task_id, "for bob")
    kb.assign_task(board.conn, task_id, "ann")
    kb.assign_task(board.conn, task_id, None)
    assert heard(board, sub_id) == ["created", "commented", "assigned"]


def test_the_tenant_counts_as_it_was_when_the_event_happened(board: ABoard) -> None:
    sub_id = subscribe(board, filter={"kinds": ["edited", "completed"], "tenant": ["a", "b"]})
    task_id = board.create()
    kb.edit_task(board.conn, task_id, tenant="a")
    kb.edit_task(board.conn, task_id, title="other")
    kb.edit_task(board.conn, task_id, tenant="c")
    kb.complete_task(board.conn, task_id)
    assert heard(board, sub_id) == ["edited", "edited"]


def test_a_task_and_its_reopening(board: ABoard) -> None:
    task_id, other = board.create(), board.create()
    sub_id = subscribe(board, task_id=task_id)
    for _ in range(2):
        kb.complete_task(board.conn, task_id)
        kb.reopen_task(board.conn, task_id)
    kb.complete_task(board.conn, other)
    assert heard(board, sub_id) == ["completed", "completed"]


def test_several_tasks_by_filter(board: ABoard) -> None:
    ids = [board.create() for _ in range(3)]
    sub_id = subscribe(board, filter={"tasks": ids[:2]})
    for task_id in ids:
        kb.complete_task(board.conn, task_id)
    assert heard(board, sub_id) == ["completed", "completed"]


def test_board_events_go_to_whoever_asked_for_them_board_wide(board: ABoard) -> None:
    task_id = board.create()
    wide = subscribe(board, filter={"kinds": ["paused", "resumed"]})
    every = subscribe(board, filter={"kinds": "all"})
    of_task = subscribe(board, task_id=task_id, filter={"kinds": "all"})
    of_profile = subscribe(board, filter={"kinds": "all", "assignee": "ann"})
    default = subscribe(board)
    kb.pause(board.conn)
    kb.resume(board.conn)
    assert heard(board, wide) == heard(board, every) == ["paused", "resumed"]
    assert heard(board, of_task) == heard(board, of_profile) == heard(board, default) == []


def test_matches_says_the_same_event_by_event(board: ABoard) -> None:
    """The public question and the stream agree, for every kind of filter."""
    filters: list[dict[str, Any]] = [
        {},
        {"kinds": "all"},
        {"assignee": "ann", "kinds": ["created", "attention"]},
        {"tenant": "a", "kinds": "all"},
    ]
    subs = [subscribe(board, filter=one) for one in filters]
    first = board.create(assignee="ann", tenant="a")
    kb.assign_task(board.conn, first, "bob")
    kb.block_task(board.conn, first, reason="why?")
    kb.complete_task(board.conn, board.create(assignee="ann"))
    kb.archive_task(board.conn, board.create(tenant="a"))
    kb.pause(board.conn)
    histories = matching.Histories(board.conn)
    events = kb.list_events(board.conn, limit=1_000)
    for sub_id in subs:
        sub = subscriptions.get_subscription(board.conn, sub_id)
        asked = [
            event.id
            for event in events
            if matching.matches(
                sub, event, (event.task_id and histories.at(event.task_id, event.id)) or None
            )
        ]
        streamed = matching.matching_event_ids(board.conn, sub, 0, events[-1].id)
        assert asked == list(streamed)


def test_every_kind_can_be_asked_for(board: ABoard) -> None:
    for kind in sorted(EVENT_KINDS):
        subscribe(board, filter={"kinds": kind})
    assert len(subscriptions.list_subscriptions(board.conn)) == len(EVENT_KINDS)


def test_pages_by_id_and_of_one_task(board: ABoard) -> None:
    task_id = board.create()
    ids = [subscribe(board, filter={"kinds": one}) for one in ("created", "edited", "linked")]
    ids.append(subscribe(board, task_id=task_id))
    subscriptions.unsubscribe(board.conn, ids[1])
    live = subscriptions.list_subscriptions(board.conn)
    assert [one.id for one in live] == [ids[0], ids[2], ids[3]]
    page = subscriptions.list_subscriptions(board.conn, live_only=False, after=ids[0], limit=2)
    assert [one.id for one in page] == ids[1:3]
    of_task = subscriptions.list_subscriptions(board.conn, task_id=task_id)
    assert [one.id for one in of_task] == [ids[3]]


def test_what_an_ended_subscription_waited_for_is_given_up(board: ABoard) -> None:
    sub_id = subscribe(board, filter={"kinds": "created"})
    board.create()
    outbox.advance_cursors(board.conn)
    subscriptions.unsubscribe(board.conn, sub_id)
    board.create()
    outbox.advance_cursors(board.conn)
    (delivery,) = outbox.list_outbox(board.conn)
    assert (delivery.state, delivery.reason) == ("dead", "its subscription ended")
    with pytest.raises(InvalidInput, match="ended"):
        outbox.retry_delivery(board.conn, delivery.id)


def test_what_wakes_has_no_message_to_try(board: ABoard) -> None:
    sub_id = subscribe(board, destination=None, mode="wake", options={"wake": "planner"})
    with pytest.raises(kb.KanbanError, match="sends no message"):
        send_test(board.conn, sub_id)
